"""Numbers in text: which sign is the decimal one, which mark thousands, and many at once out of bytes.

``1,012`` is 1012 to some and 1.012 to others. A column of a file says which by its other cells; where it does not it is
refused, never guessed.
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
"""What else stands between thousands, and cannot be a decimal sign."""
_OTHER = {".": ",", ",": "."}
_GROUPED = {
    mark: re.compile(
        rf"[+-]?(?:[1-9]\d{{0,2}}(?:{re.escape(mark)}\d{{3}})+|[1-9]\d?(?:{re.escape(mark)}\d\d)+{re.escape(mark)}\d{{3}})"
    )
    for mark in (*_OTHER, *_SPACES)
}
"""Whole numbers with marks of thousands, or of lakhs."""
ANY_NUMBER = re.compile(
    rf"[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?|[+-]?\d{{1,3}}([.,{_SPACES}]\d{{2,3}})+([.,]\d*)?"
)
"""A number, whatever its marks mean."""
_EXACT_DIGITS = 15
"""A whole number of so many digits, over a power of ten, is rounded once: it is what float() gives."""
_MOST_DIGITS, _TOO_CLOSE = 18, 1e-6
"""Digits of an integer of 64 bits; how near to the middle between two floats, in their distance, a quotient may lie."""
_MOST_PLACES = 8
"""Places of the decimal sign in numbers of one length that are read together; others one by one."""
_LONGEST = 40
"""Characters of a number that are looked at together with others."""
_DOT, _COMMA, _MINUS, _PLUS, _ZERO, _SPACE = b".,-+0 "


@dataclass
class Marks:
    """What the marks in the numbers of one column mean, and what was seen of them.

    Parameters
    ----------
    decimal : "." or ","
    sure : other cells say so; else it is only likely
    """

    decimal: str
    sure: bool
    alike: bool = field(default=False, repr=False)
    """A mark with exactly three digits behind it was seen."""
    certain: bool = field(default=False, repr=False)
    """A number was seen that can be read in one way only."""
    whole: bool = field(default=False, repr=False)
    """A whole number of several digits without any mark was seen."""

    def number(self, cell: str) -> float | None:
        """The number that a cell holds; None for anything else, and where its marks cannot be right.

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
        """Numbers at places of a text, each as `float` would read it, and which of them are not plain enough for that.

        Parameters
        ----------
        data : the text, in any encoding that holds ASCII as it is
        starts, ends : of each number in it
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
        """Numbers of one length (n, length) into their rows of ``found``: those with the decimal sign at one place."""
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
        """As `_see`, of digits (n, places) with as many before and after the decimal sign."""
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
    """Digits (n, places) over a power of ten, as `float` rounds it; NaN where that is too close to call.

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
    """Upper and lower half of the bits of a float64, whose sum it is."""
    scaled = value * 134_217_729.0  # 2**27 + 1
    upper = scaled - (scaled - value)
    return upper, value - upper


def _read(text: Bytes, sign: int) -> NDArray[np.float64]:
    """Numbers (n, length) with more digits than a product of them is exact with, which are known to be plain."""
    lines = np.empty((len(text), text.shape[1] + 1), np.uint8)
    lines[:, :-1] = text
    lines[:, :-1][text == sign] = _DOT
    lines[:, -1] = _SPACE
    found: NDArray[np.float64] = np.fromstring(lines.tobytes().decode("ascii"), np.float64, sep=" ")
    assert len(found) == len(text)
    return found


def _without(text: str, mark: str, decimal: str) -> str:
    """A number without its marks of thousands; the empty text where they do not stand where thousands end."""
    whole, point, fraction = text.partition(decimal)
    if mark in fraction or _GROUPED[mark].fullmatch(whole) is None:
        return ""
    return whole.replace(mark, "") + point + fraction


def marks_of(columns: Sequence[Iterable[str]], *, comma_cells: bool) -> list[Marks]:
    """What the marks of each column mean, by some of its cells and by the other columns.

    Parameters
    ----------
    columns : cells that are numbers
    comma_cells : cells may hold commas that are no thousands: commas do not separate them, or they are quoted

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
    """Decimal signs that cells show which can be read in one way only."""
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
    """Refuse a column, or a sensor of three columns, in which marks may be of thousands.

    Raises
    ------
    InputError : some numbers have three digits behind a mark, others have no mark and several digits, none tells more
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
