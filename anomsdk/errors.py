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
    """Files or recordings that cannot be used: all of them are named at once.

    Parameters
    ----------
    lines : one for each, as of an `InputError`; at least one
    skippable : the command line can leave them out, and the message says how

    Examples
    --------
    >>> print(UnusableInputsError(["a.wav: is empty; record it again", "b.wav: is empty; record it again"]))
    a.wav: is empty; record it again (and 1 more input that cannot be used)
    """

    def __init__(self, lines: Iterable[str], *, skippable: bool = False) -> None:
        self.lines, self.skippable = tuple(dict.fromkeys(lines)), skippable
        n = len(self.lines) - 1
        more = f" (and {n:,} more input{'s' * (n > 1)} that cannot be used)" if n else ""
        super().__init__(self.lines[0] + (more or "; --skip-bad leaves it out" * skippable))

    def shown(self) -> list[str]:
        """The lines, at most 20 of them, and what to do about them."""
        n = len(self.lines)
        if n == 1:
            return [str(self)]
        more = [f"and {n - MOST_LINES:,} more"] if n > MOST_LINES else []
        hint = "; --skip-bad leaves them out" * self.skippable
        return [*self.lines[:MOST_LINES], *more, f"{n:,} inputs cannot be used{hint}"]


def all_or_none(*calls: Callable[[], Any]) -> list[Any]:
    """What each of these returns; inputs that some of them cannot use are named together.

    Raises
    ------
    UnusableInputsError : of all calls; any other `InputError` as it comes
    """
    done, lines, skippable = [], list[str](), False
    for call in calls:
        try:
            done.append(call())
        except UnusableInputsError as error:
            lines += error.lines
            skippable = skippable or error.skippable
        except InputError:
            if not lines:
                raise
            break
    if lines:
        raise UnusableInputsError(lines, skippable=skippable)
    return done


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


def parameter(name: str, value: object) -> str:
    """Name a parameter and its value in a message, as a Python caller writes them.

    The command line prints its own option in their place.

    Examples
    --------
    >>> parameter("unit", "m/s2"), parameter("rate_hz", 50.0)
    ("`unit='m/s2'`", '`rate_hz=50`')
    """
    shown = f"{value:g}" if isinstance(value, float) else printable(repr(value))
    return f"`{name}={shown.replace('`', '?')}`"
