"""Commits of a data set: a power cut, a full disk or a kill at any moment leaves whole files only, and nothing twice.

Files are written as ``day=.../part-NNNNN.parquet.tmp``. Then ``_commits/NNNNN.json`` names them, the inputs whose rows
are in them, and the records of devices, and with that record they are committed. Last they are renamed. A later run
renames what a record names, and removes all other pending files.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from anomsdk.datasets.parts import PENDING, Part, stored
from anomsdk.datasets.repeats import Repeats, Untimed, untimed_in
from anomsdk.errors import InputError, printable
from anomsdk.utils.files import uninterrupted, unwritable, write_atomically

COMMITS = "_commits"
SKIPPED = "_skipped.csv"
_FORMAT, _VERSION = "anomsdk commit", 1
_DAYS = ("day=*", "group=*/day=*")
"""Patterns of the folders of days."""
_ELSE = "give a new folder"
_SETTINGS = {
    "plan": "is of plan {}, and this plan is {}",
    "score_id": "counts under score_id {}, and this plan under {}",
    "scores": "was written with `scores={}`, not `scores={}`",
    "go_on": "was written with `go_on={}`, not `go_on={}`",
    "group": "names devices by {}, and these inputs name them by {}; give `group`, or the inputs as before",
}
"""Setting that all runs share -> how an error says that it differs."""

Stamp = tuple[int, int]
"""Size and time of the last change of an input, in bytes and nanoseconds."""


class DataSet:
    """Folder of a data set that one run adds to; use it as a context.

    Parameters
    ----------
    folder : made if it is missing
    settings : values of all keys of the settings

    Attributes
    ----------
    inputs : input -> its stamp, of all inputs that are committed
    devices : device -> its record
    repeats : recordings without a time that are committed
    number : of the next part
    state : file with what a later run goes on from; None: there is none
    kept : further files that the commits name, besides rows

    Raises
    ------
    InputError : the folder holds something else, was written with other settings, or is in use or damaged
    """

    def __init__(self, folder: Path, settings: Mapping[str, Any]) -> None:
        self.folder, self._settings = folder, dict(settings)
        self.inputs: dict[str, Stamp] = {}
        self.devices: dict[str, dict[str, Any]] = {}
        self.repeats = Repeats()
        self.number = self._commits = 0
        self.state: Part | None = None
        self.kept: list[Part] = []

    @contextmanager
    def opened(self) -> Iterator[DataSet]:
        """Keep other runs away, complete what an earlier run has committed, and remove what it has not."""
        self._check_place()
        try:
            (self.folder / COMMITS).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise unwritable(self.folder, error) from None
        with _locked(self.folder):
            parts = self._read_commits()
            self._check_foreign({part.name for part in parts})
            self._complete([*parts, *self.kept, *([] if self.state is None else [self.state])])
            self.tidy()
            try:
                yield self
            finally:
                self.tidy()

    @property
    def next_record(self) -> str:
        """Path of the next record below the folder, without its suffix."""
        return f"{COMMITS}/{self._commits:05d}"

    def commit(
        self,
        inputs: Mapping[str, Stamp],
        devices: Mapping[str, dict[str, Any]],
        parts: Sequence[Part],
        state: Part | None = None,
        kept: Sequence[Part] = (),
        untimed: Sequence[Untimed] = (),
    ) -> None:
        """Commit pending parts with the inputs whose rows are in them.

        Parameters
        ----------
        inputs : input -> its stamp
        devices : device -> its record
        parts : files of rows
        state : takes the place of that of the commit before, whose file is removed
        kept : further files, which all later runs need

        Raises
        ------
        InputError : the record cannot be written; then nothing is committed
        """
        tree = {
            "format": _FORMAT,
            "version": _VERSION,
            "settings": self._settings,
            "inputs": inputs,
            "devices": devices,
            "untimed": untimed,
            "parts": _listed(parts),
        }
        if state is not None or kept:
            tree |= {"state": _listed([] if state is None else [state]), "kept": _listed(kept)}
        for day in {(self.folder / part.name).parent for part in parts}:
            stored(day)
        stored(self.folder)
        with uninterrupted():
            write_atomically(self.folder / COMMITS / f"{self._commits:05d}.json", json.dumps(tree).encode())
            stored(self.folder / COMMITS)
            self._commits += 1
            self.inputs.update(inputs)
            self.devices.update(devices)
            self.repeats.add(untimed)
            self._complete([*parts, *kept, *([] if state is None else [state])])
        self.kept += kept
        if state is not None:
            old, self.state = self.state, state
            if old is not None:
                with suppress(OSError):
                    (self.folder / old.name).unlink()

    def _check_place(self) -> None:
        where = printable(self.folder)
        try:
            if not self.folder.exists():
                if not self.folder.absolute().parent.is_dir():
                    raise InputError(f"{where}: there is no folder {printable(self.folder.parent)}; make it first")
                return
            if not self.folder.is_dir():
                raise InputError(f"{where}: is a file, and a data set is a folder; {_ELSE}")
            if not (self.folder / COMMITS).is_dir() and any(self.folder.iterdir()):
                raise InputError(f"{where}: holds other files than a data set; {_ELSE}")
        except OSError as error:
            raise unwritable(self.folder, error) from None

    def _read_commits(self) -> list[Part]:
        """Read all records, in order, and return the parts that they name."""
        parts = list[Part]()
        for path in sorted((self.folder / COMMITS).glob("[0-9]*.json"), key=lambda each: int(each.stem)):
            where = printable(path)
            try:
                tree = json.loads(path.read_bytes())
                if tree["format"] != _FORMAT or tree["version"] != _VERSION:
                    raise InputError(f"{where}: was written by another release; {_ELSE}")
                self._check_settings(tree["settings"])
                self.inputs |= {str(key): (int(size), int(ns)) for key, (size, ns) in tree["inputs"].items()}
                self.devices |= tree["devices"]
                self.repeats.add(untimed_in(tree["untimed"]))
                parts += _parts(tree["parts"])
                self.kept += _parts(tree.get("kept", []))
                for state in _parts(tree.get("state", [])):
                    self.state = state
                self._commits = int(path.stem) + 1
            except InputError:
                raise
            except (OSError, KeyError, TypeError, ValueError, AttributeError):
                raise InputError(f"{where}: is damaged; score into a new folder") from None
        self.number = 1 + max(
            (int(part.name.rpartition("part-")[2].removesuffix(".parquet")) for part in parts), default=-1
        )
        return parts

    def _check_settings(self, before: Mapping[str, Any]) -> None:
        for key, words in _SETTINGS.items():
            old, new = before[key], self._settings[key]
            if old != new:
                shown = [printable(each)[:16] if isinstance(each, str) else repr(each) for each in (old, new)]
                shown = [f"'{each}'" if key == "scores" else each for each in shown]
                advice = "" if key == "group" else f"; {_ELSE}"
                raise InputError(f"{printable(self.folder)}: {words.format(*shown)}{advice}")

    def _check_foreign(self, named: set[str]) -> None:
        """Refuse Parquet files that no record names: they would be read with the data set."""
        for path in sorted(path for days in _DAYS for path in self.folder.glob(f"{days}/*.parquet")):
            name = path.relative_to(self.folder).as_posix()
            if name not in named:
                raise InputError(f"{printable(path)}: is in no record of this data set; move it away")

    def _complete(self, parts: Sequence[Part]) -> None:
        """Rename pending files of these parts, and check that all are there and whole."""
        for part in parts:
            path = self.folder / part.name
            pending = path.with_name(f"{path.name}{PENDING}")
            try:
                if not path.exists():
                    pending.rename(path)
                if path.stat().st_size == part.size:
                    continue
            except FileNotFoundError:
                raise InputError(f"{printable(path)}: is missing from this data set; score into a new folder") from None
            except OSError as error:
                raise unwritable(path, error) from None
            raise InputError(
                f"{printable(path)}: is not as it was written, {part.size:,} bytes long; score into a new folder"
            )

    def tidy(self) -> None:
        """Remove all pending files."""
        pending = [path for days in (*_DAYS, COMMITS) for path in self.folder.glob(f"{days}/*{PENDING}")]
        for path in [*pending, *(self.folder / COMMITS).glob(".[0-9]*.json.*")]:
            with suppress(OSError):
                path.unlink()
        for pattern in (*reversed(_DAYS), "group=*"):
            for folder in self.folder.glob(pattern):
                with suppress(OSError):
                    folder.rmdir()


def _listed(parts: Sequence[Part]) -> list[list[Any]]:
    return [[part.name, part.rows, part.size] for part in parts]


def _parts(rows: Sequence[Any]) -> list[Part]:
    return [Part(str(name), int(rows), int(size)) for name, rows, size in rows]


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Keep other runs away from a folder, where the system can lock files."""
    try:
        import fcntl
    except ImportError:
        yield
        return
    path = folder / COMMITS / "lock"
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise unwritable(path, error) from None
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError(f"{printable(folder)}: another run is writing to it; wait until it has ended") from None
        except OSError:
            pass  # a network share without locks
        yield
    finally:
        os.close(handle)
