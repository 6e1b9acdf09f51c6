"""A file that is not what it is given for is refused, and nothing of it is printed: it may be anybody's."""

import re

import pytest

from anomsdk.errors import printable, quoted
from tests.support.command_line import anomsdk_command
from tests.support.make import SPECS, make_folder, noise

SHADOW = "root:$6$s4ltXYZ$hASHhashQQ:19000:0:99999:7:::\ndaemon:*:18858:0:99999:7:::\nann:$y$j9T$pepPER99:19500:0:99999:7:::\n"
KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAE\nbm9uZQAAAAAAAAABAAAAMwAAAAtz\n-----END-----\n"
FOREIGN = {
    "shadow": SHADOW.encode(),
    "key": KEY.encode(),
    "one line": b"correct horse battery staple",
    "toml": b'[registry]\ntoken = "cioAqwertzuio"\nuser = "annabell"\n',
    "toml twice": b'hunterpass = 1\nhunterpass = "tiger77"\n',
    "toml character": b'passphrase = "sw\x07rdfish"\n',
    "json": b'{"password": "tr0ub4dor", "secretpin": 987654.25, "nested": {"apikey": [771177, 662266]}}',
    "json twice": b'{"secretkey": 1, "secretkey": 2}',
    "json inside": b'{"format": {"password": "tr0ub4dor"}, "sha256": "hush-hush"}',
    "pickle": b"\x80\x04\x95 \x00\x00\x00\x00\x00\x00\x00\x8c\x0csecretmarker\x94.",
    "binary": bytes(range(256)) + b"secretmarker" + bytes(500),
    "history": b"mysql -u root -phunter42 shop\nexport TOKEN=abcdefgh12345\n",
    "words": b"alpha,bravo,charlie\nsecretone,secrettwo,secretthree\n",
}
SUFFIXES = [".wav", ".flac", ".ogg", ".npy", ".npz", ".csv", ".parquet", ".toml", ".json", ".tflite", ""]
HARMLESS = {"format", "password", "sensor", "recording", "model", "export", "sha256"}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Folders of plans, and recordings."""
    import numpy as np

    import anomsdk

    folder = tmp_path_factory.mktemp("foreign")
    for kind in ("bands", "motion", "external"):
        anomsdk.write_plan(anomsdk.plan(make_folder(folder / kind, SPECS[kind])), folder / kind / "plan.json")
    np.save(folder / "good.npy", noise(4000))
    return folder


def leaked(data, output, given):
    """Words of a file, and pieces of them, that stand in an output; what was given on the command line apart."""
    for each in given:
        output = output.replace(printable(each), "")
    words = set(re.findall(r"[A-Za-z0-9$._]{4,}", data.decode("latin-1")))
    words |= {data.decode("latin-1")[:8].strip()} - {""}
    return [word for word in words if word.lower() not in HARMLESS and word in output and len(word) > 3]


@pytest.mark.parametrize("name", FOREIGN)
def test_nothing_of_a_foreign_file_is_printed(place, tmp_path, name):
    data = FOREIGN[name]
    (tmp_path / "theirs").write_bytes(data)
    for suffix in SUFFIXES:
        path = tmp_path / f"x{suffix}"
        path.symlink_to("theirs")
        normal = ("--normal", place / "good.npy")
        commands = [
            ("train", *normal, "--spec", path, "--out", tmp_path / "out"),
            ("inspect", path),
            ("plan", path),
            ("evaluate", "--plan", place / "bands", *normal, "--anomalous", place / "good.npy", "--events", path),
            *(("watch", path, "--plan", place / kind) for kind in ("bands", "motion", "external")),
            ("calibrate", place / "motion", "--normal", path, "--out", tmp_path / "out"),
            ("score", path, "--plan", place / "bands", "--out", tmp_path / "out.npz"),
        ]
        for command in (
            commands if suffix in (".csv", "") else commands[:3] if suffix in (".toml", ".json") else commands[4:]
        ):
            done = anomsdk_command(*command)
            assert done.status == 2, (command, done.stdout + done.stderr)
            error = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
            assert len(error) == 1 and error[0].isprintable()
            assert not leaked(data, done.stdout + done.stderr, command), (suffix, command[0], done.stdout + done.stderr)


@pytest.mark.parametrize("name", FOREIGN)
def test_nothing_of_a_foreign_file_in_a_folder_is_printed(place, tmp_path, name):
    """A link in a folder that was handed over leads to it."""
    (tmp_path / "theirs").write_bytes(FOREIGN[name])
    for file in ("spec.toml", "calibration.json", "model.tflite", "plan.json"):
        folder = tmp_path / file
        folder.mkdir()
        for each in ("spec.toml", "calibration.json", "model.tflite", "plan.json"):
            (folder / each).symlink_to(tmp_path / "theirs" if each == file else place / "bands" / each)
        done = anomsdk_command("inspect" if file == "plan.json" else "plan", folder)
        assert done.status == 2 and not leaked(FOREIGN[name], done.stdout + done.stderr, [folder]), (
            done.stdout + done.stderr
        )


def test_what_is_quoted_of_a_file_of_its_kind_is_short_and_printable(place, tmp_path):
    path = tmp_path / "x.csv"
    odd = "\x1b[31m" + "w" * 300
    path.write_text(f"{odd},ax_g,ay_g,az_g\n" + "".join(f"{i},0,0,1\n" for i in range(40)))
    line = anomsdk_command("watch", path, "--plan", place / "motion").stderr
    assert "there is ?[31mwww" in line and len(line) < 400 and line.strip().isprintable()
    spec = SPECS["bands"].replace("frames = 4", f"frames = 4\n{'k' * 900} = 1")
    (tmp_path / "spec.toml").write_text(spec)
    line = anomsdk_command(
        "train", "--normal", place / "good.npy", "--spec", tmp_path / "spec.toml", "--out", tmp_path / "o"
    ).stderr
    assert "unknown key" in line and "k" * 81 not in line
    assert quoted("\x1b" + "x" * 90, 10) == "?xxxxxx..."
