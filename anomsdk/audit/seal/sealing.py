"""Sealing of this process: limits, Landlock and a filter of system calls, in an order that each needs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from anomsdk.audit.seal import kernel as linux
from anomsdk.audit.seal.allowed_calls import STDIN
from anomsdk.audit.seal.filter_program import KILL_PROCESS, filter_program
from anomsdk.audit.seal.kernel import Kernel
from anomsdk.errors import InputError
from anomsdk.runtime.sealed_process import is_sealed, mark_sealed

MOST_EVENTS = 64
"""Most descriptors that events may go to."""
_FILES = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 5: (1 << 16) - 1}
_NETWORK = {4: 3}
_SCOPES = {6: 3}
"""Version of Landlock -> bits of all rights that it knows from then on: files, TCP, sockets and signals of others."""


@dataclass(frozen=True)
class Seal:
    """Measures that were taken when a process was sealed, and those that could not be.

    Parameters
    ----------
    applied : measures in the order in which they were taken; seccomp, the last one, is always there
    not_applied : measure -> reason
    """

    applied: tuple[str, ...]
    not_applied: Mapping[str, str] = field(default_factory=dict)

    @property
    def lines(self) -> tuple[str, ...]:
        """Lines for people: what was applied, then one line for each measure that was not."""
        missing = tuple(f"could not apply {measure}: {why}" for measure, why in self.not_applied.items())
        return (f"sealed: {', '.join(self.applied)}", *missing)


def seal(events: tuple[int, ...] = (1,)) -> Seal:
    """Take from this process every way to keep or send what it reads; nothing gives them back.

    From here on this process can read standard input, write to the event descriptors, use memory of its own, and end.
    The kernel kills it with SIGSYS when it tries anything else: to open a file, to connect, to start a process or a
    thread, to share memory. Python imports modules from files, so run a pipeline of engine native up to its first
    result before, and all else that the program will do.

    Measures, in this order: RLIMIT_CORE=0, RLIMIT_FSIZE=0 (unless events go to a regular file), PR_SET_DUMPABLE=0,
    PR_SET_NO_NEW_PRIVS=1, Landlock without a rule, a seccomp filter. One that this kernel does not have is left out
    and named in the result; without seccomp nothing is sealed.

    Parameters
    ----------
    events : 1 to 64 open descriptors that may be written to, from 1; nothing is known of who reads them

    Returns
    -------
    Seal

    Raises
    ------
    InputError : this process is sealed already, has several threads, or shares memory that it can write to; or this is
        no Linux on x86-64 or aarch64, or its kernel has no seccomp

    Examples
    --------
    >>> seal = anomsdk.seal()  # doctest: +SKIP
    >>> seal.not_applied  # doctest: +SKIP
    {}
    """
    if is_sealed():
        raise InputError("seal: this process is sealed already; call it once")
    kernel = Kernel()
    require_one_thread()
    return apply_seal(kernel, events)


def require_one_thread() -> None:
    """Raise an `InputError` if this process has several threads: Landlock holds for the thread that asks for it."""
    try:
        threads = linux.threads()
    except OSError as error:
        raise InputError(f"seal: the threads cannot be counted: {error}; mount /proc") from None
    if threads > 1:
        raise InputError(
            f"seal: this process has {threads} threads, and one is sealed; set OPENBLAS_NUM_THREADS=1 before numpy is "
            "imported, and end threads of your own"
        )


def require_seccomp(kernel: Kernel) -> None:
    """Raise an `InputError` if this kernel has no seccomp filters for this process."""
    try:
        kernel.probe_seccomp()
    except OSError as error:
        raise InputError(
            f"seal: this kernel offers no seccomp filter ({error.strerror}), and nothing is sealed; run it on Linux "
            "3.17 or later with CONFIG_SECCOMP_FILTER, or without the seal"
        ) from None


def apply_seal(kernel: Kernel, events: tuple[int, ...]) -> Seal:
    """Apply all measures of a seal, whatever the number of threads. See `seal`."""
    regular = _regular_files(events)
    try:
        shared = linux.shared_mappings()
    except OSError as error:
        raise InputError(f"seal: the memory of this process cannot be listed: {error}; mount /proc") from None
    if shared:
        raise InputError(
            f"seal: this process shares memory that it can write to ({shared[0]}); unmap it, or read arrays without "
            "memory maps"
        )
    require_seccomp(kernel)
    applied, missing = list[str](), dict[str, str]()

    def apply(measure: str, action: Callable[[], object]) -> None:
        try:
            action()
        except OSError as error:
            missing[measure] = error.strerror or str(error)
        else:
            applied.append(measure)

    apply("RLIMIT_CORE=0", lambda: kernel.set_limit(linux.RLIMIT_CORE, 0))
    if regular:
        missing["RLIMIT_FSIZE=0"] = f"events go to a regular file (descriptor {regular[0]})"
    else:
        apply("RLIMIT_FSIZE=0", lambda: kernel.set_limit(linux.RLIMIT_FSIZE, 0))
    apply("PR_SET_DUMPABLE=0", lambda: kernel.prctl(linux.PR_SET_DUMPABLE, 0))
    apply("PR_SET_NO_NEW_PRIVS=1", lambda: kernel.prctl(linux.PR_SET_NO_NEW_PRIVS, 1))
    apply("Landlock", lambda: kernel.landlock(landlock_rights(kernel.landlock_version())))
    if not kernel.has_action(KILL_PROCESS):
        missing["SECCOMP_RET_KILL_PROCESS"] = "this kernel kills only the thread that makes the call"
    try:
        kernel.seccomp(filter_program(kernel.machine, events))
    except OSError as error:
        raise InputError(
            f"seal: seccomp cannot be applied ({error.strerror}), and the process is not sealed; end it, and run it "
            "where it may set PR_SET_NO_NEW_PRIVS"
        ) from None
    mark_sealed()
    return Seal((*applied, "seccomp"), missing)


def landlock_rights(version: int) -> tuple[int, ...]:
    """Return all rights that a version of Landlock can deny: bits for files, for the network, and for scopes.

    Parameters
    ----------
    version : 1 or more; a version that is not known here has at least the rights of the last one that is
    """
    files = _FILES[max(known for known in _FILES if known <= version)]
    return (files, *(bits for rights in (_NETWORK, _SCOPES) for known, bits in rights.items() if known <= version))


def _regular_files(events: tuple[int, ...]) -> list[int]:
    """Check the event descriptors and return those that are open on regular files."""
    if not 1 <= len(events) <= MOST_EVENTS or not all(type(each) is int and each > STDIN for each in events):
        raise InputError(f"seal: `events` is {events!r}; give 1 to {MOST_EVENTS} descriptors from 1, such as (1,)")
    regular = []
    for descriptor in events:
        try:
            if linux.is_regular_file(descriptor):
                regular.append(descriptor)
        except (OSError, OverflowError):
            raise InputError(
                f"seal: descriptor {descriptor} is not open, and events would go there; open it, or name another one"
            ) from None
    return regular
