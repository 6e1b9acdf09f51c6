"""Options of the command line: one word for each parameter of the library, help that reads alone, examples that run."""

from __future__ import annotations

import ast
import json
import re
import shlex
import shutil
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from typer.main import get_command

import anomsdk
from anomsdk.cli.app import app
from anomsdk.cli.option_words import FLAGS, NO_FLAG, in_flags
from anomsdk.cli.options import RunOptions, print_report, tell
from anomsdk.compare import Limits
from anomsdk.demo import recordings as demo_recordings
from anomsdk.sources.stream_format import ReadOptions
from tests.support.command_line import anomsdk_command
from tests.support.device_days import day, device_day, facts_of, write_rows
from tests.support.herds import export_of, plan_with_ladder, scores_of, write_exports
from tests.support.house import SOURCES
from tests.support.make import ROOT

COMMANDS = get_command(app).commands
ARGUMENTS = {"plan"}
"""Parameters that are an argument of some commands and an option of others."""


def parameters():
    return [(name, each) for name, command in COMMANDS.items() for each in command.params]


# --- the table


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_is_in_the_table_of_flags(name):
    for each in COMMANDS[name].params:
        if each.name == "help":
            continue
        word = each.opts[0] if each.param_type_name == "option" else each.metavar.strip("[].")
        if each.name not in ARGUMENTS:
            assert FLAGS[each.name] == word, f"{name}: {each.name} is {word}"


def test_the_table_of_flags_names_nothing_else():
    there = {each.name for _, each in parameters()} | {each.name for each in get_command(app).params}
    assert set(FLAGS) - there == {"rotation"}, "the second unit of --unit"


def test_every_field_of_the_options_of_the_library_has_a_flag():
    for options in (ReadOptions, Limits, anomsdk.train.Options):
        missing = {each.name for each in fields(options)} - set(FLAGS) - set(NO_FLAG)
        assert not missing, f"{options.__name__}: {missing}"


def words_in_backticks(name):
    """Words in backticks in the texts of a module; of an f-string, what may stand where a value is put."""
    tree = ast.parse(SOURCES[name].read_text(encoding="utf-8"))
    documented = {node.value for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    within = {part for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if node in documented or node in within:
            continue
        if isinstance(node, ast.JoinedStr):
            text = "".join(each.value if isinstance(each, ast.Constant) else "{}" for each in node.values)
            for i, each in enumerate(node.values[1:], 1):
                before = node.values[i - 1]
                if isinstance(before, ast.Constant) and before.value.endswith("`"):
                    inner = [part.value for part in ast.walk(each) if isinstance(part, ast.Constant)]
                    yield from (word for word in inner if isinstance(word, str) and word.isidentifier())
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            text = node.value
        else:
            continue
        yield from re.findall(r"`([A-Za-z_]\w*)(?:=[^`]*)?`", text)


def test_every_parameter_that_a_message_names_has_a_flag_or_a_reason():
    found = {(name, word) for name in SOURCES if name != "anomsdk.cli.options" for word in words_in_backticks(name)}
    assert ("anomsdk.errors", "skip_bad") in found, "the scan finds nothing"
    unknown = {f"{name}: `{word}`" for name, word in found if word not in FLAGS and word not in NO_FLAG}
    assert not unknown, f"give it a flag in FLAGS, or a reason in NO_FLAG: {sorted(unknown)}"
    assert not set(FLAGS) & set(NO_FLAG)


def test_no_message_of_the_library_speaks_of_an_option():
    """Options of a compiler apart."""
    flags = sorted({word for word in FLAGS.values() if word.startswith("--")}, key=len, reverse=True)
    found = set()
    for name, path in SOURCES.items():
        if not name.startswith("anomsdk.cli"):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            documented = {node.value for node in ast.walk(tree) if isinstance(node, ast.Expr)}
            texts = [node for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
            for node in texts:
                if node.value in flags:  # an argument of a command that is run
                    continue
                if node not in documented and (word := re.search(rf"({'|'.join(flags)})\b", node.value)):
                    found.add(f"{name}:{node.lineno} {word[0]}")
    assert not found, f"name the parameter in backticks: {sorted(found)}"


# --- the words


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("`rate_hz`", "--rate"),
        ("give `rate_hz=50`.", "give --rate 50."),
        ("`rate_hz=0.10`", "--rate 0.10"),
        ("`rate_hz=HZ`", "--rate HZ"),
        ("`unit='g'`", "--unit g"),
        ("`unit='m/s2,rad/s'`", "--unit m/s2,rad/s"),
        ("`rotation='rad/s'`", "--unit ,rad/s"),
        ("`scale=(0.5, 0.25)`", "--scale 0.5,0.25"),
        ("`scale=1/4096`", "--scale 1/4096"),
        ("`axes=('a x', 'b')`", "--axes 'a x,b'"),
        ("`where='bird=3'`", "--where bird=3"),
        ("`where='bird!=3'`", "--where 'bird!=3'"),
        ("`time='t;rm -r /'`", "--time 't;rm -r /'"),
        ("`skip_bad`", "--skip-bad"),
        ("`skip_bad=True`", "--skip-bad"),
        ("`skip_bad=False`", "no --skip-bad"),
        ("`piece_s=None`", "no --piece"),
        ("--unit g", "--unit g"),
        ("`git lfs pull` `nothing_of_this_name=3` `x", "`git lfs pull` `nothing_of_this_name=3` `x"),
    ],
)
def test_a_parameter_reads_as_its_option(text, shown):
    assert in_flags(text) == shown


def test_json_keeps_the_words_of_the_library(capsys):
    for as_json in (True, False):
        print_report(as_json, lambda: {"note": "`rate_hz=50`"}, lambda: "`rate_hz=50`")
    printed = capsys.readouterr().out
    assert json.loads(printed[: printed.index("}") + 1]) == {"note": "`rate_hz=50`"}
    assert printed.endswith("}\n--rate 50\n")


def test_errors_notes_and_lines_of_what_is_left_out_speak_of_options(capsys, monkeypatch):
    def refuse(*_, **__):
        raise anomsdk.InputError("a.csv: no rate; give `rate_hz=50`")

    monkeypatch.setattr("anomsdk.plans.lookup.find_plan", refuse)
    ended = anomsdk_command("inspect", "x")
    assert (ended.status, ended.stderr) == (2, "error: a.csv: no rate; give --rate 50\n")
    on_bad = RunOptions("watch", skip_bad=True).on_bad
    assert on_bad is not None
    on_bad("a.csv: no rate; give `rate_hz=50`")
    tell("two lines:\n`jobs=2` \x1b[2J")
    shown = capsys.readouterr()
    assert shown.err == "left out: a.csv: no rate; give --rate 50\n"
    assert shown.out == "two lines:\n--jobs 2 ?[2J\n"


@pytest.mark.parametrize("form", ["lines", "jsonl"])
def test_notes_of_watch_speak_of_options(monkeypatch, form):
    class Noted:
        name, length, kept_by = "a.wav", 3, None
        notes = ("2 channels mixed down (`channel=2` takes one)",)

        def blocks(self):
            yield np.zeros(32_000, np.int16)

    monkeypatch.setattr("anomsdk.watch.session.open_skippable", lambda *_, **__: [Noted()])
    ended = anomsdk_command("watch", "a.wav", "--plan", "audio_scene", *(["--jsonl"] if form == "jsonl" else []))
    assert ended.status == 0
    noted = ended.stdout if form == "lines" else ended.stderr
    assert "a.wav: 2 channels mixed down (--channel 2 takes one)\n" in noted
    if form == "jsonl":
        assert all(json.loads(line) for line in ended.stdout.splitlines()) and "a.wav" in ended.stderr


# --- help


def example(name):
    assert COMMANDS[name].epilog.startswith("Example:\n\nanomsdk ")
    return shlex.split(COMMANDS[name].epilog.split("\n")[-1])[1:]


@pytest.mark.parametrize("name", COMMANDS)
def test_help_reads_alone(name):
    command = COMMANDS[name]
    first = command.help.split("\n")[0]
    assert re.fullmatch(r"[A-Z][a-z]+ .*\.", first) and len(first) < 64, "whole in the list of commands"
    for each in command.params:
        if each.name == "help":
            continue
        assert each.help[0].isupper() or each.help.startswith(("native,", "model:")), each.name
        assert each.help.endswith("."), each.name
        assert not re.search(r"\b(so many|this much|as many|those of|what was)\b", each.help), each.name


@pytest.mark.parametrize("name", COMMANDS)
def test_help_shows_no_type_of_python_and_no_range(name):
    shown = anomsdk_command(name, "--help").stdout
    assert re.findall(r"<\S+>|\bx[<>]=\S+|[{}]|\]\.\.\.\]", shown) == []
    arguments = [each for each in COMMANDS[name].params if each.param_type_name == "argument"]
    assert [each.metavar for each in arguments if f" {each.metavar}" not in shown.split("\n")[0].replace("[", "")] == []


def test_the_list_of_commands_is_not_cut():
    assert "..." not in anomsdk_command("--help").stdout.split("Commands:")[1]


@pytest.mark.parametrize("name", COMMANDS)
def test_the_example_of_every_command_is_one_of_its_calls(name):
    called, *rest = example(name)
    assert called == name
    COMMANDS[name].make_context(name, list(rest))
    last = anomsdk_command(name, "--help").stdout.rstrip().split("\n")[-1]
    assert last.strip() == shlex.join(["anomsdk", name, *rest]), "on one line of 80 columns, to be copied"


def test_the_examples_run_on_recordings_of_the_demo(tmp_path, monkeypatch):
    """All but demo itself, train and days, which takes a plan that was trained, and footprint, which needs an extra."""
    monkeypatch.chdir(tmp_path)
    demo_recordings.write("demo")
    shutil.copytree(ROOT / "reference_models" / "audio_scene", "my_room")
    plan = anomsdk.read_plan("my_room/plan.json")
    write_rows(Path("my_herd"), [device_day(plan, "cow1", day(0))], facts_of(plan))
    collar = plan_with_ladder()
    Path("my_collar").mkdir()
    anomsdk.write_plan(collar, "my_collar/plan.json")
    write_exports(Path(f"exports/day={day(0)}/7.ladder"), export_of(collar, scores_of(1, {}), 7))
    for name in COMMANDS:
        if name not in ("demo", "train", "footprint", "days"):
            ended = anomsdk_command(*example(name))
            assert ended.status == 0, (name, ended.stderr)
