"""Benchmarks beside others: the others compute the same, what is missing is said, and the page."""

import math
import subprocess
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import infodecode
from benchmarks import __main__ as command
from benchmarks import comparison, decoders, heart, information, loop, numpy_decoder, page
from infodecode import Decoder, distributions, strategies

RUNNER = CliRunner()


@pytest.fixture(scope="module")
def rows():
    return decoders.chain(6, 200)


# Comparison -------------------------------------------------------------------------------------


def test_calls_take_turns_after_one_that_is_not_counted():
    said = []
    seconds = comparison.in_turn(
        {"a": lambda: said.append("a"), "b": lambda: said.append("b")}, repeat=2
    )
    assert "".join(said) == "ababab"
    assert {name: len(found) for name, found in seconds.items()} == {"a": 2, "b": 2}
    assert min(seconds["a"]) >= 0


def test_a_ratio_is_of_the_same_repetition():
    found = comparison.ratio([2, 30, 8], [1, 10, 1], scale=5)
    assert (found.value, found.low, found.high) == (15, 10, 40)


def test_a_table_says_what_made_it(tmp_path):
    row = heart.Row("what", 1 / 3, 0.0, 1.0, "s", 0.5)
    path = tmp_path / "new" / "table.csv"
    comparison.write(
        comparison.frame_of([row, replace(row, value=1.0)]), path,
        command="python -m x", about=comparison.versions("nonesuch"), digits=2,
    )  # fmt: skip
    frame = pd.read_csv(path)
    assert list(frame["value"]) == [0.33, 1.0]
    assert list(frame["met"]) == [True, False]
    assert frame["command"][0] == "python -m x"
    assert "nonesuch not installed" in frame["versions"][0]
    assert f"infodecode {infodecode.__version__}" in frame["versions"][0]
    assert [p.name for p in path.parent.iterdir()] == ["table.csv"]


# Information ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", information.PEERS)
@pytest.mark.parametrize("quantity", information.OURS)
def test_peers_agree(name, quantity):
    if name not in information.installed()[0]:
        pytest.skip(f"{name} is not installed")
    samples = np.random.default_rng(1).binomial(2, 0.4, (300, 4))
    samples[:, 3] = samples[:, 0] * samples[:, 1] % 3
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        row = information.compared(
            information.PEERS[name](), quantity, "law", samples, repeat=1
        )  # fmt: skip
    assert row.met
    assert row.ours_bits == pytest.approx(row.peers_bits, abs=row.tolerance)
    assert row.ours_bits > 0.1
    assert row.low == row.ratio == row.high > 0
    assert not replace(row, difference=2 * row.tolerance).met


def test_missing_peers_are_said_and_left_out(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(information, "find_spec", lambda name: name == "numpy" or None)
    monkeypatch.setattr(information, "RESULTS", tmp_path / "information.csv")
    samples = np.array([[0, 0], [1, 1], [0, 1]])
    monkeypatch.setattr(information, "laws", lambda: {"three": (samples, tuple(information.OURS))})
    assert information.main() == 0
    assert "not installed, left out: pyitlib, hoi, dit" in capsys.readouterr().out
    frame = pd.read_csv(tmp_path / "information.csv")
    assert list(frame["peer"]) == ["numpy", "numpy"]
    bits = 2 * 0.9182958340544896 - math.log2(3)
    assert frame["ours_bits"].tolist() == pytest.approx([bits] * 2, rel=1e-5)


def test_a_peer_that_disagrees_fails_the_run(monkeypatch, tmp_path):
    wrong = information.Peer("numpy", lambda x: x, {"total correlation": lambda x: 7.0})
    monkeypatch.setattr(information, "PEERS", {"numpy": lambda: wrong})
    monkeypatch.setattr(information, "RESULTS", tmp_path / "information.csv")
    samples = np.array([[0, 0], [1, 1]])
    monkeypatch.setattr(information, "laws", lambda: {"two": (samples, ("total correlation",))})
    assert information.main() == 1


# Decoders ---------------------------------------------------------------------------------------


def test_the_plain_exact_law_is_the_exact_law(rows):
    run = infodecode.exact(distributions.from_samples(rows), Decoder(strategies.TopK(2)))
    output = numpy_decoder.exact_law(rows, 2)
    validity, kl = numpy_decoder.validity_and_kl(rows, output)
    assert validity == pytest.approx(float(run.validity), abs=1e-12)
    assert kl == pytest.approx(run.kl, abs=1e-12)
    assert validity < 0.99
    assert kl > 0.05


@pytest.mark.parametrize("plain", decoders.installed(), ids=lambda plain: plain.__name__)
@pytest.mark.parametrize("by", ["random", "confidence"])
def test_plain_decoders_find_the_exact_values(rows, plain, by):
    law, decoder = distributions.from_samples(rows), Decoder(strategies.TopK(2, by=by))
    peer = plain(rows, by, seed=0, size=1500)
    validity = decoders.share(peer.decode())
    assert infodecode.exact(law, decoder).validity in validity
    assert validity.high < 1
    lost = peer.path()
    error = lost.std() / math.sqrt(len(lost))
    assert lost.mean() == pytest.approx(infodecode.data_path(law, decoder).bits, abs=4 * error)


def test_most_confident_positions_come_first():
    rows = np.array([[0, 0, 0], [0, 1, 1], [1, 0, 2], [0, 0, 3]])
    generator = np.random.default_rng(0)
    masked = np.arange(3)
    firsts = {
        tuple(numpy_decoder.positions(rows, masked, 2, generator, "confidence")) for _ in range(50)
    }
    assert firsts == {(0, 1), (1, 0)}
    anything = {int(numpy_decoder.positions(rows, masked, 1, generator, "random")[0])
                for _ in range(50)}  # fmt: skip
    assert anything == {0, 1, 2}


def test_rows_of_decoders(rows):
    law = distributions.from_samples(rows)
    found = [
        *decoders.decodes("chain", law, rows, "random", 3, ours=2000, repeat=1),
        *decoders.data_paths("chain", law, rows, "confidence", 4, ours=2000, repeat=1),
        decoders.exact_laws("chain", rows, repeat=1),
    ]
    assert {row.job for row in found} == {"decodes", "data path", "exact law"}
    assert all(row.met for row in found)
    for row in found:
        assert row.ratio == pytest.approx(row.ours / row.peers)
        assert row.ours_low <= row.ours_value <= row.ours_high
    assert not replace(found[0], peers_low=found[0].exact + 0.01).met
    assert not replace(found[-1], ours_high=found[-1].exact - 1e-6).met


# The command and the page -----------------------------------------------------------------------


@pytest.fixture
def ran(monkeypatch, tmp_path):
    """Commands that would have been run; growth misses a target."""
    calls = []

    def run(arguments, check):
        calls.append(arguments[2:])
        return subprocess.CompletedProcess(arguments, int("benchmarks.growth" in arguments))

    monkeypatch.setattr(command.subprocess, "run", run)
    monkeypatch.setattr(page, "PAGE", tmp_path / "benchmarks.md")
    return calls


def test_every_part_runs_in_turn(ran):
    done = RUNNER.invoke(command.app, ["--llada", "one", "--fast-dllm", "two"])
    assert done.exit_code == 1
    assert [call[0] for call in ran] == [f"benchmarks.{name}" for name in command.PARTS]
    assert ran[2] == ["benchmarks.loop", "--llada", "one", "--fast-dllm", "two"]
    assert all(len(call) == 1 for call in ran if call[0] != "benchmarks.loop")
    assert page.PAGE.exists()


def test_parts_run_alone_and_the_loop_needs_checkouts(ran):
    done = RUNNER.invoke(command.app, ["heart", "loop"])
    assert done.exit_code == 0
    assert ran == [["benchmarks.heart"]]
    assert "loop: skipped: give --llada or --fast-dllm" in done.output


def test_unknown_parts_are_refused(ran):
    done = RUNNER.invoke(command.app, ["speed"])
    assert done.exit_code == 2
    assert "got 'speed'" in done.output
    assert ran == []


def test_every_part_is_a_module_and_a_section():
    assert list(page.SECTIONS) == list(command.PARTS)
    for name in command.PARTS:
        assert Path(f"benchmarks/{name}.py").exists()


def test_the_page_says_what_was_not_measured(tmp_path):
    text = page.written(tmp_path)
    for name in page.SECTIONS:
        assert f"Not measured: `python -m benchmarks {name}`." in text


def test_page_has_the_rows(tmp_path):
    row = heart.Row("a path", 0.0123, 0.01, 0.02, "s", 0.5)
    comparison.write(
        comparison.frame_of([row, heart.Row("a ratio", 99.0, 90.0, 2000.0, "x", 100.0)]),
        tmp_path / "heart.csv", command="python -m x", about="versions",
    )  # fmt: skip
    text = page.written(tmp_path)
    assert "| a path | 12 ms | 10 ms to 20 ms | at most 500 ms |" in text
    assert "| a ratio | 99x | 90x to 2,000x | at least 100x |" in text
    assert "Target met in 1 of 2 rows." in text


def test_the_committed_page_is_that_of_the_committed_tables():
    """``python -m benchmarks page`` renews it."""
    assert page.PAGE.read_text("utf-8") == page.written()


def test_committed_tables_agree():
    for name in ("information", "decoders"):
        frame = pd.read_csv(f"results/benchmarks/{name}.csv")
        assert frame["met"].all(), name
        assert (frame["low"] <= frame["ratio"]).all()
        assert (frame["ratio"] <= frame["high"]).all()
    assert set(pd.read_csv("results/benchmarks/information.csv")["peer"]) == set(information.PEERS)


def test_a_checkout_without_the_loop_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no generate\.py in"):
        loop.generate_of(tmp_path, "generate.py")
