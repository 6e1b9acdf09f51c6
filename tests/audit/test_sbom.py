"""Bills of materials are valid CycloneDX, and list what is really there."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import zipfile
from importlib import metadata

import pytest

import anomsdk
from anomsdk.utils.files import packaged_folder
from tests.support import sbom


@pytest.fixture(scope="module")
def plan():
    return anomsdk.reference_model("audio_scene")


@pytest.fixture
def folder(plan, tmp_path):
    return anomsdk.emit_c(plan, tmp_path / "firmware").folder


def listed(bill):
    """Name -> SHA-256 of the files that a bill lists."""
    return {part["name"]: part["hashes"][0]["content"] for part in bill["components"] if part["type"] == "file"}


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def test_the_bill_of_a_folder_lists_every_file_as_it_is(plan, folder):
    bill = sbom.of_folder(folder, plan)
    assert sbom.problems(bill) is None
    there = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    assert listed(bill) == {name: sha256(path.read_bytes()) for name, path in there.items()} and len(there) > 30
    port, model = (next(part for part in bill["components"] if part["bom-ref"] == ref) for ref in ("c-port", "model"))
    assert f'ANOM_VERSION "{port["version"]}"' in (folder / "include" / "anomsdk.h").read_text()
    assert port["licenses"] == [{"license": {"id": "Apache-2.0"}}]
    assert model["hashes"] == [{"alg": "SHA-256", "content": plan.model.sha256}]
    main = bill["metadata"]["component"]
    assert (main["type"], main["name"], main["version"]) == ("firmware", "audio_scene", plan.id)
    refs = {part["bom-ref"] for part in bill["components"]}
    assert {ref for row in bill["dependencies"] for ref in row.get("dependsOn", ())} == refs


def test_the_same_folder_gives_the_same_bill(plan, folder):
    first = json.dumps(sbom.of_folder(folder, plan))
    program = (
        "import json, sys, anomsdk; from pathlib import Path; from tests.support import sbom\n"
        "print(json.dumps(sbom.of_folder(Path(sys.argv[1]), anomsdk.reference_model('audio_scene'))))"
    )
    again = subprocess.run([sys.executable, "-c", program, str(folder)], capture_output=True, text=True, check=True)
    assert again.stdout.strip() == first and "timestamp" not in first


def test_a_folder_that_was_changed_or_is_of_another_plan_has_no_bill(plan, folder):
    with pytest.raises(SystemExit, match="emitted from another plan"):
        sbom.of_folder(folder, with_another_alert(folder))
    source = folder / "src" / "anom_wipe.c"
    source.write_bytes(source.read_bytes() + b"\n")
    with pytest.raises(SystemExit, match=r"src/anom_wipe\.c was changed after emit-c wrote it"):
        sbom.of_folder(folder, plan)


def with_another_alert(folder):
    """A plan of the same name with another alert, and so another id."""
    place = folder.parent / "audio_scene"
    shutil.copytree(packaged_folder("reference_models") / "audio_scene", place)
    spec = place / "spec.toml"
    spec.write_text(spec.read_text().replace("cooldown_s = 5", "cooldown_s = 6"))
    return anomsdk.plan(place)


def test_what_is_no_cyclonedx_is_noticed(plan, folder, tmp_path):
    bill = sbom.of_folder(folder, plan)
    bill["components"][0]["hashes"] = [{"alg": "SHA-256", "content": "no digest"}]
    assert sbom.problems(bill) is not None
    with pytest.raises(SystemExit, match="no valid CycloneDX"):
        sbom.write(tmp_path / "bill.json", bill)
    assert not (tmp_path / "bill.json").exists()


def test_the_bill_of_a_wheel_lists_what_it_needs_to_run_and_no_tool_of_development(tmp_path):
    wheel = tmp_path / "anomsdk-0.1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("anomsdk/__init__.py", "")
        archive.writestr("anomsdk/runtime/_native.abi3.so", b"compiled")
        archive.writestr("anomsdk/reference_models/audio_scene/plan.json", b"a plan")
    sbom.write(tmp_path / "bill.json", sbom.of_wheel(wheel))
    bill = json.loads((tmp_path / "bill.json").read_text())
    versions = {sbom.canonical(part["name"]): part["version"] for part in bill["components"]}
    assert {"numpy", "scipy", "cffi", "pydantic", "pycparser", "llvmlite"} <= set(versions)
    assert versions == {name: metadata.version(name) for name in versions}
    assert not {"pytest", "ruff", "hypothesis", "capstone", "cryptography", "pyarrow", "pip"} & set(versions)
    main = bill["metadata"]["component"]
    assert (main["name"], main["version"]) == ("anomsdk", anomsdk.__version__)
    assert main["hashes"] == [{"alg": "SHA-256", "content": sha256(wheel.read_bytes())}]
    assert {part["name"]: part["hashes"][0]["content"] for part in main["components"]} == {
        "anomsdk/runtime/_native.abi3.so": sha256(b"compiled"),
        "anomsdk/reference_models/audio_scene/plan.json": sha256(b"a plan"),
    }
    known = {part["bom-ref"] for part in bill["components"]} | {main["bom-ref"]}
    assert {ref for row in bill["dependencies"] for ref in (row["ref"], *row["dependsOn"])} == known
