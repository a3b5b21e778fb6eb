"""The modules of transformers that compute the networks, and their parts."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable
from typing import Any

import torch
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask
from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding

from infodecode import _validation as check
from infodecode.masked_lm.architecture import Architecture

DTYPES = {
    "float32": torch.float32,
    "bfloat16": torch.bfloat16,
    "float16": torch.float16,
    "float64": torch.float64,
}


def checked_device(device: Any) -> torch.device:
    """``device`` as torch's, which must be there."""
    try:
        place = torch.device(device)
    except (RuntimeError, TypeError):
        raise ValueError(
            f"device must be one of torch's, such as 'cpu' or 'cuda', got {check.shown(device)}"
        ) from None
    if place.type == "cuda" and not torch.cuda.is_available():
        raise ValueError("device must be one torch can reach, got 'cuda' where it finds none")
    return place


def checked_dtype(dtype: object) -> torch.dtype:
    """``dtype`` as torch's, from its name or itself."""
    if isinstance(dtype, torch.dtype) and dtype in DTYPES.values():
        return dtype
    return DTYPES[check.choice("dtype", dtype, tuple(DTYPES))]


def empty_module(architecture: Architecture, dtype: torch.dtype) -> Any:
    """The module of an architecture on the current default device, weights as training starts.

    On ``meta`` it holds no memory.
    """
    fields = dict(architecture.module_config)
    if architecture.module == "masked_lm":
        from transformers import AutoConfig, AutoModelForMaskedLM

        kind = fields.pop("model_type")
        return AutoModelForMaskedLM.from_config(  # type: ignore[no-untyped-call]
            AutoConfig.for_model(kind, **fields), dtype=dtype, trust_remote_code=False
        )
    import transformers

    name = {"llama": "Llama", "qwen2": "Qwen2"}[architecture.module]
    config = getattr(transformers, f"{name}Config")(**fields)
    module = getattr(transformers, f"{name}ForCausalLM")._from_config(
        config, dtype=dtype, attn_implementation=_ATTENTION
    )
    for layer in module.model.layers:
        layer.self_attn.is_causal = False
    if architecture.exact_rotation:
        rotary_in_float32(module)
    return module


def rotary_in_float32(module: Any) -> None:
    """Rotate queries and keys by angles in float32, whatever the weights are."""
    module.model.rotary_emb = _Float32Rotary(config=module.config)


class _Float32Rotary(LlamaRotaryEmbedding):
    """Sines and cosines of the type of what they are asked for: here always float32."""

    def forward(self, x: torch.Tensor, position_ids: torch.Tensor) -> Any:
        return super().forward(x[..., :0].float(), position_ids)


def _attention(
    module: Any,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    *args: Any,
    **more: Any,
) -> Any:
    """torch's own attention, of queries and keys that may have been rotated in float32."""
    return sdpa_attention_forward(
        module, query.to(value.dtype), key.to(value.dtype), value, *args, **more
    )


_ATTENTION = "infodecode_sdpa"
AttentionInterface.register(_ATTENTION, _attention)
AttentionMaskInterface.register(_ATTENTION, sdpa_mask)


def argument_names(trunk: Any) -> set[str]:
    return set(inspect.signature(trunk.forward).parameters)


def first_position(trunk: Any) -> int:
    """The number an encoder gives its first position.

    RoBERTa and its kin keep the numbers up to the padding id's for padding; others start their own
    table of numbers above 0.
    """
    embeddings = getattr(trunk, "embeddings", None)
    padding = getattr(getattr(embeddings, "position_embeddings", None), "padding_idx", None)
    if padding is not None:
        return int(padding) + 1
    numbers = getattr(embeddings, "position_ids", None)
    return 0 if numbers is None else int(numbers.flatten()[0])


class _States:
    """What a trunk returns, with nothing but its last states in it."""

    def __init__(self, states: torch.Tensor) -> None:
        self.last_hidden_state = states

    def __getitem__(self, part: Any) -> Any:
        return (self.last_hidden_state,)[part]

    def __getattr__(self, name: str) -> None:
        return None


class _Given:
    """Stands in for a trunk: returns the states that it is called with."""

    def __init__(self, trunk: Any) -> None:
        self._trunk = trunk

    def __call__(self, *_: Any, inputs_embeds: torch.Tensor, **__: Any) -> _States:
        return _States(inputs_embeds)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._trunk, name)


def head_alone(module: Any) -> Callable[[torch.Tensor], torch.Tensor]:
    """What an encoder's class does to the states of its trunk, whatever it calls that.

    It is the class itself with a stand-in for the trunk, which hands on the states it gets.
    """
    name = module.base_model_prefix
    head = copy.copy(module)
    head._modules = {key: part for key, part in module._modules.items() if key != name}
    head.__dict__[name] = _Given(module.base_model)

    def logits(states: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = head(inputs_embeds=states[None]).logits[0]
        return result

    return logits
