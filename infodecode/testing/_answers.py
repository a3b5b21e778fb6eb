"""Answers of a strategy side by side: part by part, row by row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass

import numpy as np

from infodecode._typing import Array, BoolArray, IntArray
from infodecode.state import State
from infodecode.strategies import Candidates, Independent, Plan, Ranked
from infodecode.strategies._base import Action, as_plan

ALIKE = 1e-12
"""Numbers of two answers that count as equal: the loop's tolerance."""


def subsets(rows: int) -> tuple[IntArray, ...]:
    """Some of the rows in another order, and the last one on its own."""
    every = np.arange(rows)
    return (every[1::2][::-1], every[-1:]) if rows > 1 else ()


def first_row(canvas: Array, wrong: BoolArray) -> Array:
    """The first canvas that something is wrong with (any, where the shape does not tell)."""
    known = wrong.shape == (len(canvas),) and wrong.any()
    return np.asarray(canvas[np.argmax(wrong) if known else 0])


def arrays_of(of: State | Candidates) -> dict[str, Array]:
    """Every array of a struct, those in its mappings too, by name."""
    assert is_dataclass(of)
    return dict(_named((spec.name, getattr(of, spec.name)) for spec in fields(of)))


def _named(items: Iterator[tuple[str, object]]) -> Iterator[tuple[str, Array]]:
    for name, value in items:
        if isinstance(value, np.ndarray):
            yield name, value
        elif isinstance(value, Mapping):
            yield from _named((f"{name}[{key!r}]", entry) for key, entry in value.items())


def flat(answer: object) -> dict[str, object]:
    """Every part of an answer by name; actions that act nowhere are left out.

    Whether a plan goes on (``again``) is one for the whole batch, and not compared.
    """
    if isinstance(answer, Ranked | Independent):
        answer = as_plan(answer)
    if not isinstance(answer, Plan):
        return {"answer": answer}
    parts: dict[str, object] = {}
    for number, action in enumerate(filter(_acts, answer.actions)):
        of = "" if number == 0 else f" of action {number}"
        parts |= {f"{spec.name}{of}": getattr(action, spec.name) for spec in fields(action)}
    for name, array in (answer.memory or {}).items():
        parts[f"memory[{name!r}]"] = array
    return parts


def _acts(action: Action) -> bool:
    """Whether the action may take any position of any row."""
    if isinstance(action, Independent):
        taken = np.asarray(action.probability) > 0
    else:
        taken = np.broadcast_to(np.asarray(action.count) > 0, len(action.key))[:, None]
    return bool(np.any(taken if action.allowed is None else taken & action.allowed))


def rows_of(answer: object, rows: IntArray) -> object:
    """The same answer for some of the rows."""
    if isinstance(answer, Plan):
        memory = {name: array[rows] for name, array in (answer.memory or {}).items()}
        return Plan(tuple(action.take(rows) for action in answer.actions), memory)
    if isinstance(answer, Ranked | Independent):
        return answer.take(rows)
    return answer[rows] if isinstance(answer, np.ndarray) else answer


def difference(
    one: Mapping[str, object], other: Mapping[str, object]
) -> tuple[str, BoolArray] | None:
    """The first part in which two answers differ, and in which rows."""
    if one.keys() != other.keys():
        return "kind of answer", np.zeros(0, bool)
    for name, part in one.items():
        if not isinstance(part, np.ndarray) and not isinstance(other[name], np.ndarray):
            if part != other[name]:
                return name, np.zeros(0, bool)
        elif not (same := equal(np.asarray(part), np.asarray(other[name]))).all():
            return name, np.asarray(~same.reshape(len(same), -1).all(axis=1))
    return None


def equal(one: Array, other: Array, *, exactly: bool = False) -> BoolArray:
    """Where two arrays agree; one False if their shapes do not."""
    if one.shape != other.shape:
        return np.zeros(1, bool)
    same = one == other
    if one.dtype.kind == "f" and other.dtype.kind == "f":
        same |= np.isnan(one) & np.isnan(other)
        if not exactly:
            with np.errstate(invalid="ignore"):
                same |= abs(one - other) <= ALIKE
    return np.atleast_1d(np.asarray(same, bool))
