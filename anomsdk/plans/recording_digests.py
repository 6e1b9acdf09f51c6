"""Digests of the recordings that a plan was made from: short, in its provenance, not part of its ids.

A digest is computed from the samples at the plan's rate, without digitally constant stretches. A file that was renamed
or saved in another format is recognised, one that was cut or amplified is not. No sample can be recovered from it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from anomsdk.core.plan import MAX_TEXT

PURPOSES = {"trained": 24, "calibrated": 16, "chosen": 8}
"""Purpose of recordings -> largest number of provenance entries that list them. The purposes: the model was trained on
them, the alarm level was calibrated on them, or they are the anomalies that the model was chosen on."""

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_CHARACTERS = 6  # 36 bits: two different recordings have the same short digest with probability 2**-36
_AN_ENTRY = MAX_TEXT // _CHARACTERS


@dataclass(frozen=True)
class KnownRecordings:
    """Recordings that a plan was made from, as its provenance lists them.

    Parameters
    ----------
    listed : purpose of `PURPOSES` -> short digests
    counts : purpose -> number of recordings; more than are listed if a plan has no room for all
    says : the provenance has at least one entry of this kind
    """

    listed: Mapping[str, frozenset[str]]
    counts: Mapping[str, int]
    says: bool

    def purposes(self, digest: str) -> tuple[str, ...]:
        """Return the purposes of a recording; empty if the plan does not list it.

        Parameters
        ----------
        digest : `anomsdk.sources.clips.Facts.digest`
        """
        known = _short(digest)
        return tuple(purpose for purpose, digests in self.listed.items() if known in digests)

    @property
    def is_whole(self) -> bool:
        """Return True if all recordings are listed."""
        return all(len(self.listed[purpose]) == self.counts[purpose] for purpose in PURPOSES)


def entries_of(purpose: str, digests: Iterable[str]) -> dict[str, str]:
    """Make the entries of a provenance that list recordings.

    Parameters
    ----------
    purpose : of `PURPOSES`
    digests : sha256 of each recording, hexadecimal; if there are too many, the lowest are listed, and all are counted

    Examples
    --------
    >>> entries_of("calibrated", ["0" * 64, "f" * 64, "f" * 64])
    {'calibrated_on': '2 recordings', 'calibrated_on_00': 'AAAAAA______'}
    """
    short = sorted({_short(digest) for digest in digests})
    if not short:
        return {}
    entries = {f"{purpose}_on": f"{len(short)} recording{'s' * (len(short) > 1)}"}
    for i in range(PURPOSES[purpose]):
        if part := short[i * _AN_ENTRY : (i + 1) * _AN_ENTRY]:
            entries[f"{purpose}_on_{i:02}"] = "".join(part)
    return entries


def without(provenance: Mapping[str, str], purpose: str) -> dict[str, str]:
    """Return a provenance without the recordings of a purpose, so that others can replace them."""
    return {key: text for key, text in provenance.items() if not _is_of(key, purpose)}


def for_people(provenance: Mapping[str, str]) -> dict[str, str]:
    """Return a provenance in which recordings are counted, not listed."""
    return {key: text for key, text in provenance.items() if not any(_is_list(key, purpose) for purpose in PURPOSES)}


def known_recordings(provenance: Mapping[str, str]) -> KnownRecordings:
    """Read the recordings that a plan's provenance lists.

    Parameters
    ----------
    provenance : `Plan.provenance`; entries that `entries_of` cannot have written are ignored
    """
    listed, counts = dict[str, frozenset[str]](), dict[str, int]()
    for purpose in PURPOSES:
        texts = [text for key, text in provenance.items() if _is_list(key, purpose)]
        listed[purpose] = frozenset(
            text[at : at + _CHARACTERS] for text in texts for at in range(0, len(text), _CHARACTERS)
        )
        n = provenance.get(f"{purpose}_on", "").partition(" ")[0]
        counts[purpose] = max(len(listed[purpose]), int(n) if n.isascii() and n.isdecimal() and len(n) < 10 else 0)
    return KnownRecordings(listed, counts, says=any(counts.values()))


def _short(digest: str) -> str:
    bits = int(digest[:9], 16)
    return "".join(_ALPHABET[bits >> shift & 63] for shift in range(30, -1, -6))


def _is_list(key: str, purpose: str) -> bool:
    start, _, number = key.rpartition("_")
    return start == f"{purpose}_on" and number.isdecimal()


def _is_of(key: str, purpose: str) -> bool:
    return key == f"{purpose}_on" or _is_list(key, purpose)
