"""Recordings as people really send them: what each must give. `make cases` runs these alone."""

from __future__ import annotations

import platform
import shutil

import pytest

from tests.support import cases

pytestmark = pytest.mark.filterwarnings("error")
shared = pytest.mark.skipif(not cases.PLACE.is_dir(), reason="no cases in ../shared/cases")


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cases")
    cases.write_own(folder)
    return folder


@pytest.mark.parametrize("case", cases.OWN, ids=lambda case: case.id)
def test_own(case, own, tmp_path):
    cases.checked(case, own, tmp_path)


@shared
@pytest.mark.parametrize("case", cases.SHARED, ids=lambda case: case.id)
def test_shared(case, tmp_path):
    if case.file.endswith(".parquet"):
        pytest.importorskip("pyarrow", reason="no pyarrow")
    cases.checked(case, cases.PLACE, tmp_path)


@shared
def test_every_file_has_a_row():
    """A file that is put there is in the table, or this fails."""
    rows = {f"{case.case}/{case.file}" for case in cases.SHARED}
    there = {
        path.relative_to(cases.PLACE).as_posix()
        for path in cases.PLACE.glob("[0-9]*/*")
        if path.suffix in (".csv", ".parquet", ".wav", ".npz", ".npy", ".flac")
    }
    assert there == {row for row in rows if (cases.PLACE / row).exists()} and len(rows) == len(there)


@pytest.mark.skipif(shutil.which("gcc") is None, reason="no gcc")
@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="kernels of x86-64")
@pytest.mark.parametrize("flags", cases.FLAGS)
def test_emitted_firmware_has_the_same_integers(flags, tmp_path):
    assert cases.firmware_passes(tmp_path, flags)
