"""Numbers in text: their decimal sign, their marks of thousands, and their values, read many at once.

``1,012`` may mean 1012 or 1.012. The other cells of the column show which; a column that leaves this open is refused.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anomsdk.errors import InputError, quoted

Bytes = NDArray[np.uint8]

_SPACES = " \u00a0\u2009\u202f'\u2019"
"""Marks of thousands that are never decimal signs."""
_OTHER = {".": ",", ",": "."}
"""The mark of thousands that goes with a decimal sign."""
_GROUPED = {
    mark: re.compile(
        rf"[+-]?(?:[1-9]\d{{0,2}}(?:{re.escape(mark)}\d{{3}})+|[1-9]\d?(?:{re.escape(mark)}\d\d)+{re.escape(mark)}\d{{3}})"
    )
    for mark in (*_OTHER, *_SPACES)
}
"""Whole numbers with marks between groups of three digits, or of two as in India."""
ANY_NUMBER = re.compile(
    rf"[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?|[+-]?\d{{1,3}}([.,{_SPACES}]\d{{2,3}})+([.,]\d*)?"
)
"""A number with any marks, whatever they mean."""
_EXACT_DIGITS = 15
"""Most digits of a number that float64 divides by a power of ten with a single rounding, as float() does."""
_MOST_DIGITS, _TOO_CLOSE = 18, 1e-6
"""Most digits of an int64; how close to the middle of two floats a quotient is unsure, in their distance."""
_MOST_PLACES = 8
"""Most places of the decimal sign for which numbers of one length are read together; the others are read singly."""
_LONGEST = 40
"""Most characters of a number that is read together with others."""
_DOT, _COMMA, _MINUS, _PLUS, _ZERO, _SPACE = b".,-+0 "


@dataclass
class Marks:
    """The meaning of the marks in the numbers of one column, and the kinds of numbers that were read so far.

    Parameters
    ----------
    decimal : the decimal sign, "." or ","
    sure : other cells prove it; else it is only likely
    """

    decimal: str
    sure: bool
    alike: bool = field(default=False, repr=False)
    """A number with exactly three digits behind a mark was read, which may be thousands."""
    certain: bool = field(default=False, repr=False)
    """A number that can be read in one way only was read."""
    whole: bool = field(default=False, repr=False)
    """A whole number of several digits without any mark was read."""

    def number(self, cell: str) -> float | None:
        """Return the number in a cell; None for anything else, and for marks that contradict the decimal sign.

        Examples
        --------
        >>> Marks(".", True).number("1,012.5"), Marks(",", True).number("1.012"), Marks(".", False).number("1,012")
        (1012.5, 1012.0, None)
        """
        text = cell
        for mark in _SPACES:
            if mark in text:
                text = _without(text, mark, self.decimal)
        other = _OTHER[self.decimal]
        if other in text:
            if not (self.sure or text.count(other) > 1 or self.decimal in text):
                return None
            text = _without(text, other, self.decimal)
            self.certain = True
        if "_" in text or not text or not (text[-1].isdigit() or text[-1] == self.decimal):
            return None
        self._see(text)
        try:
            found = float(text.replace(self.decimal, "."))
        except ValueError:
            return None
        return found if math.isfinite(found) else None

    def _see(self, text: str) -> None:
        """Remember the kind of a number without marks of thousands."""
        digits = text.lstrip("+-")
        before, mark, after = digits.partition(self.decimal)
        if not mark:
            self.whole = self.whole or (len(before) > 1 and before.isdigit())
        elif len(after) == 3 and 1 <= len(before) <= 3 and before[0] != "0" and after.isdigit():
            self.alike = True
        else:
            self.certain = True

    def numbers(
        self, data: Bytes, starts: NDArray[np.int64], ends: NDArray[np.int64]
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Read many numbers of a text, each to the same bits as `float`.

        Parameters
        ----------
        data : uint8, the text in an encoding that contains ASCII
        starts, ends : int64 (n,), first byte of each number, and the byte after its last one

        Returns
        -------
        float64 (n,) values, and bool (n,): True where the text is not plain, and the value has to be read by `number`
        """
        lengths = ends - starts
        found, odd = np.zeros(len(starts)), np.zeros(len(starts), np.bool_)
        first = data[np.minimum(starts, len(data) - 1)]
        key = np.minimum(lengths, _LONGEST + 1) * 2 + ((first == _MINUS) | (first == _PLUS))
        for each in np.flatnonzero(np.bincount(key)).tolist():
            length, signed = divmod(each, 2)
            rows = np.flatnonzero(key == each)
            if not signed < length <= _LONGEST:
                odd[rows] = True
                continue
            text = data[starts[rows, None] + np.arange(length)]
            self._alike(text, signed, rows, found, odd)
        return found, odd

    def _alike(
        self, text: Bytes, signed: int, rows: NDArray[np.intp], found: NDArray[np.float64], odd: NDArray[np.bool_]
    ) -> None:
        """Read numbers of one length (n, length) into ``found``, together where their decimal signs align."""
        sign = _COMMA if self.decimal == "," else _DOT
        for _ in range(_MOST_PLACES):
            at = np.flatnonzero(text[0, signed:] == sign)
            if len(at):
                point = signed + int(at[0])
                same = text[:, point] == sign
            else:
                point = text.shape[1]
                same = (text[:, signed:] != sign).all(axis=1)
            every = bool(same.all())
            here, part = (rows, text) if every else (rows[same], text[same])
            places = [place for place in range(signed, text.shape[1]) if place != point]
            digits = part[:, places] - np.uint8(_ZERO)
            bad = (digits > 9).any(axis=1) if places else np.ones(len(part), np.bool_)
            after = max(0, text.shape[1] - 1 - point)
            if len(places) > _EXACT_DIGITS:
                if not bad.all():
                    value, good = _divided(digits, after), ~bad
                    np.negative(value, out=value, where=part[:, 0] == _MINUS)
                    hard = good & np.isnan(value)
                    value[hard] = _read(part[hard], sign)
                    found[here[good]] = value[good]
            elif places:
                value = (digits @ _POWERS[len(places) - 1 :: -1]) / _POWERS[after]
                found[here] = np.negative(value, out=value, where=part[:, 0] == _MINUS) if signed else value
            odd[here] = bad
            if not (self.certain and self.whole):
                self._see_alike(digits[~bad], point - signed, after, point < text.shape[1])
            if every:
                return
            rows, text = rows[~same], text[~same]
        odd[rows] = True

    def _see_alike(self, digits: Bytes, before: int, after: int, marked: bool) -> None:
        """Remember the kind of numbers as `_see` does, from digits (n, before + after) around the decimal sign."""
        if not len(digits):
            return
        if not marked:
            self.whole = self.whole or before > 1
        elif after == 3 and 1 <= before <= 3:
            led_by_zero = digits[:, 0] == 0
            self.alike = self.alike or not bool(led_by_zero.all())
            self.certain = self.certain or bool(led_by_zero.any())
        else:
            self.certain = True


_POWERS = 10.0 ** np.arange(23)


def _divided(digits: Bytes, after: int) -> NDArray[np.float64]:
    """Divide whole numbers of digits (n, places) by 10**after, rounded as by `float`; NaN where that is unsure.

    The quotient is taken in two parts of 53 bits (Dekker 1971), of which the sum is rounded once.
    """
    n = digits.shape[1]
    if not after < len(_POWERS) or n > _MOST_DIGITS + after:
        return np.full(len(digits), np.nan)
    high = digits[:, max(0, n - _MOST_DIGITS) : n - 9] @ _POWERS[min(n, _MOST_DIGITS) - 10 :: -1]
    whole = high.astype(np.int64) * 10**9 + (digits[:, n - 9 :] @ _POWERS[8::-1]).astype(np.int64)
    by = _POWERS[after]
    first = whole.astype(np.float64)
    quotient = first / by
    product = quotient * by
    a, b = _halves(quotient), _halves(by)
    lost = ((a[0] * b[0] - product) + a[0] * b[1] + a[1] * b[0]) + a[1] * b[1]
    rest = ((first - product) - lost) + (whole - first.astype(np.int64))
    more = rest / by
    found: NDArray[np.float64] = quotient + more
    beside = np.abs(more - (found - quotient)) / np.spacing(found)
    more_digits = (digits[:, : max(0, n - _MOST_DIGITS)] > 0).any(axis=1)
    found[more_digits | ((np.abs(beside - 0.5) < _TOO_CLOSE) & (whole > 0))] = np.nan
    return found


def _halves(value: Any) -> tuple[Any, Any]:
    """Split a float64 into two numbers of half its bits, whose sum it is."""
    scaled = value * 134_217_729.0  # 2**27 + 1
    upper = scaled - (scaled - value)
    return upper, value - upper


def _read(text: Bytes, sign: int) -> NDArray[np.float64]:
    """Read plain numbers (n, length) that have too many digits for `_divided`."""
    lines = np.empty((len(text), text.shape[1] + 1), np.uint8)
    lines[:, :-1] = text
    lines[:, :-1][text == sign] = _DOT
    lines[:, -1] = _SPACE
    found: NDArray[np.float64] = np.fromstring(lines.tobytes().decode("ascii"), np.float64, sep=" ")
    assert len(found) == len(text)
    return found


def _without(text: str, mark: str, decimal: str) -> str:
    """Remove marks of thousands from a number; return an empty text where one stands at a wrong place."""
    whole, point, fraction = text.partition(decimal)
    if mark in fraction or _GROUPED[mark].fullmatch(whole) is None:
        return ""
    return whole.replace(mark, "") + point + fraction


def marks_of(columns: Sequence[Iterable[str]], *, comma_cells: bool) -> list[Marks]:
    """Find out what the marks of each column mean, from some of its cells and from the other columns.

    Parameters
    ----------
    columns : for each column, some of its cells that are numbers
    comma_cells : a comma in a cell may be a decimal sign, since commas do not separate the cells

    Examples
    --------
    >>> [marks.decimal for marks in marks_of([["0,05", "0,1"], ["1.116", "998"]], comma_cells=True)]
    [',', ',']
    """
    said = [_said(cells) for cells in columns]
    known = [next(iter(each)) for each in said if len(each) == 1]
    commas = known.count(",")
    usual = None if 2 * commas == len(known) else "," if 2 * commas > len(known) else "."
    found = []
    for cells, each in zip(columns, said, strict=True):
        if len(each) == 1:
            found.append(Marks(next(iter(each)), True))
        elif len(each) == 2:
            found.append(Marks(".", False, certain=True, alike=True, whole=True))
        elif usual is not None:
            found.append(Marks(usual, True))
        else:
            comma = comma_cells and any("," in cell for cell in cells)
            found.append(Marks("," if comma else ".", False))
    return found


def _said(cells: Iterable[str]) -> set[str]:
    """Return the decimal signs of those cells that can be read in one way only."""
    found = set[str]()
    for cell in cells:
        text = cell.lstrip("+-")
        for sign, other in _OTHER.items():
            last = sign in text and other in text and text.rindex(sign) > text.rindex(other)
            alone = text.count(sign) == 1 and other not in text and re.fullmatch(_ALIKE[sign], text) is None
            if last or alone or text.count(other) > 1:
                found.add(sign)
    return found


_ALIKE = {sign: rf"[1-9]\d{{0,2}}{re.escape(sign)}\d{{3}}" for sign in _OTHER}


def check_marks(marks: Sequence[Marks], names: Sequence[str], where: str) -> None:
    """Refuse a column, or three columns of one sensor, whose marks may be decimal signs or marks of thousands.

    Raises
    ------
    InputError : some numbers have exactly three digits behind a mark, others are whole, and none shows what it means
    """
    for at, each in enumerate(marks):
        sensor = marks[at // 3 * 3 : at // 3 * 3 + 3]
        whole = each.whole or any(other.whole for other in sensor)
        certain = each.certain or (not each.whole and any(other.certain for other in sensor))
        if each.alike and whole and not certain:
            raise InputError(
                f"{where}: {quoted(names[at])} has three digits behind each {each.decimal!r} and numbers without any: "
                "they may be thousands; write numbers without marks of thousands"
            )
