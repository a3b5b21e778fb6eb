"""The same strategies on networks: LLaDA and its kin, and the masked language models of the hub.

Needs torch and transformers: ``pip install "infodecode[llm]"``. Importing this package imports
neither; the first use of a name does.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import os

    import torch

    from infodecode.masked_lm.architecture import Architecture as Architecture
    from infodecode.masked_lm.llada_format import llada_config as llada_config
    from infodecode.masked_lm.loading import load_network as load_network
    from infodecode.masked_lm.loading import save_network as save_network
    from infodecode.masked_lm.model import MaskedLM as MaskedLM
    from infodecode.masked_lm.network import Network as Network
    from infodecode.masked_lm.prompted import PromptedModel as PromptedModel

_WHERE = {
    "Architecture": "architecture",
    "MaskedLM": "model",
    "Network": "network",
    "PromptedModel": "prompted",
    "llada_config": "llada_format",
    "load_network": "loading",
    "save_network": "loading",
}

__all__ = [*sorted(_WHERE), "load_masked_lm"]


def load_masked_lm(
    name_or_path: str | os.PathLike[str] = "tiny",
    *,
    device: str | torch.device = "cpu",
    dtype: str | torch.dtype = "float32",
    revision: str | None = None,
) -> MaskedLM:
    """A masked language model with its tokenizer, ready to decode with any strategy.

    No code of a checkpoint is ever run: LLaDA, LLaDA-1.5, Dream and DiffuCoder are computed by
    transformers' own Llama and Qwen2 with full attention, every other one by its own class there.

    Args:
        name_or_path: ``"tiny"`` (the model that comes with this package), a checkpoint's folder,
            or its name on the Hugging Face hub.
        device: where the weights go, such as ``"cuda"``.
        dtype: of weights and logits; LLaDA-8B needs 16 GB in ``"bfloat16"``.
        revision: branch, tag or commit on the hub.

    Raises:
        ImportError: torch or transformers is missing.
        FileNotFoundError: no such folder, a missing file, or the hub cannot be reached.
        ValueError: the checkpoint is not one this package can decode; the message says why.
    """
    _need_extra()
    from infodecode.masked_lm.loading import load_network
    from infodecode.masked_lm.model import MaskedLM

    network, tokenizer = load_network(name_or_path, device=device, dtype=dtype, revision=revision)
    return MaskedLM(network, tokenizer, name=str(name_or_path))


def _need_extra() -> None:
    for name in ("torch", "transformers", "safetensors"):
        if find_spec(name) is None:
            raise ImportError(f'masked language models need {name}: pip install "infodecode[llm]"')


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    _need_extra()
    return getattr(import_module(f"{__name__}.{_WHERE[name]}"), name)
