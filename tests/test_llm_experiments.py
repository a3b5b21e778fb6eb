"""The experiments on networks: on an ideal one with known answers, and on random weights."""

from __future__ import annotations

import csv

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

import torch
from typer.testing import CliRunner

from infodecode import Decoder, strategies
from infodecode.masked_lm import MaskedLM, Network, llada_config
from infodecode.masked_lm.loading import save_network
from llm import ete, exploration, formulas, gpu, rounds, tradeoffs
from llm.__main__ import app
from llm.answering import answered
from llm.list_operations import MASK, Vocabulary
from llm.train import tokenizer

WORDS = Vocabulary()


class Shuffler:
    """What a network would say that has learnt *shuffle* perfectly: items not used yet, alike."""

    family, shifted, dtype, device = "shuffler", False, "float32", "cpu"
    vocabulary_size = embedding_size = len(WORDS.words)
    mask_id, eos_id, pad_id, bos_id, max_length = WORDS.ids[MASK], 1, 1, 0, 64

    def hidden(self, ids, attention=None, positions=None):
        out = np.full((*ids.shape, self.vocabulary_size), -60.0, np.float32)
        for row, tokens in enumerate(ids.tolist()):
            first, end = tokens.index(WORDS.ids[":"]) + 1, tokens.index(WORDS.ids["="])
            left = sorted(set(tokens[first:end]) - set(tokens[end + 1 :]))
            out[row][:, left or tokens[first:end]] = 0.0
        return torch.from_numpy(out)

    def logits(self, hidden):
        return hidden.clone()


@pytest.fixture(scope="module")
def shuffler():
    return MaskedLM(Shuffler(), name="shuffler")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A checkpoint of random weights that knows the words."""
    config = llada_config(
        vocab_size=len(WORDS.words), d_model=16, n_layers=1, n_heads=2, mlp_hidden_size=16,
        max_sequence_length=64, mask_token_id=WORDS.ids[MASK], eos_token_id=1, pad_token_id=1,
    )  # fmt: skip
    path = tmp_path_factory.mktemp("model")
    save_network(Network.random(config), tokenizer(WORDS), path)
    return path


def test_an_ideal_network_meets_the_formulas(shuffler):
    """PB-10 and PB-14 within intervals that miss once in a thousand, at every k and threshold."""
    rows = list(formulas.rows_of(shuffler, "shuffle", 8, 200))
    assert {row.gamma for row in rows if row.gamma} == set(formulas.GAMMAS)
    for row in rows:
        if row.temperature == 1:
            spread = np.sqrt(row.formula * (1 - row.formula) / row.samples)
            assert abs(row.validity - row.formula) <= 3.3 * spread + 1e-9, row
            assert row.one_by_one == 1
            assert row.expected == row.formula


def test_greedy_ties_of_a_network_are_not_random(shuffler):
    """PB-11 needs random token ties: the lowest of equal tokens collides in every round of two."""
    found = answered(
        shuffler, Decoder(strategies.TopK(2), temperature=0.0, token_ties="lowest"), "shuffle", 4,
        samples=20,
    )  # fmt: skip
    assert found.validity.value == 0
    assert found.rounds.value == 2


def test_decoders_are_compared_on_the_same_exercises(shuffler):
    one = answered(shuffler, Decoder(strategies.TopK(1)), "shuffle", 5, samples=6)
    two = answered(shuffler, Decoder(strategies.TopK(2)), "shuffle", 5, samples=6)
    assert one.exercises.prompts() == two.exercises.prompts()
    other = answered(shuffler, Decoder(strategies.TopK(1)), "shuffle", 5, samples=6, seed=1)
    assert one.exercises.prompts() != other.exercises.prompts()


def test_bits_and_rounds_of_an_ideal_network(shuffler):
    """Every output of a shuffle of 8 has log2 8! bits in every order; the bound holds."""
    rows = list(rounds.rows_of(shuffler, "shuffle", 20))
    assert not rounds.violations(rows)
    valid = [row for row in rows if row.kind == "mean" and row.validity == 1]
    assert valid
    for row in valid:
        assert row.information == pytest.approx(np.log2(40320), abs=1e-4)
        assert row.spread == pytest.approx(0, abs=1e-4)
        assert row.forced_rounds == sum(2 * (1 - 1 / m) >= row.factor for m in range(1, 9))
        assert row.obeying_rounds == sum(2 * (1 - 1 / m) <= row.factor for m in range(1, 9))
        assert row.printed > row.rounds + 1 or row.factor >= 1.25
    broken = rounds.violations([*rows, rounds.Row(**{**vars(rows[0]), "corrected": 99.0})])
    assert len(broken) == 1


def test_chains_repair_a_parallel_decoder(shuffler):
    rows = list(exploration.rows_of(shuffler, "shuffle", 2, 64))
    first = {row.rule: row for row in rows if row.k == 1}
    assert first["one by one, random order"].pass_at_k == 1
    parallel = first[f"{exploration.AT_ONCE} at once"].pass_at_k
    expected = (120 / 216) * (6 / 27)
    assert parallel == pytest.approx(expected, abs=0.12)
    repaired = first[f"chain of {exploration.AT_ONCE} at once, alpha 1, 16 steps"]
    assert repaired.pass_at_k > 0.8
    assert repaired.calls > 16
    for row in rows:
        assert row.pass_at_k >= first[row.rule].pass_at_k - 1e-12


def test_pass_at_k_is_the_chance_of_a_random_subset():
    right = np.array([True, False, False, False])
    assert exploration.pass_at_k(right, 1) == pytest.approx(1 / 4)
    assert exploration.pass_at_k(right, 2) == pytest.approx(1 / 2)
    assert exploration.pass_at_k(~right, 2) == 1


PROGRAMS = {
    "formulas": (formulas.Row, []),
    "rounds": (rounds.Row, []),
    "ete": (ete.Row, []),
    "tradeoffs": (tradeoffs.Row, []),
    "exploration": (exploration.Row, ["--prompts", "2"]),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", PROGRAMS)
def test_programs_write_their_tables(name, folder, tmp_path):
    row, options = PROGRAMS[name]
    samples = "32" if name == "exploration" else "3"
    command = [name, "--model", str(folder), "--samples", samples, "--output", str(tmp_path)]
    result = CliRunner().invoke(app, [*command, *options])
    assert result.exit_code == 0, result.output
    with (tmp_path / f"{name}.csv").open() as file:
        table = list(csv.DictReader(file))
    assert table
    assert set(row.__dataclass_fields__) <= set(table[0])
    assert table[0]["command"].startswith(f"python -m llm {name} --model")


@pytest.fixture
def small(monkeypatch):
    config = llada_config(
        vocab_size=2048, d_model=16, n_layers=1, n_heads=2, mlp_hidden_size=16,
        max_sequence_length=256, mask_token_id=2047,
    )  # fmt: skip
    network = Network.random(config)
    monkeypatch.setattr(gpu, "network_for", lambda device: (network, "small"))
    monkeypatch.setattr(gpu, "LENGTHS", (32, 64))
    monkeypatch.setattr(gpu, "BEAMS", (1, 4))


def test_parts_of_the_gpu_program(small):
    rows = list(gpu.latencies(3))
    assert [(row.length, row.batch) for row in rows] == [(32, 1), (32, 4), (64, 1), (64, 4)]
    assert all(0 < row.low <= row.seconds <= row.high for row in rows)
    assert [row.relative for row in rows if row.batch == 1] == [1, 1]
    for row in gpu.overheads(4):
        assert 1 <= row.rounds <= 4
        assert 0 < row.forward_seconds < row.round_seconds
        assert row.share == pytest.approx(1 - row.forward_seconds / row.round_seconds)
    for row in gpu.memories():
        assert row.weights > 0
        assert row.forward >= 0


def test_tables_without_a_gpu_have_names_of_their_own(small, tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    result = CliRunner().invoke(
        app, ["gpu", "latency", "--output", str(tmp_path), "--repeats", "3"]
    )
    assert result.exit_code == 0, result.output
    assert (tmp_path / "cpu_latency.csv").is_file()
    assert "say nothing about a GPU's" in result.output


@pytest.mark.parametrize("gpu_there", [False, True])
def test_training_and_its_experiments_are_parts_of_their_own(gpu_there, tmp_path, monkeypatch):
    ran = []
    monkeypatch.setattr(gpu.subprocess, "run", lambda command, **_: ran.append(command[1:]))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpu_there)
    at = ["--output", str(tmp_path), "--folder", str(tmp_path / "model")]
    missing = CliRunner().invoke(app, ["gpu", "experiments", *at])
    assert missing.exit_code == 2
    assert "python -m llm gpu training first" in " ".join(missing.output.split())
    assert CliRunner().invoke(app, ["gpu", "training", *at]).exit_code == 0
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "config.json").touch()
    assert CliRunner().invoke(app, ["gpu", "experiments", *at]).exit_code == 0
    assert [command[:3] for command in ran] == [
        ["-m", "llm", part] for part in ("train", *gpu.EXPERIMENTS)
    ]
    folder = tmp_path / ("larger" if gpu_there else "smaller")
    assert folder.is_dir()
    for command in ran:
        options = dict(zip(command[3::2], command[4::2], strict=False))
        assert options["--device"] == ("cuda" if gpu_there else "cpu")
        assert str(folder) in " ".join(command)
