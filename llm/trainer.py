"""A small LLaDA in training: Muon on its matrices, AdamW elsewhere, an average of its weights."""

from __future__ import annotations

import copy
import dataclasses
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional

from infodecode import _validation
from infodecode.masked_lm import Network, llada_config
from llm.list_operations import BOS, EOS, MASK, Vocabulary
from llm.stream import Stream

SHARES: Mapping[str, float] = {
    "copy": 0.4,
    "reverse": 0.75,
    "sort": 1.5,
    "shuffle": 2.5,
    "replace index": 0.5,
    "replace random": 1.25,
    "insert index": 0.75,
    "insert random": 3.0,
    "remove index": 0.5,
    "remove random": 2.0,
}
"""Relative frequency of operations in training: what is slow to learn comes more often."""

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


@dataclass(frozen=True)
class Recipe:
    """Everything that decides what comes out, on a given machine.

    Attributes:
        width: of the residual stream.
        layers: transformer layers.
        heads: attention heads; they divide ``width`` into even parts.
        mlp: hidden width of the feed-forward part.
        rope: base of the rotary position embedding.
        items: names that lists are drawn from.
        shortest: fewest items in a list.
        longest: most items in a list.
        shares: relative frequency of each operation; 1 for those not named.
        batch: sequences a step.
        groups: lengths of sequence a step; more mix better and cost more calls.
        steps: of training.
        warmup: steps in which the learning rates rise from 0; then they fall linearly to 0.
        matrix_rate: Muon's learning rate, for the matrices of the layers.
        rate: AdamW's, for embeddings, head and norms.
        decay: of the average of the weights, a step.
        seed: of the initial weights and of the data.
        device: where to train.
        dtype: of the forward pass; weights and optimisers are float32.
    """

    width: int = 64
    layers: int = 3
    heads: int = 4
    mlp: int = 192
    rope: float = 10_000.0
    items: int = 26
    shortest: int = 3
    longest: int = 8
    shares: Mapping[str, float] = field(default_factory=lambda: dict(SHARES))
    batch: int = 128
    groups: int = 2
    steps: int = 8_000
    warmup: int = 50
    matrix_rate: float = 0.01
    rate: float = 0.003
    decay: float = 0.998
    seed: int = 0
    device: str = "cpu"
    dtype: str = "float32"

    def __post_init__(self) -> None:
        for name in ("width", "layers", "heads", "mlp", "steps"):
            _validation.integer(name, getattr(self, name), minimum=1)
        for name in ("seed", "warmup"):
            _validation.integer(name, getattr(self, name), minimum=0, maximum=None)
        for name in ("matrix_rate", "rate", "rope"):
            _validation.number(name, getattr(self, name), above=0)
        if _validation.number("decay", self.decay, minimum=0, maximum=1) == 1:
            raise ValueError("decay must be less than 1, got 1")
        _validation.choice("dtype", self.dtype, tuple(DTYPES))

    @property
    def vocabulary(self) -> Vocabulary:
        """Words of prompts and answers."""
        return Vocabulary(items=self.items, longest=self.longest)

    @property
    def stream(self) -> Stream:
        """The training data."""
        return Stream(
            self.vocabulary, self.shortest, self.longest, self.batch, self.groups, self.shares,
            self.seed,
        )  # fmt: skip

    def config(self) -> dict[str, Any]:
        """``config.json`` of the network, in LLaDA's format."""
        ids = self.vocabulary.ids
        return llada_config(
            vocab_size=len(ids),
            d_model=self.width,
            n_layers=self.layers,
            n_heads=self.heads,
            mlp_hidden_size=self.mlp,
            max_sequence_length=max(64, self.stream.max_length),
            mask_token_id=ids[MASK],
            eos_token_id=ids[EOS],
            pad_token_id=ids[EOS],
            bos_token_id=ids[BOS],
            rope_theta=self.rope,
        )

    def rate_at(self, step: int) -> float:
        """Share of the learning rates in force at a step."""
        if step < self.warmup:
            return (step + 1) / self.warmup
        return (self.steps - step) / max(1, self.steps - self.warmup)


class Trainer:
    """The state of a training run, which a file holds completely.

    Attributes:
        recipe: what is trained.
        step: steps done.
        loss: average of the loss over about the last hundred steps; nats a masked position.
        cpu_seconds: processor time of all steps, over every process that took part.
        network: in training; `averaged` is the one to use.
    """

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe
        self.step = 0
        self.loss = float("nan")
        self.cpu_seconds = 0.0
        self.network = Network.random(recipe.config(), device=recipe.device, seed=recipe.seed)
        module = self.network.module.train().requires_grad_(True)
        self._stream = recipe.stream
        self._parameters = list(module.parameters())
        self._average = [p.detach().clone() for p in self._parameters]
        named = list(module.named_parameters())
        matrices = [p for name, p in named if p.ndim == 2 and ".layers." in name]
        others = [p for name, p in named if not (p.ndim == 2 and ".layers." in name)]
        self._optimisers: list[torch.optim.Optimizer] = [
            torch.optim.Muon(matrices, lr=recipe.matrix_rate, momentum=0.95, weight_decay=0.0),
            torch.optim.AdamW(others, lr=recipe.rate, betas=(0.9, 0.98), weight_decay=0.0),
        ]

    @property
    def done(self) -> bool:
        """Whether every step of the recipe is done."""
        return self.step >= self.recipe.steps

    def advance(self) -> None:
        """One step."""
        began = time.process_time()
        loss = self._gradients()
        share = self.recipe.rate_at(self.step)
        rates = (self.recipe.matrix_rate, self.recipe.rate)
        for optimiser, rate in zip(self._optimisers, rates, strict=True):
            for group in optimiser.param_groups:
                group["lr"] = rate * share
            optimiser.step()
            optimiser.zero_grad()
        # At first the average is short: the initial weights must not stay in it.
        decay = min(self.recipe.decay, (self.step + 1) / (self.step + 10))
        with torch.no_grad():
            torch._foreach_lerp_(self._average, self._parameters, 1 - decay)
        self.loss = loss if self.step == 0 else 0.99 * self.loss + 0.01 * loss
        self.step += 1
        self.cpu_seconds += time.process_time() - began

    def averaged(self) -> Network:
        """The network with the average of the weights."""
        module = copy.deepcopy(self.network.module).eval().requires_grad_(False)
        for parameter, average in zip(module.parameters(), self._average, strict=True):
            parameter.copy_(average)
        return Network(self.network.architecture, module)

    def save(self, path: Path) -> None:
        """Write the whole state in one move: a kill leaves the old file or the new one."""
        draft = path.with_suffix(".tmp")
        path.parent.mkdir(parents=True, exist_ok=True)
        with draft.open("wb") as file:
            torch.save(self._state(), file)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)

    @classmethod
    def resume(cls, recipe: Recipe, path: Path) -> Trainer:
        """The run that ``save`` wrote, which must be of the same recipe.

        Raises:
            ValueError: another recipe; the message names what differs.
        """
        state = torch.load(path, map_location="cpu", weights_only=True)
        wanted = dataclasses.asdict(recipe)
        for name, value in state["recipe"].items():
            if wanted[name] != value:
                raise ValueError(
                    f"{path} is of a run with {name} = {value!r}, got {wanted[name]!r}: name "
                    f"another output folder, or delete the file to start anew"
                )
        run = cls(recipe)
        run.step, run.loss, run.cpu_seconds = (state[k] for k in ("step", "loss", "cpu_seconds"))
        run.network.module.load_state_dict(state["network"])
        with torch.no_grad():
            for mine, saved in zip(run._average, state["average"], strict=True):
                mine.copy_(saved)
        for optimiser, saved in zip(run._optimisers, state["optimisers"], strict=True):
            optimiser.load_state_dict(saved)
        return run

    def _gradients(self) -> float:
        """Accumulate the gradients of one batch; its loss."""
        recipe, network = self.recipe, self.network
        device, dtype = torch.device(recipe.device), DTYPES[recipe.dtype]
        total = torch.zeros((), device=device)
        for group in self._stream.batch_at(self.step):
            ids = torch.from_numpy(group.ids).to(device)
            masked = torch.from_numpy(group.masked).to(device)
            weight = torch.from_numpy(group.weight).to(device, torch.float32) / recipe.batch
            canvas = ids.masked_fill(masked, network.mask_id)
            with torch.autocast(device.type, dtype, enabled=dtype != torch.float32):
                logits = network.logits(network.hidden(canvas)[masked])
            nats = functional.cross_entropy(logits.float(), ids[masked], reduction="none")
            loss = nats @ weight[:, None].expand(masked.shape)[masked]
            loss.backward()
            total += loss.detach()
        return float(total)

    def _state(self) -> dict[str, Any]:
        return {
            "recipe": dataclasses.asdict(self.recipe),
            "step": self.step,
            "loss": self.loss,
            "cpu_seconds": self.cpu_seconds,
            "network": self.network.module.state_dict(),
            "average": self._average,
            "optimisers": [optimiser.state_dict() for optimiser in self._optimisers],
        }
