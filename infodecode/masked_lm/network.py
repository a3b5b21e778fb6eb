"""One face for every network: states from which positions are predicted, and the output head."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from infodecode import _validation as check
from infodecode.masked_lm.architecture import Architecture
from infodecode.masked_lm.modules import (
    argument_names,
    checked_device,
    checked_dtype,
    empty_module,
    first_position,
    head_alone,
)


class Network:
    """A masked language model as the state of every position, and a head that turns it to logits.

    Decoding asks for the states of whole sequences and for the logits of few positions: the head
    of LLaDA-8B is a matrix of 126,464 rows, and only masked positions have to pay for it.

    Nothing here switches gradients off. A loaded network has parameters that require none, so no
    graph is kept; train with ``network.module.requires_grad_(True)``.

    Args:
        architecture: what the network is.
        module: the module of transformers that computes it, with its weights.

    Attributes:
        architecture: as given.
        module: as given.
        positions_from: number of the first position's embedding (RoBERTa's is not 0).
        takes_positions: position numbers can be passed, so padding on the left moves nothing.
        takes_padding: padded positions can be hidden; False where a network mixes all positions
            without a mask, as FNet does.
    """

    def __init__(self, architecture: Architecture, module: Any) -> None:
        self.architecture = architecture
        self.module = module
        self.positions_from = 0
        self.takes_positions = True
        self.takes_padding = True
        if architecture.module == "masked_lm":
            self._trunk = module.base_model
            accepted = argument_names(self._trunk)
            self.takes_positions = "position_ids" in accepted
            self.takes_padding = "attention_mask" in accepted
            self.positions_from = first_position(self._trunk)
            self._head = head_alone(module)
        else:
            self._trunk = module.model
            self._head = module.lm_head

    @classmethod
    def random(
        cls,
        config: Architecture | Mapping[str, Any],
        *,
        device: str | torch.device = "cpu",
        dtype: str | torch.dtype = "float32",
        seed: int = 0,
    ) -> Network:
        """A network of random weights, made where it is going to be used.

        The weights are those transformers starts training from: matrices normal with the standard
        deviation that the configuration names, norms 1, biases 0. They depend on the seed, the
        dtype, and the kind of device. torch's own generators are left as they were.

        Args:
            config: an architecture, or the content of a ``config.json``.
            device: where to make it.
            dtype: of the weights.
            seed: of the weights, 0 or more.

        Example:
            >>> from infodecode.masked_lm import llada_config
            >>> config = llada_config(vocab_size=12, d_model=8, n_layers=1, n_heads=2,
            ...                       mlp_hidden_size=16, max_sequence_length=32, mask_token_id=11)
            >>> network = Network.random(config)
            >>> network.hidden(torch.tensor([[1, 11, 2]])).shape
            torch.Size([1, 3, 8])
        """
        architecture = (
            config if isinstance(config, Architecture) else Architecture.from_config(config)
        )
        place, number = checked_device(device), checked_dtype(dtype)
        seed = check.integer("seed", seed, minimum=0)
        devices = [place] if place.type == "cuda" else []
        with torch.random.fork_rng(devices=devices), place:
            torch.manual_seed(seed)
            module = empty_module(architecture, number)
        return cls(architecture, module.eval().requires_grad_(False))

    @property
    def family(self) -> str:
        """``"llada"``, ``"dream"`` or ``"encoder"``."""
        return self.architecture.family

    @property
    def vocabulary_size(self) -> int:
        """Number of ids that mean something; the logits can have more columns."""
        return self.architecture.vocabulary_size

    @property
    def embedding_size(self) -> int:
        """Columns of the logits."""
        return self.architecture.embedding_size

    @property
    def mask_id(self) -> int:
        """Id of the mask token.

        Raises:
            ValueError: the network was made from a configuration that names none.
        """
        if self.architecture.mask_id is None:
            raise ValueError("the network must have a mask token, its configuration names none")
        return self.architecture.mask_id

    @property
    def eos_id(self) -> int | None:
        """Id that ends a text, or None."""
        return self.architecture.eos_id

    @property
    def pad_id(self) -> int | None:
        """Id that fills a batch, or None."""
        return self.architecture.pad_id

    @property
    def bos_id(self) -> int | None:
        """Id that starts a text, or None."""
        return self.architecture.bos_id

    @property
    def shifted(self) -> bool:
        """Whether the checkpoint predicts position i from position i - 1; `hidden` shifts."""
        return self.architecture.shifted

    @property
    def max_length(self) -> int | None:
        """Longest sequence, or None if the checkpoint does not say."""
        longest = self.architecture.max_length
        return None if longest is None else longest - self.positions_from

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return next(self.module.parameters()).device  # type: ignore[no-any-return]

    @property
    def dtype(self) -> torch.dtype:
        """Of weights and logits."""
        return next(self.module.parameters()).dtype  # type: ignore[no-any-return]

    def __repr__(self) -> str:
        count = sum(parameter.numel() for parameter in self.module.parameters())
        return f"Network({self.family!r}, parameters={count:,}, {self.dtype}, {self.device})"

    def hidden(
        self,
        ids: torch.Tensor,
        attention: torch.Tensor | None = None,
        positions: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """The state from which each position is predicted.

        With shifted logits that is the state of the position before; a sequence's first position
        keeps its own. Every position sees every other that ``attention`` admits.

        Args:
            ids: token ids ``(B, L)``, int64, on the network's device.
            attention: True at real positions, False at padding, ``(B, L)``; None: all are real.
                States at padding mean nothing.
            positions: position numbers ``(B, L)`` from 0; None counts a sequence's real positions,
                so that a sequence is computed the same wherever padding stands.

        Returns:
            ``(B, L, d)``.

        Raises:
            ValueError: wrong shapes, or a sequence longer than `max_length`.
        """
        states: torch.Tensor = self._trunk(**self.inputs(ids, attention, positions))[0]
        if not self.shifted:
            return states
        before = torch.arange(-1, ids.shape[1] - 1, device=ids.device).expand(ids.shape)
        first: Any = 0 if attention is None else attention.long().argmax(1, keepdim=True)
        source = before.clamp(min=first)
        return states.gather(1, source[..., None].expand_as(states))

    def logits(self, hidden: torch.Tensor) -> torch.Tensor:
        """Logits of states ``(K, d)``: ``(K, embedding_size)``, in the network's dtype."""
        return self._head(hidden)

    def inputs(
        self,
        ids: torch.Tensor,
        attention: torch.Tensor | None = None,
        positions: torch.Tensor | None = None,
    ) -> dict[str, Any]:
        """The arguments of the module's forward that mean what those of `hidden` do."""
        self._check(ids, attention, positions)
        given: dict[str, Any] = {"input_ids": ids}
        if positions is None and attention is not None:
            positions = (attention.long().cumsum(1) - 1).clamp_(min=0)
        if self.architecture.module == "masked_lm":
            if attention is not None and self.takes_padding:
                given["attention_mask"] = attention.long()
            if self.takes_positions:
                if positions is None:
                    positions = torch.arange(ids.shape[1], device=ids.device).expand(ids.shape)
                given["position_ids"] = positions + self.positions_from
        else:
            given["use_cache"] = False
            if attention is not None:
                # With four axes it is taken as it is; a row for every query is not needed.
                given["attention_mask"] = attention[:, None, None, :]
            if positions is not None:
                given["position_ids"] = positions
        return given

    def _check(
        self,
        ids: torch.Tensor,
        attention: torch.Tensor | None,
        positions: torch.Tensor | None,
    ) -> None:
        if ids.dim() != 2 or ids.dtype != torch.int64:
            raise ValueError(
                f"ids must be int64 with 2 axes, got {ids.dtype} of shape {tuple(ids.shape)}"
            )
        if self.max_length is not None and ids.shape[1] > self.max_length:
            raise ValueError(
                f"ids must have at most {self.max_length} positions, the longest this network was "
                f"made for, got {ids.shape[1]}"
            )
        for name, value, dtype in (
            ("attention", attention, torch.bool),
            ("positions", positions, torch.int64),
        ):
            if value is not None and (value.shape != ids.shape or value.dtype != dtype):
                raise ValueError(
                    f"{name} must be {dtype} of shape {tuple(ids.shape)}, "
                    f"got {value.dtype} of shape {tuple(value.shape)}"
                )
        if positions is not None and not self.takes_positions:
            raise ValueError(f"positions must be None: {self._kind} takes none")
        if attention is not None and not self.takes_padding:
            raise ValueError(
                f"attention must be None: {self._kind} does not compute a padded sequence as it "
                f"does the sequence alone; give sequences of one length"
            )

    @property
    def _kind(self) -> str:
        return str(self.architecture.config.get("model_type"))
