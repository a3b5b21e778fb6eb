"""What comparisons share: calls that take turns, their ratios, and tables written whole."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class Ratio:
    """How many times one time is the other: median, least and largest over repetitions."""

    value: float
    low: float
    high: float


def in_turn(work: Mapping[str, Callable[[], object]], *, repeat: int) -> dict[str, list[float]]:
    """Wall seconds of each call, ``repeat`` times, one after the other in every repetition.

    So whatever else the machine does slows all of them. One round before, not counted, compiles
    and fills caches.
    """
    for call in work.values():
        call()
    seconds: dict[str, list[float]] = {name: [] for name in work}
    for _ in range(repeat):
        for name, call in work.items():
            begin = time.perf_counter()
            call()
            seconds[name].append(time.perf_counter() - begin)
    return seconds


def ratio(slow: Sequence[float], fast: Sequence[float], scale: float = 1.0) -> Ratio:
    """Times of ``slow`` over those of ``fast`` in the same repetition.

    Args:
        slow, fast: seconds, as from `in_turn`.
        scale: work done in a call of ``fast`` over that in a call of ``slow``.
    """
    found = [scale * a / b for a, b in zip(slow, fast, strict=True)]
    return Ratio(float(np.median(found)), min(found), max(found))


def versions(*packages: str) -> str:
    """Versions of Python, of what we are made of, and of ``packages``."""
    names = ("numpy", "numba", "infodecode", *packages)
    return ", ".join([f"Python {platform.python_version()}", *map(_version, names)])


def _version(package: str) -> str:
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError:
        return f"{package} not installed"


def machine() -> str:
    """Kind and number of processors."""
    return f"{platform.machine()}, {os.cpu_count()} processors"


def frame_of(rows: Iterable[object]) -> pd.DataFrame:
    """One line for each row (a dataclass with the property ``met``)."""
    return pd.DataFrame([{**vars(row), "met": row.met} for row in rows])  # type: ignore[attr-defined]


def write(frame: pd.DataFrame, path: Path, *, command: str, about: str, digits: int = 4) -> None:
    """Write a table, all at once, with what made it.

    Args:
        frame: one line for each measurement.
        path: of the CSV file.
        command: what measured them.
        about: versions, as from `versions`.
        digits: significant digits.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".tmp")
    told = frame.assign(command=command, versions=about, machine=machine())
    told.to_csv(draft, index=False, float_format=f"%.{digits}g")
    draft.replace(path)


def duration(seconds: float) -> str:
    """Seconds with a unit, two or three digits.

    Example:
        >>> duration(0.000351), duration(0.0123), duration(0.0999), duration(4.21)
        ('0.35 ms', '12 ms', '100 ms', '4.2 s')
    """
    if seconds < 1:
        digits = ".2g" if seconds < 0.0995 else ".0f"
        return f"{1e3 * seconds:{digits}} ms"
    return f"{seconds:.1f} s" if seconds < 100 else f"{seconds:.0f} s"


def times(value: float) -> str:
    """A ratio, to two digits below 10 and to whole numbers above.

    Example:
        >>> times(0.62), times(4.704), times(368), times(12345)
        ('0.62x', '4.7x', '368x', '12,345x')
    """
    if value < 1:
        return f"{value:.2f}x"
    return f"{value:.1f}x" if value < 10 else f"{value:,.0f}x"
