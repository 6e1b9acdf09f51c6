"""Clips that every detector scores: normal scenes, and scenes into which an event is mixed at a stated SNR."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from anomsdk.sources.clips import clip_from_array, pieces
from anomsdk.sources.dropouts import Samples
from anomsdk.synthetic.mixing import loudest_piece, mixed
from anomsdk.train.data.feature_levels import amplified
from benchmarks.signals import ESC10, RATE, SHARED, recipe

SESA = SHARED / "sesa_train.npz"
SNRS_DB = (20, 10, 0)
SESA_EVENTS = 40


@dataclass(frozen=True, eq=False)
class Item:
    """A clip that is scored: a normal clip or a mix."""

    scene: str
    group: str  # of the normal clip, or of the clip that an event is mixed into; intervals draw whole groups
    snr_db: int | None  # None: normal
    samples: Samples

    def at_gain(self, gain_db: float) -> Samples:
        """The samples at another gain in dB, clipped at the ends of int16."""
        return amplified(self.samples, gain_db) if gain_db else self.samples


@dataclass(frozen=True, eq=False)
class Scenes:
    """Recordings by scene, and the clips that are scored.

    Parameters
    ----------
    training : recordings that detectors learn from
    held : held-out recordings, which set alarm levels and are the normal clips of ``items``
    items : the normal clips, then every event mixed once into each scene at each SNR
    """

    training: Mapping[str, Sequence[Samples]]
    held: Mapping[str, Sequence[Samples]]
    items: tuple[Item, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all scenes."""
        return tuple(self.training)

    def of(self, scenes: Sequence[str]) -> list[Item]:
        """Clips of some scenes."""
        return [item for item in self.items if item.scene in scenes]


def without_constant(samples: Samples) -> list[Samples]:
    """The pieces of a recording between digitally constant stretches."""
    return pieces(clip_from_array("clip", 0, samples, rate_hz=RATE))


def make(
    training: Mapping[str, Sequence[Samples]],
    held: Mapping[str, Sequence[Samples]],
    events: Sequence[Samples],
    seed: int = 0,
) -> Scenes:
    """Mix every event once into a held-out clip of each scene, at each SNR in the same place.

    Parameters
    ----------
    training, held : recordings by scene; events are mixed into the longest piece of a held-out recording, the bed
    events : sounds that do not belong; the loudest second of each is mixed in
    seed : of the choice of bed and place
    """
    beds = {scene: [max(without_constant(clip), key=len) for clip in clips] for scene, clips in held.items()}
    sounds = [loudest_piece(without_constant(event), RATE) for event in events]
    items = [Item(scene, f"{scene} {i}", None, bed) for scene, found in beds.items() for i, bed in enumerate(found)]
    for number, (scene, found) in enumerate(beds.items()):
        order = np.random.default_rng([seed, number]).permutation(len(sounds))
        for i, sound in enumerate(sounds):
            at = int(order[i]) % len(found)
            for snr in SNRS_DB:
                rng = np.random.default_rng([seed, number, i])
                samples = mixed(found[at], sound, snr, rng, rate_hz=RATE)[0]
                items.append(Item(scene, f"{scene} {at}", snr, samples))
    return Scenes(training, held, tuple(items))


def missing() -> str | None:
    """The files that do not exist, in words, or None."""
    absent = [str(path) for path in (ESC10, SESA) if not path.exists()]
    return f"{' and '.join(absent)}: no such file" if absent else None


def load(quick: bool = False) -> Scenes:
    """Scenes of ESC-10: folds 1 to 3 train, fold 4 is held out; events of ESC-10's fold 4 and of SESA.

    Parameters
    ----------
    quick : only two scenes and few events, to see that everything runs
    """
    made = recipe("audio_scene")
    clips, label, fold = made.load(ESC10)
    names = made.NORMAL[:2] if quick else made.NORMAL
    foreign = clips[(fold == 4) & ~np.isin(label, made.NORMAL)]
    events = [*foreign, *sesa_events(SESA, SESA_EVENTS)]
    return make(
        {name: list(clips[(label == name) & (fold <= 3)]) for name in names},
        {name: list(clips[(label == name) & (fold == 4)]) for name in names},
        events[::10] if quick else events,
    )


def sesa_events(path: Path, n: int, seed: int = 0) -> list[Samples]:
    """Choose n gunshots, explosions and sirens of at least one second, int16; equal seeds choose the same sounds."""
    with np.load(path, allow_pickle=False) as archive:
        x, offsets, label = archive["x"], archive["offsets"], archive["label"]
    usable = np.flatnonzero((label != "casual") & (np.diff(offsets) >= RATE))
    chosen = np.random.default_rng(seed).permutation(usable)[:n]
    return [((x[offsets[i] : offsets[i + 1]].astype(np.int32) - 128) * 256).astype(np.int16) for i in chosen]
