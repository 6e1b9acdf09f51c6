"""Units of work of scoring: files, or devices with their files, listed before any of them is opened."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from anomsdk.core.plan import Plan
from anomsdk.datasets.commits import Stamp
from anomsdk.errors import InputError, UnusableInputsError, printable
from anomsdk.runtime.parallel import in_order
from anomsdk.sources.conditions import NothingChosenError
from anomsdk.sources.file_listing import FileListing, ListedFile, list_files
from anomsdk.sources.formats.motion.first_reading import Hear
from anomsdk.sources.groups import group_labels
from anomsdk.sources.recording import OpenedFile, Recording
from anomsdk.sources.stream_format import ReadOptions, StreamFormat

ALONE = "their recordings"
"""Naming of devices where each recording is one of its own."""


@dataclass(frozen=True)
class Input:
    """File to score, not opened yet, or recordings of one device that are at hand.

    Parameters
    ----------
    key : name of the input in commits: the path of the file, and the conditions that choose from it; or the device
    listing, file : what opens it; no listing where recordings are at hand
    stamp : its size and the time of its last change
    is_named_alone : no other file of the inputs bears its name
    at_hand : recordings of the device; empty: those of the file
    """

    key: str
    listing: FileListing | None = field(repr=False)
    file: ListedFile
    stamp: Stamp
    is_named_alone: bool = True
    at_hand: tuple[Recording, ...] = field(default=(), repr=False)

    @property
    def source(self) -> FileListing:
        """Listing of a file."""
        assert self.listing is not None, "recordings at hand are in no file"
        return self.listing

    @property
    def found(self) -> tuple[Found, ...] | None:
        """Recordings at hand with their device; None: those of a file, which is not opened yet."""
        return tuple(Found(self.file.name, each, self) for each in self.at_hand) or None


@dataclass(frozen=True)
class Found:
    """Recording of a device.

    Parameters
    ----------
    device : name of the device
    recording : Recording
    input : file that holds it
    """

    device: str
    recording: Recording
    input: Input


@dataclass(frozen=True)
class Unit:
    """Work that is committed as a whole.

    Parameters
    ----------
    inputs : files
    device : whose recordings are all of the unit; None: a file with recordings of any devices, each on its own
    found : its recordings, where the files had to be opened to find them; None: not opened yet
    """

    inputs: tuple[Input, ...]
    device: str | None = None
    found: tuple[Found, ...] | None = None

    @property
    def bytes(self) -> int:
        """Size of the files."""
        return sum(each.stamp[0] for each in self.inputs)


@dataclass(frozen=True)
class Inputs:
    """All files to score, and how devices are named.

    Parameters
    ----------
    files : sorted by source and name
    group : "folder", "file", `ALONE`, or the name of an array or of a column
    """

    files: tuple[Input, ...]
    group: str
    _label: str | None

    @classmethod
    def listed(
        cls,
        plan: Plan,
        sources: Sequence[str | Path],
        *,
        reading: ReadOptions | None = None,
        group: str | None = None,
        by_device: bool = False,
        out: Path | None = None,
    ) -> Inputs:
        """List the files of sources.

        Parameters
        ----------
        plan, reading : how recordings are opened
        sources : files and folders
        group : as `anomsdk.sources.clips.open_clips`
        by_device : recordings of one device belong together; without a group, those of one folder
        out : folder of the data set, whose files are no recordings; it may be in one of the sources

        Raises
        ------
        InputError : standard input, a missing source, or a file twice
        """
        stream_format = StreamFormat.of(plan.sensor, plan.columns, plan.duty)
        listings, bad = list[tuple[str, FileListing]](), list[str]()
        for source in map(str, sources):
            if source == "-":
                raise InputError("standard input: has no end and no name; save it to files, and score these")
            try:
                listing = _without(list_files(source, stream_format, reading=reading), out)
            except InputError as error:
                if len(sources) == 1:
                    raise
                bad.append(str(error))
                continue
            listings.append((source[len(listing.root) :], listing))
        if bad:
            raise UnusableInputsError(bad)
        where = "".join(f"?{each.key}{'!' * each.excluded}={each.values}" for each in (reading or ReadOptions()).where)
        names = Counter(file.name for _, listing in listings for file in listing.files)
        found: dict[str, Input] = {}
        for conditions, listing in listings:
            for file in listing.files:
                key = f"{file.path.resolve()}{conditions}{where}"
                if key in found:
                    raise InputError(f"{printable(file.path)}: is given twice; give each file once")
                found[key] = Input(key, listing, file, _stamp(file.path), names[file.name] == 1)
        label = group
        if group is None and not (reading is not None and reading.by):
            many = any(len({Path(file.name).parent for file in listing.files}) > 1 for _, listing in listings)
            label = "folder" if many or by_device else None
        divides = reading.by[0] if reading is not None and reading.by else ALONE
        return cls(tuple(found.values()), label or divides, label)

    @classmethod
    def at_hand(cls, recordings: Mapping[str, Sequence[Recording]]) -> Inputs:
        """Take recordings that are in no file, such as generated ones.

        Parameters
        ----------
        recordings : device -> its recordings, at least one, each of a known length
        """
        found = []
        for device, several in sorted(recordings.items()):
            size = sum(each.length or 0 for each in several)
            found.append(Input(device, None, ListedFile(Path(device), device), (size, 0), at_hand=tuple(several)))
        return cls(tuple(found), "file", "file")

    def devices_of(self, each: Input, opened: OpenedFile) -> list[str]:
        """Name the device of each recording of an opened file."""
        root = each.source.root
        labels = group_labels(opened, self._label, root)
        if self._label == "folder":
            whole = printable(Path(root).resolve().name) if each.source.is_folder else printable(each.file.name)
            return [whole if label == "." else label for label in labels]
        if self.group == ALONE and each.is_named_alone:
            return [recording.name for recording in opened.recordings]
        return labels

    def device_named(self, each: Input, recording: str) -> str | None:
        """Name the device of a recording by its name, before its file is opened; None: what the file holds names it."""
        if self._label in ("folder", "file"):
            return self._device_of(each)
        if self.group != ALONE:
            return None
        return recording if each.is_named_alone else f"{printable(each.source.root)}/{recording}"

    def units(self, inputs: Sequence[Input]) -> list[Unit]:
        """Make each file a unit."""
        return [Unit((each,), None, each.found) for each in inputs]

    def units_of_devices(
        self, inputs: Sequence[Input], jobs: int, bad: Callable[[Input, str], None], meanwhile: Callable[[], None]
    ) -> list[Unit]:
        """Make each device a unit, in the order of their names.

        Files are opened here only where what they hold names the device.

        Parameters
        ----------
        inputs : files that are not done
        jobs : number of threads
        bad : called with each file that cannot be opened, and why
        meanwhile : called now and then
        """
        if self.group == ALONE:
            return self.units(inputs)
        if any(each.at_hand for each in inputs):
            return [Unit((each,), each.file.name, each.found) for each in inputs]
        held: dict[str, list[Found]] = {}
        files: dict[str, list[Input]] = {}
        if self.group in ("folder", "file"):
            for each in inputs:
                files.setdefault(self._device_of(each), []).append(each)
            return [Unit(tuple(each), device) for device, each in sorted(files.items())]
        work = in_order(lambda number, each, stopped: _opened(each), inputs, jobs, meanwhile=meanwhile)
        for each, opened in zip(inputs, work, strict=True):
            if isinstance(opened, str):
                bad(each, opened)
            for found in [] if opened is None or isinstance(opened, str) else self.found_in(each, opened):
                held.setdefault(found.device, []).append(found)
        return [
            Unit(tuple({found.input.key: found.input for found in several}.values()), device, tuple(several))
            for device, several in sorted(held.items())
        ]

    def found_in(self, each: Input, opened: OpenedFile) -> list[Found]:
        """Return the recordings of an opened file with their devices."""
        devices = self.devices_of(each, opened)
        return [Found(*pair, each) for pair in zip(devices, opened.recordings, strict=True)]

    def _device_of(self, each: Input) -> str:
        """Name the device of a file that is not opened, by its folder or its path."""
        return self.devices_of(each, OpenedFile(each.file.path, each.file.name, (_NOBODY,), (0,), 1))[0]


_NOBODY = Recording("", (), None, None, "", lambda: iter(()))


def _opened(each: Input, hear: Hear | None = None) -> OpenedFile | str | None:
    """Open a file; text: why it cannot be opened; None: it has no recording that is chosen."""
    try:
        return each.source.open(each.file, hear)
    except NothingChosenError as error:
        return None if each.source.is_folder else str(error)
    except InputError as error:
        return str(error)


def opened_recordings(
    unit: Unit, inputs: Inputs, hear: Hear | None = None
) -> Iterator[tuple[Input, list[Found] | str]]:
    """Open the files of a unit one by one, and yield the recordings of each, or why it cannot be opened.

    Parameters
    ----------
    unit : Unit
    inputs : names the devices
    hear : as `anomsdk.sources.open_files`
    """
    if unit.found is not None:
        for each in unit.inputs:
            yield each, [found for found in unit.found if found.input is each]
        return
    for each in unit.inputs:
        opened = _opened(each, hear)
        if opened is None or isinstance(opened, str):
            yield each, opened or []
        else:
            yield each, inputs.found_in(each, opened)


def _without(listing: FileListing, out: Path | None) -> FileListing:
    """Return a listing without the files of a data set that is in the folder."""
    if out is None or not listing.is_folder:
        return listing
    apart = out.resolve()
    if not apart.is_relative_to(Path(listing.root).resolve()):
        return listing
    files = tuple(file for file in listing.files if not file.path.resolve().is_relative_to(apart))
    if not files:
        raise InputError(f"{printable(listing.root)}: holds no recordings besides the data set; give those to score")
    return replace(listing, files=files)


def _stamp(path: Path) -> Stamp:
    try:
        found = path.stat()
    except (OSError, ValueError):
        return 0, 0  # opening it says why
    return found.st_size, found.st_mtime_ns
