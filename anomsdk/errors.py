"""The two exceptions of the package: what came in is wrong, or what was checked does not hold."""


class InputError(ValueError):
    """Something that was handed in cannot be used: a file, a plan, a spec, a block of samples.

    The message is one line: what is wrong, where, and what to do.
    The command line prints it and exits with status 2.
    """


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
