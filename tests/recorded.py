"""Recorded decodes of the original implementations: their toy models, and how ours runs them.

A folder of recordings has ``models.npz`` and ``traces/NAME.json``; see its README for the format.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from infodecode import Decoder, decode
from infodecode.models import LawModel
from infodecode.trace import Trace

SAMPLE = Path(__file__).parent / "recordings"


def folder() -> Path:
    """$INFODECODE_GOLDEN, or shared/golden beside the checkout, or the sample kept here."""
    if named := os.environ.get("INFODECODE_GOLDEN"):
        if not (Path(named) / "traces").is_dir():
            raise FileNotFoundError(f"INFODECODE_GOLDEN must name a folder with traces: {named}")
        return Path(named)
    beside = Path(__file__).parents[2] / "shared" / "golden"
    return beside if beside.is_dir() else SAMPLE


@cache
def _arrays(models: Path) -> dict[str, np.ndarray]:
    with np.load(models) as file:
        return {key: file[key] for key in file.files}


class RecordedModel(LawModel):
    """``logits[i, v] = base[i, v] + sum over shown j != i of pair[i, j, v, x_j]``, after a prompt.

    The canvas is the generated part only. With ``guidance`` w > 0, logits are
    ``u + (w + 1)(c - u)`` where u is without the prompt; ``shifted`` reads position i at i - 1.
    """

    tolerance = 0.0

    def __init__(
        self,
        name: str,
        prompt: list[int],
        length: int,
        *,
        guidance: float = 0.0,
        shifted: bool = False,
        single: bool = False,
        models: Path | None = None,
    ) -> None:
        arrays = _arrays(folder() / "models.npz" if models is None else models)
        self.base = arrays[f"{name}_base"].astype(np.float64)
        self.pair = arrays[f"{name}_pair"].astype(np.float64)
        self.frequencies = arrays[f"{name}_freq"]
        self.prompt = np.array(prompt)
        self.guidance, self.shifted, self.single = guidance, shifted, single
        self.alphabet_sizes = (self.base.shape[1],) * length

    def logits(self, canvases: np.ndarray, rows: np.ndarray, at: np.ndarray) -> np.ndarray:
        """``(K, V)`` at positions ``at`` of whole canvases, prompt included."""
        shown = canvases[rows]
        out = self.base[at].copy()
        for j in range(canvases.shape[1]):
            with_j = (shown[:, j] >= 0) & (at != j)
            out[with_j] += self.pair[at[with_j], j, :, shown[with_j, j]]
        return out

    def laws(self, canvases: np.ndarray, rows: np.ndarray, positions: np.ndarray) -> np.ndarray:
        m = len(self.prompt)
        start = np.broadcast_to(self.prompt, (len(canvases), m))
        whole = np.concatenate([start, canvases], axis=1)
        at = positions + m - self.shifted * (positions + m > 0)
        logits = self.logits(whole, rows, at)
        if self.guidance:
            whole[:, :m] = -1
            without = self.logits(whole, rows, at)
            logits = without + (self.guidance + 1) * (logits - without)
        if self.single:
            logits = logits.astype(np.float32)
        weights = np.exp(logits - logits.max(axis=1, keepdims=True))
        return np.asarray(weights / weights.sum(axis=1, keepdims=True), dtype=np.float64)


@dataclass(frozen=True)
class Recording:
    """One trace of a file.

    Attributes:
        strategy: name of the file.
        trace: as recorded.
        mask_id: what stands for a mask there.
    """

    strategy: str
    trace: dict[str, Any]
    mask_id: int

    @property
    def params(self) -> dict[str, Any]:
        return self.trace["params"]  # type: ignore[no-any-return]

    def generated(self, key: str = "canvases") -> np.ndarray:
        """Canvases ``(calls + 1, generated)`` without the prompt, -1 masked."""
        canvases = np.array(self.trace[key])[:, len(self.trace["prompt"]) :]
        return np.where(canvases == self.mask_id, -1, canvases)

    def model(self, **options: Any) -> RecordedModel:
        return RecordedModel(
            self.trace["model"], self.trace["prompt"], self.trace["gen_length"], **options
        )

    def ours(self, decoder: Decoder, **options: Any) -> Trace:
        """Our decode of the same model."""
        return decode(self.model(**options), decoder)


def recordings(strategy: str) -> Iterator[Recording]:
    """Every trace of one file."""
    file = folder() / "traces" / f"{strategy}.json"
    content = json.loads(file.read_text())
    for trace in content["traces"]:
        yield Recording(strategy, trace, content["mask_id"])


def strategies() -> list[str]:
    """Files there are."""
    return sorted(file.stem for file in (folder() / "traces").glob("*.json"))


def as_shipped(strategy: Any, **options: Any) -> Decoder:
    """Temperature 0, ties to the lowest index: what every original does."""
    return Decoder(strategy, temperature=0, token_ties="lowest", position_ties="lowest", **options)
