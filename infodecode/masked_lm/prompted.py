"""Prompts in the decoding loop: a network that continues them, as a `Model`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from infodecode import _validation
from infodecode._typing import Array, BoolArray, FloatArray, IntArray
from infodecode.masked_lm.scores import NetworkEvaluation
from infodecode.models import Evaluation, Model, TokenRule
from infodecode.state import PREVIOUS_CANVAS, State

if TYPE_CHECKING:
    from infodecode.masked_lm.network import Network

PROMPT = "prompt"
"""Name of the memory ``(R,)`` that says which prompt a row continues."""

EOS = ("keep", "suppress", "defer", "stop")


class PromptedModel(Model):
    """A network that continues prompts: what `infodecode.Decoder` runs on.

    The canvas is the continuation alone, a row for each prompt (or any number for one prompt).
    Prompts of different lengths are padded on the left and the padding is never attended to, so
    that a row's laws are its own. The mask is not a token, nor are columns beyond the vocabulary:
    their logits are suppressed.

    The states of the canvases' positions stay on the device until the round is over, rows x n x
    width numbers; logits come in chunks, see `infodecode.masked_lm.scores`.

    Args:
        network: see `infodecode.masked_lm.network.Network`.
        prompts: token ids.
        length: n, tokens to generate.
        guidance: weight w >= 0 of classifier-free guidance: logits ``u + (w + 1)(c - u)``, u those
            with the prompt masked (LLaDA's ``cfg_scale``). Two sequences are evaluated instead of
            one.
        eos: ``"keep"``: a token like any other; ``"suppress"``: never predicted; ``"defer"``: its
            confidence counts as 0, so that it is committed last (LLaDA's
            ``confidence_eos_eot_inf``, of the end of sequence alone); ``"stop"``: a decode ends
            once everything before an end of sequence is filled (`infodecode.decode` alone).
        as_shipped: keep the logits of the mask and of columns beyond the vocabulary, as the
            originals do: they then take their share of every probability, and can be drawn. A mask
            that is drawn counts as committed here; the network goes on seeing a mask.
        noise: how a token is drawn at a temperature: ``"inversion"`` of the cumulative law, one
            random number a position; or ``"gumbel"`` noise on every logit in double precision, as
            LLaDA draws (in lower precision it draws from another law, see
            `infodecode.TruncatedGumbelModel`).
        batch_size: sequences in one forward pass; changes time and memory alone. A network that
            padding would change (`Network.takes_padding`) gets prompts of one length at a time.
        allowed: token ids that can come at each position, distinct; None: every token. The canvas
            then has their numbers in these lists, and the law of a position is the network's,
            renormalised over them: what it puts elsewhere is left out.

    Raises:
        ValueError: an argument that cannot be; prompt and continuation longer than the network
            allows; an eos that the network lacks.
    """

    tolerance = 0.0
    off_support = "model"

    def __init__(
        self,
        network: Network,
        prompts: Sequence[Sequence[int]],
        length: int,
        *,
        guidance: float = 0.0,
        eos: str = "keep",
        as_shipped: bool = False,
        noise: str = "inversion",
        batch_size: int = 32,
        allowed: Sequence[Sequence[int]] | None = None,
    ) -> None:
        self.network = network
        self.prompts = tuple(np.asarray(prompt, np.int64) for prompt in prompts)
        self.length = _validation.integer("length", length, minimum=1)
        self.guidance = _validation.number("guidance", guidance, minimum=0, maximum=1e4)
        self.eos = _validation.choice("eos", eos, EOS)
        self.as_shipped = _validation.flag("as_shipped", as_shipped)
        self.noise = _validation.choice("noise", noise, ("inversion", "gumbel"))
        self.batch_size = _validation.integer("batch_size", batch_size, minimum=1)
        if eos != "keep" and network.eos_id is None:
            raise ValueError(f"eos={eos!r} needs a network with an end of sequence, this has none")
        longest = max(map(len, self.prompts)) + self.length
        if network.max_length is not None and longest > network.max_length:
            raise ValueError(
                f"length must leave prompt and continuation within {network.max_length} tokens, "
                f"got {longest}"
            )
        self.alphabet_sizes = (network.embedding_size,) * self.length
        self._allowed: IntArray | None = None
        if allowed is not None:
            self._restrict(allowed)
        self.sequences_per_call = 2 if self.guidance else 1
        self._last: dict[bytes, tuple[_States, int]] = {}

    def _restrict(self, allowed: Sequence[Sequence[int]]) -> None:
        if self.eos != "keep" or self.as_shipped:
            raise ValueError(
                "allowed goes with eos='keep' and as_shipped=False: it says itself what can come"
            )
        if len(allowed) != self.length:
            raise ValueError(
                f"allowed must have tokens for each of {self.length} positions, got {len(allowed)}"
            )
        for i, tokens in enumerate(allowed):
            if not tokens or len(set(tokens)) != len(tokens) or self.network.mask_id in tokens:
                raise ValueError(
                    f"allowed[{i}] must be distinct tokens, one or more, without the mask, "
                    f"got {_validation.shown(tokens)}"
                )
        self.alphabet_sizes = tuple(map(len, allowed))
        self._allowed = np.full((self.length, max(self.alphabet_sizes)), -1, np.int64)
        for i, tokens in enumerate(allowed):
            self._allowed[i, : len(tokens)] = tokens

    def start(self, canvas: IntArray) -> Mapping[str, Array]:
        if len(self.prompts) == 1:
            return {PROMPT: np.zeros(len(canvas), np.int64)}
        if len(self.prompts) != len(canvas):
            raise ValueError(
                f"canvases must be one for each of {len(self.prompts)} prompts, got {len(canvas)}"
            )
        return {PROMPT: np.arange(len(canvas))}

    def evaluate(self, state: State, rule: TokenRule) -> Evaluation:
        prompt = state.memory[PROMPT]
        previous = None
        if PREVIOUS_CANVAS in state.memory:
            previous = self._recall(state.memory[PREVIOUS_CANVAS], prompt)
        states = self._states(state.canvas, prompt)
        self._last = {
            _key(row, which): (states, k)
            for k, (row, which) in enumerate(zip(state.canvas, prompt, strict=True))
        } if PREVIOUS_CANVAS in state.memory else {}  # fmt: skip
        kind = _DeferringEvaluation if self.eos == "defer" else NetworkEvaluation
        width = max(self.alphabet_sizes)
        evaluation = kind(
            states.logits, state.canvas, width, rule, previous, self.noise,
            columns=self.network.embedding_size,
        )  # fmt: skip
        if isinstance(evaluation, _DeferringEvaluation):
            evaluation.eos = int(self.network.eos_id or 0)
        return evaluation

    def ids(self, canvas: IntArray, prompt: IntArray, *, bare: bool = False) -> IntArray:
        """``(R, P + n)`` token ids, padded on the left; -1 stands for padding.

        ``bare`` masks the prompts, as guidance asks.
        """
        width = max(len(self.prompts[k]) for k in prompt)
        out = np.full((len(canvas), width + self.length), -1, np.int64)
        for row, k in enumerate(prompt):
            ids = self.prompts[k]
            out[row, width - len(ids) : width] = self.network.mask_id if bare else ids
        tokens = canvas
        if self._allowed is not None:
            tokens = self._allowed[np.arange(self.length), canvas]
        out[:, width:] = np.where(canvas < 0, self.network.mask_id, tokens)
        return out

    def _states(self, canvas: IntArray, prompt: IntArray) -> _States:
        states = self._forward(canvas, prompt, bare=False)
        bare = self._forward(canvas, prompt, bare=True) if self.guidance else None
        banned = []
        if not self.as_shipped:
            banned.append(self.network.mask_id)
            banned.extend(range(self.network.vocabulary_size, self.network.embedding_size))
        if self.eos == "suppress" and self.network.eos_id is not None:
            banned.append(self.network.eos_id)
        allowed = None if self._allowed is None else self._tensor(self._allowed)
        return _States(self.network, states, bare, self.guidance, banned, allowed)

    @torch.inference_mode()
    def _forward(self, canvas: IntArray, prompt: IntArray, *, bare: bool) -> torch.Tensor:
        """``(R, n, d)``: the states that the positions of the canvas are predicted from."""
        if not len(canvas):
            return torch.empty((0, self.length, 0), device=self.network.device)
        sizes = np.array([len(self.prompts[k]) for k in prompt])
        order = np.argsort(sizes, kind="stable")
        parts = []
        for rows in self._batches(order, sizes[order]):
            ids = self.ids(canvas[rows], prompt[rows], bare=bare)
            real = ids >= 0
            attention = None if real.all() else self._tensor(real)
            states = self.network.hidden(
                self._tensor(np.where(real, ids, self.network.pad_id or 0)), attention
            )
            parts.append(states[:, -self.length :])
        if len(parts) == 1 and (np.diff(order) == 1).all():
            return parts[0]
        back = self._tensor(np.argsort(order, kind="stable"))
        return torch.cat(parts)[back]

    def _batches(self, order: IntArray, sizes: IntArray) -> list[IntArray]:
        """Rows of each forward pass: by size of their prompts, one size where padding is not taken.

        Anything with the methods of a `Network` may stand in for one; it takes padding then.
        """
        groups = [order]
        if not getattr(self.network, "takes_padding", True):
            groups = np.split(order, np.flatnonzero(np.diff(sizes)) + 1)
        step = self.batch_size
        return [rows[k : k + step] for rows in groups for k in range(0, len(rows), step)]

    def _tensor(self, array: Array) -> torch.Tensor:
        return torch.as_tensor(array, device=self.network.device)

    def _recall(self, canvas: IntArray, prompt: IntArray) -> tuple[Any, BoolArray]:
        """Logits of canvases of an earlier call, evaluated again only where they were not kept."""
        known = np.asarray((canvas >= -1).all(axis=1))
        last = self._last
        found = [last.get(_key(row, k)) for row, k in zip(canvas, prompt, strict=True)]
        if all(entry is not None for entry, asked in zip(found, known, strict=True) if asked):
            sources = [(entry or (None, 0))[0] for entry in found]
            places = np.array([(entry or (None, 0))[1] for entry in found], np.int64)
            first = next((source for source in sources if source is not None), None)

            def kept(rows: IntArray, positions: IntArray) -> torch.Tensor:
                assert first is not None
                return first.logits(places[rows], positions)

            return kept, known
        again = self._states(np.where(known[:, None], canvas, -1), prompt)
        return again.logits, known


class _States:
    """States of one call, and the logits of any (row, position) there."""

    def __init__(
        self,
        network: Network,
        states: torch.Tensor,
        bare: torch.Tensor | None,
        guidance: float,
        banned: list[int],
        allowed: torch.Tensor | None,
    ) -> None:
        self._network, self._hidden, self._bare = network, states, bare
        self._guidance, self._banned, self._allowed = guidance, banned, allowed

    @torch.inference_mode()
    def logits(self, rows: IntArray, positions: IntArray) -> torch.Tensor:
        """``(K, V)`` in single precision; with allowed tokens a column for each of these."""
        device = self._hidden.device
        at = (torch.as_tensor(rows, device=device), torch.as_tensor(positions, device=device))
        out = self._network.logits(self._hidden[at]).float()
        if self._bare is not None:
            without = self._network.logits(self._bare[at]).float()
            out = out.sub_(without).mul_(self._guidance + 1).add_(without)
        if self._banned:
            out[:, self._banned] = -torch.inf
        if self._allowed is not None:
            tokens = self._allowed[at[1]]
            out = out.gather(1, tokens.clamp(min=0)).masked_fill_(tokens < 0, -torch.inf)
        return out


class _DeferringEvaluation(NetworkEvaluation):
    """Positions whose favourite is the end of sequence count as not confident at all."""

    eos = -1

    def scores(self, fields: Any, where: BoolArray) -> dict[str, Array]:
        wanted = set(fields)
        scores = super().scores(wanted | {"token1"} if wanted else wanted, where)
        ending = where & (scores.get("token1", np.zeros(where.shape)) == self.eos)
        for name in wanted & {"p1", "confidence", "margin"}:
            scores[name] = np.where(ending, 0.0, scores[name])
        if "entropy" in wanted:
            scores["entropy"] = np.where(ending, np.log2(self._vocabulary), scores["entropy"])
        return {name: scores[name] for name in wanted}

    def confidence_in(self, tokens: IntArray, probability: FloatArray) -> FloatArray:
        return np.where(tokens == self.eos, 0.0, probability)


def _key(canvas: IntArray, prompt: int) -> bytes:
    return int(prompt).to_bytes(8, "little") + np.ascontiguousarray(canvas, np.int32).tobytes()


def rows_at_end(canvas: IntArray, eos: int) -> BoolArray:
    """``(R,)`` rows with an end of sequence and nothing masked before it."""
    ended = np.cumsum(canvas == eos, axis=1) > 0
    return np.asarray(ended.any(axis=1) & ~((canvas < 0) & ~ended).any(axis=1))
