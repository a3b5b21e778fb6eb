"""LLaDA's own format: its ``config.json``, written and read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from infodecode import _validation as check
from infodecode.masked_lm.config_fields import decoder_config, positive, size, stated

_FIXED: dict[str, tuple[object, ...]] = {
    "block_type": ("llama",),
    "block_group_size": (1,),
    "layer_norm_type": ("rms",),
    "layer_norm_with_affine": (True,),
    "attention_layer_norm": (False,),
    "input_emb_norm": (False,),
    "scale_logits": (False,),
    "alibi": (False,),
    "rope": (True,),
    "include_bias": (False,),
    "bias_for_layer_norm": (False, None),
    "clip_qkv": (None,),
    "rope_scaling": (None,),
}
"""Fields of LLaDA's format of which only these values are implemented."""

_MUST_BE_STATED = {"block_type", "layer_norm_type", "rope", "include_bias"}
"""Those of `_FIXED` whose default in LLaDA's own code is another value than ours."""


def llada_config(
    *,
    vocab_size: int,
    d_model: int,
    n_layers: int,
    n_heads: int,
    mlp_hidden_size: int,
    max_sequence_length: int,
    mask_token_id: int,
    eos_token_id: int | None = None,
    pad_token_id: int | None = None,
    bos_token_id: int | None = None,
    n_kv_heads: int | None = None,
    embedding_size: int | None = None,
    rope_theta: float = 500_000.0,
    rms_norm_eps: float = 1e-5,
    init_std: float = 0.02,
    include_qkv_bias: bool = False,
    weight_tying: bool = False,
) -> dict[str, Any]:
    """A complete ``config.json`` of a LLaDA, under LLaDA's own field names.

    `Network.random` takes it. The defaults are LLaDA-8B's.

    Example:
        >>> from infodecode.masked_lm import Architecture
        >>> config = llada_config(vocab_size=126464, d_model=4096, n_layers=32, n_heads=32,
        ...     mlp_hidden_size=12288, max_sequence_length=4096, mask_token_id=126336,
        ...     eos_token_id=126081, pad_token_id=126081)
        >>> Architecture.from_config(config).family
        'llada'
    """
    return {
        "model_type": "llada",
        "architectures": ["LLaDAModelLM"],
        "activation_type": "silu",
        "alibi": False,
        "alibi_bias_max": 8.0,
        "attention_dropout": 0.0,
        "attention_layer_norm": False,
        "attention_layer_norm_with_affine": True,
        "bias_for_layer_norm": False,
        "block_group_size": 1,
        "block_type": "llama",
        "bos_token_id": bos_token_id,
        "d_model": d_model,
        "embedding_dropout": 0.0,
        "embedding_size": vocab_size if embedding_size is None else embedding_size,
        "eos_token_id": eos_token_id,
        "flash_attention": False,
        "include_bias": False,
        "include_qkv_bias": include_qkv_bias,
        "init_cutoff_factor": None,
        "init_device": "cpu",
        "init_fn": "normal",
        "init_std": init_std,
        "input_emb_norm": False,
        "layer_norm_type": "rms",
        "layer_norm_with_affine": True,
        "mask_token_id": mask_token_id,
        "max_sequence_length": max_sequence_length,
        "mlp_hidden_size": mlp_hidden_size,
        "mlp_ratio": 4,
        "multi_query_attention": None,
        "n_heads": n_heads,
        "n_kv_heads": n_heads if n_kv_heads is None else n_kv_heads,
        "n_layers": n_layers,
        "pad_token_id": pad_token_id,
        "precision": None,
        "residual_dropout": 0.0,
        "rms_norm_eps": rms_norm_eps,
        "rope": True,
        "rope_full_precision": True,
        "rope_theta": rope_theta,
        "scale_logits": False,
        "use_cache": False,
        "vocab_size": vocab_size,
        "weight_tying": weight_tying,
    }


def llada_fields(config: Mapping[str, Any]) -> dict[str, Any]:
    for name, allowed in _FIXED.items():
        value = stated(config, name) if name in _MUST_BE_STATED else config.get(name, allowed[0])
        if value not in allowed:
            raise ValueError(
                f"config.json: {name} = {value!r} is a variant of LLaDA's format that is not "
                f"supported, only {name} = {allowed[0]!r} is"
            )
    width, heads = size(config, "d_model"), size(config, "n_heads")
    several = config.get("multi_query_attention")
    by_flag = 1 if several else heads
    key_value_heads = size(config, "n_kv_heads", default=by_flag)
    if several is not None and key_value_heads != by_flag:
        raise ValueError(
            f"config.json: n_kv_heads must be {by_flag} with multi_query_attention = {several}, "
            f"got {key_value_heads}"
        )
    vocabulary = size(config, "vocab_size")
    embedding = size(config, "embedding_size", default=vocabulary)
    if embedding < vocabulary:
        raise ValueError(
            f"config.json: embedding_size must be at least vocab_size, {vocabulary}, "
            f"got {embedding}"
        )
    bias = check.flag("config.json: include_qkv_bias", stated(config, "include_qkv_bias"))
    if config.get("mlp_hidden_size") is None:
        mlp = check.integer("config.json: mlp_ratio", stated(config, "mlp_ratio")) * width
    else:
        mlp = size(config, "mlp_hidden_size")
    tied = check.flag("config.json: weight_tying", stated(config, "weight_tying"))
    length = size(config, "max_sequence_length")
    return {
        "family": "llada",
        # Qwen2 is Llama with biases at the queries, keys and values alone.
        "module": "qwen2" if bias else "llama",
        "module_config": decoder_config(
            width=width,
            heads=heads,
            key_value_heads=key_value_heads,
            vocab_size=embedding,
            intermediate_size=mlp,
            num_hidden_layers=size(config, "n_layers"),
            hidden_act=check.choice(
                "config.json: activation_type",
                stated(config, "activation_type"),
                ("silu", "gelu", "relu"),
            ),
            max_position_embeddings=length,
            initializer_range=positive(config, "init_std", default=0.02),
            rms_norm_eps=positive(config, "rms_norm_eps"),
            rope_theta=positive(config, "rope_theta"),
            tie_word_embeddings=tied,
        ),
        "vocabulary_size": vocabulary,
        "embedding_size": embedding,
        "max_length": length,
        "shifted": False,
        "tied": tied,
        "exact_rotation": check.flag(
            "config.json: rope_full_precision", stated(config, "rope_full_precision")
        ),
    }
