"""Which file has which tensor, what the tensors are called, and how they get into a module.

A tensor is read, checked, moved and cast alone, and its file is closed before the next: a network
is never held twice, neither by the reader nor by the device.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from infodecode.masked_lm.architecture import Architecture

INDEX = "model.safetensors.index.json"
SINGLE = "model.safetensors"

_OUTER = {
    "model.transformer.wte": "model.embed_tokens",
    "model.transformer.ln_f": "model.norm",
    "model.transformer.ff_out": "lm_head",
}
_INNER = {
    "attn_norm": "input_layernorm",
    "ff_norm": "post_attention_layernorm",
    "q_proj": "self_attn.q_proj",
    "k_proj": "self_attn.k_proj",
    "v_proj": "self_attn.v_proj",
    "attn_out": "self_attn.o_proj",
    "ff_proj": "mlp.gate_proj",
    "up_proj": "mlp.up_proj",
    "ff_out": "mlp.down_proj",
}
_LAYER = re.compile(r"model\.layers\.(\d+)\.(.+)\.(weight|bias)")


def stored_name(architecture: Architecture, name: str) -> str:
    """What a checkpoint of this family calls the module's tensor ``name``.

    LLaDA names its feed-forward gate ``ff_proj`` and both the last matrix of a block and the output
    matrix ``ff_out``; Dream's names are Qwen2's.
    """
    if architecture.family != "llada":
        return name
    if match := _LAYER.fullmatch(name):
        layer, part, kind = match.groups()
        original = next(key for key, value in _INNER.items() if value == part)
        return f"model.transformer.blocks.{layer}.{original}.{kind}"
    part, kind = name.rsplit(".", 1)
    return f"{next(key for key, value in _OUTER.items() if value == part)}.{kind}"


@dataclass(frozen=True)
class Shards:
    """The weight files of a checkpoint.

    Attributes:
        folder: where they are.
        file_of: tensor's name to the name of its file.
    """

    folder: Path
    file_of: Mapping[str, str]

    @classmethod
    def find(cls, folder: Path) -> Shards:
        """``model.safetensors``, or the files its index lists, all of them there.

        Raises:
            FileNotFoundError: no weights, or a missing shard (names it).
            ValueError: only pickled weights, or an index or file that cannot be read.
        """
        if (folder / INDEX).is_file():
            return cls(folder, _indexed(folder))
        if (folder / SINGLE).is_file():
            return cls(folder, dict.fromkeys(_names(folder / SINGLE), SINGLE))
        pickled = sorted(file.name for file in folder.glob("pytorch_model*.bin*"))
        if pickled:
            raise ValueError(
                f"{folder} has its weights in {pickled[0]} only: a pickle, which runs code when it "
                f"is read. Convert it with safetensors, or name a revision that has {SINGLE}"
            )
        raise FileNotFoundError(f"{folder} has no weights: neither {SINGLE} nor {INDEX}")

    def read(self, name: str, shape: tuple[int, ...]) -> torch.Tensor:
        """One tensor on the CPU, as stored; it must have this shape."""
        file = self.folder / self.file_of[name]
        with _opened(file) as content:
            stored = tuple(content.get_slice(name).get_shape())
            if stored != shape:
                raise ValueError(
                    f"{name} must have shape {shape} by config.json, got {stored} in {file.name}"
                )
            tensor: torch.Tensor = content.get_tensor(name)
        if not tensor.is_floating_point() or tensor.element_size() < 2:
            raise ValueError(
                f"{name} must be stored in 16-bit floating point or wider, got {tensor.dtype} "
                f"in {file.name}; quantised weights are not supported"
            )
        return tensor


def _indexed(folder: Path) -> dict[str, str]:
    try:
        listed = json.loads((folder / INDEX).read_text(encoding="utf-8"))["weight_map"]
        file_of = {str(name): str(file) for name, file in listed.items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{folder / INDEX} must hold a weight_map: {error!r}") from None
    files = sorted(set(file_of.values()))
    outside = [file for file in files if Path(file).name != file]
    if outside:
        raise ValueError(f"{INDEX} must name files of its own folder, got {outside[0]!r}")
    missing = [file for file in files if not (folder / file).is_file()]
    if missing:
        raise FileNotFoundError(
            f"{folder} lacks {len(missing)} of its {len(files)} shards: {', '.join(missing)}"
        )
    within = {file: set(_names(folder / file)) for file in files}
    for name, file in file_of.items():
        if name not in within[file]:
            raise ValueError(f"{INDEX} says that {name} is in {file}, it is not")
    return file_of


def _opened(file: Path) -> Any:
    try:
        return safe_open(file, framework="pt", device="cpu")
    except (SafetensorError, OSError) as error:
        raise ValueError(f"{file} cannot be read, is it complete? {error}") from None


def _names(file: Path) -> list[str]:
    with _opened(file) as content:
        return list(content.keys())


def stream(
    module: Any,
    shards: Shards,
    architecture: Architecture,
    *,
    device: torch.device,
    dtype: torch.dtype,
) -> None:
    """Put every stored tensor into a module on ``meta``, one at a time.

    Raises:
        ValueError: a tensor is missing, unexpected, of another shape, or not a floating-point
            tensor; output weights that differ from the embedding they are tied to.
    """
    wanted = dict(module.named_parameters())
    names = {stored_name(architecture, name): name for name in wanted}
    tied = stored_name(architecture, "lm_head.weight") if architecture.tied else None
    unexpected = sorted(set(shards.file_of) - set(names) - {tied})
    missing = sorted(set(names) - set(shards.file_of))
    for kind, found in (("lacks", missing), ("has unexpected", unexpected)):
        if found:
            listed = ", ".join(found[:3]) + (", ..." if len(found) > 3 else "")
            raise ValueError(
                f"{shards.folder} {kind} {len(found)} tensors by its config.json: {listed}"
            )
    # Shard by shard: the files of a checkpoint on a slow disk are read once, from front to back.
    for stored, name in sorted(names.items(), key=lambda pair: (shards.file_of[pair[0]], pair[0])):
        weight = torch.empty(wanted[name].shape, dtype=dtype, device=device)
        weight.copy_(shards.read(stored, tuple(wanted[name].shape)))
        _place(module, name, weight)
    if tied is not None:
        module.tie_weights()
        if tied in shards.file_of:
            _same_as_embedding(module, shards, tied, dtype)


def _place(module: Any, name: str, weight: torch.Tensor) -> None:
    path, leaf = name.rsplit(".", 1)
    owner = module.get_submodule(path)
    setattr(owner, leaf, torch.nn.Parameter(weight, requires_grad=False))


def _same_as_embedding(module: Any, shards: Shards, tied: str, dtype: torch.dtype) -> None:
    embedding = module.get_input_embeddings().weight
    output = shards.read(tied, tuple(embedding.shape)).to(embedding.device, dtype)
    if not torch.equal(output, embedding):
        raise ValueError(
            f"{tied} must equal the embedding: config.json ties the two, {shards.folder} has "
            f"another matrix"
        )


def save(module: Any, architecture: Architecture, file: Path) -> None:
    """Write a module's weights in one file, under the names of its family."""
    tensors = {
        stored_name(architecture, name): weight.detach().to("cpu").contiguous()
        for name, weight in module.named_parameters()
    }
    save_file(tensors, file, metadata={"format": "pt"})
