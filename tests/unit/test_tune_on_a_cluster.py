"""`anomsdk tune --scheduler`: a scheduler of Dask and two workers, one of which is killed, and what is said of failures."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import distributed
import numpy as np
import pytest

import anomsdk
from anomsdk.errors import InputError
from anomsdk.tune import cluster
from tests.support.herd_days import random_days, write_days
from tests.support.herds import plan_with_ladder
from tests.support.pages import DOCS

PLAN = plan_with_ladder()
BUDGET = "1 alarm-day/30d"

HELD = """
import os, time
from pathlib import Path
from anomsdk.tune import cluster

place = Path(os.environ["PLACE"])
cluster._add_up = getattr(cluster, "_add_up", cluster._sum_of_days)  # a preload may be imported twice

def held(*given):
    (place / f"busy-{os.getpid()}").touch()
    while not (place / "go").exists():
        time.sleep(0.02)
    return cluster._add_up(*given)

cluster._sum_of_days = held
"""
"""Makes a worker wait for a file before it adds anything up."""

DYING = """
import os
from anomsdk.tune import cluster

cluster._sum_of_days = lambda *given: os._exit(1)
"""
"""Makes a worker die of every task."""


@pytest.fixture(scope="module")
def herd(tmp_path_factory):
    """A data set of 30 devices and 24 days, its plan, and the table that one machine makes."""
    folder = tmp_path_factory.mktemp("herd")
    anomsdk.write_plan(PLAN, folder / "plan.json")
    write_days(folder / "days", PLAN, random_days(np.random.default_rng(6), PLAN, devices=30, days=24), files=2)
    assert tuned(folder, folder / "here.csv").wait() == 0
    return folder


def tuned(folder, out, *words):
    command = [sys.executable, "-m", "anomsdk", "tune", folder / "days", "--plan", folder / "plan.json"]
    return subprocess.Popen(
        [*map(str, command), "--budget", BUDGET, "--out", str(out), *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


@contextmanager
def dask(place: Path, preload: str, *, nanny: bool = False):
    """A scheduler and two workers of one thread; yields its address and the processes of the workers."""
    address = f"tcp://127.0.0.1:{free_port()}"
    (place / "preload.py").write_text(preload)
    environment = {**os.environ, "PLACE": str(place), "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "1"}
    here = ["--host", "127.0.0.1", "--dashboard-address", "127.0.0.1:0"]

    def started(*words):
        return subprocess.Popen(
            [sys.executable, "-m", "distributed.cli." + words[0], *words[1:]],
            env=environment,
            cwd=place,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    running = [started("dask_scheduler", "--port", address.rpartition(":")[2], *here)]
    kind = "--nanny" if nanny else "--no-nanny"
    running += [
        started("dask_worker", address, "--nthreads", "1", kind, "--preload", str(place / "preload.py"), *here)
        for _ in range(2)
    ]
    try:
        with distributed.Client(address, timeout=60, set_as_default=False) as client:
            client.wait_for_workers(2, timeout=60)
        yield address, running[1:]
    finally:
        for process in running:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def until(holds, seconds=60):
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_a_worker_that_is_killed_in_the_middle_changes_no_byte_of_the_table(herd, tmp_path):
    with dask(tmp_path, HELD) as (address, workers):
        command = tuned(herd, tmp_path / "there.csv", "--scheduler", address)
        until(lambda: len(list(tmp_path.glob("busy-*"))) == 2)
        workers[0].kill()
        (tmp_path / "go").touch()
        out, err = command.communicate(timeout=120)
    assert command.returncode == 0, err
    assert (tmp_path / "there.csv").read_bytes() == (herd / "here.csv").read_bytes()
    assert out.startswith("30 devices for 1 alarm-day/30d")


def test_a_worker_that_dies_of_every_task_is_one_line(herd, tmp_path):
    with dask(tmp_path, DYING, nanny=True) as (address, _):
        command = tuned(herd, tmp_path / "there.csv", "--scheduler", address)
        _, err = command.communicate(timeout=120)
    assert command.returncode == 2
    assert "workers died again and again over the same days" in err and "Traceback" not in err
    assert sum(line.startswith("error: ") for line in err.splitlines()) == 1
    assert not (tmp_path / "there.csv").exists()


def test_the_page_says_what_is_said():
    """Each line of the table that quotes an error, and the options of Dask's commands."""
    from distributed.cli.dask_worker import main as worker

    page = " ".join((DOCS / "how-to" / "tune-on-a-cluster.md").read_text("utf-8").split())
    quoted = re.findall(r" \| `([^`]+)` (?=\|)", page)
    source = Path(cluster.__file__).read_text("utf-8").replace("`dask scheduler`", "dask scheduler")
    said = re.sub(r'"\s+f?"', "", source).replace("{reason}", "no scheduler answers")
    assert len(quoted) == 4 and [line for line in quoted if line not in said] == []
    flags = {flag for parameter in worker.params for flag in parameter.opts}
    assert set(re.findall(r"dask worker \S+ (--\w+)", page)) == {"--nthreads"} <= flags


def test_a_bad_row_on_a_worker_is_the_line_that_one_machine_prints(herd, tmp_path):
    (tmp_path / "plan.json").write_bytes((herd / "plan.json").read_bytes())
    (tmp_path / "go").touch()
    rows = random_days(np.random.default_rng(7), PLAN, devices=9, days=6)
    rows[-1].counts[0, 2] = 7
    write_days(tmp_path / "days", PLAN, rows)
    _, here = tuned(tmp_path, tmp_path / "a.csv").communicate(timeout=120)
    with dask(tmp_path, HELD) as (address, _):
        command = tuned(tmp_path, tmp_path / "a.csv", "--scheduler", address)
        _, there = command.communicate(timeout=120)
        skipping = tuned(tmp_path, tmp_path / "b.csv", "--scheduler", address, "--skip-bad")
        _, said = skipping.communicate(timeout=120)
    assert command.returncode == 2
    assert here.splitlines()[-1] == there.splitlines()[-1] and "alarm_days_01 is 7, more than its service_days" in there
    assert skipping.returncode == 0 and "1 row of" in said


def test_a_scheduler_that_is_not_there_and_one_without_workers_are_one_line(monkeypatch, tmp_path):
    monkeypatch.setattr(cluster, "PATIENCE_S", 0.5)
    with pytest.raises(InputError, match=r"scheduler tcp://127.0.0.1:\d+: no scheduler answers"):
        cluster.Cluster(f"tcp://127.0.0.1:{free_port()}")
    with pytest.raises(InputError, match="scheduler nonsense://: "):
        cluster.Cluster("nonsense://")


def test_recordings_and_exports_need_no_scheduler(herd, tmp_path):
    (tmp_path / "go").touch()
    np.save(tmp_path / "a.npy", np.zeros((50, 2), np.int16))
    with dask(tmp_path, HELD) as (address, _):
        words = [tmp_path / "a.npy", "--plan", herd / "plan.json", "--budget", BUDGET, "--scheduler", address]
        command = subprocess.run(
            [sys.executable, "-m", "anomsdk", "tune", *words], capture_output=True, text=True, check=False
        )
    assert command.returncode == 2 and "--scheduler: adds up data sets, and none is given" in command.stderr
