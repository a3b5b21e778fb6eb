"""Names on the command line: ``replace_index:5,2``, ``top_k:2,by=confidence``, ``left_to_right:4``.

One grammar serves distributions, strategies and block policies::

    name[:value,...][,key=value,...]

The three tables below are the whole vocabulary; everything that a name can
mean is one `Entry` in one of them.
"""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeAlias, TypeVar

from infodecode import distributions, strategies
from infodecode.distributions import Joint

T = TypeVar("T")
Readers: TypeAlias = Mapping[str, Callable[[str], object]]


@dataclass(frozen=True)
class Entry(Generic[T]):
    """A name that the command line understands.

    Attributes:
        build: makes the object; called with the parsed values by keyword.
        summary: what it is, in a line.
        example: a full specification that works as it stands.
        parameters: keyword of ``build`` -> reader of its text, in the order in
            which values without a keyword are given.
    """

    build: Callable[..., T]
    summary: str
    example: str
    parameters: Readers = field(default_factory=dict)


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


DISTRIBUTIONS: Mapping[str, Entry[Joint]] = {
    "permutations": Entry(
        distributions.permutations,
        "uniform over the orders of n items (shuffle a list)",
        "permutations:6",
        {"n": integer},
    ),
    "replace_random": Entry(
        distributions.replace_random,
        "exactly one of n positions, uniformly chosen, is new",
        "replace_random:6",
        {"n": integer},
    ),
    "copy": Entry(
        distributions.copy,
        "one certain outcome: n items as they were given",
        "copy:5",
        {"n": integer},
    ),
    "replace_index": Entry(
        distributions.replace_index,
        "position i of n is new, the others are kept",
        "replace_index:5,2",
        {"n": integer, "i": integer},
    ),
    "titanic": Entry(
        distributions.titanic,
        "2,201 people aboard the Titanic by class, sex, age and survival",
        "titanic",
    ),
}

STRATEGIES: Mapping[str, Entry[strategies.Strategy]] = {
    "top_k": Entry(
        strategies.TopK,
        "the k best positions a round; by random, confidence, margin, entropy or left_to_right",
        "top_k:2,by=confidence",
        {"k": sizes, "by": str},
    ),
    "one_by_one": Entry(
        strategies.OneByOne,
        "one position a round",
        "one_by_one:by=entropy",
        {"by": str},
    ),
    "threshold": Entry(
        strategies.Threshold,
        "every position whose confidence exceeds gamma",
        "threshold:0.9,inclusive=true",
        {"gamma": number, "inclusive": flag, "at_least": integer, "fallback": integer},
    ),
    "factor": Entry(
        strategies.Factor,
        "the largest m with (m+1)(1 - confidence of the m-th best) < factor",
        "factor:0.5",
        {"factor": number, "as_shipped": flag},
    ),
    "fixed_partition": Entry(
        strategies.FixedPartition,
        "these blocks of positions, one a round",
        "fixed_partition:0-1/2-3",
        {"blocks": blocks},
    ),
}

BLOCK_POLICIES: Mapping[str, Entry[strategies.BlockPolicy]] = {
    "whole_canvas": Entry(
        strategies.WholeCanvas, "every masked position is feasible", "whole_canvas"
    ),
    "left_to_right": Entry(
        strategies.LeftToRight,
        "blocks of this many positions, one after another",
        "left_to_right:4",
        {"block_length": integer},
    ),
}


def resolve(specification: str, registry: Mapping[str, Entry[T]], kind: str) -> T:
    """The object that ``name[:value,...]`` means in ``registry``.

    Raises:
        ValueError: unknown name (lists the known ones and the closest), unknown
            or repeated keyword, a value that cannot be read or is refused.
    """
    name, colon, rest = specification.partition(":")
    if name not in registry:
        raise ValueError(_unknown(name, registry, kind))
    entry = registry[name]
    items = [item.strip() for item in rest.split(",")] if colon else []
    try:
        values = _values(items, entry.parameters)
        for parameter in inspect.signature(entry.build).parameters.values():
            if parameter.default is parameter.empty and parameter.name not in values:
                raise ValueError(f"needs {parameter.name}")
        return entry.build(**values)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{kind} {specification!r}: {error} (example: {entry.example})") from error


def _values(
    items: list[str], parameters: Mapping[str, Callable[[str], object]]
) -> dict[str, object]:
    """Keyword -> value; values without a keyword fill ``parameters`` in order."""
    values: dict[str, object] = {}
    for place, item in enumerate(items):
        key, equals, text = item.partition("=")
        if not equals:
            if place >= len(parameters):
                raise ValueError(f"takes at most {len(parameters)} values, got {len(items)}")
            key, text = list(parameters)[place], item
        if key not in parameters:
            raise ValueError(f"has no parameter {key!r}; known: {', '.join(parameters) or 'none'}")
        if key in values:
            raise ValueError(f"{key} is given twice")
        try:
            values[key] = parameters[key](text)
        except ValueError as error:
            raise ValueError(f"{key} {error}") from None
    return values


def _unknown(name: str, registry: Mapping[str, Entry[T]], kind: str) -> str:
    close = difflib.get_close_matches(name, registry, n=1)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    return f"{kind} must be one of {', '.join(registry)}, got {name!r}{hint}"


def parse_distribution(
    specification: str, *, count: str | None = None, columns: str | None = None
) -> Joint:
    """The law that ``NAME`` or ``FILE.csv`` stands for.

    Args:
        specification: a name of `DISTRIBUTIONS` with its parameters, or a path
            that ends in ``.csv`` (one row an observation).
        count: CSV column with the number of times a row was seen.
        columns: comma-separated CSV columns that are the positions; default all.
    """
    path = Path(specification)
    if path.suffix.lower() != ".csv":
        if count is not None or columns is not None:
            raise ValueError(f"--count and --columns need a CSV file, got {specification!r}")
        return resolve(specification, DISTRIBUTIONS, "distribution")
    if not path.is_file():
        raise ValueError(f"no such file: {specification}")
    chosen = None if columns is None else [column.strip() for column in columns.split(",")]
    try:
        return distributions.from_records(path, count=count, columns=chosen)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{specification}: {error}") from error


def parse_strategy(specification: str) -> strategies.Strategy:
    """``"top_k:2,by=random"`` -> ``TopK(2, by="random")``; see `STRATEGIES`."""
    return resolve(specification, STRATEGIES, "strategy")


def parse_blocks(specification: str) -> strategies.BlockPolicy:
    """``"left_to_right:4"`` -> ``LeftToRight(4)``; see `BLOCK_POLICIES`."""
    return resolve(specification, BLOCK_POLICIES, "block policy")
