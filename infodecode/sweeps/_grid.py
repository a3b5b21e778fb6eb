"""Grids: the TOML file that says which cells a sweep has, and every check of what it says."""

from __future__ import annotations

import difflib
import itertools
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from infodecode import _validation
from infodecode._validation import shown
from infodecode.cli import parsing
from infodecode.cli.options import DecodingOptions
from infodecode.models import OFF_SUPPORT
from infodecode.propagation import OFF_SUPPORT_MODES
from infodecode.sweeps._cell import DECODING, Cell, Law, digest_of, is_file

COMPUTE = ("exact", "simulate", "exact-or-simulate")
KEYS = (
    "distributions", "decoders", "models", "seeds", "compute", "samples", "max_children",
    "off_support", "bounds",
)  # fmt: skip
DECODER_KEYS = tuple(name for name in DECODING if name != "model")
LAW_KEYS = ("law", "count", "columns")

SAMPLES = 10_000
MAX_CHILDREN = 1_000_000


@dataclass(frozen=True)
class Grid:
    """Distributions by models by decoders by seeds, and what to compute of each.

    Attributes:
        name: of the file, without its folder.
        path: the file; None if the grid came as a mapping.
        cells: in the order of the table: the seed varies fastest, then the decoder, then the model.
        definition: the keys as they were written.
    """

    name: str
    path: Path | None
    cells: tuple[Cell, ...]
    definition: Mapping[str, Any]

    @cached_property
    def seeds(self) -> list[int]:
        """All seeds, in order."""
        return list(dict.fromkeys(c.seed for c in self.cells if c.samples))

    def __len__(self) -> int:
        return len(self.cells)

    def __repr__(self) -> str:
        return f"<grid {self.name}: {len(self)} cells>"


def read_grid(source: str | Path | Mapping[str, Any]) -> Grid:
    """The cells of a grid, every one of them checked.

    Keys of a grid (docs/scaling_out.md has all of them): ``distributions`` and ``decoders``, in the
    words of the console command; ``models``, ``seeds``, ``compute``, ``samples``, ``max_children``,
    ``off_support``, ``bounds``. Any value of a decoder may be a list: all combinations are cells.

    Args:
        source: path of a TOML file, or the mapping that such a file holds. CSV files in it are
            relative to its folder (of a mapping: to the working directory).

    Returns:
        the grid.

    Raises:
        OSError: the file cannot be read.
        ValueError, TypeError: it is not a grid; the message has the key, what must hold and what
            came.

    Example:
        >>> grid = read_grid({"distributions": ["permutations:5", "titanic"],
        ...                   "decoders": [{"strategy": "threshold:0.9", "temperature": [0, 1]}]})
        >>> len(grid), str(grid.cells[0])
        (4, 'permutations:5  threshold:0.9  temperature=0  seed=0')
    """
    if isinstance(source, Mapping):
        return _Reader(source, Path()).grid("grid", None)
    path = Path(source)
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
        return _Reader(document, path.parent).grid(path.name, path)
    except (ValueError, TypeError) as error:
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(f"{path}: {error}") from error


class _Reader:
    """Reads one grid; relative CSV files are in ``folder``."""

    def __init__(self, document: Mapping[str, Any], folder: Path) -> None:
        self._document = document
        self._folder = folder

    def grid(self, name: str, path: Path | None) -> Grid:
        _known("grid", self._document, KEYS)
        for key in ("distributions", "decoders"):
            if key not in self._document:
                raise ValueError(f"{key} is missing: a grid needs distributions and decoders")
        cells = tuple(self._cells())
        seen: dict[str, Cell] = {}
        for cell in cells:
            if cell.identity in seen:
                raise ValueError(f"every cell must be there once, got twice: {cell}")
            seen[cell.identity] = cell
        return Grid(name, path, cells, dict(self._document))

    def _cells(self) -> Iterator[Cell]:
        compute = _validation.choice("compute", self._get("compute", "exact-or-simulate"), COMPUTE)
        samples, seeds = self._simulation(compute)
        max_children = self._max_children(compute)
        off_support = self._off_support(compute)
        bounds = _validation.flag("bounds", self._get("bounds", True))
        laws = [self._law(f"distributions[{k}]", v) for k, v in self._list("distributions")]
        models = [_text(f"models[{k}]", v) for k, v in self._list("models", ["ideal"])]
        decoders = [d for k, v in self._list("decoders") for d in _decoders(f"decoders[{k}]", v)]
        for k, law in enumerate(laws):
            joint = _within(f"distributions[{k}]", law.read)
            for j, model in enumerate(models):
                _within(f"models[{j}]", parsing.parse_model, model, joint, off_support or "absorb")
        for law, model, options, seed in itertools.product(laws, models, decoders, seeds):
            yield Cell(
                law=law,
                decoding=DecodingOptions(**options, model=model),
                compute=compute,
                off_support=off_support,
                bounds=bounds,
                samples=samples,
                seed=seed,
                max_children=max_children,
            )

    def _simulation(self, compute: str) -> tuple[int, list[int]]:
        if compute == "exact":
            self._refuse(("samples", "seeds"), "nothing is simulated with compute = 'exact'")
            return 0, [0]
        samples = _validation.integer("samples", self._get("samples", SAMPLES), minimum=1)
        seeds = [
            _validation.integer(f"seeds[{k}]", seed, minimum=0)
            for k, seed in self._list("seeds", [0])
        ]
        return samples, seeds

    def _max_children(self, compute: str) -> int:
        if compute == "simulate":
            self._refuse(("max_children",), "nothing is exact with compute = 'simulate'")
            return 0
        return _validation.integer(
            "max_children", self._get("max_children", MAX_CHILDREN), minimum=1
        )

    def _off_support(self, compute: str) -> str | None:
        if "off_support" not in self._document:
            return None
        modes = OFF_SUPPORT if compute == "simulate" else OFF_SUPPORT_MODES
        return _validation.choice("off_support", self._document["off_support"], modes)

    def _law(self, key: str, value: object) -> Law:
        given = {"law": value} if isinstance(value, str) else value
        if not isinstance(given, Mapping):
            raise TypeError(f"{key} must be a text, or a table with law, got {shown(value)}")
        _known(key, given, LAW_KEYS)
        if "law" not in given:
            raise ValueError(f"{key} must have law, got {shown(value)}")
        law = _text(f"{key}.law", given["law"])
        count = _text(f"{key}.count", given["count"]) if "count" in given else None
        columns = _columns(key, given["columns"]) if "columns" in given else None
        options = {"--count": count, "--columns": columns}
        name = " ".join([law, *(f"{k} {v}" for k, v in options.items() if v is not None)])
        if not is_file(law):
            if (count, columns) != (None, None):
                raise ValueError(f"{key}: count and columns need a CSV file, got {law!r}")
            return Law(name, law)
        path = self._folder / law
        return Law(name, str(path.absolute()), count, columns, digest_of(path))

    def _get(self, key: str, default: object) -> Any:
        return self._document.get(key, default)

    def _list(self, key: str, default: object = ()) -> Iterator[tuple[int, object]]:
        value = self._get(key, default)
        if isinstance(value, str | Mapping) or not isinstance(value, Sequence):
            raise TypeError(f"{key} must be a list, got {shown(value)}")
        if not value:
            raise ValueError(f"{key} must not be empty")
        return iter(enumerate(value))

    def _refuse(self, keys: Sequence[str], reason: str) -> None:
        for key in keys:
            if key in self._document:
                raise ValueError(f"{key} must be left out: {reason}")


def _decoders(key: str, value: object) -> Iterator[dict[str, Any]]:
    """Options of every decoder that an entry of ``decoders`` stands for."""
    given = {"strategy": value} if isinstance(value, str) else value
    if not isinstance(given, Mapping):
        raise TypeError(f"{key} must be a text, or a table with strategy, got {shown(value)}")
    _known(key, given, DECODER_KEYS)
    if "strategy" not in given:
        raise ValueError(f"{key} must have strategy, got {shown(value)}")
    axes = {name: _values(f"{key}.{name}", name, v) for name, v in given.items()}
    for values in itertools.product(*axes.values()):
        options = dict(zip(axes, values, strict=True))
        _within(key, DecodingOptions(**options).read_decoder)
        yield options


def _values(key: str, name: str, value: object) -> list[Any]:
    """One value or several, as numbers or texts."""
    values = list(value) if isinstance(value, list | tuple) else [value]
    if not values:
        raise ValueError(f"{key} must not be an empty list")
    if name == "temperature":
        return [_validation.number(key, v, minimum=0) for v in values]
    return [_text(key, v) for v in values]


def _columns(key: str, value: object) -> str:
    columns = [value] if isinstance(value, str) else _validation.iterate(f"{key}.columns", value)
    return ",".join(_text(f"{key}.columns", column) for column in columns)


def _text(key: str, value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{key} must be a text, got {shown(value)}")
    if not value.strip() or not value.isprintable():
        raise ValueError(f"{key} must be a text of one line, got {shown(value)}")
    return value.strip()


def _known(key: str, table: Mapping[str, Any], keys: Sequence[str]) -> None:
    for name in table:
        if name not in keys:
            close = difflib.get_close_matches(name, keys, n=1)
            hint = f"; did you mean {close[0]!r}?" if close else ""
            raise ValueError(f"{key} has no key {name!r}; known: {', '.join(keys)}{hint}")


def _within(key: str, function: Any, *arguments: object) -> Any:
    """The function's result; what it refuses is said with the key."""
    try:
        return function(*arguments)
    except (ValueError, TypeError) as error:
        raise ValueError(f"{key}: {error}") from error
