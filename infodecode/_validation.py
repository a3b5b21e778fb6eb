"""Checks of what users pass in; every message names the argument, what must hold and what came."""

from __future__ import annotations

import math
import numbers
import operator
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from infodecode._typing import IntArray


def integer(name: str, value: object, *, minimum: int | None = None, maximum: int | None = None) -> int:
    """``value`` as an int within ``minimum..maximum``; booleans and floats are refused."""
    if isinstance(value, bool | np.bool_):
        raise TypeError(f"{name} must be an integer, got {value!r}")
    try:
        number = operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        raise TypeError(f"{name} must be an integer, got {value!r}") from None
    if minimum is not None and number < minimum:
        raise ValueError(f"{name} must be at least {minimum}, got {number}")
    if maximum is not None and number > maximum:
        raise ValueError(f"{name} must be at most {maximum}, got {number}")
    return number


def number(
    name: str,
    value: object,
    *,
    minimum: float | None = None,
    maximum: float | None = None,
    above: float | None = None,
) -> float:
    """``value`` as a finite float, at least ``minimum``, at most ``maximum``, strictly over ``above``."""
    if isinstance(value, bool | np.bool_) or not isinstance(value, numbers.Real):
        raise TypeError(f"{name} must be a real number, got {value!r}")
    result = float(value)
    if not math.isfinite(result):
        raise ValueError(f"{name} must be finite, got {value!r}")
    if minimum is not None and result < minimum:
        raise ValueError(f"{name} must be at least {minimum:g}, got {value!r}")
    if maximum is not None and result > maximum:
        raise ValueError(f"{name} must be at most {maximum:g}, got {value!r}")
    if above is not None and result <= above:
        raise ValueError(f"{name} must be greater than {above:g}, got {value!r}")
    return result


def flag(name: str, value: object) -> bool:
    """``value`` as a bool; anything else is refused, so that a misplaced number is not read as true."""
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"{name} must be True or False, got {value!r}")
    return bool(value)


def choice(name: str, value: object, options: Sequence[str]) -> str:
    """``value``, which must be one of ``options``."""
    if not isinstance(value, str) or value not in options:
        listed = ", ".join(repr(option) for option in options)
        raise ValueError(f"{name} must be one of {listed}, got {value!r}")
    return value


def integer_array(name: str, value: object, *, dimensions: int) -> IntArray:
    """``value`` as an int64 array with ``dimensions`` axes; floats with a fraction are refused."""
    try:
        array = np.asarray(value)
    except ValueError:
        array = np.asarray(value, dtype=object)
    if array.dtype == object:
        if array.ndim < dimensions:
            raise ValueError(f"{name} must be a rectangular array, got rows of different lengths")
        try:
            array = np.array([[operator.index(v) for v in row] for row in array.reshape(len(array), -1)])
        except (TypeError, OverflowError):
            raise TypeError(f"{name} must hold integers, got {_short(value)}") from None
    if array.ndim != dimensions:
        raise ValueError(f"{name} must have {dimensions} axes, got shape {array.shape}")
    if array.size == 0:
        return array.astype(np.int64)
    if array.dtype.kind == "f":
        if not np.isfinite(array).all() or (array != np.floor(array)).any():
            raise ValueError(f"{name} must hold integers, got {_short(value)}")
    elif array.dtype.kind not in "iu":
        raise TypeError(f"{name} must hold integers, got an array of {array.dtype}")
    if array.max() > np.iinfo(np.int64).max or array.min() < np.iinfo(np.int64).min:
        raise ValueError(f"{name} must fit 64-bit integers, got {_short(value)}")
    return array.astype(np.int64)


def canvases(name: str, value: object, alphabet_sizes: Sequence[int]) -> IntArray:
    """``value`` as int32 canvases ``(B, n)``; a single canvas ``(n,)`` becomes one row; -1 is a mask."""
    single = np.ndim(value) == 1 if not isinstance(value, np.ndarray) else value.ndim == 1  # type: ignore[arg-type]
    array = integer_array(name, [value] if single else value, dimensions=2)
    length = len(alphabet_sizes)
    if array.shape[1] != length:
        raise ValueError(f"{name} must have {length} positions, got {array.shape[1]}")
    bad = (array < -1) | (array >= np.asarray(alphabet_sizes))
    if bad.any():
        row, position = (int(v) for v in np.argwhere(bad)[0])
        raise ValueError(
            f"{name} must hold -1 (masked) or a value in 0..{alphabet_sizes[position] - 1} "
            f"at position {position}, got {int(array[row, position])} in row {row}"
        )
    return array.astype(np.int32)


def sequences(name: str, value: object, alphabet_sizes: Sequence[int]) -> IntArray:
    """Like `canvases`, with every position revealed."""
    array = canvases(name, value, alphabet_sizes)
    if (array < 0).any():
        row, position = (int(v) for v in np.argwhere(array < 0)[0])
        raise ValueError(f"{name} must be complete, got a mask at position {position} in row {row}")
    return array


def positions(name: str, value: Iterable[Any] | int, length: int) -> tuple[int, ...]:
    """``value`` as distinct positions in ``range(length)``, in the order given."""
    items = [value] if isinstance(value, int | np.integer) else iterate(name, value)
    result = tuple(integer(f"{name}[{k}]", item, minimum=0, maximum=length - 1) for k, item in enumerate(items))
    if len(set(result)) != len(result):
        repeated = next(p for p in result if result.count(p) > 1)
        raise ValueError(f"{name} must hold each position once, got {repeated} twice")
    return result


def partition(name: str, value: Iterable[Iterable[Any]], length: int) -> tuple[tuple[int, ...], ...]:
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
                raise ValueError(f"{name} must be a partition of range({length}): position {position} appears twice")
            seen.add(position)
    missing = sorted(set(range(length)) - seen)
    if missing:
        raise ValueError(f"{name} must be a partition of range({length}): position {missing[0]} is missing")
    return blocks


def iterate(name: str, value: object) -> list[Any]:
    if isinstance(value, str | bytes):
        raise TypeError(f"{name} must be a sequence, got {value!r}")
    try:
        return list(value)  # type: ignore[call-overload, no-any-return]
    except TypeError:
        raise TypeError(f"{name} must be a sequence, got {value!r}") from None


def _short(value: object) -> str:
    text = repr(value).replace("\n", " ")
    return text if len(text) <= 80 else text[:77] + "..."
