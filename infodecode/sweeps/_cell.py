"""A cell of a sweep: what is computed for one row, in words that travel to any worker."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import infodecode
from infodecode.cli import parsing
from infodecode.cli.options import DecodingOptions
from infodecode.distributions import Joint

DECODING = tuple(field.name for field in dataclasses.fields(DecodingOptions))
"""Options of a decoder and its model, by the names they have in a grid and in a table."""


@dataclass(frozen=True)
class Law:
    """A distribution as a grid names it.

    Attributes:
        name: the text in the table: ``permutations:6``, or a file with its options.
        specification: names with their values, or the path of a CSV file.
        count, columns: of a CSV file, as ``infodecode bounds`` takes them.
        digest: SHA-256 of that file; None of names.
    """

    name: str
    specification: str
    count: str | None = None
    columns: str | None = None
    digest: str | None = None

    def read(self) -> Joint:
        """The distribution.

        Raises:
            ValueError: no such law, or a file that is missing or has changed.
        """
        if not is_file(self.specification):
            return parsing.parse_law(self.specification)
        if digest_of(Path(self.specification)) != self.digest:
            raise ValueError(f"{self.name} is not the file that the grid was read with")
        return parsing.parse_distribution(
            self.specification, count=self.count, columns=self.columns
        )


def is_file(specification: str) -> bool:
    """Whether a CSV file is meant, and no name."""
    return Path(specification).suffix.lower() == ".csv"


def digest_of(path: Path) -> str | None:
    """SHA-256 of a file; None if there is none."""
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None


@dataclass(frozen=True)
class Cell:
    """What one row of the table is about.

    Attributes:
        law: the distribution.
        decoding: the decoder's options and the model.
        compute: ``"exact"``, ``"simulate"``, or ``"exact-or-simulate"``: samples where the exact
            run is too large.
        off_support: as `infodecode.exact` and `infodecode.simulate` take it; None is their default.
        bounds: whether the row has the bounds of the law.
        samples, seed: of a simulation; 0 in an exact cell.
        max_children: limit of an exact run; 0 where nothing is exact.
    """

    law: Law
    decoding: DecodingOptions
    compute: str
    off_support: str | None
    bounds: bool
    samples: int
    seed: int
    max_children: int

    @cached_property
    def identity(self) -> str:
        """16 hexadecimal digits: a hash of the definition and of the version of infodecode.

        Two cells that are written differently are different. The path of a CSV file does not
        count, its content does.
        """
        definition = dataclasses.asdict(self)
        if self.law.digest is not None:
            del definition["law"]["specification"]
        text = json.dumps([infodecode.__version__, definition], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    @property
    def description(self) -> dict[str, object]:
        """The cells of the row that are known before anything is computed."""
        return {
            "cell": self.identity,
            "distribution": self.law.name,
            **{name: getattr(self.decoding, name) for name in DECODING},
            "off_support": self.off_support,
            "compute": self.compute,
            "seed": self.seed if self.samples else None,
            "infodecode": infodecode.__version__,
        }

    def __str__(self) -> str:
        default = {field.name: field.default for field in dataclasses.fields(DecodingOptions)}
        chosen = {name: getattr(self.decoding, name) for name in DECODING}
        parts = [self.law.name, chosen.pop("strategy")]
        parts += [f"{name}={v:g}" if isinstance(v, float) else f"{name}={v}"
                  for name, v in chosen.items() if v != default[name]]  # fmt: skip
        return "  ".join(parts + ([f"seed={self.seed}"] if self.samples else []))


@lru_cache(maxsize=8)
def law_of(law: Law) -> Joint:
    """The distribution, kept for the next cells of the process."""
    return law.read()
