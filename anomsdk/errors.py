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
