"""Checks of what users pass in; every message names the argument, what must hold and what came."""

from __future__ import annotations

import math
import numbers
import operator
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from infodecode._typing import Array, IntArray

LARGEST = 1 << 62
"""Largest integer that any argument but a seed may be: it fits 64 bits."""


def integer(
    name: str, value: object, *, minimum: int | None = None, maximum: int | None = LARGEST
) -> int:
    """``value`` as an int within ``minimum..maximum``; booleans and floats are refused."""
    if isinstance(value, bool | np.bool_):
        raise TypeError(f"{name} must be an integer, got {shown(value)}")
    try:
        number = operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        raise TypeError(f"{name} must be an integer, got {shown(value)}") from None
    if minimum is not None and number < minimum:
        raise ValueError(f"{name} must be at least {minimum}, got {number}")
    if maximum is not None and number > maximum:
        raise ValueError(f"{name} must be at most {maximum}, got {shown(number)}")
    return number


def number(
    name: str,
    value: object,
    *,
    minimum: float | None = None,
    maximum: float | None = None,
    above: float | None = None,
) -> float:
    """``value`` as a finite float in ``minimum..maximum`` and strictly greater than ``above``."""
    if isinstance(value, bool | np.bool_) or not isinstance(value, numbers.Real):
        raise TypeError(f"{name} must be a real number, got {shown(value)}")
    try:
        result = float(value)
    except OverflowError:
        raise ValueError(f"{name} must be finite, got {shown(value)}") from None
    if not math.isfinite(result):
        raise ValueError(f"{name} must be finite, got {shown(value)}")
    if minimum is not None and result < minimum:
        raise ValueError(f"{name} must be at least {minimum:g}, got {shown(value)}")
    if maximum is not None and result > maximum:
        raise ValueError(f"{name} must be at most {maximum:g}, got {shown(value)}")
    if above is not None and result <= above:
        raise ValueError(f"{name} must be greater than {above:g}, got {shown(value)}")
    return result


def confidence_level(value: object) -> float:
    """A confidence strictly between 0 and 1."""
    level = number("confidence", value, above=0, maximum=1)
    if level >= 1:
        raise ValueError(f"confidence must be less than 1, got {value!r}")
    return level


def flag(name: str, value: object) -> bool:
    """``value`` as a bool; anything else is refused: a misplaced number must not pass for true."""
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"{name} must be True or False, got {shown(value)}")
    return bool(value)


def choice(name: str, value: object, options: Sequence[str]) -> str:
    """``value``, which must be one of ``options``."""
    if not isinstance(value, str) or value not in options:
        listed = ", ".join(repr(option) for option in options)
        raise ValueError(f"{name} must be one of {listed}, got {shown(value)}")
    return value


def array(name: str, value: object) -> Array:
    """``value`` as an array; nested sequences must be rectangular."""
    try:
        return np.asarray(value)
    except (ValueError, TypeError):
        raise ValueError(
            f"{name} must be a rectangular array, got rows of different lengths in {shown(value)}"
        ) from None


def integer_array(name: str, value: object, *, dimensions: int) -> IntArray:
    """``value`` as an int64 array with ``dimensions`` axes; floats with a fraction are refused."""
    given = array(name, value)
    if given.dtype == object and given.ndim == dimensions:
        given = _exact_integers(name, given)
    if given.ndim != dimensions:
        raise ValueError(f"{name} must have {dimensions} axes, got {shown(value)}")
    if given.size == 0:
        return given.astype(np.int64)
    if given.dtype.kind == "f":
        if not np.isfinite(given).all() or (given != np.floor(given)).any():
            raise ValueError(f"{name} must hold integers, got {shown(value)}")
    elif given.dtype.kind not in "iu":
        raise TypeError(f"{name} must hold integers, got an array of {given.dtype}")
    if abs(given).max() > LARGEST:
        raise ValueError(f"{name} must fit 64-bit integers, got {shown(value)}")
    return given.astype(np.int64)


def _exact_integers(name: str, given: Array) -> IntArray:
    try:
        whole = [operator.index(v) for v in given.ravel()]
    except TypeError:
        raise TypeError(f"{name} must hold integers, got {shown(given.tolist())}") from None
    if any(abs(v) > LARGEST for v in whole):
        raise ValueError(f"{name} must fit 64-bit integers, got {shown(given.tolist())}")
    return np.array(whole, np.int64).reshape(given.shape)


def canvases(name: str, value: object, alphabet_sizes: Sequence[int]) -> IntArray:
    """``value`` as int32 canvases ``(B, n)``; one canvas ``(n,)`` becomes a row; -1 is a mask."""
    given = array(name, value)
    rows = integer_array(name, given[None] if given.ndim == 1 else given, dimensions=2)
    length = len(alphabet_sizes)
    if rows.shape[1] != length:
        raise ValueError(f"{name} must have {length} positions, got {rows.shape[1]}")
    bad = (rows < -1) | (rows >= np.asarray(alphabet_sizes))
    if bad.any():
        row, position = (int(v) for v in np.argwhere(bad)[0])
        raise ValueError(
            f"{name} must hold -1 (masked) or a value in 0..{alphabet_sizes[position] - 1} "
            f"at position {position}, got {int(rows[row, position])} in row {row}"
        )
    return rows.astype(np.int32)


def sequences(name: str, value: object, alphabet_sizes: Sequence[int]) -> IntArray:
    """Like `canvases`, with every position revealed."""
    rows = canvases(name, value, alphabet_sizes)
    if (rows < 0).any():
        row, position = (int(v) for v in np.argwhere(rows < 0)[0])
        raise ValueError(f"{name} must be complete, got a mask at position {position} in row {row}")
    return rows


def positions(name: str, value: Iterable[Any] | int, length: int) -> tuple[int, ...]:
    """``value`` as distinct positions in ``range(length)``, in the order given."""
    items = [value] if isinstance(value, int | np.integer) else iterate(name, value)
    result = tuple(
        integer(f"{name}[{k}]", item, minimum=0, maximum=length - 1) for k, item in enumerate(items)
    )
    if len(set(result)) != len(result):
        repeated = next(p for p in result if result.count(p) > 1)
        raise ValueError(f"{name} must hold each position once, got {repeated} twice")
    return result


def partition(
    name: str, value: Iterable[Iterable[Any]], length: int
) -> tuple[tuple[int, ...], ...]:
    """``value`` as an ordered partition of ``range(length)`` into non-empty blocks."""
    blocks = tuple(
        positions(f"{name}[{k}]", block, length) for k, block in enumerate(iterate(name, value))
    )
    seen: set[int] = set()
    for k, block in enumerate(blocks):
        if not block:
            raise ValueError(f"{name}[{k}] must not be empty")
        for position in block:
            if position in seen:
                raise ValueError(
                    f"{name} must be a partition of range({length}): "
                    f"position {position} appears twice"
                )
            seen.add(position)
    missing = sorted(set(range(length)) - seen)
    if missing:
        raise ValueError(
            f"{name} must be a partition of range({length}): position {missing[0]} is missing"
        )
    return blocks


def store(instance: object, **values: object) -> None:
    """Set fields of a frozen dataclass to their checked values."""
    for name, value in values.items():
        object.__setattr__(instance, name, value)


def iterate(name: str, value: object) -> list[Any]:
    if isinstance(value, str | bytes):
        raise TypeError(f"{name} must be a sequence, got {shown(value)}")
    try:
        return list(value)  # type: ignore[call-overload, no-any-return]
    except TypeError:
        raise TypeError(f"{name} must be a sequence, got {shown(value)}") from None


def shown(value: object) -> str:
    """``repr(value)`` on one line, shortened."""
    text = " ".join(repr(value).split())
    return text if len(text) <= 80 else text[:77] + "..."
