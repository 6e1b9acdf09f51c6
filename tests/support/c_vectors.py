"""The golden vectors as one C99 translation unit, for this machine and for targets without an operating system.

    int32_t anom_vectors(void);                      0, or the 1-based number of the first case that fails
    int32_t anom_vectors_count(void);                how many cases there are
    const char *anom_vectors_name(int32_t number);   "stem: name of the case"

Cases are constants; what they write goes to one static buffer of 12 KiB, which also notices a stage that writes beyond
what it was given. It needs the headers of the port, and memcpy, memmove and memset as the port does.
"""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from anomsdk.cport.fields import Blocks, Constant
from tests.support.make import ROOT
from tests.support.stems import FRAGMENTS, STEMS, VECTORS, Json, module_of
from tests.support.stems.sections import Address, Size, Symbol

HEADERS = (ROOT / "firmware_port/include", ROOT / "firmware_port/src")
HEAD = """\
/* Golden vectors: generated from tests/vectors. Do not edit. */
#include <stddef.h>
#include <stdint.h>

int32_t anom_vectors(void);
int32_t anom_vectors_count(void);
const char *anom_vectors_name(int32_t number);
"""


def load() -> dict[str, Json]:
    """The vectors of each stem, as their files hold them."""
    return {stem: json.loads((VECTORS / f"{stem}.json").read_text(encoding="utf-8")) for stem in STEMS}


def c_source(stems: Sequence[str] | None = None, vectors: Mapping[str, Json] | None = None) -> str:
    """The translation unit.

    Parameters
    ----------
    stems : those to put in, in this order; all by default
    vectors : as `load` gives them, which is the default
    """
    chosen, vectors = STEMS if stems is None else stems, vectors or load()
    fragments = list(dict.fromkeys(_fragment(stem) for stem in chosen))
    texts = [(FRAGMENTS / f"{name}.c").read_text(encoding="utf-8") for name in ("common", *fragments)]
    constants = _Constants({**_structs_of_headers(), **_structs(texts)})
    tables = [_cases(constants, stem, vectors[stem]["cases"]) for stem in chosen]
    names = _names(chosen, vectors)
    return "\n".join([HEAD, *texts, constants.text(), *tables, names, _run(chosen), ""])


def _fragment(stem: str) -> str:
    return getattr(module_of(stem), "FRAGMENT", stem)


def _cases(constants: _Constants, stem: str, cases: Json) -> str:
    module, name = module_of(stem), f"{_fragment(stem)}_case"
    made = [constants.struct(name, module.c_case(case["given"], case["expect"])) for case in cases]
    return _definition(f"static const {name} {stem}_cases[]", made)


def _names(stems: Sequence[str], vectors: Mapping[str, Json]) -> str:
    names = [json.dumps(f"{stem}: {case['name']}") for stem in stems for case in vectors[stem]["cases"]]
    lines = ",\n    ".join(names)
    return f"""static const char *const case_names[] = {{
    {lines},
}};

int32_t anom_vectors_count(void)
{{
    return (int32_t)(sizeof case_names / sizeof case_names[0]);
}}

const char *anom_vectors_name(int32_t number)
{{
    return number >= 1 && number <= anom_vectors_count() ? case_names[number - 1] : "";
}}
"""


def _run(stems: Sequence[str]) -> str:
    loops = "".join(
        f"""    for (size_t i = 0; i < sizeof {stem}_cases / sizeof {stem}_cases[0]; i++) {{
        number++;
        before_case();
        if (!run_{_fragment(stem)}(&{stem}_cases[i]) || !after_case()) return number;
    }}
"""
        for stem in stems
    )
    return f"int32_t anom_vectors(void)\n{{\n    int32_t number = 0;\n{loops}    return 0;\n}}"


class _Field:
    """A member of a struct: `const int16_t *window_q15`, `uint8_t id[32]`, `anom_fft_plan fft`."""

    def __init__(self, declaration: str) -> None:
        self.type, pointer, self.name, size = re.fullmatch(
            r"(?:const )?(?:struct )?(\w+) (\*?)(\w+)(\[\w*\])?(?: : \d+)?", declaration
        ).groups()
        self.is_pointer, self.is_array = bool(pointer), bool(size)


def _structs(texts: Sequence[str]) -> dict[str, dict[str, _Field]]:
    """The members of every struct in these sources."""
    found = {}
    for text in texts:
        plain = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
        for tag, body, name in re.findall(r"\bstruct\s*(\w*)\s*\{([^{}]*)\}\s*(\w*)", plain):
            declarations = [" ".join(d.split()) for d in body.split(";") if d.strip()]
            if "(" not in body:
                found[name or tag] = {field.name: field for field in map(_Field, declarations)}
    return found


def _structs_of_headers() -> dict[str, dict[str, _Field]]:
    return _structs([path.read_text(encoding="utf-8") for folder in HEADERS for path in sorted(folder.glob("*.h"))])


class _Constants:
    """Constant arrays and structs, each of them once; text of C for values of them."""

    def __init__(self, structs: Mapping[str, Mapping[str, _Field]]) -> None:
        self._structs = structs
        self._names: dict[tuple[str, str], str] = {}
        self._definitions: list[str] = []

    def text(self) -> str:
        return "\n".join(self._definitions)

    def struct(self, name: str, values: Mapping[str, Any]) -> str:
        """An initialiser; what is not named, or None, is 0."""
        fields = self._structs[name]
        parts = [f".{key} = {self._member(fields[key], value)}" for key, value in values.items() if value is not None]
        return "{" + ", ".join(parts) + "}"

    def _member(self, field: _Field, value: Any) -> str:
        if isinstance(value, Symbol):
            return f"&{value.name}"
        if isinstance(value, Size):
            return f"sizeof({value.of})"
        if isinstance(value, Constant):
            return value.name
        if isinstance(value, Blocks):
            return self._array(field.type, value.array.tolist())
        if isinstance(value, Address):
            return self._array(value.type, [value.fields])
        if field.is_pointer:
            return self._array(field.type, value)
        if field.is_array:
            return "{" + ", ".join(self._value(field.type, item) for item in value) + "}"
        return self._value(field.type, value)

    def _array(self, ctype: str, values: Sequence[Any]) -> str:
        """The name of a constant array; an empty one has an element that nobody reads."""
        items = [self._value(ctype, value) for value in values] or ["{0}" if ctype in self._structs else "0"]
        key = ctype, ", ".join(items)
        if key not in self._names:
            self._names[key] = f"c{len(self._names)}"
            self._definitions.append(_definition(f"static const {ctype} {self._names[key]}[] ALIGNED", items))
        return self._names[key]

    def _value(self, ctype: str, value: Any) -> str:
        if ctype == "anom_weights":
            return f"ANOM_WEIGHTS({', '.join(map(str, value))})"
        if ctype in self._structs:
            named = value if isinstance(value, Mapping) else dict(zip(self._structs[ctype], value, strict=True))
            return self.struct(ctype, named)
        if value == -(2**31):
            return "-2147483647 - 1"
        return f"{int(value)}U" if value > 2**31 - 1 and ctype == "uint32_t" else str(int(value))


def _definition(declaration: str, items: Sequence[str]) -> str:
    body = textwrap.fill(", ".join(items), 118, initial_indent="    ", subsequent_indent="    ", break_long_words=False)
    return f"{declaration} = {{\n{body},\n}};\n"
