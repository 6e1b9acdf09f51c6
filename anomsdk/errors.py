"""The exceptions of the package: unusable input, and a check that failed.

Messages name a parameter in backticks as a Python caller writes it, `rate_hz` or `rate_hz=50`; the command line prints
its own option in its place. Backticks mean nothing else in a message.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NoReturn

MOST_LINES = 20
"""Largest number of unusable inputs that are named one by one; further ones are only counted."""


class InputError(ValueError):
    """Input that cannot be used: a file, a plan, a spec, a block of samples.

    The message is one line that says what is wrong, where, and what to do.
    The command line prints it and exits with status 2.
    """


class UnusableInputsError(InputError):
    """Several files or recordings that cannot be used, all named at once.

    Parameters
    ----------
    lines : message of an `InputError` for each of them; at least one
    skippable : the parameter `skip_bad` leaves them out, and the message says so

    Examples
    --------
    >>> print(UnusableInputsError(["a.wav: is empty; record it again", "b.wav: is empty; record it again"]))
    a.wav: is empty; record it again (and 1 more input that cannot be used)
    """

    def __init__(self, lines: Iterable[str], *, skippable: bool = False) -> None:
        self.lines, self.skippable = tuple(dict.fromkeys(lines)), skippable
        n = len(self.lines) - 1
        more = f" (and {n:,} more input{'s' * (n > 1)} that cannot be used)" if n else ""
        super().__init__(self.lines[0] + (more or "; `skip_bad` leaves it out" * skippable))

    def shown(self) -> list[str]:
        """Name the inputs one by one, 20 at most, then say how many there are and what to do."""
        n = len(self.lines)
        if n == 1:
            return [str(self)]
        more = [f"and {n - MOST_LINES:,} more"] if n > MOST_LINES else []
        hint = "; `skip_bad` leaves them out" * self.skippable
        return [*self.lines[:MOST_LINES], *more, f"{n:,} inputs cannot be used{hint}"]


def all_or_none(*calls: Callable[[], Any]) -> list[Any]:
    """Make all calls and return their results; inputs that any of them cannot use are named together.

    Parameters
    ----------
    *calls : functions without parameters, called in order

    Raises
    ------
    UnusableInputsError : names the inputs of all calls. Any other `InputError` is raised at once, unless inputs were
        found to be unusable before it
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
    """Check that failed, for example because two engines differ.

    The command line prints it and exits with status 1.
    """


def without_a_branch(value: NoReturn) -> AssertionError:
    """Make the error that ends a ladder of kinds; mypy refuses the call where a kind may still arrive there.

    Parameters
    ----------
    value : value whose kind is told apart
    """
    return AssertionError(f"{value!r:.80}: a kind without a branch")


def printable(text: object) -> str:
    """Make foreign text, such as a file name, safe to print: each control character and line break becomes "?"."""
    return "".join(c if c.isprintable() else "?" for c in str(text))


def quoted(text: object, most: int = 40) -> str:
    """Quote text from a file on one line, cut to ``most`` characters.

    Only for files whose format was recognised. A file that could not be parsed may hold passwords: a message says where
    the error is, never what stands there.

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
