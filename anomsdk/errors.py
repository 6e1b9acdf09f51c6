"""The two exceptions of the package: what came in is wrong, or what was checked does not hold."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

MOST_LINES = 20
"""Of several files that cannot be used, so many are named."""


class InputError(ValueError):
    """Something that was handed in cannot be used: a file, a plan, a spec, a block of samples.

    The message is one line: what is wrong, where, and what to do.
    The command line prints it and exits with status 2.
    """


class UnusableInputsError(InputError):
    """Several inputs cannot be used: all of them are named at once.

    Parameters
    ----------
    lines : one for each, as of an `InputError`
    hint : what to do about them, if there is more to say than the lines do

    Examples
    --------
    >>> print(UnusableInputsError(["a.wav: is empty; record it again", "b.wav: is empty; record it again"]))
    a.wav: is empty; record it again (and 1 more input that cannot be used)
    """

    def __init__(self, lines: Iterable[str], hint: str | None = None) -> None:
        self.lines, self.hint = tuple(lines), hint
        n = len(self.lines) - 1
        super().__init__(f"{self.lines[0]} (and {n:,} more input{'s' * (n > 1)} that cannot be used)")

    def shown(self) -> list[str]:
        """The lines, at most 20 of them, and what to do about them."""
        n = len(self.lines)
        more = [f"and {n - MOST_LINES:,} more"] if n > MOST_LINES else []
        hint = "" if self.hint is None else f"; {self.hint}"
        return [*self.lines[:MOST_LINES], *more, f"{n:,} inputs cannot be used{hint}"]


def refusing_all(lines: Iterable[str], hint: str | None = None) -> InputError:
    """The exception that names all of these: one line as an `InputError`, several as `UnusableInputsError`."""
    each = tuple(dict.fromkeys(lines))
    if len(each) > 1:
        return UnusableInputsError(each, hint)
    return InputError(each[0] if hint is None else f"{each[0]}; {hint}")


SKIP_HINT, SKIP_ALL_HINT = "--skip-bad leaves it out", "--skip-bad leaves them out"
"""Ends the message on recordings that cannot be read, of commands that can go on without them."""


def unreadable(lines: Iterable[str]) -> InputError:
    """The exception that names recordings that cannot be read, all of them, and the way out."""
    each = tuple(dict.fromkeys(lines))
    return refusing_all(each, SKIP_HINT if len(each) == 1 else SKIP_ALL_HINT)


def all_or_none(*calls: Callable[[], Any]) -> list[Any]:
    """What each of these returns; where some raise `InputError`, one that names what is wrong with all of them."""
    done, lines, first, hint = [], list[str](), None, None
    for call in calls:
        try:
            done.append(call())
        except InputError as error:
            first = error if first is None else first
            lines += error.lines if isinstance(error, UnusableInputsError) else (str(error),)
            hint = error.hint if isinstance(error, UnusableInputsError) and hint is None else hint
    if first is None:
        return done
    if len(lines) == 1 or all(line in lines[:1] for line in lines):
        raise first
    raise refusing_all(lines, hint)


class CheckError(Exception):
    """A check that was asked for failed, e.g. two engines differ.

    The command line prints it and exits with status 1.
    """


def printable(text: object) -> str:
    """Text of others (file names, parts of files) on one line, with nothing that a terminal would obey."""
    return "".join(c if c.isprintable() else "?" for c in str(text))


def quoted(text: object, most: int = 40) -> str:
    """At most so many characters of what a file says, on one line: of a file only that was recognised as of its kind.

    A file that could not be parsed may be anything, a file of passwords, too: a message says where, never what.

    Examples
    --------
    >>> quoted("acc_x"), quoted("x" * 99, 8)
    ('acc_x', 'xxxxx...')
    """
    shown = str(text)
    return printable(shown if len(shown) <= most else shown[: most - 3] + "...")
