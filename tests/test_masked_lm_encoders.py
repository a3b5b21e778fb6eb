"""BERT and its kin: transformers' own classes, split into trunk and head, and padded."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from infodecode.masked_lm import Network, load_network, modules, save_network  # noqa: E402
from tests.checkpoints import all_logits, edit_config, edit_tensors, shard  # noqa: E402

SMALL: dict[str, Any] = {
    "vocab_size": 60,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 48,
    "max_position_embeddings": 40,
    "pad_token_id": 1,
    "initializer_range": 0.2,
}

DISTILBERT = {"dim": 32, "n_layers": 2, "n_heads": 4, "hidden_dim": 48, "vocab_size": 60}

KINDS: dict[str, dict[str, Any]] = {
    "bert": SMALL,
    "roberta": SMALL,
    "modernbert": {
        **SMALL, "cls_token_id": 2, "sep_token_id": 3, "bos_token_id": 2, "eos_token_id": 3,
        "global_attn_every_n_layers": 2, "local_attention": 4, "initializer_cutoff_factor": 2.0,
    },
    "albert": {**SMALL, "embedding_size": 16},
    "distilbert": DISTILBERT,
    "electra": {**SMALL, "embedding_size": 16},
    "deberta-v2": {**SMALL, "relative_attention": True, "pos_att_type": ["c2p", "p2c"]},
    "esm": {**SMALL, "mask_token_id": 59, "position_embedding_type": "rotary"},
    "longformer": {**SMALL, "attention_window": 8},
}  # fmt: skip


def made(folder: Path, kind: str, **changes: Any) -> Any:
    """A checkpoint of random weights of one of transformers' classes."""
    fields = {**KINDS.get(kind, SMALL), **changes}
    with torch.random.fork_rng():
        torch.manual_seed(5)
        config = transformers.AutoConfig.for_model(kind, **fields)
        module = transformers.AutoModelForMaskedLM.from_config(config).eval()
    module.save_pretrained(folder)
    edit_config(folder, mask_token_id=59)
    return module


@pytest.mark.parametrize("kind", KINDS)
def test_logits_are_those_of_the_class_with_and_without_padding(tmp_path: Path, kind: str) -> None:
    module = made(tmp_path, kind)
    network, tokenizer = load_network(tmp_path)
    assert (network.family, network.mask_id, tokenizer) == ("encoder", 59, None)
    ids = torch.randint(4, 60, (2, 9), generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        expected = module(input_ids=ids).logits
    assert torch.allclose(all_logits(network, ids), expected, atol=1e-5)
    assert network.takes_padding
    for left, right in ((3, 0), (0, 3), (2, 2)):
        padded = torch.nn.functional.pad(ids, (left, right), value=1)
        real = torch.nn.functional.pad(torch.ones_like(ids), (left, right)).bool()
        ours = all_logits(network, padded, real)[:, left : left + 9]
        assert torch.allclose(ours, expected, atol=1e-4)


def test_roberta_counts_positions_from_behind_the_padding_id(tmp_path: Path) -> None:
    module = made(tmp_path, "roberta")
    network, _ = load_network(tmp_path)
    assert (network.positions_from, network.max_length) == (2, 38)
    ids = torch.full((1, 38), 7)
    with torch.no_grad():
        assert torch.allclose(all_logits(network, ids), module(ids).logits, atol=1e-5)
    with pytest.raises(ValueError, match=r"ids must have at most 38 positions, .*, got 39"):
        network.hidden(torch.full((1, 39), 7))
    # Its own class would give the padding token within a text no position; a text is a text.
    with_padding_id = torch.tensor([[5, 1, 6]])
    assert network.inputs(with_padding_id)["position_ids"].tolist() == [[2, 3, 4]]


@pytest.mark.parametrize("kind", ["fnet", "convbert"])
def test_a_network_that_padding_leaks_into_takes_none(tmp_path: Path, kind: str) -> None:
    made(tmp_path, kind)
    network, _ = load_network(tmp_path)
    assert not network.takes_padding
    ids = torch.full((1, 5), 7)
    network.hidden(ids)
    with pytest.raises(ValueError, match=f"attention must be None: {kind} does not compute"):
        network.hidden(ids, torch.ones_like(ids).bool())


def test_a_network_without_position_numbers(tmp_path: Path) -> None:
    made(tmp_path, "roformer")
    network, _ = load_network(tmp_path)
    ids = torch.full((1, 5), 7)
    assert not network.takes_positions
    with pytest.raises(ValueError, match="positions must be None: roformer takes none"):
        network.hidden(ids, None, torch.arange(5)[None])


def test_a_decoder_under_an_encoders_name_is_refused(tmp_path: Path) -> None:
    made(tmp_path, "bert", is_decoder=True)
    with pytest.raises(ValueError, match="must attend in both directions, got a causal one"):
        load_network(tmp_path)


def test_a_class_that_does_more_than_a_head_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made(tmp_path, "bert")
    split = modules.head_alone
    monkeypatch.setattr(
        "infodecode.masked_lm.network.head_alone", lambda m: lambda states: split(m)(states) + 1
    )
    with pytest.raises(ValueError, match="head of BertForMaskedLM must give the network's logits"):
        load_network(tmp_path)

    def broken(module: Any) -> Any:
        def head(states: Any) -> Any:
            raise TypeError("needs more")

        return head

    monkeypatch.setattr("infodecode.masked_lm.network.head_alone", broken)
    with pytest.raises(ValueError, match="BertForMaskedLM cannot be run alone: needs more"):
        load_network(tmp_path)


def test_unknown_position_numbers_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made(tmp_path, "roberta")
    monkeypatch.setattr("infodecode.masked_lm.network.first_position", lambda trunk: 0)
    with pytest.raises(ValueError, match="RobertaForMaskedLM numbers its positions in a way"):
        load_network(tmp_path)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
@pytest.mark.parametrize("kind", ["bert", "modernbert"])
def test_half_precision(tmp_path: Path, kind: str, dtype: str) -> None:
    made(tmp_path, kind)
    network, _ = load_network(tmp_path, dtype=dtype)
    assert network.dtype == getattr(torch, dtype)
    assert network.takes_padding


GATE = "bert.encoder.layer.1.intermediate.dense.weight"


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda t: t.pop(GATE), f"lacks 1 tensors by its config.json: {GATE}"),
        (lambda t: t.update({GATE: t[GATE].T.contiguous()}), f"has the wrong shape of 1 .*{GATE}"),
        (
            lambda t: t.update({GATE.replace("1", "2"): t[GATE].clone()}),
            "has unexpected 1 tensors by its config.json: bert.encoder.layer.2",
        ),
    ],
)
def test_wrong_tensors_are_named(tmp_path: Path, edit: Any, message: str) -> None:
    made(tmp_path, "bert")
    edit_tensors(tmp_path, edit)
    with pytest.raises(ValueError, match=message):
        load_network(tmp_path)


def test_old_names_and_poolers_are_understood(tmp_path: Path) -> None:
    module = made(tmp_path, "bert")

    def as_in_2019(tensors: dict[str, Any]) -> None:
        for name in list(tensors):
            old = name.replace("LayerNorm.weight", "LayerNorm.gamma")
            tensors[old.replace("LayerNorm.bias", "LayerNorm.beta")] = tensors.pop(name)
        tensors["bert.pooler.dense.weight"] = torch.zeros(32, 32)
        tensors["cls.seq_relationship.weight"] = torch.zeros(2, 32)

    edit_tensors(tmp_path, as_in_2019)
    network, _ = load_network(tmp_path)
    ids = torch.full((1, 5), 7)
    with torch.no_grad():
        assert torch.allclose(all_logits(network, ids), module(ids).logits, atol=1e-5)


def test_shards(tmp_path: Path) -> None:
    made(tmp_path, "bert")
    files = shard(tmp_path, 3)
    load_network(tmp_path)
    files[0].unlink()
    with pytest.raises(FileNotFoundError, match=f"lacks 1 of its 3 shards: {files[0].name}"):
        load_network(tmp_path)


def vocabulary(folder: Path) -> None:
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *(f"w{k}" for k in range(40))]
    (folder / "vocab.txt").write_text("\n".join(words) + "\n")
    names = {f"{k.lower()}_token": f"[{k}]" for k in ("PAD", "UNK", "CLS", "SEP", "MASK")}
    config = {"tokenizer_class": "BertTokenizer", "do_lower_case": True, **names}
    (folder / "tokenizer_config.json").write_text(json.dumps(config))


def test_the_mask_is_the_tokenizers_where_the_configuration_names_none(tmp_path: Path) -> None:
    made(tmp_path, "bert")
    edit_config(tmp_path, mask_token_id=..., pad_token_id=...)
    with pytest.raises(ValueError, match="names no mask token"):
        load_network(tmp_path)
    vocabulary(tmp_path)
    network, tokenizer = load_network(tmp_path)
    assert (network.mask_id, network.pad_id) == (4, 0)
    assert tokenizer("w3 [MASK]")["input_ids"] == [2, 8, 4, 3]
    alone, nothing = load_network(tmp_path, tokenizer=False)
    assert (alone.mask_id, nothing) == (4, None)
    edit_config(tmp_path, vocab_size=4)
    with pytest.raises(
        ValueError, match=r"tokenizer's mask_token_id must be below .* 4 rows, got 4"
    ):
        load_network(tmp_path)


def test_an_encoder_of_random_weights(tmp_path: Path) -> None:
    config = {"model_type": "bert", **SMALL}
    first, same = Network.random(config, seed=1), Network.random(config, seed=1)
    ids = torch.full((1, 5), 7)
    assert torch.equal(all_logits(first, ids), all_logits(same, ids))
    with pytest.raises(ValueError, match="must have a mask token, its configuration names none"):
        _ = first.mask_id
    with pytest.raises(ValueError, match=r"must be of the LLaDA or Dream family, got an encoder"):
        save_network(first, None, tmp_path)
