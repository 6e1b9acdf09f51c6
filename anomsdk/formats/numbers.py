"""Numbers in text: which sign is the decimal one, which mark thousands, and many at once out of bytes.

``1,012`` is 1012 to some and 1.012 to others. A column of a file says which by its other cells; where it does not it is
refused, never guessed.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

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
_MOST_DIGITS, _EXACT = 18, 2**53
"""A whole number up to the second, over a power of ten up to 10**22, is rounded once: it is what float() gives."""
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
        odd = (lengths < 1) | (lengths > _LONGEST)
        first = data[np.minimum(starts, len(data) - 1)]
        minus = first == _MINUS
        signed = minus | (first == _PLUS)
        mantissa = np.zeros(len(starts), np.int64)
        point = np.full(len(starts), -1, np.int64)
        digits = np.zeros(len(starts), np.int64)
        sign = _COMMA if self.decimal == "," else _DOT
        longest = min(_LONGEST, int(lengths.max(initial=0)))
        for at in range(longest):
            here = data[np.minimum(starts + at, len(data) - 1)]
            inside = lengths > at
            value = here - np.uint8(_ZERO)
            digit = (value <= 9) & inside
            marked = (here == sign) & inside
            odd |= (inside & ~digit & ~marked & (~signed if at == 0 else True)) | (marked & (point >= 0))
            if at < _MOST_DIGITS + 2:  # what is longer is read again below
                mantissa = np.where(digit, mantissa * 10 + value, mantissa)
            digits += digit
            point[marked] = at
        odd |= digits < 1
        after = np.where(point >= 0, lengths - 1 - point, 0)
        if not (self.certain and self.whole):
            self._see_all(data, starts, signed, lengths, point, after, odd)
        long = ((digits > _MOST_DIGITS) | (mantissa > _EXACT) | (mantissa < 0) | (after > 22)) & ~odd
        found = mantissa / _POWERS[np.clip(after, 0, 22)]
        np.negative(found, out=found, where=minus)
        if long.any():
            found[long] = _read(data, starts[long], lengths[long], sign)
        return found, odd

    def _see_all(
        self,
        data: Bytes,
        starts: NDArray[np.int64],
        signed: NDArray[np.bool_],
        lengths: NDArray[np.int64],
        point: NDArray[np.int64],
        after: NDArray[np.int64],
        odd: NDArray[np.bool_],
    ) -> None:
        """As `_see`, of many."""
        before = np.where(point >= 0, point, lengths) - signed
        leading = data[np.minimum(starts + signed, len(data) - 1)]
        plain = ~odd
        alike = plain & (point >= 0) & (after == 3) & (before >= 1) & (before <= 3) & (leading != _ZERO)
        self.alike = self.alike or bool(alike.any())
        self.certain = self.certain or bool((plain & (point >= 0) & ~alike).any())
        self.whole = self.whole or bool((plain & (point < 0) & (before > 1)).any())


_POWERS = 10.0 ** np.arange(23)


def _read(data: Bytes, starts: NDArray[np.int64], lengths: NDArray[np.int64], sign: int) -> NDArray[np.float64]:
    """Numbers with more digits than are exact, which are known to be plain."""
    width = int(lengths.max())
    at = np.arange(width + 1)
    text = data[np.minimum(starts[:, None] + at, len(data) - 1)]
    text[at >= lengths[:, None]] = _SPACE
    text[text == sign] = _DOT
    found: NDArray[np.float64] = np.fromstring(text.tobytes().decode("ascii"), np.float64, sep=" ")
    assert len(found) == len(starts)
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
            if text.count(other) > 1 or (sign in text and other in text and text.rindex(sign) > text.rindex(other)):
                found.add(sign)
            elif text.count(sign) == 1 and other not in text and re.fullmatch(_ALIKE[sign], text) is None:
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
                f"{where}: {quoted(names[at])} has three digits behind each {each.decimal!r} and numbers without any: they "
                "may be thousands; write numbers without marks of thousands"
            )
