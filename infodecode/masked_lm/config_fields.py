"""Fields of ``config.json``: what must be there, and of which kind."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from infodecode import _validation as check


def stated(config: Mapping[str, Any], name: str) -> Any:
    """The field, which must be there."""
    if name not in config:
        raise ValueError(f"config.json must state {name}")
    return config[name]


def size(config: Mapping[str, Any], name: str, *, default: int | None = None) -> int:
    """A count of at least 1; an absent or null one is the default, if there is one."""
    value = config.get(name)
    if value is None and default is not None:
        return default
    return check.integer(f"config.json: {name}", stated(config, name), minimum=1)


def positive(config: Mapping[str, Any], name: str, *, default: float | None = None) -> float:
    """A number above 0; an absent or null one is the default, if there is one."""
    value = config.get(name)
    if value is None and default is not None:
        return default
    return check.number(f"config.json: {name}", stated(config, name), above=0)


def read_json(file: Path) -> dict[str, Any] | None:
    """The object in a JSON file, or None where there is no file."""
    if not file.is_file():
        return None
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{file} must be JSON: {error}") from None
    if not isinstance(content, dict):
        raise ValueError(f"{file} must hold a JSON object, got {check.shown(content)}")
    return content


def decoder_config(
    *, width: int, heads: int, key_value_heads: int, rope_theta: float, **fields: Any
) -> dict[str, Any]:
    """Fields of transformers' Llama or Qwen2: rotary positions, full attention, no token ids."""
    if width % heads or (width // heads) % 2:
        raise ValueError(
            f"config.json: the width must be an even multiple of the number of heads, "
            f"got {width} and {heads}"
        )
    if heads % key_value_heads:
        raise ValueError(
            f"config.json: the number of heads must be a multiple of the number of key-value "
            f"heads, got {heads} and {key_value_heads}"
        )
    return {
        "hidden_size": width,
        "num_attention_heads": heads,
        "num_key_value_heads": key_value_heads,
        "rope_parameters": {"rope_type": "default", "rope_theta": rope_theta},
        "attention_dropout": 0.0,
        "use_cache": False,
        "bos_token_id": None,
        "eos_token_id": None,
        "pad_token_id": None,
        "is_causal": False,
        **fields,
    }
