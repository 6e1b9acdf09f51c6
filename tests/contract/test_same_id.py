"""The same files give the same plan id on every Python and numpy."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import anomsdk
from tests.make import ROOT, SPECS, make_folder

VERSIONS = ("3.10", "3.11", "3.12", "3.13")
NEEDS = ("numpy>=1.26", "pydantic>=2.6", "tflite>=2.10", "flatbuffers>=23.5", "tomli>=2")
PROGRAM = "import sys, numpy, anomsdk; print(numpy.__version__, *(anomsdk.plan(f).id for f in sys.argv[1:]))"


def interpreter(version):
    """An interpreter of this version, other than the one that runs the tests."""
    managed = sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python"))
    found = [shutil.which(f"python{version}"), *map(str, managed)]
    works = (p for p in found if p and subprocess.run([p, "-c", "import venv, ensurepip"], capture_output=True).returncode == 0)
    return next(works, None)


@pytest.mark.parametrize("version", VERSIONS)
def test_same_id(version, tmp_path):
    if version == f"{sys.version_info.major}.{sys.version_info.minor}":
        pytest.skip("the version that runs the tests: the others compare with it")
    python = interpreter(version)
    if python is None:
        pytest.skip(f"no Python {version} on this machine")
    environment = ROOT / ".venv" / "other-pythons" / version
    if not (environment / "ready").exists():
        subprocess.run([python, "-m", "venv", "--clear", environment], check=True)
        wanted = [re.sub(">=1.26", "<2", need) if version < "3.12" else need for need in NEEDS]
        done = subprocess.run([environment / "bin/python", "-m", "pip", "install", "-q", *wanted], capture_output=True, text=True)
        if done.returncode != 0:
            if os.environ.get("CI"):
                pytest.fail(done.stderr)
            pytest.skip(f"pip cannot install {', '.join(NEEDS)} for Python {version}")
        (environment / "ready").touch()
    folders = [make_folder(tmp_path / kind, text) for kind, text in SPECS.items()]
    folders += [ROOT / "reference_models" / "audio_scene"]
    output = subprocess.run(
        [environment / "bin/python", "-c", PROGRAM, *folders],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip
    assert (output[0] < "2") == (version < "3.12")
    assert output[1:] == [anomsdk.plan(folder).id for folder in folders]
