"""The documentation runs: code blocks of README and of every page, doctests of the package, the tutorial as a whole."""

import contextlib
import csv
import doctest
import importlib
import pkgutil
import re
import subprocess
import sys
from xml.etree import ElementTree

import pytest

import anomsdk
from anomsdk.demo import recordings as demo_recordings
from anomsdk.planner.health import DEFAULTS
from anomsdk.planner.sections import HealthSection, Section
from anomsdk.planner.spec import PipelineSpec
from tests.support import demo_picture
from tests.support.make import ROOT
from tests.support.pages import DOCS, NOT_RUN, PAGES, README, RUN, blocks, commands, run_command, run_page

TUTORIAL = DOCS / "tutorial.md"
TUTORIAL_HERD = DOCS / "tutorial-herd.md"
TUTORIAL_DAYS = DOCS / "tutorials" / "what-changed-in-my-herd.md"
SPEC = DOCS / "spec.md"
GOING_ON = sorted((DOCS / "how-to").glob("*.md"))
"""Pages that go on where the tutorial ended, with its files."""
EVENTS_BY_RADIO = DOCS / "reference" / "events-by-radio.md"
"""A page of the reference whose blocks run by themselves."""

try:
    import tomllib
except ModuleNotFoundError:
    import tomli as tomllib


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_block_is_of_a_kind_that_is_known(page):
    """A misspelt kind would be run by nobody."""
    assert page.read_text().count("```") == 2 * len(blocks(page))
    assert {block.kind for block in blocks(page)} <= {*RUN, *NOT_RUN}
    assert page == SPEC or page in GOING_ON or "c" not in {block.kind for block in blocks(page)}
    for block in blocks(page):
        if block.kind == "console":
            assert commands(block), "a console block without a command"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_toml(page):
    """Whole specs, and sections: these replace those of the reference model's."""
    base = (ROOT / "reference_models" / "audio_scene" / "spec.toml").read_text()
    for block in blocks(page):
        if block.kind == "toml":
            tree = tomllib.loads(block.text)
            PipelineSpec.from_dict(tree if "format" in tree else tomllib.loads(base) | tree)


def test_commands_exist():
    """Every `make` target and `anomsdk` command with its options is one that there is, run or not."""
    from typer.main import get_command

    from anomsdk.cli.app import app

    known = get_command(app).commands
    makefile = (ROOT / "Makefile").read_text()
    shown = [command.split("#")[0] for page in PAGES for block in blocks(page) for command, _ in commands(block)]
    calls = [re.split(r"\banomsdk ", line)[-1].split() for line in shown if re.search(r"\banomsdk ", line)]
    words = [word for page in PAGES for word in re.findall(r"`(?:anomsdk|make) [^`]+`", page.read_text())]
    calls += [word.strip("`").split()[1:] for word in words if word.startswith("`anomsdk")]
    assert len(calls) >= 20
    for name, *rest in calls:
        if name == "--debug":
            continue
        options = {flag for parameter in known[name].params for flag in parameter.opts}
        given = {word.partition("=")[0] for word in rest if word.startswith("--")}
        assert given <= options | {"--help"}, name
    for page in PAGES:
        for target in re.findall(r"(?:`|^\$ )make (?!-C)([a-z-]+)", page.read_text(), re.M):
            assert re.search(rf"^{target}:", makefile, re.M), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_reader_of_all_pages_has_one_environment(page):
    """`make` makes .venv in the checkout; no page makes another, over it or beside it, or replaces what is installed."""
    for block in blocks(page):
        for command, _ in commands(block):
            assert "-m venv" not in command and "virtualenv" not in command, command
            if "pip install" in command and (re.search(r"'?\.\[|\s\.(\s|$)", command.split("#")[0])):
                assert command.startswith(".venv/bin/pip install --editable '."), command


def test_readme_runs(tmp_path):
    """In a folder with what README takes for granted: recordings of some days, a spec, two files."""
    import soundfile

    written = demo_recordings.write(tmp_path / "demo").folder
    for day in (1, 2, 3):
        (tmp_path / "recordings").mkdir(exist_ok=True)
        (written / "normal" / f"day-{day}").rename(tmp_path / "recordings" / f"day-{day}")
    for path in (tmp_path / "recordings").glob("*/0[234].wav"):
        path.unlink()
    tonight, rate = soundfile.read(written / "tonight.wav", dtype="int16")
    for name in ("recording.wav", "tonight.wav"):
        soundfile.write(tmp_path / name, tonight[: 40 * rate], rate)
    spec = (ROOT / "reference_models" / "audio_scene" / "spec.toml").read_text()
    (tmp_path / "spec.toml").write_text(re.sub(r"max_macs = \d+", "max_macs = 600", spec))
    printed = run_page(README, tmp_path)
    assert any("chosen: " in output for output in printed.values())


def test_the_tutorial_runs_and_finds_what_was_planted(tmp_path):
    """From nothing to a detector that raises an alarm at each sound that does not belong, and nowhere else.

    The how-to pages go on in its folder.
    """
    printed = run_page(TUTORIAL, tmp_path)

    def of(command):
        return next(output for line, output in printed.items() if line.startswith(f"anomsdk {command}"))

    assert re.search(r"^> .* (components|mahalanobis|autoencoder)", of("train"), re.M), "no model was chosen"
    assert anomsdk.read_plan(tmp_path / "my_room" / "plan.json").name == "my_room"
    assert float(re.search(r"AUC of highest scores +([\d.]+)", of("evaluate"))[1]) > 0.9
    planted = [(float(a), float(b)) for a, b in re.findall(r"([\d.]+) s +([\d.]+) s$", of("demo"), re.M)]
    assert len(planted) == 2
    alarms = [60 * int(m) + float(s) for m, s in re.findall(r"0:(\d\d):([\d.]+)  ALARM", of("watch"))]
    for start, end in planted:
        assert sum(start <= at <= end for at in alarms) == 1, (alarms, planted)
    assert len(alarms) == len(planted), f"alarms at {alarms}, sounds at {planted}"
    assert "<html" in (tmp_path / "evaluation.html").read_text()

    for page in GOING_ON:
        run_page(page, tmp_path)


def test_the_tutorial_of_herds_runs_and_tells_which_animal_is_which(tmp_path):
    """From files of collars to a level by downlink; the animals of whom something is the matter are found, apart."""
    printed = run_page(TUTORIAL_HERD, tmp_path)

    def of(command):
        return next(output for line, output in printed.items() if line.startswith(f"anomsdk {command}"))

    assert sum(path.stat().st_size for path in (tmp_path / "herd").rglob("*.npz")) < 50e6
    with (tmp_path / "levels.csv").open() as file:
        table = {row["device"]: row for row in csv.DictReader(file)}
    provisional = {device for device, row in table.items() if row["status"] != "certified"}
    assert len(table) == 12 and provisional == {"cow-05", "cow-09"}
    assert "look at them before you use it: cow-05\n" in of("tune")
    assert re.search(r"^cow-03 +new +\d\d ", of("herd"), re.M) and "- cow-11: last heard of on 2026-06-02" in of("herd")
    assert len(list((tmp_path / "scores").glob("day=*"))) == 3


def test_the_tutorial_of_days_runs_and_tells_what_was_generated(tmp_path):
    """From hourly rows to the list of a morning; a run on new rows gives the list of a run on all rows."""
    printed = run_page(TUTORIAL_DAYS, tmp_path)
    first, second = (output for line, output in printed.items() if line.startswith("anomsdk days"))
    assert re.search(r"^- cow-03: moved \d\d % less than in the last 14 days, since 1\d:00", first, re.M)
    assert re.search(r"^- cow-07: rhythm \d h later", first, re.M)
    assert "common-mode" not in first
    whole = run_command("anomsdk days --devices herd/rows --plan herd/plan --today 2026-05-16", tmp_path)
    assert second.split("This is no diagnosis")[0] == whole.split("This is no diagnosis")[0]
    page = (tmp_path / "today.html").read_text()
    assert page.count("<article") == first.count("  beside the herd")


def test_events_by_radio_runs(tmp_path):
    """What it shows is what is printed, number by number."""
    printed = run_page(EVENTS_BY_RADIO, tmp_path)
    shown = {command: lines for block in blocks(EVENTS_BY_RADIO) for command, lines in commands(block)}
    assert {command: printed[command].splitlines() for command in shown} == shown


def test_c_of_the_how_tos_compiles(tmp_path):
    """Against what emit-c writes for the reference model; a block with a title is compiled by its own page."""
    folder = anomsdk.emit_c(anomsdk.reference_model("audio_scene"), tmp_path / "firmware").folder
    programs = [block.text for page in GOING_ON for block in blocks(page) if block.kind == "c" and not block.title]
    assert programs
    for program in programs:
        (tmp_path / "page.c").write_text(program)
        include = [f"-I{folder / place}" for place in ("include", "examples", "")]
        flags = ["-target", "thumb-freestanding-eabi", "-mcpu=cortex_m4", "-std=c99", "-Wall", "-Wextra", "-Werror"]
        libc = f"-I{ROOT / 'firmware_port/boards/freestanding'}"
        line = [sys.executable, "-m", "ziglang", "cc", *flags, *include, libc, "-c", "page.c", "-o", "page.o"]
        done = subprocess.run(line, cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr


def test_every_page_with_commands_is_run():
    for page in PAGES:
        if {"console", "python"} & {block.kind for block in blocks(page)}:
            assert page in (README, TUTORIAL, TUTORIAL_HERD, TUTORIAL_DAYS, EVENTS_BY_RADIO, *GOING_ON), page


def test_every_public_name_and_command_is_in_the_reference():
    from typer.main import get_command

    import anomsdk.sources.clips
    from anomsdk import mcu
    from anomsdk.cli.app import app

    page = (DOCS / "reference" / "api.md").read_text()
    modules = (
        anomsdk,
        anomsdk.train,
        anomsdk.sources,
        anomsdk.sources.clips,
        anomsdk.evaluate,
        anomsdk.compare,
        anomsdk.herd,
        anomsdk.herd.days,
        anomsdk.tune,
        mcu,
    )
    for module in modules:
        for name in module.__all__:
            if name in ("__version__", "compare", "evaluate", "herd", "train", "tune") and module is anomsdk:
                continue
            shared = module is anomsdk.evaluate and name in anomsdk.sources.clips.__all__
            home = "anomsdk.sources.clips" if shared else module.__name__
            assert f"::: {home}.{name}\n" in page, f"{module.__name__}.{name}"
    page = (DOCS / "reference" / "cli.md").read_text()
    for name in get_command(app).commands:
        assert f"## {name}\n" in page and f"<!-- help: {name} -->" in page, name


def test_first_screen_has_the_two_commands():
    first = "\n".join(README.read_text().splitlines()[:20])
    assert "make demo" in first and "make test" in first


@pytest.mark.usefixtures("native")
def test_the_picture_is_what_the_demo_prints():
    assert demo_picture.PICTURE.read_text("utf-8") == demo_picture.drawn(demo_picture.printed()), "run make picture"


def test_the_picture_fetches_nothing_and_is_shown_on_the_first_screen():
    picture = demo_picture.PICTURE.read_text("utf-8")
    root = ElementTree.fromstring(picture)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert picture.replace('xmlns="http://www.w3.org/2000/svg"', "").count("//") == 0, "an address in the picture"
    assert not re.search(r"url\(|@import|@font-face|href|<script|<image", picture)
    assert "prefers-color-scheme: dark" in picture
    first = "\n".join(README.read_text("utf-8").splitlines()[:20])
    assert re.search(r"!\[[^]]{20,}\]\(docs/pictures/demo\.svg\)", first), "with words for who does not see it"


GLOSSARY = DOCS / "reference" / "glossary.md"


def terms():
    """(term, meaning, names in the code) of each row of the glossary."""
    rows = [line.strip("| ").split(" | ") for line in GLOSSARY.read_text("utf-8").splitlines() if line.startswith("|")]
    return [row for row in ([*row, ""][:3] for row in rows) if row[0] != "term" and not set(row[0]) <= set("-|")]


def sections(of: type[Section] = Section) -> list[type[Section]]:
    """Every section of a spec, and the spec itself."""
    return [each for found in of.__subclasses__() for each in (found, *sections(found))]


def resolved(name: str) -> object:
    """What a name of the glossary stands for: an object of the package, its annotation, or a key of the spec."""
    if not name.startswith("anomsdk."):
        section, key = name.split(".")
        return key if any(key in each.model_fields for each in sections() if section.title() in each.__name__) else None
    parts = name.split(".")
    for n in range(len(parts), 0, -1):
        with contextlib.suppress(ModuleNotFoundError):
            found = importlib.import_module(".".join(parts[:n]))
            for part in parts[n:]:
                found = getattr(found, part, None) or getattr(found, "__annotations__", {}).get(part)
            return found
    return None


def test_every_name_of_the_glossary_exists():
    assert len(terms()) >= 50
    names = [name for _, _, where in terms() for name in re.findall(r"`([^`]+)`", where)]
    assert len(names) >= 30
    assert [name for name in names if resolved(name) is None] == []


def test_every_word_of_the_glossary_has_one_row_and_is_used():
    """On another page, or in the code: a word that nobody says needs no meaning."""
    words = [word.strip("` ") for term, _, _ in terms() for word in re.sub(r"\(.*\)", "", term).split(",")]
    assert len(set(words)) == len(words), "a word with two meanings"
    pages = [page for page in (*PAGES, *(ROOT / "anomsdk").rglob("*.py")) if page != GLOSSARY]
    text = " ".join(" ".join(page.read_text("utf-8").split()) for page in pages).lower().replace("_", " ")
    assert [word for word in words if word.lower().replace("_", " ") not in text] == []


def test_every_new_path_of_the_changelog_exists():
    rows = [line.split(" | ") for line in (ROOT / "CHANGELOG.md").read_text("utf-8").splitlines() if line[:3] == "| `"]
    assert len(rows) >= 15
    names = [name for *_, new in rows for name in re.findall(r"`(anomsdk\.[^`]+)`", new)]
    assert [name for name in names if resolved(name) is None] == []


def test_every_page_leads_to_the_glossary():
    """At the first use of its words: what a stranger does not know is one click away."""
    for page in PAGES:
        if page not in (GLOSSARY, SPEC, DOCS / "reference" / "measurements.md"):
            assert "glossary.md" in page.read_text("utf-8"), page.name


def test_every_key_of_the_spec_is_documented_with_its_default():
    from pydantic_core import PydanticUndefined

    page = (ROOT / "docs" / "configuration.md").read_text()
    assert PipelineSpec in sections() and len(sections()) >= 12
    for section in sections():
        for name, field in section.model_fields.items():
            rows = [line for line in page.splitlines() if line.startswith("|") and f"`{name}`" in line.split("|")[1]]
            if name in (
                "model",
                "score",
                "alert",
                "sensor",
                "features",
                "context",
                "alarm",
                "health",
                "ladder",
                "diary",
            ):
                assert f"## [{name}]" in page
                continue
            assert rows, f"{section.__name__}.{name} is not documented"
            if field.default not in (PydanticUndefined, None) and not isinstance(field.default, tuple):
                shown = f"{field.default:g}" if isinstance(field.default, float) else str(field.default)
                shown = shown.lower() if isinstance(field.default, bool) else shown
                given = [row.split("|")[2] for row in rows]  # two sections may have a key of one name
                assert any(shown in cell for cell in given), f"{section.__name__}.{name}: default {shown}"


def test_the_defaults_of_health_are_documented_for_each_kind_of_sensor():
    rows = [line.split("|") for line in (ROOT / "docs" / "configuration.md").read_text().splitlines()]
    page = {row[1].strip(" `"): row[2:6] for row in rows if len(row) == 8}
    for column, kind in enumerate(("audio", "motion", "external", "diary")):
        for key in HealthSection.model_fields:
            shown, default = page[key][column].strip(), DEFAULTS[kind].get(key)
            if default is None:
                assert shown in ("", "off", "0", "false", "1 % below the full scale"), f"{key}, {kind}"
            else:
                assert shown == f"{default:g}", f"{key}, {kind}"


def test_links_lead_somewhere():
    for path in {*ROOT.glob("*.md"), *PAGES}:
        for target in re.findall(r"\]\((?!http)([^)#]+)", path.read_text()):
            assert (path.parent / target.strip()).exists(), f"{path.name}: {target}"


@pytest.mark.parametrize(
    "name", [m.name for m in pkgutil.walk_packages(anomsdk.__path__, "anomsdk.") if "reference_models" not in m.name]
)
def test_doctests(name):
    found = doctest.testmod(importlib.import_module(name))
    assert found.failed == 0
