"""Small checkpoints of random weights, and how tests take them apart."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from infodecode.masked_lm import Network, llada_config, save_network

LLADA: dict[str, Any] = {
    **llada_config(
        vocab_size=60,
        d_model=32,
        n_layers=2,
        n_heads=4,
        n_kv_heads=2,
        mlp_hidden_size=48,
        max_sequence_length=64,
        mask_token_id=59,
        eos_token_id=58,
        pad_token_id=58,
    ),
    # Of a size at which a token's neighbours show in float16 as well.
    "init_std": 0.2,
}

DREAM: dict[str, Any] = {
    "model_type": "Dream",
    "bos_token_id": 57,
    "eos_token_id": 58,
    "hidden_act": "silu",
    "hidden_size": 32,
    "initializer_range": 0.2,
    "intermediate_size": 48,
    "mask_token_id": 59,
    "max_position_embeddings": 64,
    "num_attention_heads": 4,
    "num_hidden_layers": 2,
    "num_key_value_heads": 2,
    "pad_token_id": 58,
    "rms_norm_eps": 1e-6,
    "rope_scaling": None,
    "rope_theta": 10000.0,
    "tie_word_embeddings": False,
    "use_sliding_window": False,
    "vocab_size": 60,
}


def written(folder: Path, config: dict[str, Any] = LLADA, **changes: Any) -> Path:
    """A checkpoint of random weights in one file."""
    save_network(Network.random({**config, **changes}, seed=1), None, folder)
    return folder


def edit_config(folder: Path, **changes: Any) -> None:
    """Change fields of ``config.json``, which alone says them then; ``...`` takes a field out."""
    (folder / "generation_config.json").unlink(missing_ok=True)
    file = folder / "config.json"
    content = {**json.loads(file.read_text()), **changes}
    file.write_text(json.dumps({k: value for k, value in content.items() if value is not ...}))


def edit_tensors(folder: Path, edit: Callable[[dict[str, torch.Tensor]], object]) -> None:
    """Change the tensors of a checkpoint in one file."""
    file = folder / "model.safetensors"
    tensors = {name: tensor.clone() for name, tensor in load_file(file).items()}
    edit(tensors)
    save_file(tensors, file)


def shard(folder: Path, count: int) -> list[Path]:
    """Spread a checkpoint's tensors over ``count`` files, with an index."""
    single = folder / "model.safetensors"
    tensors = {name: tensor.clone() for name, tensor in load_file(single).items()}
    single.unlink()
    files = [f"model-{k + 1:05d}-of-{count:05d}.safetensors" for k in range(count)]
    file_of = {name: files[k % count] for k, name in enumerate(sorted(tensors))}
    for file in files:
        part = {name: tensors[name] for name in tensors if file_of[name] == file}
        save_file(part, folder / file)
    (folder / "model.safetensors.index.json").write_text(
        json.dumps({"metadata": {}, "weight_map": file_of})
    )
    return [folder / file for file in files]


def all_logits(network: Network, ids: torch.Tensor, *more: torch.Tensor | None) -> torch.Tensor:
    """Logits of every position ``(B, L, V)``."""
    states = network.hidden(ids, *more)
    return network.logits(states.flatten(0, 1)).unflatten(0, ids.shape)
