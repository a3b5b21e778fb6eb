"""A network's states under padding and shift, random weights, tokenizers, and lazy imports."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

import infodecode.masked_lm as masked_lm  # noqa: E402
from infodecode.masked_lm import Architecture, Network, load_network, save_network  # noqa: E402
from infodecode.masked_lm.weights import stored_name  # noqa: E402
from tests.checkpoints import DREAM, LLADA, all_logits, written  # noqa: E402


@pytest.fixture(scope="module", params=["llada", "dream"])
def network(request: pytest.FixtureRequest) -> Network:
    return Network.random({"llada": LLADA, "dream": DREAM}[request.param], seed=4)


@pytest.mark.parametrize(("left", "right"), [(3, 0), (0, 3), (2, 1)])
def test_padding_changes_nothing(network: Network, left: int, right: int) -> None:
    ids = torch.randint(0, 57, (2, 7), generator=torch.Generator().manual_seed(1))
    padded = torch.nn.functional.pad(ids, (left, right), value=58)
    real = torch.nn.functional.pad(torch.ones_like(ids), (left, right)).bool()
    # Another length may be summed in another order.
    assert torch.allclose(
        network.hidden(padded, real)[:, left : left + 7], network.hidden(ids), atol=1e-5
    )
    both = torch.cat([padded, torch.randint(0, 57, padded.shape)])
    mixed = network.hidden(both, torch.cat([real, torch.ones_like(real)]))[:2, left : left + 7]
    assert torch.allclose(mixed, network.hidden(ids), atol=1e-5)


def test_a_shifted_position_is_predicted_from_the_one_before() -> None:
    shifted = Network.random(DREAM, seed=4)
    ids = torch.randint(0, 57, (2, 7))
    with torch.no_grad():
        raw = shifted.module(ids).logits
    ours = all_logits(shifted, ids)
    assert torch.equal(ours[:, 1:], raw[:, :-1])
    assert torch.equal(ours[:, 0], raw[:, 0])


def llada_by_hand(network: Network, ids: Any, *, rotate_in: Any) -> Any:
    """LLaDA's forward pass as its authors define it, on the tensors of a written checkpoint."""
    from torch.nn.functional import embedding, linear, scaled_dot_product_attention, silu

    weights = {
        stored_name(network.architecture, name): tensor
        for name, tensor in network.module.named_parameters()
    }
    config = network.architecture.config
    heads, length = config["n_heads"], ids.shape[1]
    size = config["d_model"] // heads
    speeds = 1 / config["rope_theta"] ** (torch.arange(0, size, 2).float() / size)
    angles = torch.outer(torch.arange(length).float(), speeds).repeat(1, 2)

    def norm(x: Any, name: str) -> Any:
        wide = x.float()
        scale = torch.rsqrt(wide.pow(2).mean(-1, keepdim=True) + config["rms_norm_eps"])
        return weights[f"model.transformer.{name}.weight"] * (wide * scale).to(x.dtype)

    def rotated(x: Any) -> Any:
        wide = x.to(rotate_in)
        left, right = wide.chunk(2, -1)
        turned = torch.cat([-right, left], -1)
        return (wide * angles.cos().to(rotate_in) + turned * angles.sin().to(rotate_in)).to(x.dtype)

    x = embedding(ids, weights["model.transformer.wte.weight"])
    for layer in range(config["n_layers"]):
        block = f"blocks.{layer}"

        def by(x: Any, name: str, block: str = block) -> Any:
            return linear(x, weights[f"model.transformer.{block}.{name}.weight"])

        h = norm(x, f"{block}.attn_norm")
        q, k, v = (
            by(h, f"{part}_proj").view(*ids.shape, heads, size).transpose(1, 2) for part in "qkv"
        )
        attended = scaled_dot_product_attention(rotated(q), rotated(k), v)
        x = x + by(attended.transpose(1, 2).reshape(x.shape), "attn_out")
        h = norm(x, f"{block}.ff_norm")
        x = x + by(silu(by(h, "ff_proj")) * by(h, "up_proj"), "ff_out")
    return linear(norm(x, "ln_f"), weights["model.transformer.ff_out.weight"])


@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_llada_by_hand(tmp_path: Path, exact: bool, dtype: Any) -> None:
    written(tmp_path, n_kv_heads=4, rope_full_precision=exact)
    network, _ = load_network(tmp_path, dtype=dtype)
    ids = torch.randint(0, 57, (2, 30), generator=torch.Generator().manual_seed(1))
    ours = all_logits(network, ids)
    both = {
        rotation: llada_by_hand(network, ids, rotate_in=rotation)
        for rotation in (torch.float32, torch.bfloat16)
    }
    same = both[torch.float32 if exact or dtype == torch.float32 else torch.bfloat16]
    # One rounding of bfloat16 of a logit of a few units is 2^-7.
    assert (ours - same).abs().max() < (1e-5 if dtype == torch.float32 else 1e-3)
    assert (both[torch.float32] - both[torch.bfloat16]).abs().max() > 5e-3


def test_positions_are_the_callers(network: Network) -> None:
    ids = torch.randint(0, 57, (1, 6))
    numbers = torch.tensor([[0, 1, 2, 20, 21, 22]])
    assert not torch.allclose(network.hidden(ids, None, numbers), network.hidden(ids), atol=1e-3)
    # Rotary positions are relative: all of them moved by 9 is nothing, but for rounding.
    moved = network.hidden(ids, None, torch.arange(9, 15)[None])
    assert torch.allclose(moved, network.hidden(ids), atol=1e-4)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            (torch.zeros(3, dtype=torch.long),),
            "ids must be int64 with 2 axes, got .*int64 of shape",
        ),
        ((torch.zeros(1, 3),), "ids must be int64 with 2 axes, got torch.float32"),
        ((torch.zeros(1, 65, dtype=torch.long),), "ids must have at most 64 positions, .*, got 65"),
        (
            (torch.zeros(1, 3, dtype=torch.long), torch.ones(1, 3)),
            r"attention must be torch.bool of shape \(1, 3\), got torch.float32",
        ),
        (
            (torch.zeros(1, 3, dtype=torch.long), torch.ones(1, 4).bool()),
            r"attention must be torch.bool of shape \(1, 3\), got .* of shape \(1, 4\)",
        ),
        (
            (torch.zeros(1, 3, dtype=torch.long), None, torch.ones(1, 3)),
            r"positions must be torch.int64 of shape \(1, 3\), got torch.float32",
        ),
    ],
)
def test_wrong_input_is_named(network: Network, arguments: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        network.hidden(*arguments)


def test_random_weights_depend_on_the_seed_alone() -> None:
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    first = Network.random(LLADA, seed=1)
    assert torch.equal(torch.rand(1), expected)
    same = Network.random(Architecture.from_config(LLADA), seed=1)
    other = Network.random(LLADA, seed=2)
    ids = torch.arange(5)[None]
    assert torch.equal(first.hidden(ids), same.hidden(ids))
    assert not torch.allclose(first.hidden(ids), other.hidden(ids), atol=1e-3)
    weight = first.module.model.layers[0].mlp.gate_proj.weight
    assert float(weight.std()) == pytest.approx(0.2, rel=0.1)
    assert torch.equal(first.module.model.norm.weight, torch.ones(32))
    half = Network.random(LLADA, dtype="bfloat16")
    assert half.dtype == torch.bfloat16
    assert half.module.model.rotary_emb.inv_freq.dtype == torch.float32
    with pytest.raises(ValueError, match="seed must be at least 0, got -1"):
        Network.random(LLADA, seed=-1)


def test_a_random_network_can_be_trained() -> None:
    trained = Network.random(LLADA)
    trained.module.requires_grad_(True)
    trained.logits(trained.hidden(torch.arange(5)[None])[0]).logsumexp(-1).sum().backward()
    assert all(weight.grad is not None for weight in trained.module.parameters())
    # LLaDA's padding id is its end of text, which has to learn as well.
    assert trained.module.model.embed_tokens.padding_idx is None


def word_tokenizer() -> Any:
    from tokenizers import Tokenizer, models, pre_tokenizers

    words = {f"w{k}": k for k in range(57)} | {"<unk>": 57, "<eos>": 58, "<mask>": 59}
    inner = Tokenizer(models.WordLevel(words, unk_token="<unk>"))
    inner.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=inner, unk_token="<unk>", eos_token="<eos>", mask_token="<mask>"
    )


def test_a_tokenizer_travels_with_its_network(tmp_path: Path) -> None:
    save_network(Network.random(LLADA), word_tokenizer(), tmp_path)
    network, tokenizer = load_network(tmp_path)
    assert tokenizer("w3 <mask> w4")["input_ids"] == [3, 59, 4]
    assert tokenizer.mask_token_id == network.mask_id


def test_dreams_tokenizer_is_read_without_its_class(tmp_path: Path) -> None:
    from tokenizers.pre_tokenizers import ByteLevel

    written(tmp_path, DREAM, vocab_size=300, mask_token_id=299)
    letters = sorted(ByteLevel.alphabet())
    vocabulary = {letter: k for k, letter in enumerate(letters)} | {"ab": 256}
    (tmp_path / "vocab.json").write_text(json.dumps(vocabulary))
    (tmp_path / "merges.txt").write_text("#version: 0.2\na b\n")
    special = {"lstrip": False, "normalized": False, "rstrip": False, "single_word": False,
               "special": True}  # fmt: skip
    config = {
        "auto_map": {"AutoTokenizer": ["tokenization_dream.DreamTokenizer", None]},
        "tokenizer_class": "DreamTokenizer",
        "added_tokens_decoder": {"257": {"content": "<|mask|>", **special}},
        "mask_token": "<|mask|>",
    }
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(config))
    _, tokenizer = load_network(tmp_path)
    assert tokenizer("ab<|mask|>")["input_ids"] == [256, 257]
    # An accent of its own stays one: three bytes, where Qwen2 would compose them to two.
    accented = tokenizer("e\u0301")["input_ids"]
    assert len(accented) == 3
    assert tokenizer.decode(accented) == "e\u0301"


def test_a_masked_lm_is_a_network_with_its_tokenizer(tmp_path: Path) -> None:
    save_network(Network.random(LLADA), word_tokenizer(), tmp_path)
    model = masked_lm.load_masked_lm(tmp_path, dtype="bfloat16")
    assert model.network.dtype == torch.bfloat16
    assert model.tokenizer.eos_token_id == model.network.eos_id == 58
    assert model.name == str(tmp_path)


def test_nothing_heavy_is_imported_before_it_is_needed() -> None:
    code = (
        "import sys, infodecode, infodecode.masked_lm; "
        "assert not {'torch', 'transformers', 'safetensors'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("missing", ["torch", "transformers", "safetensors"])
def test_a_missing_extra_is_named(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(ImportError, match=rf'{missing}: pip install "infodecode\[llm\]"'):
        masked_lm.load_masked_lm("tiny")
    with pytest.raises(ImportError, match=missing):
        _ = masked_lm.Network
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = masked_lm.nothing
