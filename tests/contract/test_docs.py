"""The documentation runs: code blocks of README, doctests of the package, examples of specs."""

import doctest
import importlib
import pkgutil
import re

import pytest

import anomsdk
from tests.make import ROOT

README = (ROOT / "README.md").read_text()


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", README, re.S)


def test_readme_python():
    assert blocks("python")
    for block in blocks("python"):
        exec(compile(block, "README.md", "exec"), {})


def test_readme_toml():
    for block in blocks("toml"):
        anomsdk.PipelineSpec.from_toml(block)


def test_readme_commands_exist():
    """Every `make` target and `anomsdk` command with its options is one that there is."""
    from typer.main import get_command

    from anomsdk.cli import app

    commands = get_command(app).commands
    makefile = (ROOT / "Makefile").read_text()
    shown = [line.split("#")[0].strip() for block in blocks("console") for line in block.splitlines()]
    calls = [re.split(r"\banomsdk ", line)[1].split() for line in shown if "anomsdk " in line]
    assert len(calls) >= 4
    for name, *words in calls:
        options = {flag for parameter in commands[name].params for flag in parameter.opts}
        assert {word for word in words if word.startswith("--")} <= options, name
    for target in re.findall(r"make ([a-z-]+)", README):
        assert re.search(rf"^{target}:", makefile, re.M), target


def test_first_screen_has_the_two_commands():
    first = "\n".join(README.splitlines()[:20])
    assert "make demo" in first and "make test" in first


def test_every_key_of_the_spec_is_documented_with_its_default():
    from pydantic_core import PydanticUndefined

    from anomsdk import spec

    page = (ROOT / "docs" / "configuration.md").read_text()
    sections = [spec.PipelineSpec, spec.Sensor, spec.LogmelFeatures, spec.BandsFeatures, spec.ExternalFeatures]
    sections += [spec.StackContext, spec.SummaryContext, spec.Model, spec.Score, spec.Alert]
    for section in sections:
        for name, field in section.model_fields.items():
            row = next(
                (line for line in page.splitlines() if line.startswith("|") and f"`{name}`" in line.split("|")[1]), ""
            )
            if name in ("model", "score", "alert", "sensor", "features", "context"):
                assert f"## [{name}]" in page
                continue
            assert row, f"{section.__name__}.{name} is not documented"
            if field.default not in (PydanticUndefined, None) and not isinstance(field.default, tuple):
                shown = f"{field.default:g}" if isinstance(field.default, float) else str(field.default)
                assert shown in row.split("|")[2], f"{section.__name__}.{name}: default {shown}"


def test_links_lead_somewhere():
    for path in ROOT.glob("*.md"):
        for target in re.findall(r"\]\((?!http)([^)#]+)", path.read_text()):
            assert (ROOT / target).exists(), f"{path.name}: {target}"


@pytest.mark.parametrize(
    "name", [m.name for m in pkgutil.walk_packages(anomsdk.__path__, "anomsdk.") if "reference_models" not in m.name]
)
def test_doctests(name):
    found = doctest.testmod(importlib.import_module(name))
    assert found.failed == 0
