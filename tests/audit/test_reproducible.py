"""The same sources give the same bytes, whoever builds them: the wheel, and the folder that emit-c writes."""

from __future__ import annotations

import hashlib
import os
import stat
import subprocess
import sys
import zipfile

import pytest

from anomsdk.utils.files import packaged_folder
from tests.contract.test_wheel import copied

BUILDERS = {
    "one": {"umask": 0o022, "LC_ALL": "C.UTF-8", "TZ": "UTC", "PYTHONHASHSEED": "1"},
    "another": {"umask": 0o077, "LC_ALL": "C", "TZ": "Asia/Tokyo", "PYTHONHASHSEED": "2"},
}
"""Builders who differ in all that must not matter; each has a folder and a time of its own, too."""


def environment(builder):
    without = ("SOURCE_DATE_EPOCH", "PYTHONHASHSEED", "LANG", "LC_ALL", "TZ")
    chosen = {name: value for name, value in BUILDERS[builder].items() if name != "umask"}
    return {**{k: v for k, v in os.environ.items() if k not in without}, **chosen, "OPENBLAS_NUM_THREADS": "1"}


def run(builder, *command, cwd):
    mask = BUILDERS[builder]["umask"]
    done = subprocess.run(
        [*map(str, command)], cwd=cwd, env=environment(builder), umask=mask, capture_output=True, text=True
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"


def as_of(folder, builder, seconds):
    """Give the files of a folder the times and the permissions that this builder has."""
    for path in folder.rglob("*"):
        path.chmod((0o777 if path.is_dir() else 0o666) & ~BUILDERS[builder]["umask"])
        os.utime(path, (seconds, seconds))


@pytest.fixture(scope="module")
def wheels(tmp_path_factory):
    """The shipped wheel, from two builders."""
    found = {}
    for number, builder in enumerate(BUILDERS):
        folder = tmp_path_factory.mktemp(f"builder-{builder}")
        source = copied(folder / f"sources-of-{builder}")
        as_of(source, builder, 1_500_000_000 + 100_000_000 * number)
        line = ("-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", folder / "made")
        run(builder, sys.executable, *line, source, cwd=folder)
        (found[builder],) = (folder / "made").glob("*.whl")
    return found


def contents(wheel):
    """Name -> what a wheel holds of a file: its bytes' SHA-256, its time and its permissions."""
    with zipfile.ZipFile(wheel) as archive:
        return {
            info.filename: (hashlib.sha256(archive.read(info)).hexdigest(), info.date_time, info.external_attr >> 16)
            for info in archive.infolist()
        }


def test_the_wheel_is_the_same_bytes(wheels):
    one, another = (contents(wheel) for wheel in wheels.values())
    assert {
        name: (one.get(name), another.get(name)) for name in {*one, *another} if one.get(name) != another.get(name)
    } == {}
    assert list(one) == list(another), "the order of the files"
    assert len({wheel.read_bytes() for wheel in wheels.values()}) == 1
    assert len({wheel.name for wheel in wheels.values()}) == 1


def test_the_wheel_holds_no_time_path_or_umask_of_its_builder(wheels):
    wheel = wheels["another"]
    found = contents(wheel)
    assert {time for _, time, _ in found.values()} == {(1980, 1, 1, 0, 0, 0)}
    modes = {name: mode for name, (_, _, mode) in found.items()}
    programs = {name for name in modes if name.endswith(".so")}
    assert {stat.S_IMODE(modes[name]) for name in programs} == {0o755}, "the native engine was not built"
    others = {name for name in modes if not name.endswith((".so", ".dist-info/RECORD"))}  # RECORD's is fixed
    assert {stat.S_IMODE(modes[name]) for name in others} == {0o644}
    with zipfile.ZipFile(wheel) as archive:
        for info in archive.infolist():
            data = archive.read(info)
            assert b"sources-of-another" not in data and b"builder-another" not in data, info.filename


def files_of(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_an_emitted_folder_is_the_same_bytes(tmp_path):
    """For each reference model, and with its files made in the same order."""
    names = sorted(path.parent.name for path in packaged_folder("reference_models").glob("*/plan.json"))
    assert len(names) >= 3
    program = "import sys, anomsdk\nfor n in sys.argv[1:]: print(anomsdk.emit_c(anomsdk.reference_model(n), n).files)"
    for builder in BUILDERS:
        (tmp_path / builder).mkdir()
        run(builder, sys.executable, "-c", program, *names, cwd=tmp_path / builder)
    one, another = (files_of(tmp_path / builder) for builder in BUILDERS)
    assert len(one) > 15 * len(names) and one == another
    for name in names:
        sums = (tmp_path / "one" / name / "SHA256SUMS").read_text().splitlines()[1:]
        assert [line.split("  ")[1] for line in sums] == sorted(line.split("  ")[1] for line in sums)
