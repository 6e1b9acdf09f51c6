"""Mutants of the C port: one small change at a time, and a program that must notice it.

    python -m tests.support.mutants [file ...]      all mutants of these sources, or of all; `make mutants`

A mutant is killed by the golden vectors or by tests/c/streams.c: a difference, an error, a crash, or no end. One that
compiles to the same machine code is none. What survives must stand in tests/support/mutants_survivors.py, with a reason.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from threading import Lock, get_ident

from tests.support import c_streams, c_vectors
from tests.support.c_build import C_PROGRAMS, HEADERS, PORT, SOURCES
from tests.support.c_text import without_comments
from tests.support.mutants_survivors import SURVIVORS

MUTATED = [*SOURCES, PORT / "src" / "anom_fixed.h"]
MISTAKES = ("-Werror=int-conversion", "-Werror=incompatible-pointer-types")
"""No compiler takes these: such a mutant is none."""
SECONDS, TIMES = 20, 10
"""A mutant may run this many seconds, and this many times as long as the port does, or it never ends."""


@dataclass(frozen=True)
class Mutant:
    """A change of the text of one file, within one line or over a few."""

    path: Path
    start: int
    end: int
    new: str

    def text(self) -> str:
        """The whole file, changed."""
        text = self.path.read_text(encoding="utf-8")
        return text[: self.start] + self.new + text[self.end :]

    def key(self) -> tuple[str, str, str]:
        """File, function and mutation: what the table of survivors says.

        Comments and line breaks are no part of it, so that they can change, and a statement can move within its function.
        The second of two that a function would name alike has " (2)" behind it, and so on.
        """
        text = self.path.read_text(encoding="utf-8")
        place = _places(self.path, text).get(self, 1)
        behind = f" ({place})" if place > 1 else ""
        function, mutation = _name(self, text)
        return self.path.name, function, mutation + behind

    def line(self) -> int:
        return self.path.read_text(encoding="utf-8").count("\n", 0, self.start) + 1


def _name(mutant: Mutant, text: str) -> tuple[str, str]:
    """Function and mutation."""
    return function_at(text, mutant.start), mutation_at(text, mutant.start, mutant.end, mutant.new)


@cache
def _places(path: Path, text: str) -> dict[Mutant, int]:
    """Place of each mutant of a file among those of the same name, in the order of the text."""
    seen: Counter[tuple[str, str]] = Counter()
    found = {}
    for mutant in mutants_of(path):
        name = _name(mutant, text)
        seen[name] += 1
        found[mutant] = seen[name]
    return found


# What is changed

TOKEN = re.compile(r"[A-Za-z_]\w*|0x[0-9A-Fa-f]+|\d+[uU]?|<<=|>>=|->|\+\+|--|<<|>>|[-+*/%&|^<>=!]=|&&|\|\||[^\s\w]")
TYPE = re.compile(
    r"void|const|static|inline|struct|(?:u?int\d+|size|ptrdiff|uintptr)_t|anom_\w+|gathered|sizes|shares|twiddle_q15"
)
INSTEAD = {
    "+": "-", "-": "+", "*": "+", "/": "*", "%": "*", "<<": ">>", ">>": "<<", "&": "|", "|": "&", "^": "|",
    "+=": "-=", "-=": "+=", "*=": "+=", "|=": "&=", "&=": "|=", "^=": "|=", ">>=": "<<=", "<<=": ">>=",
    "++": "--", "--": "++", "&&": "||", "||": "&&",
    "<": "<= >", "<=": "< >", ">": ">= <", ">=": "> <", "==": "!=", "!=": "==", "!": "", "~": "",
}  # fmt: skip
"""Operator -> what stands there instead, one mutant for each."""
UNARY = ("-", "*", "&", "+")


@dataclass(frozen=True)
class Token:
    text: str
    start: int
    end: int
    depth: int  # of ( and [


@cache
def tokens_of(text: str) -> list[Token]:
    """Tokens outside of comments and directives; of `#define NAME 12` the number."""
    plain = without_comments(text)
    plain = re.sub(r"^#define \w+ (?=\d)", lambda m: " " * len(m[0]), plain, flags=re.M)
    plain = re.sub(r"^#.*$", lambda m: " " * len(m[0]), plain, flags=re.M)
    plain = re.sub(r"__asm__.*", lambda m: " " * len(m[0]), plain)
    found, depth = [], 0
    for match in TOKEN.finditer(plain):
        depth -= match[0] in ")]"
        found.append(Token(match[0], match.start(), match.end(), depth))
        depth += match[0] in "(["
    return found


def mutants_of(path: Path) -> list[Mutant]:
    """All mutants of a file, in the order of its text, each text once."""
    text = path.read_text(encoding="utf-8")
    tokens = tokens_of(text)
    changes = [
        *_operators(tokens),
        *_numbers(tokens),
        *_conditions(tokens, text),
        *_statements(tokens),
        *_swaps(tokens, text),
    ]
    unique = {(start, end, new) for start, end, new in changes if text[start:end] != new}
    return [Mutant(path, start, end, new) for start, end, new in sorted(unique)]


Change = tuple[int, int, str]


def _operators(tokens: list[Token]) -> Iterator[Change]:
    for i, token in enumerate(tokens):
        if token.text not in INSTEAD:
            continue
        if token.text in UNARY and _is_unary(tokens, i):
            if token.text == "-" and not tokens[i + 1].text[0].isdigit():
                yield token.start, token.end, ""
            continue
        for new in INSTEAD[token.text].split(" "):
            yield token.start, token.end, new


def _is_unary(tokens: list[Token], i: int) -> bool:
    """Whether - * & at i have no left operand, or belong to a type."""
    before = tokens[i - 1]
    if before.text == ")":
        opening = _opening(tokens, i - 1)
        return all(TYPE.fullmatch(t.text) or t.text == "*" for t in tokens[opening + 1 : i - 1])
    if before.text in ("]",) or before.text[0].isdigit():
        return False
    return (
        not before.text[0].isalpha() or bool(TYPE.fullmatch(before.text)) or before.text in ("return", "case", "sizeof")
    )


def _opening(tokens: list[Token], closing: int) -> int:
    return next(j for j in range(closing - 1, -1, -1) if tokens[j].depth == tokens[closing].depth)


def _closing(tokens: list[Token], opening: int) -> int:
    return next(j for j in range(opening + 1, len(tokens)) if tokens[j].depth == tokens[opening].depth)


def _numbers(tokens: list[Token]) -> Iterator[Change]:
    for i, token in enumerate(tokens):
        if not token.text[0].isdigit() or _is_array_size(tokens, i):
            continue
        suffix = "u" if token.text[-1] in "uU" else ""
        value = int(token.text.rstrip("uU"), 0)
        for new in (value + 1, value - 1):
            yield token.start, token.end, f"{new}{suffix}" if new >= 0 else "(-1)"


def _is_array_size(tokens: list[Token], i: int) -> bool:
    """In a declaration: a larger array is no change."""
    return tokens[i - 1].text == "[" and (bool(TYPE.fullmatch(tokens[i - 3].text)) or tokens[i - 3].text == "*")


def _conditions(tokens: list[Token], text: str) -> Iterator[Change]:
    """A condition the other way round, or always the same."""
    for i, token in enumerate(tokens):
        if token.text in ("if", "while"):
            start, end = tokens[i + 1].end, tokens[_closing(tokens, i + 1)].start
        elif token.text == "?":
            start, end = _ternary(tokens, i), tokens[i - 1].end
        else:
            continue
        yield start, end, f"!({text[start:end]})"
        if token.text != "while":
            yield start, end, "0"
            yield start, end, "1"


def _ternary(tokens: list[Token], i: int) -> int:
    """Where the condition of the ? at i starts."""
    j = i - 1
    ends = ("=", "return", ",", "?", ":", "{", "}", ";", "+=", "-=", "|=")
    while tokens[j].depth >= tokens[i].depth and not (tokens[j].depth == tokens[i].depth and tokens[j].text in ends):
        j -= 1
    return tokens[j + 1].start


def _statements(tokens: list[Token]) -> Iterator[Change]:
    """A statement less."""
    start = 0
    for i, token in enumerate(tokens):
        if token.text == ";" and token.depth == 0:
            first = tokens[start]
            is_declaration = TYPE.fullmatch(first.text) and tokens[start + 1].text != "("
            if (
                first.text not in ("return", "typedef", "switch", "case", "default")
                and not is_declaration
                and start < i
            ):
                yield first.start, tokens[i - 1].end, ""
            start = i + 1
        elif token.depth == 0 and (token.text in "{}" or token.text == "else"):
            start = i + 1
        elif token.depth == 0 and token.text in ("if", "for", "while", "switch"):
            start = _closing(tokens, i + 1) + 1
        elif token.depth == 0 and token.text == ":" and tokens[start].text in ("case", "default"):
            start = i + 1


def _swaps(tokens: list[Token], text: str) -> Iterator[Change]:
    """Neighbouring arguments of a call, the other way round."""
    for i, token in enumerate(tokens[:-1]):
        if (
            tokens[i + 1].text != "("
            or not token.text[0].isalpha()
            or token.text in ("if", "for", "while", "switch", "sizeof")
        ):
            continue
        if tokens[i + 2].text == ")" or (TYPE.fullmatch(tokens[i + 2].text) and tokens[i + 3].text != "("):
            continue  # no arguments, or parameters
        closing = _closing(tokens, i + 1)
        commas = [j for j in range(i + 2, closing) if tokens[j].text == "," and tokens[j].depth == token.depth + 1]
        edges = [i + 1, *commas, closing]
        spans = [(tokens[a + 1].start, tokens[b - 1].end) for a, b in pairwise(edges)]
        for (a, b), (c, d) in pairwise(spans):
            yield a, d, text[c:d] + text[b:c] + text[a:b]


# How a mutant is named

CONTEXT = 8
"""Tokens of the statement that stand before and behind the change in its name."""


@cache
def definitions_of(text: str) -> list[tuple[int, str]]:
    """Where each function, table, constant and struct of a file begins, and its name."""
    plain, found = _plain(text), []
    for match in DEFINED.finditer(plain):
        name = next(filter(None, match.groups()), "") or re.compile(r"^\} (\w+);", re.M).search(plain, match.end())[1]
        found.append((match.start(), name))
    return found


def function_at(text: str, at: int) -> str:
    """Name of the function, table, constant or struct in which a position lies; empty where it lies in none."""
    return next((name for start, name in reversed(definitions_of(text)) if start <= at), "")


DEFINED = re.compile(r"^#define (\w+)|^[A-Za-z][^\n;={]*?\b(\w+)(?:\(|(?:\[\w*\])* = )|^typedef struct (\w*)", re.M)
"""What begins at the start of a line, with its name; an anonymous struct has its name at its end."""


def mutation_at(text: str, start: int, end: int, new: str) -> str:
    """The statement around a change, which stands there as ``[old => new]``; a long statement is shortened."""
    tokens = tokens_of(text)
    first = next(i for i, token in enumerate(tokens) if token.end > start)
    last = max(i for i, token in enumerate(tokens) if token.start < end)
    begin, beyond = first, last + 1
    while begin > 0 and first - begin < CONTEXT and not _apart(tokens[begin - 1], tokens[begin], text):
        begin -= 1
    while beyond < len(tokens) and beyond - last <= CONTEXT and not _apart(tokens[beyond - 1], tokens[beyond], text):
        beyond += 1
    plain = _plain(text)
    parts = plain[tokens[begin].start : start], plain[start:end], new, plain[end : tokens[beyond - 1].end]
    before, old, changed, behind = map(_in_one_line, parts)
    return f"{before}[{old} => {changed}]{behind}".strip()


def _in_one_line(text: str) -> str:
    """Text of C without comments and line breaks."""
    return re.sub(r"(?<=[(\[]) | (?=[)\],;])", "", re.sub(r"\s+", " ", without_comments(text)))


_plain = cache(without_comments)


def _apart(before: Token, after: Token, text: str) -> bool:
    """Whether a statement ends between two neighbouring tokens."""
    ends = any(token.depth == 0 and token.text in (";", "{", "}") for token in (before, after))
    line = text[text.rfind("\n", 0, before.start) + 1 : after.start]
    return ends or "\n#" in line or (line.startswith("#") and "\n" in line)


# Whether it is noticed

FIRST = ("-O1", "-DANOM_PORTABLE", "-DANOM_TAP", "-DVECTORS", *MISTAKES)
SECOND = (*FIRST, "-DSECONDS=20", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
WIDE = "#elif UINTPTR_MAX > 0xFFFFFFFF"


class Workshop:
    """Everything compiled once, so that a mutant takes one compilation, one link and one run.

    Parameters
    ----------
    folder : new, or empty
    data : what `write_data` made
    flags : of the compiler
    narrow : what a 32-bit processor compiles, on this machine
    """

    def __init__(self, folder: Path, data: list[Path], flags: tuple[str, ...], *, narrow: bool = False) -> None:
        folder.mkdir()
        self._folder, self._flags, self._narrow = folder, flags, narrow
        self._port = folder / "port"
        self._port.mkdir()
        for path in (*SOURCES, *HEADERS):
            (self._port / path.name).write_text(self._seen(path.read_text(encoding="utf-8")))
        self._sources = {path.stem: path for path in (*sorted(self._port.glob("*.c")), *data)}
        self._base = {stem: folder / f"{stem}.o" for stem in self._sources}
        for stem, source in self._sources.items():
            self._compile(source, self._base[stem], check=True)
        self._rest: dict[str, Path] = {}
        for path in MUTATED:
            rest = [made for stem, made in self._base.items() if stem not in self._concerned(path)]
            self._rest[path.name] = folder / f"rest_{path.name}.o"
            subprocess.run(["gcc", "-r", "-nostdlib", *rest, "-o", self._rest[path.name]], check=True)
        program, began = self._link(folder, [*self._base.values()]), time.monotonic()
        done = subprocess.run([program], capture_output=True, text=True)
        assert done.returncode == 0, f"without a mutant: {done.stdout}{done.stderr}"
        self._limit = SECONDS + TIMES * (time.monotonic() - began)

    def judge(self, mutant: Mutant) -> str:
        """killed, survived, same (machine code) or invalid (C)."""
        folder = self._folder / f"worker_{get_ident()}"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        changed = folder / mutant.path.name
        changed.write_text(self._seen(mutant.text()))
        made = []
        for stem in self._concerned(mutant.path):
            source = changed
            if stem != mutant.path.stem or mutant.path.suffix == ".h":  # "..." is looked for beside the source
                source = folder / f"{stem}.c"
                source.write_bytes(self._sources[stem].read_bytes())
            made.append(folder / f"{stem}.o")
            if not self._compile(source, made[-1]):
                return "invalid"
        if all(target.read_bytes() == self._base[target.stem].read_bytes() for target in made):
            return "same"
        program = self._link(folder, [*made, self._rest[mutant.path.name]])
        try:
            done = subprocess.run([program], capture_output=True, timeout=self._limit)
        except subprocess.TimeoutExpired:
            return "killed"
        return "killed" if done.returncode else "survived"

    def _seen(self, text: str) -> str:
        return text.replace(WIDE, "#elif 0") if self._narrow else text

    def _concerned(self, path: Path) -> list[str]:
        """Stems of the objects that a file is compiled into."""
        if path.suffix == ".c":
            return [path.stem]
        using = [source for source in SOURCES if f'#include "{path.name}"' in source.read_text(encoding="utf-8")]
        return [*(source.stem for source in using), "vectors"]

    def _compile(self, source: Path, target: Path, *, check: bool = False) -> bool:
        includes = [f"-I{folder}" for folder in (source.parent, self._port, C_PROGRAMS)]
        command = ["gcc", "-std=c99", *self._flags, *includes, "-c", source, "-o", target]
        return subprocess.run(command, capture_output=True, check=check).returncode == 0

    def _link(self, folder: Path, objects: list[Path]) -> Path:
        subprocess.run(["gcc", *self._flags, *objects, "-o", folder / "program"], check=True)
        return folder / "program"


class Court:
    """Two chances to notice a mutant: as it is, then with sanitizers and as a 32-bit processor computes.

    Parameters
    ----------
    folder : without folders first and second
    data : what `write_data` made
    """

    def __init__(self, folder: Path, data: list[Path]) -> None:
        self._first = Workshop(folder / "first", data, FIRST)
        self._lock, self._later = Lock(), lambda: Workshop(folder / "second", data, SECOND, narrow=True)
        self._second: Workshop | None = None

    def judge(self, mutant: Mutant) -> str:
        """killed, survived, same (machine code) or invalid (C)."""
        fate = self._first.judge(mutant)
        if fate not in ("survived", "same"):
            return fate
        with self._lock:
            self._second = self._second or self._later()
        again = self._second.judge(mutant)
        return again if again == "killed" else fate


def write_data(folder: Path) -> list[Path]:
    """The program: its sources beside the port."""
    (folder / "data").mkdir()
    vectors = folder / "data" / "vectors.c"
    vectors.write_text(c_vectors.c_source())
    programs = [folder / "data" / name for name in ("streams.c", "uses.c")]
    for program in programs:
        program.write_bytes((C_PROGRAMS / program.name).read_bytes())
    return [*c_streams.write(folder / "data"), vectors, *programs]


def judged(mutants: list[Mutant], court: Court) -> Iterator[tuple[Mutant, str]]:
    """Each mutant and what became of it."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        yield from zip(mutants, pool.map(court.judge, mutants), strict=True)


def report(found: list[tuple[Mutant, str]]) -> str:
    """A line a file, and a total."""
    rows = []
    for name in [*dict.fromkeys(mutant.path.name for mutant, _ in found), "all"]:
        n = Counter(fate for mutant, fate in found if name in (mutant.path.name, "all"))
        counted = n["killed"] + n["survived"]
        share = 100 * n["killed"] / counted if counted else 100
        rows.append(
            f"{name:22} {counted:6} {n['killed']:6} {n['survived']:8} {share:6.1f} %  {n['same']:5} {n['invalid']:7}"
        )
    return "\n".join([f"{'':22} {'mutants':>6} {'killed':>5} {'survived':>7} {'':8}   same invalid", *rows])


def unexplained(found: list[tuple[Mutant, str]]) -> list[str]:
    """Survivors that the table does not know."""
    survivors = [mutant for mutant, fate in found if fate == "survived" and mutant.key() not in SURVIVORS]
    return [f"{m.path.name}:{m.line()}: {m.key()[1]}: {m.key()[2]}" for m in survivors]


def outdated(found: list[tuple[Mutant, str]]) -> list[str]:
    """Entries of the table for the files judged that no survivor needs."""
    alive = {mutant.key() for mutant, fate in found if fate == "survived"}
    files = {mutant.path.name for mutant, _ in found}
    return [": ".join(key) for key in SURVIVORS if key[0] in files and key not in alive]


def main() -> int:
    """Judge all mutants of the files named."""
    parser = argparse.ArgumentParser(description="Mutants of the C port")
    parser.add_argument("files", nargs="*", help="names in firmware_port/src; all by default")
    names = parser.parse_args().files
    if shutil.which("gcc") is None:
        parser.error("there is no gcc on this machine")
    paths = [path for path in MUTATED if not names or path.name in names]
    mutants = [mutant for path in paths for mutant in mutants_of(path)]
    began, found = time.monotonic(), []
    with tempfile.TemporaryDirectory() as folder:
        for each in judged(mutants, Court(Path(folder), write_data(Path(folder)))):
            found.append(each)
            if len(found) % 200 == 0:
                print(f"{len(found)} of {len(mutants)}, {time.monotonic() - began:.0f} s", file=sys.stderr)
    print(report(found))
    problems = [f"survived: {line}" for line in unexplained(found)]
    problems += [f"no longer survives: {line}" for line in outdated(found)]
    print("\n".join(problems))
    return bool(problems)


if __name__ == "__main__":
    sys.exit(main())
