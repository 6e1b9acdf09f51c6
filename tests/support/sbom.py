"""Bills of materials in CycloneDX: of the wheel, and of the folder that emit-c writes. ``make sbom`` writes them.

The wheel's bill names the packages that it needs to run, in the versions of this environment, as cyclonedx-py finds
them. An installation elsewhere may have other versions: make the bill where the product is built.

The bill of an emitted folder names the C port, the plan, the model and each file with its SHA-256. A program that links
the folder also links parts of its compiler's library (memcpy, memmove, memset, helpers for integers), which the bill of
the whole firmware must name. The bill holds no time, and the same folder gives the same bytes.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import subprocess
import sys
import tempfile
import uuid
import zipfile
from importlib import metadata
from pathlib import Path
from typing import Any

from cyclonedx.model import HashAlgorithm, HashType, Property
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import DisjunctiveLicense
from cyclonedx.output.json import JsonV1Dot6
from packaging.requirements import Requirement

import anomsdk
from anomsdk.core.plan import Plan
from anomsdk.mcu.emit import SUMS
from anomsdk.plans.lookup import find_plan
from tests.support.make import ROOT

NAMESPACE = uuid.UUID("6f2a7f6c-3d0e-5c56-9f0b-1f2f7d6c8a10")
"""Serial numbers are made from what a bill lists (UUID version 5), in this namespace of the project."""
INSIDE = re.compile(r"anomsdk/(runtime/_native[^/]*\.so|reference_models/\w+/(plan\.json|model\.tflite))")
"""Files of the wheel that have an entry of their own: compiled code and models."""


def sha256(data: bytes) -> HashType:
    return HashType(alg=HashAlgorithm.SHA_256, content=hashlib.sha256(data).hexdigest())


def needed(name: str) -> dict[str, set[str]]:
    """Package -> packages that it needs to run, from this one on: the names that cyclonedx-py's output has, too.

    Extras do not count, and requirements of other platforms or Pythons do not.

    Parameters
    ----------
    name : package of this environment
    """
    found: dict[str, set[str]] = {}
    waiting: list[tuple[str, frozenset[str]]] = [(name, frozenset())]
    seen = set(waiting)
    while waiting:
        package, extras = waiting.pop()
        edges = found.setdefault(canonical(package), set())
        for text in metadata.requires(package) or ():
            requirement = Requirement(text)
            marker = requirement.marker
            if marker and not any(marker.evaluate({"extra": extra}) for extra in ("", *extras)):
                continue
            edges.add(canonical(requirement.name))
            after = (requirement.name, frozenset(requirement.extras))
            if after not in seen:
                seen.add(after)
                waiting.append(after)
    return found


def canonical(name: str) -> str:
    """A package's name in its one form (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def of_wheel(wheel: Path) -> dict[str, Any]:
    """The bill of a wheel, as JSON: itself, compiled code and models in it, and the packages that it needs."""
    edges = needed("anomsdk")
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "environment.json"
        line = ["environment", "--pyproject", ROOT / "pyproject.toml", "--mc-type", "library", "--output-reproducible"]
        command = [sys.executable, "-m", "cyclonedx_py", *line, "--output-file", out, sys.executable]
        subprocess.run([*map(str, command)], check=True)
        bill = json.loads(out.read_text("utf-8"))
    main = bill["metadata"]["component"]
    main |= {"version": anomsdk.__version__, "purl": f"pkg:pypi/anomsdk@{anomsdk.__version__}"}
    main["hashes"] = [_hash(wheel.read_bytes())]
    main["properties"] = [{"name": "anomsdk:file", "value": wheel.name}]
    with zipfile.ZipFile(wheel) as archive:
        inside = [name for name in sorted(archive.namelist()) if INSIDE.fullmatch(name)]
        main["components"] = [
            {"type": "file", "bom-ref": name, "name": name, "hashes": [_hash(archive.read(name))]} for name in inside
        ]
    refs = {canonical(part["name"]): part["bom-ref"] for part in bill["components"]}
    if missing := sorted(set(edges) - set(refs) - {"anomsdk"}):
        raise SystemExit(f"error: cyclonedx-py did not find {', '.join(missing)} in this environment")
    refs["anomsdk"] = main["bom-ref"]
    bill["components"] = [part for part in bill["components"] if canonical(part["name"]) in edges.keys() - {"anomsdk"}]
    bill["dependencies"] = [
        {"ref": refs[name], "dependsOn": sorted(refs[other] for other in others)} for name, others in edges.items()
    ]
    bill["dependencies"].sort(key=lambda row: row["ref"])
    return bill


def _hash(data: bytes) -> dict[str, str]:
    return {"alg": "SHA-256", "content": hashlib.sha256(data).hexdigest()}


def of_folder(folder: Path, plan: Plan) -> dict[str, Any]:
    """The bill of a folder that ``anomsdk emit-c`` wrote for this plan, as JSON."""
    listed = [line.split("  ", 1) for line in (folder / SUMS).read_text("ascii").splitlines()[1:]]
    names = [name for _, name in listed]
    changed = [name for digest, name in listed if _hash((folder / name).read_bytes())["content"] != digest]
    if changed:
        raise SystemExit(f"error: {folder}: {changed[0]} was changed after emit-c wrote it; emit the plan again")
    if plan.id not in (folder / f"anom_plan_{plan.name}.h").read_text("ascii"):
        raise SystemExit(f"error: {folder}: was emitted from another plan; give the plan that it was emitted from")
    port = Component(
        name="anomsdk-c-port",
        version=_port_version(folder),
        type=ComponentType("library"),
        bom_ref="c-port",
        licenses=[DisjunctiveLicense(id="Apache-2.0")],
        description="The chain of anomsdk in C99",
    )
    model = Component(
        name=str(plan.provenance.get("model_file", "model.tflite")),
        type=ComponentType.MACHINE_LEARNING_MODEL,
        bom_ref="model",
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=plan.model.sha256)],
        description="int8 model; its weights are constants of the emitted plan",
    )
    files = [
        Component(
            name=name, type=ComponentType.FILE, bom_ref=f"file:{name}", hashes=[sha256((folder / name).read_bytes())]
        )
        for name in sorted([*names, SUMS])
    ]
    main = Component(
        name=plan.name,
        version=plan.id,
        type=ComponentType.FIRMWARE,
        bom_ref="firmware",
        description="A plan of anomsdk as C99, which a firmware links",
        properties=[
            Property(name="anomsdk:plan-id", value=plan.id),
            Property(name="anomsdk:score-id", value=plan.score_id),
            Property(name="anomsdk:version", value=anomsdk.__version__),
        ],
    )
    bom = Bom(components=[port, model, *files])
    bom.metadata.component = main
    bom.register_dependency(main, [port, model, *files])
    bill = json.loads(JsonV1Dot6(bom).output_as_string())
    del bill["metadata"]["timestamp"]
    del bill["serialNumber"]
    bill["serialNumber"] = uuid.uuid5(NAMESPACE, json.dumps(bill, sort_keys=True)).urn
    return bill


def _port_version(folder: Path) -> str:
    header = (folder / "include" / "anomsdk.h").read_text("ascii")
    found = re.search(r'^#define ANOM_VERSION "(.+)"$', header, re.M)
    assert found, "anomsdk.h has no version"
    return found[1]


def problems(bill: dict[str, Any]) -> str | None:
    """The first way in which a bill is no CycloneDX; None if there is none."""
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    error = JsonStrictValidator(SchemaVersion.from_version(bill["specVersion"])).validate_str(json.dumps(bill))
    return None if error is None else str(error)


def write(path: Path, bill: dict[str, Any]) -> None:
    """Write a bill that the schema accepts, and nothing else."""
    if error := problems(bill):
        raise SystemExit(f"error: {path.name}: no valid CycloneDX: {error}")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(bill, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    print(f"{path}  {1 + len(bill.get('components', ()))} components")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--wheel", type=Path, help="wheel of anomsdk; without it no bill of a wheel is written")
    parser.add_argument("--plan", action="append", default=[], help="plan to emit and list; may be given several times")
    parser.add_argument("--folder", type=Path, help="folder that emit-c wrote for the one plan that is given")
    parser.add_argument("--out", type=Path, default=Path("dist"), help="folder for the bills")
    given = parser.parse_args()
    if given.folder and len(given.plan) != 1:
        parser.error("--folder needs one --plan, the one that it was emitted from")
    if given.wheel:
        write(given.out / f"{given.wheel.stem}.cdx.json", of_wheel(given.wheel))
    for name in given.plan:
        plan = find_plan(name)
        with tempfile.TemporaryDirectory() as place:
            folder = given.folder or anomsdk.emit_c(plan, Path(place) / plan.name).folder
            write(given.out / f"{plan.name}-firmware.cdx.json", of_folder(folder, plan))


if __name__ == "__main__":
    main()
