"""What ``config.json`` says about a masked language model, and which formats are understood."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from infodecode import _validation as check
from infodecode.masked_lm.config_fields import decoder_config, positive, read_json, size, stated
from infodecode.masked_lm.llada_format import llada_fields

SUPPORTED = (
    "LLaDA (model_type 'llada'), Dream and DiffuCoder (model_type 'Dream'), and the masked "
    "language models of transformers (BERT, RoBERTa, ModernBERT, ...)"
)


@dataclass(frozen=True)
class Architecture:
    """Hyper-parameters of one masked language model, all of them read from its files.

    Attributes:
        family: ``"llada"``, ``"dream"`` (Dream, DiffuCoder), or ``"encoder"`` (BERT and its kin).
        module: class of transformers that computes it: ``"llama"`` or ``"qwen2"`` (both without the
            causal mask), or ``"masked_lm"`` for an encoder.
        module_config: fields of that class's configuration.
        vocabulary_size: ids ``0 .. vocabulary_size - 1`` mean something.
        embedding_size: rows of the embedding and columns of the logits; at least
            ``vocabulary_size``. Checkpoints round it up, and the original decoders can emit the
            ids in between.
        max_length: longest sequence the network was made for, in positions; None if not stated.
        mask_id: id of the mask token; None if the configuration does not name it.
        eos_id: id that ends a text, or None.
        pad_id: id that fills a batch, or None.
        bos_id: id that starts a text, or None.
        shifted: logits of position ``i - 1`` predict position ``i``.
        tied: the output matrix is the embedding.
        exact_rotation: queries and keys are rotated in float32 whatever the weights are, as LLaDA
            does; else in the dtype of the weights.
        stored_dtype: dtype the configuration names for its weights, or None.
        config: ``config.json`` as it is.
    """

    family: str
    module: str
    module_config: Mapping[str, Any] = field(repr=False)
    vocabulary_size: int
    embedding_size: int
    max_length: int | None
    mask_id: int | None
    eos_id: int | None
    pad_id: int | None
    bos_id: int | None
    shifted: bool
    tied: bool
    exact_rotation: bool
    stored_dtype: str | None
    config: Mapping[str, Any] = field(repr=False)

    @classmethod
    def from_config(
        cls, config: Mapping[str, Any], *, generation: Mapping[str, Any] | None = None
    ) -> Architecture:
        """Read the content of ``config.json``, and of ``generation_config.json`` for special ids.

        Args:
            config: fields of ``config.json``.
            generation: fields of ``generation_config.json``; its ids go first, and a mask id that
                differs from the configuration's is refused.

        Raises:
            ValueError: an unknown or causal architecture (names what is supported), a missing
                field, a variant that the format allows and this package does not compute.

        Example:
            >>> from infodecode.masked_lm import llada_config
            >>> config = llada_config(vocab_size=12, d_model=8, n_layers=1, n_heads=2,
            ...                       mlp_hidden_size=16, max_sequence_length=32, mask_token_id=11)
            >>> Architecture.from_config(config).mask_id
            11
        """
        if not isinstance(config, Mapping):
            raise TypeError(f"config must be a mapping, got {check.shown(config)}")
        if config.get("quantization_config") is not None:
            raise ValueError(
                "config.json: quantization_config is set; quantised weights are not supported, "
                "load the checkpoint they were made from"
            )
        readers = {"llada": llada_fields, "Dream": _dream}
        fields = readers.get(str(config.get("model_type")), _encoder)(config)
        ids = _special_ids(config, generation or {})
        for name, value in ids.items():
            if value is not None and value >= fields["embedding_size"]:
                raise ValueError(
                    f"config.json: {name.replace('_id', '_token_id')} must be below the "
                    f"embedding's {fields['embedding_size']} rows, got {value}"
                )
        fields.update(ids, stored_dtype=config.get("dtype", config.get("torch_dtype")))
        return cls(**fields, config=dict(config))


def read_architecture(folder: Path) -> Architecture:
    """The architecture of a checkpoint folder."""
    config = read_json(folder / "config.json")
    if config is None:
        raise FileNotFoundError(f"a checkpoint needs a config.json, there is none in {folder}")
    return Architecture.from_config(
        config, generation=read_json(folder / "generation_config.json") or {}
    )


def _dream(config: Mapping[str, Any]) -> dict[str, Any]:
    if config.get("use_sliding_window"):
        raise ValueError("config.json: use_sliding_window = True is not supported")
    rope = config.get("rope_parameters") or {}
    scaling = config.get("rope_scaling") or rope
    kind = scaling.get("rope_type", scaling.get("type", "default"))
    if kind != "default":
        raise ValueError(f"config.json: rotary embeddings of type {kind!r} are not supported")
    vocabulary = size(config, "vocab_size")
    length = size(config, "max_position_embeddings")
    tied = check.flag("config.json: tie_word_embeddings", stated(config, "tie_word_embeddings"))
    heads = size(config, "num_attention_heads")
    return {
        "family": "dream",
        "module": "qwen2",
        "module_config": decoder_config(
            width=size(config, "hidden_size"),
            heads=heads,
            key_value_heads=size(config, "num_key_value_heads", default=heads),
            vocab_size=vocabulary,
            intermediate_size=size(config, "intermediate_size"),
            num_hidden_layers=size(config, "num_hidden_layers"),
            hidden_act=stated(config, "hidden_act"),
            max_position_embeddings=length,
            initializer_range=positive(config, "initializer_range", default=0.02),
            rms_norm_eps=positive(config, "rms_norm_eps"),
            rope_theta=positive({**rope, **config}, "rope_theta"),
            tie_word_embeddings=tied,
        ),
        "vocabulary_size": vocabulary,
        "embedding_size": vocabulary,
        "max_length": length,
        "shifted": True,
        "tied": tied,
        "exact_rotation": False,
    }


def _encoder(config: Mapping[str, Any]) -> dict[str, Any]:
    from transformers import CONFIG_MAPPING, AutoConfig
    from transformers.models.auto.modeling_auto import (
        MODEL_FOR_CAUSAL_LM_MAPPING_NAMES,
        MODEL_FOR_MASKED_LM_MAPPING_NAMES,
    )

    kind = config.get("model_type")
    if kind not in MODEL_FOR_MASKED_LM_MAPPING_NAMES:
        what = "unknown"
        if kind in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES:
            what = "a causal language model"
        elif kind in CONFIG_MAPPING:
            what = "not a masked language model"
        raise ValueError(f"config.json: model_type {kind!r} is {what}; supported are {SUPPORTED}")
    known = AutoConfig.for_model(
        str(kind), **{k: v for k, v in config.items() if k != "model_type"}
    )
    if known.is_encoder_decoder:
        raise ValueError(
            f"config.json: model_type {kind!r} is an encoder with a decoder; supported are "
            f"{SUPPORTED}"
        )
    vocabulary = getattr(known, "vocab_size", None)
    if vocabulary is None:
        raise ValueError(
            f"config.json: model_type {kind!r} states no vocab_size; supported are {SUPPORTED}"
        )
    return {
        "family": "encoder",
        "module": "masked_lm",
        "module_config": known.to_dict(),
        "vocabulary_size": int(vocabulary),
        "embedding_size": int(vocabulary),
        "max_length": getattr(known, "max_position_embeddings", None),
        "shifted": False,
        "tied": bool(getattr(known, "tie_word_embeddings", False)),
        "exact_rotation": False,
    }


def _special_ids(config: Mapping[str, Any], generation: Mapping[str, Any]) -> dict[str, int | None]:
    ids: dict[str, int | None] = {}
    for name in ("mask", "eos", "pad", "bos"):
        key = f"{name}_token_id"
        stated = [value for value in (generation.get(key), config.get(key)) if value is not None]
        # Several ids that end a text: the first is the one that a canvas is filled with.
        first = [value[0] if isinstance(value, list) and value else value for value in stated]
        numbers = [check.integer(f"config.json: {key}", value, minimum=0) for value in first]
        if name == "mask" and len(set(numbers)) > 1:
            raise ValueError(
                f"mask_token_id must be the same in config.json and generation_config.json, "
                f"got {numbers[1]} and {numbers[0]}"
            )
        ids[f"{name}_id"] = numbers[0] if numbers else None
    return ids
