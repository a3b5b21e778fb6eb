"""How values on the command line are read: ``0.9``, ``3-2-1``, ``0.9 0.1; 0.2 0.8``.

A reader turns text into a value, or raises a ValueError that says what must hold and what came.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from fractions import Fraction
from typing import TypeAlias

from infodecode.distributions._table import LARGEST_TOTAL

Share: TypeAlias = int | Fraction | float

_FRACTION = re.compile(r"-?(\d+/\d+|(\d+\.?\d*|\.\d+)(e-?\d{1,3})?)", re.ASCII | re.IGNORECASE)


def integer(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ValueError(f"must be an integer, got {text!r}") from None


def number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"must be a number, got {text!r}") from None


def flag(text: str) -> bool:
    try:
        return {"true": True, "yes": True, "false": False, "no": False}[text.lower()]
    except KeyError:
        raise ValueError(f"must be true or false, got {text!r}") from None


def sizes(text: str) -> int | tuple[int, ...]:
    """``"2"`` -> 2 in every round; ``"3-2-1"`` -> the sizes of successive rounds."""
    parts = tuple(integer(part) for part in text.split("-"))
    return parts[0] if len(parts) == 1 else parts


def blocks(text: str) -> tuple[tuple[int, ...], ...]:
    """``"0-1/2-3"`` -> ``((0, 1), (2, 3))``: positions joined by ``-``, rounds by ``/``."""
    return tuple(tuple(integer(part) for part in block.split("-")) for block in text.split("/"))


def bits(text: str) -> tuple[int, ...]:
    """``"0110"`` -> ``(0, 1, 1, 0)``."""
    if not text or set(text) - set("01"):
        raise ValueError(f"must be zeros and ones such as 0110, got {text!r}")
    return tuple(map(int, text))


def bit_rows(text: str) -> tuple[tuple[int, ...], ...]:
    """``"110/011"`` -> ``((1, 1, 0), (0, 1, 1))``: rows of the same length, separated by ``/``."""
    rows = tuple(bits(row.strip()) for row in text.split("/"))
    if len(set(map(len, rows))) > 1:
        raise ValueError(f"must have rows of the same length, got {text!r}")
    return rows


def phrases(text: str) -> tuple[str, ...]:
    """``"New York/Mexico City"`` -> its two phrases."""
    return tuple(part.strip() for part in text.split("/"))


def labels(text: str) -> tuple[str, ...]:
    """``"sun rain"`` -> its two words."""
    return tuple(text.split())


def fraction(text: str) -> Fraction:
    """``"1/4"``, ``"0.25"`` and ``"2.5e-1"`` -> the same fraction, exactly."""
    try:
        if not _FRACTION.fullmatch(text):
            raise ValueError
        value = Fraction(text)
        float(value)
    except (ValueError, ZeroDivisionError, OverflowError):
        raise ValueError(f"must be a number such as 0.25 or 1/4, got {text!r}") from None
    return value


def shares(values: Sequence[Fraction]) -> tuple[Share, ...]:
    """Integers, fractions that add up to exactly 1, or floats: what the library keeps exact."""
    common = math.lcm(*(value.denominator for value in values))
    if common == 1:
        return tuple(map(int, values))
    exact = sum(values) == 1 and common <= LARGEST_TOTAL
    return tuple(values) if exact else tuple(map(float, values))


def vector(text: str) -> tuple[Share, ...]:
    """``"0.9 0.1"`` or ``"9/10 1/10"`` -> two fractions; entries are separated by spaces."""
    entries = text.split()
    if not entries:
        raise ValueError(f"must be numbers separated by spaces, such as 0.9 0.1, got {text!r}")
    return shares([fraction(entry) for entry in entries])


def matrix(text: str) -> tuple[tuple[Share, ...], ...]:
    """``"0.9 0.1; 0.2 0.8"`` -> its two rows; rows of the same length, separated by ``;``."""
    try:
        rows = tuple(vector(row) for row in text.split(";"))
    except ValueError:
        raise ValueError(
            "must be rows of numbers such as 0.25 or 1/4, separated by ';' (0.9 0.1; 0.2 0.8), "
            f"got {text!r}"
        ) from None
    if len(set(map(len, rows))) > 1:
        raise ValueError(f"must have rows of the same length, got {text!r}")
    return rows
