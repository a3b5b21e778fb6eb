"""Checkpoints: recorded logits are met, weights are held once, and what is wrong is named."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

import huggingface_hub  # noqa: E402
from huggingface_hub.errors import LocalEntryNotFoundError  # noqa: E402
from safetensors.torch import save_file  # noqa: E402

from infodecode.masked_lm import (  # noqa: E402
    Architecture,
    Network,
    llada_config,
    load_network,
    save_network,
)
from infodecode.masked_lm import weights as weight_files  # noqa: E402
from infodecode.masked_lm.checks import check_bidirectional  # noqa: E402
from tests.checkpoints import (  # noqa: E402
    DREAM,
    LLADA,
    all_logits,
    edit_config,
    edit_tensors,
    shard,
    written,
)
from tests.recorded import folder as recordings  # noqa: E402

RECORDED = ("llada_a", "llada_b_gqa_sharded", "dream_a")

# Float32 carries 6e-7 of logits up to 5.5; their sums of 64 and 96 terms may be taken in another
# order by another processor. The recorded float32 logits are themselves within 6e-6 of float64.
TOLERANCE = 1e-5


@pytest.fixture(scope="module")
def llada(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("llada"))


def recorded(name: str) -> tuple[Path, dict[str, Any]]:
    folder = recordings() / "checkpoints" / name
    if not folder.is_dir():
        pytest.skip("the recorded checkpoints are not here")
    with np.load(folder / "reference_logits.npz") as file:
        return folder, {key: torch.from_numpy(file[key]) for key in file.files}


@pytest.mark.parametrize("name", RECORDED)
@pytest.mark.parametrize("kind", ["", "padded_", "rightpad_"])
@pytest.mark.parametrize("positions", ["recorded", "our own"])
def test_recorded_logits(name: str, kind: str, positions: str) -> None:
    folder, reference = recorded(name)
    if f"{kind}input_ids" not in reference:
        pytest.skip("recorded for LLaDA only")
    network, tokenizer = load_network(folder)
    assert tokenizer is None
    ids, expected = reference[f"{kind}input_ids"], reference[f"{kind}logits"]
    real = reference.get(f"{kind}attention_mask", torch.ones_like(ids)).bool()
    if network.shifted:
        before = (torch.arange(ids.shape[1]) - 1).clamp(min=real.long().argmax(1, keepdim=True))
        expected = torch.take_along_dim(expected, before[..., None], 1)
    numbers = reference.get(f"{kind}position_ids") if positions == "recorded" else None
    ours = all_logits(network, ids, real if kind else None, numbers)
    assert ours.shape == expected.shape
    assert (ours - expected)[real].abs().max() < TOLERANCE


def test_recorded_configurations_are_read_in_full() -> None:
    folder, _ = recorded("llada_b_gqa_sharded")
    network, _ = load_network(folder)
    assert (network.family, network.shifted, network.max_length) == ("llada", False, 128)
    assert (network.vocabulary_size, network.embedding_size) == (260, 288)
    assert (network.mask_id, network.eos_id, network.pad_id, network.bos_id) == (
        258,
        256,
        256,
        None,
    )
    config = network.module.config
    assert config.rope_parameters["rope_theta"] == 10000.0
    assert config.num_key_value_heads == 2
    folder, _ = recorded("dream_a")
    network, _ = load_network(folder)
    assert (network.family, network.shifted) == ("dream", True)
    assert (network.mask_id, network.eos_id, network.bos_id) == (259, 256, 257)
    assert network.module.config.rms_norm_eps == 1e-6


@pytest.mark.parametrize(
    "changes",
    [{}, {"weight_tying": True}, {"include_qkv_bias": True}, {"n_kv_heads": 4},
     {"embedding_size": 64}, {"activation_type": "gelu"}],
)  # fmt: skip
@pytest.mark.parametrize("count", [0, 3])
def test_a_written_llada_comes_back(tmp_path: Path, changes: dict[str, Any], count: int) -> None:
    config = {**LLADA, **changes}
    network = Network.random(config, seed=1)
    save_network(network, None, tmp_path)
    if count:
        shard(tmp_path, count)
    loaded, _ = load_network(tmp_path)
    ids = torch.randint(0, 58, (2, 9))
    assert torch.equal(all_logits(loaded, ids), all_logits(network, ids))
    assert not any(parameter.requires_grad for parameter in loaded.module.parameters())
    kept = json.loads((tmp_path / "config.json").read_text())
    assert {key: kept[key] for key in config} == config
    assert not list(tmp_path.glob("*.partial"))


def test_a_written_dream_comes_back(tmp_path: Path) -> None:
    network = Network.random(DREAM, seed=1)
    save_network(network, None, tmp_path)
    loaded, _ = load_network(tmp_path)
    ids = torch.randint(0, 58, (2, 9))
    assert torch.equal(all_logits(loaded, ids), all_logits(network, ids))


@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "float64", torch.bfloat16])
def test_dtype(llada: Path, dtype: Any) -> None:
    network, _ = load_network(llada, dtype=dtype)
    exact, _ = load_network(llada, dtype="float64")
    wanted = dtype if isinstance(dtype, torch.dtype) else getattr(torch, dtype)
    assert {p.dtype for p in network.module.parameters()} == {network.dtype} == {wanted}
    # Rotary frequencies stay exact whatever the weights are cast to.
    assert network.module.model.rotary_emb.inv_freq.dtype == torch.float32
    ids = torch.arange(12)[None]
    error = (all_logits(network, ids).double() - all_logits(exact, ids)).abs().max()
    assert error < 0.1 * all_logits(exact, ids).abs().max()


def test_every_stored_tensor_is_gone_before_the_next_is_read(
    llada: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alive: list[int] = []
    most = 0
    read = weight_files.Shards.read

    def counted(*args: Any) -> torch.Tensor:
        nonlocal most
        tensor = read(*args)
        alive.append(1)
        most = max(most, len(alive))
        weakref.finalize(tensor, alive.pop)
        return tensor

    monkeypatch.setattr(weight_files.Shards, "read", counted)
    load_network(llada, dtype="bfloat16")
    assert most == 1
    assert not alive


PEAK = """
import re, sys
from pathlib import Path
from infodecode.masked_lm import load_network
def memory(kind):
    return int(re.search(kind + r":\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) * 1024
load_network(sys.argv[1])
Path("/proc/self/clear_refs").write_text("5")
before = memory("VmRSS")
network, _ = load_network(sys.argv[2])
print(memory("VmHWM") - before)
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="reads Linux's /proc")
@pytest.mark.parametrize("count", [0, 5])
def test_peak_memory_is_one_network_and_one_tensor(llada: Path, tmp_path: Path, count: int) -> None:
    config = llada_config(
        vocab_size=1000, d_model=512, n_layers=12, n_heads=8, mlp_hidden_size=2048,
        max_sequence_length=64, mask_token_id=999,
    )  # fmt: skip
    network = Network.random(config)
    save_network(network, None, tmp_path)
    if count:
        shard(tmp_path, count)
    size = 4 * sum(parameter.numel() for parameter in network.module.parameters())
    command = [sys.executable, "-c", PEAK, str(llada), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert 0.9 * size < int(done.stdout) < 1.2 * size


def test_shards(tmp_path: Path) -> None:
    files = shard(written(tmp_path), 3)
    load_network(tmp_path)
    files[1].rename(files[1].with_suffix(".away"))
    with pytest.raises(FileNotFoundError, match=f"lacks 1 of its 3 shards: {files[1].name}"):
        load_network(tmp_path)
    files[1].with_suffix(".away").rename(files[1])
    files[2].write_bytes(files[2].read_bytes()[:200])
    with pytest.raises(ValueError, match=f"{files[2].name} cannot be read, is it complete"):
        load_network(tmp_path)
    save_file({"other": torch.zeros(1)}, files[2])
    with pytest.raises(ValueError, match=f"is in {files[2].name}, it is not"):
        load_network(tmp_path)


@pytest.mark.parametrize(
    ("index", "message"),
    [
        ("{", "must hold a weight_map"),
        ("[]", "must hold a weight_map"),
        ("{}", "must hold a weight_map"),
        ('{"weight_map": {"a": "../b.safetensors"}}', "must name files of its own folder"),
    ],
)
def test_a_bad_index_is_refused(tmp_path: Path, index: str, message: str) -> None:
    written(tmp_path)
    (tmp_path / "model.safetensors.index.json").write_text(index)
    with pytest.raises(ValueError, match=message):
        load_network(tmp_path)


def test_weights_that_are_not_there(tmp_path: Path) -> None:
    (written(tmp_path) / "model.safetensors").unlink()
    with pytest.raises(FileNotFoundError, match=r"has no weights: neither model.safetensors nor"):
        load_network(tmp_path)
    (tmp_path / "pytorch_model.bin").write_bytes(b"")
    with pytest.raises(ValueError, match=r"pytorch_model.bin only: a pickle, which runs code"):
        load_network(tmp_path)


GATE = "model.transformer.blocks.1.ff_proj.weight"


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda t: t.pop(GATE), f"lacks 1 tensors by its config.json: {re.escape(GATE)}"),
        (lambda t: t.update(extra=torch.zeros(2)), "has unexpected 1 tensors .*: extra"),
        (
            lambda t: t.update({GATE: t[GATE].T.contiguous()}),
            r"ff_proj.weight must have shape \(48, 32\) by config.json, got \(32, 48\) in model",
        ),
        (
            lambda t: t.update({GATE: t[GATE].to(torch.int8)}),
            "must be stored in 16-bit floating point or wider, got torch.int8",
        ),
        (
            lambda t: t.update({GATE: t[GATE].to(torch.float8_e4m3fn)}),
            "must be stored in 16-bit floating point or wider, got torch.float8",
        ),
        (
            lambda t: t[GATE].fill_(float("nan")),
            "states must be finite, got .*nan",
        ),
    ],
)
def test_wrong_tensors_are_named(tmp_path: Path, edit: Any, message: str) -> None:
    edit_tensors(written(tmp_path), edit)
    with pytest.raises(ValueError, match=message):
        load_network(tmp_path)


def test_tied_weights_may_be_stored_twice_but_not_differ(tmp_path: Path) -> None:
    embedding, output = "model.transformer.wte.weight", "model.transformer.ff_out.weight"
    written(tmp_path, weight_tying=True)
    edit_tensors(tmp_path, lambda t: t.update({output: t[embedding].clone()}))
    network, _ = load_network(tmp_path)
    assert network.module.lm_head.weight is network.module.model.embed_tokens.weight
    edit_tensors(tmp_path, lambda t: t[output].add_(1))
    with pytest.raises(ValueError, match=r"ff_out.weight must equal the embedding"):
        load_network(tmp_path)


def test_a_causal_network_is_refused(tmp_path: Path) -> None:
    import transformers

    architecture = Architecture.from_config(LLADA)
    config = transformers.LlamaConfig(**{**architecture.module_config, "is_causal": True})
    causal = Network(architecture, transformers.LlamaForCausalLM(config).eval())
    with pytest.raises(ValueError, match="must attend in both directions, got a causal one"):
        check_bidirectional(causal)
    causal.module.save_pretrained(tmp_path)
    with pytest.raises(ValueError, match="'llama' is a causal language model; supported are LLaDA"):
        load_network(tmp_path)


def test_attention_runs_both_ways_at_every_position(llada: Path) -> None:
    network, _ = load_network(llada)
    ids = torch.arange(6)[None]
    before = network.hidden(ids)
    for changed in range(6):
        other = ids.clone()
        other[0, changed] = 40
        assert ((network.hidden(other) - before).abs().amax(-1) > 1e-6).all()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model_type": "gpt2"}, "'gpt2' is a causal language model"),
        ({"model_type": "vit"}, "'vit' is not a masked language model"),
        ({"model_type": "llada2"}, "'llada2' is unknown; supported are LLaDA"),
        ({"model_type": ...}, "model_type None is unknown"),
        ({"model_type": "bart"}, "'bart' is an encoder with a decoder"),
        ({"quantization_config": {"bits": 4}}, "quantised weights are not supported"),
        ({"block_type": "sequential"}, "block_type = 'sequential' is a variant .* not supported"),
        ({"block_type": ...}, "must state block_type"),
        ({"block_group_size": 2}, "block_group_size = 2 is a variant"),
        ({"alibi": True}, "alibi = True is a variant"),
        ({"rope": False}, "rope = False is a variant"),
        ({"rope": ...}, "must state rope"),
        ({"clip_qkv": 8.0}, "clip_qkv = 8.0 is a variant"),
        ({"layer_norm_type": "default"}, "layer_norm_type = 'default' is a variant"),
        ({"include_bias": True}, "include_bias = True is a variant"),
        ({"bias_for_layer_norm": True}, "bias_for_layer_norm = True is a variant"),
        ({"attention_layer_norm": True}, "attention_layer_norm = True is a variant"),
        ({"input_emb_norm": True}, "input_emb_norm = True is a variant"),
        ({"scale_logits": True}, "scale_logits = True is a variant"),
        ({"rope_scaling": {"factor": 2}}, "rope_scaling = .* is a variant"),
        ({"activation_type": "swiglu"}, "activation_type must be one of 'silu', 'gelu', 'relu'"),
        ({"multi_query_attention": True}, "n_kv_heads must be 1 with multi_query_attention = True"),
        ({"embedding_size": 59}, "embedding_size must be at least vocab_size, 60, got 59"),
        ({"rope_theta": ...}, "must state rope_theta"),
        ({"rms_norm_eps": 0.0}, "rms_norm_eps must be greater than 0"),
        ({"weight_tying": ...}, "must state weight_tying"),
        ({"rope_full_precision": ...}, "must state rope_full_precision"),
        ({"n_heads": 5}, "width must be an even multiple of the number of heads, got 32 and 5"),
        ({"n_kv_heads": 3}, "multiple of the number of key-value heads, got 4 and 3"),
        ({"n_layers": 0}, "n_layers must be at least 1, got 0"),
        ({"mask_token_id": 60}, "mask_token_id must be below the embedding's 60 rows, got 60"),
        ({"mask_token_id": -1}, "mask_token_id must be at least 0"),
        ({"mask_token_id": ...}, "names no mask token: neither mask_token_id in its config.json"),
    ],
)  # fmt: skip
def test_configurations_that_are_refused(
    llada: Path, tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    for file in llada.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    edit_config(tmp_path, **changes)
    with pytest.raises(ValueError, match=message):
        load_network(tmp_path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"use_sliding_window": True}, "use_sliding_window = True is not supported"),
        ({"rope_scaling": {"type": "yarn"}}, "rotary embeddings of type 'yarn' are not"),
        ({"hidden_act": ...}, "must state hidden_act"),
    ],
)
def test_dream_configurations_that_are_refused(changes: dict[str, Any], message: str) -> None:
    config = {key: value for key, value in {**DREAM, **changes}.items() if value is not ...}
    with pytest.raises(ValueError, match=message):
        Architecture.from_config(config)


def test_fields_that_stand_for_others(tmp_path: Path) -> None:
    given = {**LLADA, "mlp_hidden_size": None, "mlp_ratio": 3, "n_kv_heads": None}
    fields = Architecture.from_config({**given, "multi_query_attention": True}).module_config
    assert (fields["intermediate_size"], fields["num_key_value_heads"]) == (96, 1)
    assert Architecture.from_config(given).module_config["num_key_value_heads"] == 4
    renamed = {**DREAM, "rope_parameters": {"rope_type": "default", "rope_theta": 77.0}}
    del renamed["rope_theta"]
    fields = Architecture.from_config(renamed).module_config
    assert fields["rope_parameters"]["rope_theta"] == 77.0


def test_special_ids_of_the_generation_configuration() -> None:
    generation = {"eos_token_id": [5, 6], "pad_token_id": 7, "mask_token_id": 59}
    read = Architecture.from_config(LLADA, generation=generation)
    assert (read.eos_id, read.pad_id, read.mask_id) == (5, 7, 59)
    with pytest.raises(ValueError, match=r"must be the same in .*, got 59 and 5"):
        Architecture.from_config(LLADA, generation={"mask_token_id": 5})


def test_files_that_are_no_json(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"needs a config.json, there is none"):
        load_network(tmp_path)
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(ValueError, match=r"config.json must be JSON"):
        load_network(tmp_path)
    (tmp_path / "config.json").write_text("[]")
    with pytest.raises(ValueError, match=r"config.json must hold a JSON object"):
        load_network(tmp_path)
    with pytest.raises(TypeError, match="config must be a mapping"):
        Architecture.from_config(3)  # type: ignore[arg-type]


def test_arguments(llada: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"dtype must be one of 'float32', .*, got 'int8'"):
        load_network(llada, dtype="int8")
    with pytest.raises(ValueError, match=r"dtype must be one of .*, got torch.int64"):
        load_network(llada, dtype=torch.int64)
    with pytest.raises(ValueError, match="device must be one of torch's"):
        load_network(llada, device="nowhere")
    if not torch.cuda.is_available():
        with pytest.raises(ValueError, match="device must be one torch can reach, got 'cuda'"):
            load_network(llada, device="cuda")
    with pytest.raises(ValueError, match="revision must be None for a folder, got 'main'"):
        load_network(llada, revision="main")
    with pytest.raises(TypeError, match="tokenizer must be True or False"):
        load_network(llada, tokenizer=None)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="name_or_path must be a string or a path"):
        load_network(3)  # type: ignore[arg-type]
    for name in (str(tmp_path / "nothing"), "./nothing", "a/b/c", "~/model"):
        with pytest.raises(FileNotFoundError, match="which is no folder"):
            load_network(name)


def test_the_hub(llada: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, Any] = {}

    def snapshot(name: str, **options: Any) -> str:
        asked.update(options, name=name)
        return str(llada)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot)
    network, _ = load_network("GSAI-ML/LLaDA-8B-Base", revision="abc")
    assert network.family == "llada"
    assert (asked["name"], asked["revision"]) == ("GSAI-ML/LLaDA-8B-Base", "abc")
    assert not any(name.endswith((".py", ".bin", "*")) for name in asked["allow_patterns"])

    def unreachable(name: str, **options: Any) -> str:
        raise LocalEntryNotFoundError("cannot reach the hub")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", unreachable)
    with pytest.raises(FileNotFoundError, match=r"the hub did not give it .* `hf download bert"):
        load_network("bert-base-uncased")


def test_no_code_of_a_checkpoint_is_run(llada: Path, tmp_path: Path) -> None:
    for file in llada.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    trap = tmp_path / "ran"
    names = ("configuration_llada", "modeling_llada", "tokenization_llada")
    for name in names:
        (tmp_path / f"{name}.py").write_text(f"open({str(trap)!r}, 'w')\n")
    edit_config(
        tmp_path,
        auto_map={
            "AutoConfig": "configuration_llada.LLaDAConfig",
            "AutoModelForMaskedLM": "modeling_llada.LLaDAModelLM",
        },
    )
    load_network(tmp_path)
    own = {"auto_map": {"AutoTokenizer": ["tokenization_llada.Own", None]}}
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(own))
    with pytest.raises(ValueError, match="cannot be loaded without running code"):
        load_network(tmp_path)
    load_network(tmp_path, tokenizer=False)
    assert not trap.exists()
