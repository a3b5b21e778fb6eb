"""Checkpoints on disk and on the hub: read into a network that is checked, or written."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from logging import ERROR
from pathlib import Path
from typing import Any

import torch

from infodecode import _validation as check
from infodecode.masked_lm import weights
from infodecode.masked_lm.architecture import Architecture, read_architecture
from infodecode.masked_lm.checks import (
    check_bidirectional,
    check_head,
    check_padding,
    check_positions,
)
from infodecode.masked_lm.modules import checked_device, checked_dtype, empty_module
from infodecode.masked_lm.network import Network

TINY = Path(__file__).parent / "tiny"
"""The model that comes with the package."""

FILES = ("*.json", "*.safetensors", "*.txt", "*.model", "*.jinja")
"""What is fetched from the hub: configuration, weights, tokenizer; never code or pickles."""

TOKENIZER_FILES = (
    "tokenizer.json",
    "tokenizer_config.json",
    "vocab.txt",
    "vocab.json",
    "tokenizer.model",
    "sentencepiece.bpe.model",
    "spiece.model",
)
"""A checkpoint with one of these has a tokenizer."""


def load_network(
    name_or_path: str | os.PathLike[str],
    *,
    device: str | torch.device = "cpu",
    dtype: str | torch.dtype = "float32",
    revision: str | None = None,
    tokenizer: bool = True,
) -> tuple[Network, Any]:
    """A checkpoint as a `Network`, and its tokenizer.

    LLaDA, LLaDA-1.5, Dream and DiffuCoder are built without memory and take their tensors one by
    one, each cast and moved alone: the peak is the network and one tensor. Encoders are loaded by
    transformers, on the CPU first. Then the network is tried out: a change of the last token must
    change the state of the first position, and an encoder's head must give what the whole network
    gives. An encoder that padding changes is marked (`Network.takes_padding`).

    Args:
        name_or_path: ``"tiny"``, a checkpoint's folder, or its name on the hub.
        device: where the weights go.
        dtype: of weights and logits: float32, bfloat16, float16 or float64.
        revision: branch, tag or commit on the hub; not for a folder.
        tokenizer: load the tokenizer as well, where the checkpoint has one.

    Returns:
        The network; the tokenizer, or None.

    Raises:
        FileNotFoundError: no such folder, a missing file or shard, or the hub cannot be reached.
        ValueError: an architecture that is unknown or causal, wrong tensors, no mask token.
    """
    place, number = checked_device(device), checked_dtype(dtype)
    folder = _folder(name_or_path, revision)
    architecture = read_architecture(folder)
    wanted = check.flag("tokenizer", tokenizer)
    words = None
    if wanted or architecture.mask_id is None:
        words = _tokenizer(folder, architecture.family)
    architecture = _with_tokens(architecture, words, folder)
    with torch.no_grad():
        build = _encoder if architecture.module == "masked_lm" else _decoder
        network = build(folder, architecture, place, number)
        check_bidirectional(network)
    return network, words if wanted else None


def save_network(network: Network, tokenizer: Any, folder: str | os.PathLike[str]) -> None:
    """Write a network so that `load_network` and the original code of its family can read it.

    A LLaDA is written in its own format: ``config.json`` with its field names,
    ``model.safetensors`` with its tensors' names, ``generation_config.json``, and the tokenizer's
    files. Every file is complete or absent: it is written beside its place and moved there.

    Args:
        network: of the LLaDA or Dream family.
        tokenizer: with ``save_pretrained``, or None.
        folder: made where it is missing; files of the same names are replaced.

    Raises:
        ValueError: an encoder; use its ``module.save_pretrained``.
    """
    architecture = network.architecture
    if architecture.module == "masked_lm":
        raise ValueError(
            "network must be of the LLaDA or Dream family, got an encoder: its own "
            "network.module.save_pretrained writes it"
        )
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    dtype = str(network.dtype).removeprefix("torch.")
    ids = {
        f"{name}_token_id": getattr(architecture, f"{name}_id")
        for name in ("bos", "eos", "mask", "pad")
    }
    _write(target / "config.json", {**architecture.config, **ids, "torch_dtype": dtype})
    _write(target / "generation_config.json", {k: v for k, v in ids.items() if v is not None})
    partial = target / f"{weights.SINGLE}.partial"
    weights.save(network.module, architecture, partial)
    # safetensors makes files that their owner alone can read.
    shutil.copymode(target / "config.json", partial)
    os.replace(partial, target / weights.SINGLE)
    if tokenizer is not None:
        tokenizer.save_pretrained(target)


def _write(file: Path, content: dict[str, Any]) -> None:
    partial = file.with_name(f"{file.name}.partial")
    partial.write_text(json.dumps(content, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    os.replace(partial, file)


def _decoder(
    folder: Path, architecture: Architecture, device: torch.device, dtype: torch.dtype
) -> Network:
    shards = weights.Shards.find(folder)
    with torch.device("meta"):
        module = empty_module(architecture, dtype)
    weights.stream(module, shards, architecture, device=device, dtype=dtype)
    trunk = module.model
    with device:
        # Its frequencies follow from the configuration; no checkpoint has them.
        trunk.rotary_emb = type(trunk.rotary_emb)(config=module.config)
    left = [name for name, buffer in module.named_buffers() if buffer.is_meta]
    if left:
        raise RuntimeError(f"buffers without content after loading: {', '.join(left)}")
    return Network(architecture, module.eval())


def _encoder(
    folder: Path, architecture: Architecture, device: torch.device, dtype: torch.dtype
) -> Network:
    from transformers import AutoModelForMaskedLM

    weights.Shards.find(folder)
    with _quiet():
        module, found = AutoModelForMaskedLM.from_pretrained(
            folder,
            dtype=dtype,
            use_safetensors=True,
            trust_remote_code=False,
            local_files_only=True,
            ignore_mismatched_sizes=True,
            output_loading_info=True,
        )
    _complete(found, folder)
    network = Network(architecture, module.to(device).eval().requires_grad_(False))
    check_positions(network)
    check_head(network)
    check_padding(network)
    return network


def _complete(found: Any, folder: Path) -> None:
    """Every tensor was there in its shape, and no layer was left over.

    Poolers and heads of other uses may be: BERT's checkpoints have them.
    """
    mismatched = [key[0] if isinstance(key, tuple) else key for key in found["mismatched_keys"]]
    layers = [name for name in found["unexpected_keys"] if re.search(r"\.layers?\.\d+\.", name)]
    for what, names in (
        ("lacks", found["missing_keys"]),
        ("has the wrong shape of", mismatched),
        ("has unexpected", layers),
    ):
        if names:
            listed = ", ".join(sorted(names)[:3]) + (", ..." if len(names) > 3 else "")
            raise ValueError(f"{folder} {what} {len(names)} tensors by its config.json: {listed}")


def _folder(name_or_path: str | os.PathLike[str], revision: str | None) -> Path:
    if not isinstance(name_or_path, str | os.PathLike):
        raise TypeError(f"name_or_path must be a string or a path, got {name_or_path!r}")
    path = TINY if name_or_path == "tiny" else Path(name_or_path)
    if path.is_dir():
        if revision is not None:
            raise ValueError(f"revision must be None for a folder, got {revision!r}")
        return path
    name = os.fspath(name_or_path)
    if not re.fullmatch(r"[\w.-]+(/[\w.-]+)?", name) or name.startswith("."):
        raise FileNotFoundError(
            f"name_or_path must be 'tiny', a checkpoint's folder, or a name on the hub such as "
            f"'GSAI-ML/LLaDA-8B-Instruct', got {name!r}, which is no folder"
        )
    return _from_hub(name, revision)


def _from_hub(name: str, revision: str | None) -> Path:
    import huggingface_hub
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    try:
        return Path(
            huggingface_hub.snapshot_download(
                name, revision=revision, allow_patterns=list(FILES), ignore_patterns=["*/*"]
            )
        )
    except HFValidationError as error:
        raise ValueError(f"name_or_path must be a name on the hub, got {name!r}: {error}") from None
    except (OSError, HfHubHTTPError) as error:
        raise FileNotFoundError(
            f"{name!r} is no folder here, and the hub did not give it ({type(error).__name__}: "
            f"{check.shown(str(error))}). Without a network, run `hf download {name}` where there "
            f"is one, and give the folder's path"
        ) from error


def _with_tokens(architecture: Architecture, words: Any, folder: Path) -> Architecture:
    """Special ids that the configuration leaves open are the tokenizer's."""
    ids: dict[str, Any] = {}
    for name in ("mask", "eos", "pad", "bos"):
        stated = getattr(architecture, f"{name}_id")
        ids[f"{name}_id"] = getattr(words, f"{name}_token_id", None) if stated is None else stated
    if ids["mask_id"] is None:
        raise ValueError(
            f"{folder} names no mask token: neither mask_token_id in its config.json nor a "
            f"mask token in a tokenizer. Only masked language models can be decoded"
        )
    for name, value in ids.items():
        if value is not None and value >= architecture.embedding_size:
            raise ValueError(
                f"the tokenizer's {name.replace('_id', '_token_id')} must be below the "
                f"embedding's {architecture.embedding_size} rows, got {value}"
            )
    return dataclasses.replace(architecture, **ids)


def _tokenizer(folder: Path, family: str) -> Any:
    """The checkpoint's tokenizer, or None where it has no files of one.

    Dream's own class is Qwen2's without the normalisation to NFC.
    """
    there = [name for name in TOKENIZER_FILES if (folder / name).is_file()]
    if not there:
        return None
    import transformers

    try:
        if family != "encoder" and "tokenizer.json" in there:
            return transformers.PreTrainedTokenizerFast.from_pretrained(folder)
        if family == "dream":
            words = transformers.Qwen2Tokenizer.from_pretrained(folder)
            words.backend_tokenizer.normalizer = None
            return words
        return transformers.AutoTokenizer.from_pretrained(
            folder, trust_remote_code=False, local_files_only=True
        )
    except (OSError, ValueError, ImportError, KeyError) as error:
        raise ValueError(
            f"the tokenizer of {folder} cannot be loaded without running code of the checkpoint: "
            f"{error}. tokenizer=False loads the network alone"
        ) from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the progress bar and the report of transformers: `_complete` says what is wrong."""
    from transformers.utils import logging

    level, bar = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity(ERROR)
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bar:
            logging.enable_progress_bar()  # type: ignore[no-untyped-call]
