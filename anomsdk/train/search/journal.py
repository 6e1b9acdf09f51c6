"""Journal of a search: a file beside the folder, from which a stopped search continues."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from anomsdk.train.models.family import Candidate
from anomsdk.train.search.trials import Trial
from anomsdk.utils.files import unwritable


class Journal:
    """Trials by setting and candidate, one line of JSON each; the first line says for which recordings they hold.

    Parameters
    ----------
    path : file of the journal; None: trials are kept in memory only
    holds_for : JSON values that decide the trials (spec, recordings, seed, version); a journal for others is
        overwritten
    """

    def __init__(self, path: Path | None, holds_for: Any) -> None:
        self._path = path
        self._trials: dict[str, Trial] = {}
        digest = hashlib.sha256(json.dumps(holds_for, sort_keys=True).encode()).hexdigest()
        self._head = json.dumps({"search": digest})
        if path is None:
            return
        try:
            self._load(path.read_text(encoding="ascii"))
        except (OSError, ValueError, KeyError, TypeError):
            self._trials.clear()
        self._write([self._head, *(self._line(name, trial) for name, trial in self._trials.items())])

    def __len__(self) -> int:
        return len(self._trials)

    def get(self, setting: str, candidate: Candidate) -> Trial | None:
        """Return the trial of a candidate in a setting, or None where there is none yet."""
        return self._trials.get(f"{setting} {candidate}")

    def put(self, setting: str, trial: Trial) -> None:
        """Add a trial; it is on disk when this returns."""
        name = f"{setting} {trial.candidate}"
        self._trials[name] = trial
        if self._path is not None:
            self._write([self._line(name, trial)], mode="a")

    def remove(self) -> None:
        """Delete the file, because the search is over."""
        if self._path is not None:
            self._path.unlink(missing_ok=True)

    def _load(self, text: str) -> None:
        head, *lines = text.splitlines()
        if head != self._head:
            return
        for line in lines:
            if not line.endswith("}"):
                break  # cut off while it was written
            tree = json.loads(line)
            name, candidate = tree.pop("name"), tree.pop("candidate")
            candidate["hidden"] = tuple(candidate["hidden"])
            self._trials[name] = Trial(Candidate(**candidate), **tree)

    def _line(self, name: str, trial: Trial) -> str:
        return json.dumps({"name": name, **asdict(trial)})

    def _write(self, lines: list[str], mode: str = "w") -> None:
        assert self._path is not None
        try:
            with self._path.open(mode, encoding="ascii") as file:
                file.write("".join(f"{line}\n" for line in lines))
        except OSError as error:
            raise unwritable(self._path, error) from None
