"""Masked language models in the decoding loop: prompts in front, continuations behind."""

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


class MaskedLM:
    """A masked language model: a network, and the tokenizer of its vocabulary.

    Made by `infodecode.load_masked_lm`; `infodecode.decode` runs any `Decoder` on it.

    Attributes:
        network: maps token ids to states and states to logits.
        tokenizer: of the vocabulary; None where a checkpoint has none (give prompts as ids then).
        name: what was loaded.
    """

    def __init__(self, network: Network, tokenizer: Any = None, *, name: str = "") -> None:
        self.network, self.tokenizer, self.name = network, tokenizer, name

    def __repr__(self) -> str:
        net = self.network
        return (
            f"<{net.family} {self.name}: {net.vocabulary_size:,} tokens, {net.dtype} on "
            f"{net.device}>"
        )

    def encode(self, prompt: str | Sequence[int], *, chat: bool | None = None) -> tuple[int, ...]:
        """Token ids of a prompt.

        Args:
            prompt: text, or ids, which are checked and kept as they are.
            chat: put the text into the tokenizer's chat template as a user's turn; by default
                where it has one and the model is not called a base model.

        Raises:
            ValueError: text without a tokenizer; chat without a template; an id out of range.
        """
        if isinstance(prompt, str):
            if self.tokenizer is None:
                raise ValueError(
                    f"prompts must be token ids: {self.name or 'this model'} has no tokenizer"
                )
            template = getattr(self.tokenizer, "chat_template", None)
            if chat is None:
                chat = template is not None and "base" not in self.name.lower()
            if chat and template is None:
                raise ValueError(f"chat=True needs a chat template, {self.name} has none")
            if chat:
                turn = [{"role": "user", "content": prompt}]
                prompt = self.tokenizer.apply_chat_template(
                    turn, add_generation_prompt=True, tokenize=False
                )
            try:
                found = self.tokenizer(prompt, add_special_tokens=not chat)["input_ids"]
            except Exception as error:  # tokenizers raise nothing more specific
                known = f"the tokenizer of {self.name or 'this model'}"
                raise ValueError(f"prompts must be text that {known} takes: {error}") from error
            return tuple(found)
        most = self.network.vocabulary_size - 1
        ids = _validation.iterate("prompts", prompt)
        return tuple(_validation.integer("prompts", v, minimum=0, maximum=most) for v in ids)

    def text(self, ids: Sequence[int]) -> str:
        """The text of token ids without special tokens; the ids themselves without a tokenizer."""
        plain = [int(v) for v in ids]
        if self.tokenizer is None:
            return " ".join(map(str, plain))
        return str(self.tokenizer.decode(plain, skip_special_tokens=True))

    def raw_text(self, ids: Sequence[int]) -> str:
        """The text of token ids with special tokens, as it stands."""
        if self.tokenizer is None:
            return "".join(f" {int(v)}" for v in ids)
        return str(self.tokenizer.decode([int(v) for v in ids]))

    def token(self, token: int) -> str:
        """One token as a person would read it; its id without a tokenizer."""
        if self.tokenizer is None:
            return str(token)
        return str(self.tokenizer.decode([int(token)]))

    def prompted(
        self,
        prompts: Sequence[str | Sequence[int]],
        length: int,
        *,
        guidance: float = 0.0,
        eos: str = "keep",
        as_shipped: bool = False,
        noise: str = "inversion",
        batch_size: int = 32,
        chat: bool | None = None,
    ) -> PromptedModel:
        """The model that continues these prompts by ``length`` tokens: see `PromptedModel`."""
        if isinstance(prompts, str) or not len(prompts):
            raise ValueError(f"prompts must be one or more, got {_validation.shown(prompts)}")
        return PromptedModel(
            self.network,
            [self.encode(prompt, chat=chat) for prompt in prompts],
            length,
            guidance=guidance,
            eos=eos,
            as_shipped=as_shipped,
            noise=noise,
            batch_size=batch_size,
        )


class PromptedModel(Model):
    """A network that continues prompts: what `infodecode.Decoder` runs on.

    The canvas is the continuation alone, a row for each prompt (or any number for one prompt).
    Prompts of different lengths are padded on the left and the padding is never attended to, so
    that a row's laws are its own. The mask is not a token, nor are columns beyond the vocabulary:
    their logits are suppressed.

    Args:
        network: see `infodecode.masked_lm.network.Network`.
        prompts: token ids.
        length: n, tokens to generate.
        guidance: weight w >= 0 of classifier-free guidance: logits ``u + (w + 1)(c - u)``, u those
            with the prompt masked (LLaDA's ``cfg_scale``). Two sequences are evaluated instead of
            one.
        eos: ``"keep"``: a token like any other; ``"suppress"``: never predicted; ``"defer"``: its
            confidence counts as 0, so that it is committed last (LLaDA's
            ``confidence_eos_eot_inf``); ``"stop"``: a decode ends once everything before an end of
            sequence is filled (`infodecode.decode` alone).
        as_shipped: keep the logits of the mask and of columns beyond the vocabulary, as the
            originals do: they then take their share of every probability, and a mask that is drawn
            stays a mask.
        noise: how a token is drawn at a temperature: ``"inversion"`` of the cumulative law, one
            random number a position; or ``"gumbel"`` noise on every logit in double precision, as
            LLaDA draws (in lower precision it draws from another law, see
            `infodecode.TruncatedGumbelModel`).
        batch_size: sequences in one forward pass; changes time and memory alone.

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
        self.sequences_per_call = 2 if self.guidance else 1
        self._last: dict[bytes, tuple[_States, int]] = {}

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
        width = self.network.embedding_size
        evaluation = kind(states.logits, state.canvas, width, rule, previous, self.noise)
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
        out[:, width:] = np.where(canvas < 0, self.network.mask_id, canvas)
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
        return _States(self.network, states, bare, self.guidance, banned)

    @torch.inference_mode()
    def _forward(self, canvas: IntArray, prompt: IntArray, *, bare: bool) -> torch.Tensor:
        """``(R, n, d)``: the states that the positions of the canvas are predicted from."""
        if not len(canvas):
            return torch.empty((0, self.length, 0), device=self.network.device)
        sizes = np.array([len(self.prompts[k]) for k in prompt])
        order = np.argsort(sizes, kind="stable")
        parts = []
        for begin in range(0, len(order), self.batch_size):
            rows = order[begin : begin + self.batch_size]
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

    def _tensor(self, array: Array) -> torch.Tensor:
        return torch.as_tensor(array, device=self.network.device)

    def _recall(self, canvas: IntArray, prompt: IntArray) -> tuple[Any, BoolArray]:
        """Logits of canvases of an earlier call, evaluated again only where they were not kept."""
        known = np.asarray((canvas >= -1).all(axis=1))
        found = [self._last.get(_key(row, k)) for row, k in zip(canvas, prompt, strict=True)]
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
    ) -> None:
        self._network, self._hidden, self._bare = network, states, bare
        self._guidance, self._banned = guidance, banned

    @torch.inference_mode()
    def logits(self, rows: IntArray, positions: IntArray) -> torch.Tensor:
        """``(K, V)`` in single precision."""
        device = self._hidden.device
        at = (torch.as_tensor(rows, device=device), torch.as_tensor(positions, device=device))
        out = self._network.logits(self._hidden[at]).float()
        if self._bare is not None:
            without = self._network.logits(self._bare[at]).float()
            out = without + (self._guidance + 1) * (out - without)
        if self._banned:
            out[:, self._banned] = -torch.inf
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
