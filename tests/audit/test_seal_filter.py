"""The filter of a seal, run by an interpreter of classic BPF, and a seal on kernels that lack parts of it."""

from __future__ import annotations

import ctypes
import errno
import mmap
import os
import subprocess
import sys
import threading
from functools import partial
from pathlib import Path

import pytest

from anomsdk import InputError
from anomsdk.audit.check import Subject
from anomsdk.audit.seal import sealing
from anomsdk.audit.seal.allowed_calls import NUMBERS
from anomsdk.audit.seal.checks import CHECKS
from anomsdk.audit.seal.denied_calls import ATTEMPTS
from anomsdk.audit.seal.filter_program import filter_program
from anomsdk.audit.seal.kernel import ARCHITECTURES, Kernel, shared_mappings, threads
from anomsdk.audit.seal.sealing import apply_seal, landlock_rights, seal
from anomsdk.runtime import sealed_process

ALLOW, KILL = 0x7FFF0000, 0x80000000
AUDIT = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
OTHERS = (0x40000003, 0x40000028, 0xC0000016, 0)
"""i386, ARM of 32 bits, s390x, none."""
HIGH = 0x1234_5678 << 32
"""Upper half of an argument of 32 bits, which the kernel does not look at."""

WITH_ANY_ARGUMENTS = {
    "x86_64": {3, 11, 12, 13, 15, 23, 25, 60, 131, 149, 228, 231, 270},
    "aarch64": {57, 72, 93, 94, 113, 132, 134, 139, 214, 215, 216, 228},
}
"""close, munmap, brk, rt_sigaction, rt_sigreturn, select, mremap, exit, sigaltstack, mlock, clock_gettime, exit_group,
pselect6."""
READ, WRITE, IOCTL = ({"x86_64": a, "aarch64": b} for a, b in ((0, 63), (1, 64), (16, 29)))
MMAP, MPROTECT = ({"x86_64": a, "aarch64": b} for a, b in ((9, 222), (10, 226)))
MADVISE, FUTEX = ({"x86_64": a, "aarch64": b} for a, b in ((28, 233), (202, 98)))


def run(program, machine, number, arguments=(), *, audit=None):
    """What a program of classic BPF returns for struct seccomp_data."""
    data = number.to_bytes(4, "little") + (AUDIT[machine] if audit is None else audit).to_bytes(4, "little") + bytes(8)
    data += b"".join(
        (each & (1 << 64) - 1).to_bytes(8, "little") for each in (*arguments, *(6 - len(arguments)) * (0,))
    )
    at, a = 0, None
    while True:
        code, jt, jf, k = program[at]
        at += 1
        if code == 0x20:
            assert k % 4 == 0 and k + 4 <= 64
            a = int.from_bytes(data[k : k + 4], "little")
        elif code == 0x54:
            a &= k
        elif code in (0x15, 0x35):
            at += jt if (a == k if code == 0x15 else a >= k) else jf
        else:
            assert code == 0x06
            return k


def allowed(machine, number, *arguments, events=(1,), audit=None):
    found = run(filter_program(machine, events), machine, number, arguments, audit=audit)
    assert found in (ALLOW, KILL)
    return found == ALLOW


@pytest.fixture(params=ARCHITECTURES)
def machine(request):
    return request.param


def test_only_these_calls_are_allowed_with_any_arguments(machine):
    program = filter_program(machine, (1,))
    odd = ((1 << 64) - 1 - 0x80,) * 6  # arguments that no condition takes
    numbers = [*range(1024), 0x40000000, *range(0x40000001, 0x40000200), 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF]
    assert {n for n in numbers if run(program, machine, n, odd) == ALLOW} == WITH_ANY_ARGUMENTS[machine]
    conditional = {each[machine] for each in (READ, WRITE, IOCTL, MMAP, MPROTECT, MADVISE, FUTEX)}
    assert set(NUMBERS[machine].values()) == WITH_ANY_ARGUMENTS[machine] | conditional


def test_no_call_of_another_architecture_is_allowed(machine):
    others = (*OTHERS, *(number for name, number in AUDIT.items() if name != machine))
    for number in range(512):
        assert not any(allowed(machine, number, 1, audit=audit) for audit in others)


def test_a_call_of_x32_is_not_allowed():
    assert not any(allowed("x86_64", 0x40000000 | number, 1) for number in range(600))


def test_reads_come_from_standard_input_and_writes_go_to_events(machine):
    read, write = READ[machine], WRITE[machine]
    assert [fd for fd in range(70) if allowed(machine, read, fd)] == [0]
    for events in ((1,), (1, 2), (7, 3), tuple(range(1, 65))):
        assert [fd for fd in range(70) if allowed(machine, write, fd, events=events)] == sorted(events)
        assert not allowed(machine, read, 1, events=events)
        assert not allowed(machine, write, (1 << 64) - 1, events=events)
    assert allowed(machine, write, HIGH | 1), "the kernel takes the lower half of a descriptor"
    assert not allowed(machine, write, HIGH | 3)


def test_a_terminal_is_asked_and_never_typed_into(machine):
    asked = {0x5401, 0x5413, 0x802C542A}
    every = (*range(0x5400, 0x5500), 0x802C542A, 0x402C542B)
    assert {request for request in every if allowed(machine, IOCTL[machine], 1, request)} == asked
    assert not any(allowed(machine, IOCTL[machine], fd, request) for fd in (0, 2, 3) for request in asked)


def test_memory_is_private_of_no_file_and_not_executable(machine):
    def mapped(prot, flags):
        return allowed(machine, MMAP[machine], 0, 4096, prot, flags, (1 << 64) - 1, 0)

    for prot in range(16):
        assert allowed(machine, MPROTECT[machine], 4096, 4096, prot) == (not prot & 4)
        for flags in range(64):
            private_anonymous = flags & 0x20 and flags & 0x0F == 2
            assert mapped(prot, flags) == bool(private_anonymous and not prot & 4)
    assert mapped(3, 0x4022), "MAP_NORESERVE"
    assert [advice for advice in range(30) if allowed(machine, MADVISE[machine], 0, 0, advice)] == [4, 8, 14, 16]


def test_locks_stay_within_the_process(machine):
    futex = FUTEX[machine]
    assert all(allowed(machine, futex, 0, 0x80 | operation) for operation in range(16))
    assert not any(allowed(machine, futex, 0, operation) for operation in range(16))


@pytest.mark.parametrize("name", ATTEMPTS)
def test_each_attempt_is_denied_on_each_architecture(name):
    words = {"null": 3, "buffer": 0x7F00_0000_0000}
    for each, number in zip(ARCHITECTURES, ATTEMPTS[name].numbers, strict=True):
        if number is not None:
            arguments = [
                words.get(value, 4096) if isinstance(value, (str, bytes)) else value
                for value in ATTEMPTS[name].arguments
            ]
            assert not allowed(each, number, *arguments)


# --- Kernels


NAMES = {277: "seccomp", 317: "seccomp", 444: "landlock_create", 446: "landlock_restrict"}
PRCTL = {4: "dumpable", 38: "no_new_privs"}
LIMITS = {1: "fsize", 4: "core"}


class Libc:
    """C library whose kernel lacks some things.

    Parameters
    ----------
    lacks : name of a call -> errno
    landlock : version of Landlock
    """

    def __init__(self, landlock=7, **lacks):
        self.lacks, self.version, self.calls, self.rights = lacks, landlock, [], []
        self.program = []

    def setrlimit(self, resource, limit):
        assert (limit._obj.soft, limit._obj.hard) == (0, 0)
        return self._ended(LIMITS[resource])

    def prctl(self, option, value, *zeros):
        assert [each.value for each in zeros] == [0, 0, 0]
        assert value.value == {4: 0, 38: 1}[option]
        return self._ended(PRCTL[option])

    def syscall(self, number, *arguments):
        name = NAMES[number.value]
        if name == "seccomp":
            return self._seccomp(*arguments)
        if name == "landlock_create" and arguments[0] is None:
            return self._ended("landlock_version", self.version)
        if name == "landlock_create":
            self.rights.append(tuple(arguments[0]._obj))
            assert arguments[1].value == 8 * len(self.rights[-1])
            return self._ended(name, os.open(os.devnull, os.O_RDONLY))
        return self._ended(name)

    def _seccomp(self, operation, flags, argument):
        if operation.value == 2:
            return self._ended("kill_process")
        assert flags.value == 1, "TSYNC"
        if argument is None:
            ctypes.set_errno(self.lacks.get("probe", errno.EFAULT))
            return -1
        whole = argument._obj
        self.program = [(each.code, each.jt, each.jf, each.k) for each in whole.instructions[: whole.length]]
        return self._ended("seccomp", self.lacks.get("other_thread", 0))

    def _ended(self, name, result=0):
        self.calls.append(name)
        if name in self.lacks:
            ctypes.set_errno(self.lacks[name])
            return -1
        return result


@pytest.fixture
def events(monkeypatch):
    """A pipe that events go to; the process is not sealed after the test, as it never was."""
    monkeypatch.setattr(sealed_process._State, "sealed", False)
    ends = os.pipe()
    yield (ends[1],)
    for each in ends:
        os.close(each)


ALL = ("RLIMIT_CORE=0", "RLIMIT_FSIZE=0", "PR_SET_DUMPABLE=0", "PR_SET_NO_NEW_PRIVS=1", "Landlock", "seccomp")


def test_measures_are_taken_in_the_order_that_they_need(events):
    libc = Libc()
    done = apply_seal(Kernel(libc), events)
    assert (done.applied, done.not_applied) == (ALL, {})
    assert done.lines == (f"sealed: {', '.join(ALL)}",)
    order = ["core", "fsize", "dumpable", "no_new_privs", "landlock_version", "landlock_create", "landlock_restrict"]
    assert libc.calls == [*order, "kill_process", "seccomp"]
    assert libc.program == filter_program(os.uname().machine, events)
    assert sealed_process.is_sealed()
    with pytest.raises(InputError, match=r"^seal: this process is sealed already; call it once$"):
        seal(events)


LACKING = {
    "core": ("RLIMIT_CORE=0", errno.EPERM),
    "fsize": ("RLIMIT_FSIZE=0", errno.EPERM),
    "dumpable": ("PR_SET_DUMPABLE=0", errno.EINVAL),
    "no_new_privs": ("PR_SET_NO_NEW_PRIVS=1", errno.EINVAL),
    "landlock_version": ("Landlock", errno.ENOSYS),
    "landlock_create": ("Landlock", errno.EOPNOTSUPP),
    "landlock_restrict": ("Landlock", errno.E2BIG),
}


@pytest.mark.parametrize("what", LACKING)
def test_a_measure_that_the_kernel_lacks_is_left_out_and_named(events, what):
    measure, code = LACKING[what]
    done = apply_seal(Kernel(Libc(**{what: code})), events)
    assert done.applied == tuple(each for each in ALL if each != measure)
    assert done.not_applied == {measure: os.strerror(code)}
    assert done.lines[1:] == (f"could not apply {measure}: {os.strerror(code)}",)


def test_an_old_kernel_that_kills_threads_only_is_named(events):
    done = apply_seal(Kernel(Libc(kill_process=errno.EOPNOTSUPP)), events)
    assert done.applied == ALL
    assert done.lines[1:] == (
        "could not apply SECCOMP_RET_KILL_PROCESS: this kernel kills only the thread that makes the call",
    )


@pytest.mark.parametrize("code", [errno.ENOSYS, errno.EINVAL, errno.EPERM])
def test_without_seccomp_nothing_is_touched_and_nothing_is_called_sealed(events, code):
    libc = Libc(probe=code)
    with pytest.raises(InputError) as refused:
        apply_seal(Kernel(libc), events)
    assert str(refused.value).startswith(
        f"seal: this kernel offers no seccomp filter ({os.strerror(code)}), and nothing is sealed; run it on Linux"
    )
    assert libc.calls == [] and not sealed_process.is_sealed()


@pytest.mark.parametrize("lacks", [{"seccomp": errno.EACCES}, {"other_thread": 4711}])
def test_a_filter_that_the_kernel_refuses_is_no_seal(events, lacks):
    with pytest.raises(InputError, match=r"^seal: seccomp cannot be applied \(.*\), and the process is not sealed; "):
        apply_seal(Kernel(Libc(**lacks)), events)
    assert not sealed_process.is_sealed()


def test_a_version_of_landlock_is_asked_for_all_rights_that_it_knows(events):
    def asked(version):
        libc = Libc(version)
        apply_seal(Kernel(libc), events)
        assert libc.rights == [landlock_rights(version)]
        return libc.rights[0]

    assert [asked(version) for version in range(1, 8)] == [
        (0x1FFF,),
        (0x3FFF,),
        (0x7FFF,),
        (0x7FFF, 3),
        (0xFFFF, 3),
        (0xFFFF, 3, 3),
        (0xFFFF, 3, 3),
    ]


@pytest.mark.parametrize("platform", ["darwin", "win32"])
def test_other_systems_are_refused(monkeypatch, platform):
    monkeypatch.setattr(sys, "platform", platform)
    for each in (seal, *(partial(check.run, Subject(None, None, Path())) for check in CHECKS)):
        with pytest.raises(
            InputError, match=rf"^seal: needs Linux .* and this is {platform}; run it there, or without"
        ):
            each()


def test_checks_can_be_imported_where_there_are_no_such_signals():
    """The list of all checks is imported on Windows, too."""
    code = "import os, signal; del signal.SIGCHLD, signal.SIGSYS, os.fork; import anomsdk.audit.seal.checks"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)


def test_other_processors_are_refused(monkeypatch):
    found = os.uname()
    monkeypatch.setattr(os, "uname", lambda: os.uname_result((*found[:4], "riscv64")))
    with pytest.raises(InputError, match=r"^seal: needs Linux .* and this is riscv64; "):
        seal()


def test_the_threads_of_this_process_are_counted(monkeypatch):
    ready, over = threading.Event(), threading.Event()
    before = threads()
    thread = threading.Thread(target=lambda: (ready.set(), over.wait()))
    thread.start()
    assert ready.wait(60)
    assert threads() == before + 1
    with pytest.raises(InputError, match=r"^seal: this process has \d+ threads.*; set OPENBLAS_NUM_THREADS=1 before"):
        sealing.require_one_thread()
    over.set()
    thread.join()


def test_memory_that_is_shared_is_refused(events):
    before = shared_mappings()
    with mmap.mmap(-1, mmap.PAGESIZE) as shared:
        shared[0] = 1
        assert len(shared_mappings()) == len(before) + 1
        with pytest.raises(
            InputError, match=r"^seal: this process shares memory that it can write to \(.+\); unmap it"
        ):
            apply_seal(Kernel(Libc()), events)
    assert shared_mappings() == before


@pytest.mark.parametrize("given", [(), (0,), (0, 1), (-1,), ("1",), (True,), tuple(range(1, 66))])
def test_event_descriptors_are_checked(given):
    with pytest.raises(InputError, match=r"^seal: `events` is .*; give 1 to 64 descriptors from 1, such as \(1,\)$"):
        apply_seal(Kernel(Libc()), given)


def test_an_event_descriptor_that_is_not_open_is_refused():
    for closed in (1_000_000, 1 << 40):
        with pytest.raises(InputError, match=rf"^seal: descriptor {closed} is not open, "):
            apply_seal(Kernel(Libc()), (closed,))
