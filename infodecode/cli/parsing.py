"""What is typed on the command line: ``replace_index:5,2``, ``top_k:2,by=confidence``, ``A + B``.

One grammar serves distributions, strategies, models and block policies::

    name[:value,...][,key=value,...]

Laws are also put together, ``+`` before ``|``::

    A + B                      independent laws side by side
    1/2 * A | 1/2 * B          a mixture; a weight applies to its whole part
    (1/2 * A | 1/2 * B) + C    parentheses group

The names are in `infodecode.cli.vocabulary`. ``,``, ``+`` and ``|`` separate, so no value holds
them.
"""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

from infodecode import distributions, strategies
from infodecode.cli.readers import fraction, shares
from infodecode.cli.vocabulary import (
    BLOCK_POLICIES,
    COMBINATIONS,
    DISTRIBUTIONS,
    MODELS,
    STRATEGIES,
    TOKEN_RULES,
    Entry,
    Readers,
)
from infodecode.distributions import Joint
from infodecode.models import IdealModel, Model
from infodecode.token_rules import TokenLaw

T = TypeVar("T")


def resolve(specification: str, registry: Mapping[str, Entry[T]], kind: str, **given: object) -> T:
    """The object that ``name[:value,...]`` means in ``registry``.

    Args:
        specification: as typed.
        registry: names and what they mean.
        kind: what the names are called in messages.
        given: further arguments of ``build``, which cannot be typed.

    Raises:
        ValueError: unknown name (says the closest and where all are), unknown
            or repeated keyword, a value that cannot be read or is refused.
    """
    name, colon, rest = specification.partition(":")
    if name not in registry:
        raise ValueError(_unknown(name, registry, kind))
    entry = registry[name]
    items = [item.strip() for item in rest.split(",")] if colon else []
    try:
        values = _values(items, entry.parameters) | given
        for parameter in inspect.signature(entry.build).parameters.values():
            if parameter.default is parameter.empty and parameter.name not in values:
                raise ValueError(f"needs {parameter.name}")
        return entry.build(**values)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{kind} {specification!r}: {error} (example: {entry.example})") from error


def _values(items: list[str], parameters: Readers) -> dict[str, object]:
    """Keyword -> value; values without a keyword fill ``parameters`` in order."""
    values: dict[str, object] = {}
    for place, item in enumerate(items):
        key, equals, text = (part.strip() for part in item.partition("="))
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
    return f"{kind} must be a name that 'infodecode list' shows, got {name!r}{hint}"


def parse_distribution(
    specification: str, *, count: str | None = None, columns: str | None = None
) -> Joint:
    """The law that names or ``FILE.csv`` stand for.

    Args:
        specification: names of `DISTRIBUTIONS` with their parameters, put together or not; or a
            path that ends in ``.csv`` or exists (one row an observation).
        count: CSV column with the number of times a row was seen.
        columns: comma-separated CSV columns that are the positions; default all.
    """
    if not _is_file(specification):
        if count is not None or columns is not None:
            raise ValueError(f"--count and --columns need a CSV file, got {specification!r}")
        return parse_law(specification)
    path = Path(specification)
    if not path.is_file():
        alone = "; names can be put together, files cannot" if set("+|") & set(path.name) else ""
        raise ValueError(f"no such file: {specification}{alone}")
    chosen = None if columns is None else [column.strip() for column in columns.split(",")]
    try:
        return distributions.from_records(path, count=count, columns=chosen)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{specification}: {error}") from error


def _is_file(specification: str) -> bool:
    """Whether a path is meant: it ends in ``.csv``, or exists and is no known name."""
    path = Path(specification)
    if path.suffix.lower() == ".csv":
        return True
    try:
        return path.is_file() and specification.partition(":")[0] not in DISTRIBUTIONS
    except OSError:
        return False


def parse_law(specification: str) -> Joint:
    """The law that names stand for, alone, side by side (``+``) or mixed (``|``)."""
    parts = _split(specification, "|")
    if len(parts) == 1:
        return _product(specification)
    example = COMBINATIONS["1/2 * A | 1/2 * B"].example
    weights, laws = [], []
    for part in parts:
        head, star, law = part.partition("*")
        if not star:
            raise ValueError(
                f"distribution {specification!r}: every part of a mixture needs its weight first, "
                f"got {part.strip()!r} (example: {example})"
            )
        try:
            weights.append(fraction(head.strip()))
        except ValueError as error:
            raise ValueError(
                f"distribution {specification!r}: a weight {error} (example: {example})"
            ) from None
        laws.append(_product(law))
    try:
        return distributions.mixture(laws, shares(weights))
    except (TypeError, ValueError) as error:
        raise ValueError(f"distribution {specification!r}: {error}") from error


def _product(specification: str) -> Joint:
    parts = _split(specification, "+")
    if len(parts) == 1:
        return _single(specification.strip())
    laws = [_single(part.strip()) for part in parts]
    try:
        return distributions.concatenate(*laws)
    except (TypeError, ValueError) as error:
        raise ValueError(f"distribution {specification!r}: {error}") from error


def _single(specification: str) -> Joint:
    """One name with its values, or a law in parentheses."""
    if specification.startswith("(") and specification.endswith(")"):
        return parse_law(specification[1:-1])
    if Path(specification).suffix.lower() == ".csv":
        raise ValueError(f"distribution {specification!r}: names can be put together, files cannot")
    if "*" in specification.partition(":")[0]:
        raise ValueError(
            f"distribution {specification!r}: a weight belongs in a mixture "
            f"(example: {COMBINATIONS['1/2 * A | 1/2 * B'].example})"
        )
    return resolve(specification, DISTRIBUTIONS, "distribution")


def _split(text: str, separator: str) -> list[str]:
    """The parts of ``text`` between separators that no parentheses enclose."""
    parts, depth, start = [], 0, 0
    for place, character in enumerate(text):
        depth += (character == "(") - (character == ")")
        if depth < 0:
            break
        if character == separator and depth == 0:
            parts.append(text[start:place])
            start = place + 1
    if depth:
        raise ValueError(f"distribution must have matching parentheses, got {text!r}")
    parts.append(text[start:])
    if len(parts) > 1 and not all(part.strip() for part in parts):
        raise ValueError(f"distribution must have a law on both sides of {separator}, got {text!r}")
    return parts


def parse_strategy(specification: str) -> strategies.Strategy:
    """``"top_k:2,by=random"`` -> ``TopK(2, by="random")``; see `STRATEGIES`."""
    return resolve(specification, STRATEGIES, "strategy")


def parse_tokens(specification: str) -> TokenLaw:
    """``"local_power:4"`` -> ``LocalPower(4)``; see `TOKEN_RULES`."""
    return resolve(specification, TOKEN_RULES, "token rule")


def parse_blocks(specification: str) -> strategies.BlockPolicy:
    """``"left_to_right:4"`` -> ``LeftToRight(4)``; see `BLOCK_POLICIES`."""
    return resolve(specification, BLOCK_POLICIES, "block policy")


def parse_model(specification: str, law: Joint, off_support: str) -> Model | None:
    """``"noisy:0.5"`` -> a `NoisyModel` of ``law``; None stands for the ideal model; see `MODELS`.

    Args:
        specification: a name of `MODELS` with its parameters.
        law: what is decoded.
        off_support: what the ideal model predicts off the support; absorbing needs no rule, and
            takes the marginals.
    """
    follow = "marginal" if off_support == "absorb" else off_support
    ideal = IdealModel(law, off_support=follow)
    model = resolve(specification, MODELS, "model", model=ideal)
    return None if model is ideal else model
