"""The console command: what it prints, its JSON, its pictures, and one line for every bad input."""

import inspect
import json
import math
import shlex
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import infodecode
from infodecode import Decoder, distributions, strategies
from infodecode.cli import frontiers, listing, main, parsing, readers, show, vocabulary

COMMANDS = ("bounds", "exact", "simulate", "frontier", "sample", "list")


class Outcome:
    """Exit status and output of one call of the command, in this process."""

    def __init__(self, capsys, *arguments):
        with pytest.raises(SystemExit) as stop:
            main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        self.status = stop.value.code or 0
        self.out, self.err = captured.out, captured.err

    @property
    def record(self):
        return json.loads(self.out, parse_constant=pytest.fail)


@pytest.fixture
def command(capsys):
    return lambda *arguments: Outcome(capsys, *arguments)


@pytest.fixture
def survey(tmp_path):
    path = tmp_path / "survey.csv"
    path.write_text("age,smoker,people\nyoung,no,3\nold,yes,2\nold,no,1\n", encoding="utf-8")
    return path


def test_bounds_shows_every_number_of_rounds(command):
    outcome = command("bounds", "permutations:5")
    assert (outcome.status, outcome.err) == (0, "")
    for bits in ("4.70275", "2.05889", "0.906891", "0.321928"):
        assert bits in outcome.out


def test_bounds_json_is_the_report(command):
    record = command("bounds", "replace_random:6", "--json").record
    report = infodecode.bounds(distributions.replace_random(6))
    assert record["length"] == 6
    np.testing.assert_allclose(record["partition_bits"], report.partition_bits)
    np.testing.assert_allclose(record["random_order_bits"], report.random_order_bits)
    assert sorted(i for block in record["partitions"][2] for i in block) == list(range(6))
    assert record["partition_bits"][-1] == 0


def test_bounds_of_a_long_law_shows_a_choice_of_rounds(command):
    outcome = command("bounds", "permutations:200")
    assert outcome.status == 0
    assert "of 200 numbers of rounds shown" in outcome.out
    assert len(outcome.out.splitlines()) < 60


def test_bounds_says_what_could_not_be_computed(command, tmp_path):
    table, picture = tmp_path / "wide.csv", tmp_path / "wide.png"
    columns = [f"c{k}" for k in range(24)]
    rows = [",".join(str((row >> k % 8) & 1) for k in range(24)) for row in range(50)]
    table.write_text("\n".join([",".join(columns), *rows]), encoding="utf-8")
    outcome = command("bounds", table, "--plot", picture)
    assert (outcome.status, outcome.err) == (0, "")
    assert "note: " in outcome.out
    assert "L*_T" not in outcome.out
    assert picture.stat().st_size > 0
    assert command("bounds", table, "--json").record["partition_bits"] is None


def test_bounds_names_the_columns_of_a_csv_file(command, survey):
    outcome = command("bounds", survey, "--count", "people")
    assert outcome.status == 0
    assert "age | smoker" in outcome.out or "smoker | age" in outcome.out
    chosen = command("bounds", survey, "--count", "people", "--columns", "smoker", "--json").record
    assert chosen["length"] == 1
    assert chosen["entropy"] == pytest.approx(-(2 / 3) * math.log2(2 / 3) - math.log2(1 / 3) / 3)


def test_exact_in_fractions(command):
    outcome = command("exact", "replace_random:6", "--strategy", "top_k:2,by=random", "--rational")
    assert (outcome.status, outcome.err) == (0, "")
    assert "845/1152" in outcome.out
    record = command("exact", "replace_random:6", "--strategy", "top_k:2", "--rational", "--json")
    assert record.record["fractions"]["validity"] == "845/1152"
    assert record.record["validity"] == pytest.approx(845 / 1152)


def test_exact_says_that_absorbed_runs_have_no_rounds(command):
    record = command("exact", "permutations:4", "--json").record
    assert record["absorbed"] > 0
    assert record["expected_rounds"] is None
    followed = command("exact", "permutations:4", "--off-support", "marginal", "--json").record
    assert followed["expected_rounds"] == pytest.approx(2)
    assert "--off-support" in command("exact", "permutations:4").out


def test_exact_passes_every_decoder_option_on(command):
    options = {
        "temperature": 0,
        "order": "sample-then-choose",
        "token_ties": "lowest",
        "position_ties": "lowest",
        "confidence": "tempered",
    }
    flags = [
        part for key, value in options.items() for part in (f"--{key.replace('_', '-')}", value)
    ]
    record = command(
        "exact", "permutations:4", "--strategy", "top_k:2,by=confidence", *flags,
        "--blocks", "left_to_right:2", "--off-support", "uniform", "--json",
    ).record  # fmt: skip
    run = infodecode.exact(
        distributions.permutations(4),
        Decoder(strategies.TopK(2, by="confidence"), blocks=strategies.LeftToRight(2), **options),
        off_support="uniform",
    )
    assert record["validity"] == pytest.approx(run.validity)
    assert record["kl"] == ("inf" if math.isinf(run.kl) else pytest.approx(run.kl))
    assert record["off_support"] == "uniform"


def test_infinite_divergence_is_a_string_in_json(command):
    outcome = command(
        "exact", "replace_random:6", "--strategy", "top_k:6", "--temperature", 0, "--json"
    )
    assert outcome.record["kl"] == "inf"


def test_simulation_agrees_with_the_library_on_any_number_of_threads(command):
    arguments = ("simulate", "replace_random:6", "--strategy", "factor:1", "--samples", 2000)
    one = command(*arguments, "--seed", 3, "--threads", 1, "--json").record
    two = command(*arguments, "--seed", 3, "--threads", 2, "--json").record
    assert one == two
    estimate = infodecode.simulate(
        distributions.replace_random(6), Decoder(strategies.Factor(1.0)), samples=2000, seed=3
    )
    assert one["validity"]["value"] == estimate.validity.value
    assert sum(one["rounds"]) == one["samples"] == 2000


def test_simulation_stops_at_the_precision(command):
    record = command(
        "simulate", "permutations:6", "--samples", 1_000_000, "--precision", 0.05, "--json"
    ).record
    assert record["samples"] < 1_000_000
    interval = record["validity"]
    assert interval["high"] - interval["low"] <= 0.1 + 1e-9


def test_simulation_table(command):
    outcome = command("simulate", "copy:5", "--samples", 1000)
    assert (outcome.status, outcome.err) == (0, "")
    assert "1,000 sequences, seed 0" in outcome.out
    assert "expected rounds" in outcome.out


def test_frontier_table(command):
    outcome = command("frontier", "replace_random:6", "--strategies", "factor,top_k:2")
    assert (outcome.status, outcome.err) == (0, "")
    words = " ".join(outcome.out.split())
    assert "replace_random(6): 6 positions, temperature 1, choose-then-sample" in words
    assert "* 2 2 0.3152 0.6651 0.5901 0.0750 0.8038 mixture Factor(factor=1.1)" in words
    assert "4.3333 4.3333 0 0 0 0 1 inside Factor(factor=0.1), 2 more alike" in words
    assert "mixture: the same, but its positions are partly random" in words
    assert "entropy" not in words
    assert "oracle" not in words


def test_frontier_with_entropy_and_oracle(command):
    arguments = ("frontier", "copy:3", "--strategies", "threshold:0.9", "--entropy", "--oracle")
    outcome = command(*arguments, "--samples", 50)
    words = " ".join(outcome.out.split())
    assert "valid entropy kind decoder" in words
    assert "the best threshold of 0.9, with the same random numbers" in words
    assert "rounds 1 [1, 1], validity 1" in words


def test_frontier_json_is_the_frontier(command):
    record = command(
        "frontier", "replace_random:5", "--strategies", "threshold,top_k:2,by=confidence",
        "--oracle", "--samples", 400, "--seed", 2, "--entropy", "--json",
    ).record  # fmt: skip
    law = distributions.replace_random(5)
    wanted = [strategies.Threshold, strategies.TopK(2, by="confidence")]
    front = infodecode.frontier(law, wanted, oracle=True, samples=400, seed=2, entropy=True)
    assert len(record["points"]) == len(front.points)
    for shown, point in zip(record["points"], front.points, strict=True):
        for name in ("rounds", "data_rounds", "kl", "path_kl", "regret", "validity", "entropy"):
            assert shown[name] == pytest.approx(getattr(point, name))
        assert (shown["kind"], shown["pareto"]) == (point.kind, point.pareto)
        assert shown["adaptive_bits"] == pytest.approx(front.beside(point)["adaptive_bits"])
    assert record["oracle"]["coupling"] == "shared"
    assert record["oracle"]["rounds"]["value"] == front.oracle.rounds.value
    np.testing.assert_allclose(record["adaptive_curve"], front.adaptive_curve)
    np.testing.assert_allclose(record["partition_bits"], front.bounds.partition_bits)


def test_frontier_of_what_lies_outside(command):
    arguments = ("frontier", "replace_random:3", "--strategies", "factor:1.2")
    record = command(*arguments, "--order", "sample-then-choose", "--json").record
    [point] = record["points"]
    assert (point["kind"], point["kl"], point["path_kl"]) == ("draws first", 0, None)
    assert point["adaptive_bits"] == pytest.approx(0.1677527782585486)
    arguments = ("frontier", "replace_random:3", "--strategies", "top_k:3", "--temperature", 0)
    greedy = command(*arguments, "--json").record["points"][0]
    assert (greedy["kind"], greedy["kl"]) == ("greedy", "inf")
    assert "inf" in command(*arguments).out


def test_frontier_says_what_was_simulated_or_is_unknown(command):
    law = "1/2 * permutations:20 | 1/2 * reverse:20"
    arguments = ("frontier", law, "--strategies", "top_k:20", "--samples", 50)
    outcome = command(*arguments)
    words = " ".join(outcome.out.split())
    assert "inside ~" in words
    assert "~ too large to be exact" in words
    assert "note: the adaptive optimum of mixture(permutations(20)" in words
    [point] = command(*arguments, "--json").record["points"]
    assert point["method"] == "simulated"
    assert point["validity_interval"]["low"] <= point["validity"]


def test_strategies_and_their_values_are_told_apart():
    parse = frontiers.parse_strategies
    assert parse("threshold, factor") == [strategies.Threshold, strategies.Factor]
    assert parse("top_k:2,by=confidence,factor:0.5,as_shipped=true,threshold") == [
        strategies.TopK(2, by="confidence"),
        strategies.Factor(0.5, as_shipped=True),
        strategies.Threshold,
    ]
    assert parse("one_by_one") == [strategies.OneByOne()]
    assert {"top_k", "threshold", "factor"} <= set(frontiers.with_grids())
    for name in frontiers.with_grids():
        [family] = parse(name)
        assert family.grid(6)


@pytest.mark.parametrize("suffix", ["png", "svg", "pdf"])
@pytest.mark.parametrize("name", ["bounds", "exact", "simulate", "frontier"])
def test_plot_writes_the_file(command, tmp_path, name, suffix):
    path = tmp_path / f"picture.{suffix}"
    assert command(name, "replace_random:4", "--plot", path).status == 0
    starts = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}
    assert path.read_bytes().startswith(starts[suffix])


def test_version_and_help(command):
    assert command("--version").out.split() == ["infodecode", infodecode.__version__]
    for arguments in ([], ["--help"]):
        outcome = command(*arguments)
        assert outcome.status == 0
        assert all(f" {name} " in outcome.out for name in COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_help_of_a_command_has_examples_that_work(command, name, monkeypatch, survey):
    monkeypatch.chdir(survey.parent)
    lines = [line.strip(" │") for line in command(name, "--help").out.splitlines()]
    examples = [shlex.split(line) for line in lines if line.startswith(f"infodecode {name}")]
    assert len(examples) >= 2
    for _, *arguments in examples:
        assert command(*arguments).status == 0, arguments


BAD = {
    "no argument": (["bounds"], "LAW|FILE.csv"),
    "unknown command": (["bound", "copy:3"], "bound"),
    "unknown option": (["bounds", "copy:3", "--jsn"], "--jsn"),
    "unknown law": (["bounds", "permutation:6"], "'permutations'"),
    "unknown law says where all are": (["bounds", "zzz"], "'infodecode list'"),
    "empty law": (["bounds", ""], "distribution must be a name"),
    "no parameter": (["bounds", "permutations"], "needs n (example: permutations:6)"),
    "no value": (["bounds", "permutations:"], "n must be an integer"),
    "not an integer": (["bounds", "permutations:2.5"], "n must be an integer"),
    "zero positions": (["bounds", "permutations:0"], "n must be at least"),
    "negative": (["bounds", "copy:-1"], "n must be at least"),
    "index outside": (["bounds", "replace_index:5,5"], "i must be at most 4"),
    "too many values": (["bounds", "copy:3,4"], "at most 1"),
    "value for a plain name": (["bounds", "titanic:3"], "titanic"),
    "unknown keyword": (["bounds", "copy:m=3"], "'m'"),
    "repeated keyword": (["bounds", "copy:3,n=3"], "n is given twice"),
    "missing file": (["bounds", "no/such/file.csv"], "no/such/file.csv"),
    "count without a file": (["bounds", "copy:3", "--count", "x"], "--count"),
    "plot suffix": (["bounds", "copy:3", "--plot", "x.gif"], "--plot"),
    "plot folder": (["bounds", "copy:3", "--plot", "no/such/x.png"], "no/such"),
    "unknown strategy": (["exact", "copy:3", "--strategy", "topk:2"], "'top_k'"),
    "k of zero": (["exact", "copy:3", "--strategy", "top_k:0"], "k"),
    "k not an integer": (["exact", "copy:3", "--strategy", "top_k:x"], "k must be an integer"),
    "unknown order of positions": (["exact", "copy:3", "--strategy", "top_k:2,by=luck"], "by"),
    "threshold above one": (["exact", "copy:3", "--strategy", "threshold:1.5"], "gamma"),
    "threshold NaN": (["exact", "copy:3", "--strategy", "threshold:nan"], "gamma"),
    "flag": (["exact", "copy:3", "--strategy", "threshold:.9,inclusive=1"], "inclusive"),
    "factor": (["exact", "copy:3", "--strategy", "factor:-1"], "factor"),
    "blocks that overlap": (["exact", "copy:3", "--strategy", "fixed_partition:0-1/1-2"], "1"),
    "blocks too short": (["exact", "copy:3", "--strategy", "fixed_partition:0-1"], "blocks"),
    "unknown block policy": (["exact", "copy:3", "--blocks", "left:2"], "'left'"),
    "block length": (["exact", "copy:3", "--blocks", "left_to_right:0"], "block_length"),
    "negative temperature": (["exact", "copy:3", "--temperature", "-1"], "temperature"),
    "temperature NaN": (["exact", "copy:3", "--temperature", "nan"], "temperature"),
    "temperature text": (["exact", "copy:3", "--temperature", "hot"], "temperature"),
    "order": (["exact", "copy:3", "--order", "both"], "--order"),
    "off support": (["simulate", "copy:3", "--off-support", "absorb"], "--off-support"),
    "natural where there is none": (
        ["simulate", "titanic", "--off-support", "natural"],
        "off_support",
    ),
    "no samples": (["simulate", "copy:3", "--samples", "0"], "samples"),
    "no threads": (["simulate", "copy:3", "--threads", "0"], "threads"),
    "precision": (["simulate", "copy:3", "--precision", "0"], "precision"),
    "too large to enumerate": (
        ["exact", "permutations:40", "--strategy", "top_k:20", "--no-orbits"],
        "max_children",
    ),
    "orbits of a law without symmetry": (["exact", "titanic", "--orbits"], "not exchangeable"),
    "no strategies": (["frontier", "copy:3", "--strategies", ""], "'infodecode list'"),
    "unknown strategy of several": (
        ["frontier", "copy:3", "--strategies", "thresh,factor"],
        "did you mean 'threshold'",
    ),
    "value of a strategy among several": (
        ["frontier", "copy:3", "--strategies", "factor,threshold:2"],
        "gamma must be at most 1",
    ),
    "parameter of a strategy among several": (
        ["frontier", "copy:3", "--strategies", "top_k:2,by=luck,factor"],
        "by must be one of",
    ),
    "strategy without a grid": (
        ["frontier", "copy:3", "--strategies", "fixed_partition"],
        "needs blocks",
    ),
    "quantity of a frontier": (["frontier", "copy:3", "--show", "bits"], "--show"),
    "samples of a frontier": (["frontier", "copy:3", "--samples", "0"], "samples"),
    "picture of a frontier": (["frontier", "copy:3", "--plot", "x.gif"], "--plot"),
    "group": (["list", "laws"], "distributions, strategies, models, blocks"),
    "sizes below zero": (["sample", "copy:3", "--size", "-1"], "size"),
    "seed below zero": (["sample", "copy:3", "--seed", "-1"], "seed"),
    "clues": (["bounds", "sudoku:12"], "16 characters"),
    "values for a name without any": (["bounds", "variable_names:3"], "at most 0"),
    "bits": (["bounds", "linear_code:012"], "check must be zeros and ones"),
    "rows of bits": (["bounds", "linear_code:01/0"], "check must have rows of the same length"),
    "rows of a matrix": (["bounds", "markov_chain:1 0; 1,length=3"], "rows of the same length"),
    "matrix": (["bounds", "markov_chain:0.9 0.1/0.2 0.8,length=3"], "separated by ';'"),
    "zero denominator": (["bounds", "markov_chain:1/0,length=3"], "1/4"),
    "huge exponent": (["bounds", "markov_chain:1e999,length=3"], "1/4"),
    "no law of the next state": (
        ["bounds", "markov_chain:0.9 0.1; 0.2 0.9,length=3"],
        "transition[1] must add up to 1",
    ),
    "vector": (["bounds", "markov_chain:1,length=3,initial="], "initial must be numbers"),
    "length": (["bounds", "markov_chain:1"], "needs length"),
    "model": (["exact", "copy:3", "--model", "nosy:1"], "'noisy'"),
    "no scale": (["exact", "copy:3", "--model", "noisy"], "needs scale"),
    "scale": (["simulate", "copy:3", "--model", "noisy:-1"], "scale must be at least 0"),
    "the model of a model": (["exact", "copy:3", "--model", "noisy:1,model=x"], "'model'"),
    "ideal with a value": (["exact", "copy:3", "--model", "ideal:1"], "at most 0"),
    "fractions of a noisy model": (
        ["exact", "copy:3", "--model", "noisy:1", "--rational"],
        "--rational needs --model ideal",
    ),
    "orbits of a noisy model": (
        ["exact", "permutations:4", "--model", "noisy:1", "--orbits"],
        "not the ideal one",
    ),
    "noisy and natural where there is none": (
        ["exact", "titanic", "--model", "noisy:1", "--off-support", "natural"],
        "off_support",
    ),
    "no weight": (["bounds", "copy:3 | reverse:3"], "needs its weight first, got 'copy:3'"),
    "weight last": (["bounds", "copy:3 * 1/2 | reverse:3 * 1/2"], "a weight must be a number"),
    "weight alone": (["bounds", "1/2 * copy:3"], "belongs in a mixture"),
    "weights": (["bounds", "1/2 * copy:3 | 1/3 * reverse:3"], "weights"),
    "weight of zero": (["bounds", "0 * copy:3 | 1 * reverse:3"], "weights must all be positive"),
    "parts that differ": (["bounds", "1/2 * copy:3 | 1/2 * copy:4"], "parts must share"),
    "nothing to add": (["bounds", "copy:3 +"], "on both sides of +"),
    "nothing to mix": (["bounds", "| 1 * copy:3"], "on both sides of |"),
    "parenthesis left open": (["bounds", "(copy:3 + copy:3"], "matching parentheses"),
    "parenthesis too many": (["bounds", "copy:3) + (copy:3"], "matching parentheses"),
    "unknown law in a sum": (["bounds", "copy:3 + cpoy:3"], "'copy'"),
    "file in a sum": (["bounds", "survey.csv + copy:3"], "files cannot"),
    "file at the end of a sum": (["bounds", "copy:3 + survey.csv"], "files cannot"),
    "count with a sum": (["bounds", "copy:3 + copy:3", "--count", "x"], "--count"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_line_and_status_2(command, case):
    arguments, needle = BAD[case]
    outcome = command(*arguments)
    assert outcome.status == 2
    assert outcome.out == ""
    assert len(outcome.err.splitlines()) == 1
    assert outcome.err.startswith("infodecode: ")
    assert needle in outcome.err


@pytest.mark.parametrize(
    ("text", "needle"),
    [
        ("", "header"),
        ("a,b\n", "at least one row"),
        ("a,b\n1,\n", "missing"),
        ("a,b\n1,2,3\n", "b"),
        ("a,count\nx,-1\n", "count"),
        ("a,count\nx,many\n", "count"),
        ("a,count\nx,0\n", "count column"),
    ],
)
def test_bad_files(command, tmp_path, text, needle):
    path = tmp_path / "bad.csv"
    path.write_text(text, encoding="utf-8")
    counted = ["--count", "count"] if "count" in text else []
    outcome = command("bounds", path, *counted)
    assert (outcome.status, outcome.out) == (2, "")
    assert len(outcome.err.splitlines()) == 1
    assert needle in outcome.err


def test_unknown_columns(command, survey):
    for option in ("--columns", "--count"):
        outcome = command("bounds", survey, option, "nope")
        assert outcome.status == 2
        assert "'nope'" in outcome.err


def parse_model(text):
    return parsing.parse_model(text, distributions.copy(2), "absorb")


@given(st.text(max_size=20))
def test_any_text_is_an_object_or_a_value_error(text):
    for parse in (
        parsing.parse_distribution,
        parsing.parse_strategy,
        parsing.parse_blocks,
        parse_model,
    ):
        try:
            parse(text)
        except ValueError as error:
            assert str(error)  # noqa: PT017


PARSERS = {
    **dict.fromkeys(vocabulary.DISTRIBUTIONS, parsing.parse_distribution),
    **dict.fromkeys(vocabulary.STRATEGIES, parsing.parse_strategy),
    **dict.fromkeys(vocabulary.MODELS, parse_model),
    **dict.fromkeys(vocabulary.BLOCK_POLICIES, parsing.parse_blocks),
}


@settings(deadline=None)
@given(st.sampled_from(sorted(PARSERS)), st.text(alphabet="012.-,=/;abkeny (+|*)", max_size=8))
def test_any_parameters_are_an_object_or_a_value_error(name, text):
    try:
        PARSERS[name](f"{name}:{text}")
    except ValueError as error:
        assert str(error)  # noqa: PT017


@pytest.mark.parametrize(
    ("text", "strategy"),
    [
        ("top_k:2,by=confidence", strategies.TopK(2, by="confidence")),
        ("top_k:3-2-1", strategies.TopK((3, 2, 1))),
        ("one_by_one", strategies.OneByOne()),
        ("one_by_one:by=entropy", strategies.OneByOne("entropy")),
        ("threshold:0.9,inclusive=true", strategies.Threshold(0.9, inclusive=True)),
        ("threshold:gamma=0.9,fallback=2", strategies.Threshold(0.9, fallback=2)),
        ("factor:0.5,as_shipped=yes", strategies.Factor(0.5, as_shipped=True)),
        ("fixed_partition:0-1/2-3", strategies.FixedPartition([(0, 1), (2, 3)])),
    ],
)
def test_strategy_grammar(text, strategy):
    assert parsing.parse_strategy(text) == strategy


def masses(law):
    """Every outcome with its probability, as labels."""
    table = law.table()
    rows = map(table.labels_of, table.outcomes)
    return dict(zip(rows, table.probabilities, strict=True))


def assert_same(law, expected):
    assert law.names == expected.names
    assert masses(law) == pytest.approx(masses(expected))


CHAIN = [[Fraction(9, 10), Fraction(1, 10)], [Fraction(1, 5), Fraction(4, 5)]]
HAMMING = [[1, 0, 1, 0, 1, 0, 1], [0, 1, 1, 0, 0, 1, 1], [0, 0, 0, 1, 1, 1, 1]]


@pytest.mark.parametrize(
    ("text", "law"),
    [
        ("shuffled:4", distributions.shuffled(4)),
        ("derangements:n=4", distributions.derangements(4)),
        ("insert_random:3", distributions.insert_random(3)),
        ("insert_index:3,i=1", distributions.insert_index(3, 1)),
        ("remove_random:4", distributions.remove_random(4)),
        ("remove_index:4,1", distributions.remove_index(4, 1)),
        ("reverse:4", distributions.reverse(4)),
        ("sort:4,3", distributions.sort(4, seed=3)),
        ("latin_squares:3", distributions.latin_squares(3)),
        ("sudoku:1... ..3. .... 4...", distributions.sudoku("1.....3.....4...")),
        ("sudoku", distributions.sudoku()),
        ("parity:4,odd=true", distributions.parity(4, odd=True)),
        ("linear_code:1010101/0110011/0001111", distributions.linear_code(HAMMING)),
        (
            "linear_code:1010101 / 0110011 / 0001111, syndrome=101",
            distributions.linear_code(HAMMING, syndrome=[1, 0, 1]),
        ),
        ("markov_chain:0.9 0.1; 0.2 0.8,length=4", distributions.markov_chain(CHAIN, length=4)),
        (
            "markov_chain:9/10 1/10;1/5 4/5, 4, initial = 1 0, labels = sun rain",
            distributions.markov_chain(CHAIN, length=4, initial=[1, 0], labels=["sun", "rain"]),
        ),
        (
            "hidden_markov:0.9 0.1; 0.2 0.8,1/2 1/2 0; 0 1/3 2/3,length=3",
            distributions.hidden_markov(CHAIN, [[0.5, 0.5, 0], [0, 1 / 3, 2 / 3]], length=3),
        ),
        ("profile_records:20,seed=2", distributions.profile_records(20, seed=2)),
        ("variable_names", distributions.variable_names()),
        ("phrases:New York/Mexico City", distributions.phrases()),
        ("phrases:a b / c d,weights=3 1", distributions.phrases(["a b", "c d"], [3, 1])),
        ("phrases:a b/c d,weights=0.75 1/4", distributions.phrases(["a b", "c d"], [3, 1])),
        ("article", distributions.article()),
        ("words:3,weighted=yes,most=9", distributions.words(3, weighted=True, most=9)),
    ],
)
def test_distribution_grammar(text, law):
    assert_same(parsing.parse_distribution(text), law)


def test_typed_numbers_are_exact(command):
    parsed = parsing.parse_distribution("markov_chain:0.9 0.1; 0.2 0.8,length=3")
    assert parsed.table().integer
    text = "0.3 * copy:2 | 0.7 * reverse:2"
    record = command("exact", text, "--strategy", "top_k:2", "--rational", "--json").record
    assert record["fractions"]["validity"] == "29/50"


numbers = st.fractions(min_value=0, max_value=1, max_denominator=1000)


@given(st.lists(numbers, min_size=1, max_size=5))
def test_numbers_are_read_as_integers_fractions_or_floats(values):
    read = readers.vector(" ".join(map(str, values)))
    assert read == pytest.approx([float(value) for value in values])
    if all(value in (0, 1) for value in values):
        assert all(type(value) is int for value in read)
    else:
        kind = Fraction if sum(values) == 1 else float
        assert all(type(value) is kind for value in read)


@pytest.mark.parametrize("digits", [3, 20])
def test_decimals_with_many_digits_become_floats(digits):
    tail = "3" * digits
    read = readers.vector(f"0.{tail} 0.{'6' * (digits - 1)}7")
    assert [type(value) for value in read] == [Fraction if digits == 3 else float] * 2
    assert math.fsum(read) == pytest.approx(1)


@st.composite
def laws(draw, depth=2):
    """Text and the law that it means, of three positions."""
    kind = draw(st.sampled_from(["leaf", "mixture", "sum"])) if depth else "leaf"
    if kind == "leaf":
        name = draw(st.sampled_from(["copy", "reverse", "permutations", "derangements"]))
        return f"{name}:3", getattr(distributions, name)(3)
    if kind == "mixture":
        parts = draw(st.lists(laws(depth - 1), min_size=2, max_size=3))
        length = min(law.length for _, law in parts)
        parts = [part for part in parts if part[1].length == length]
        weights = [draw(st.integers(1, 9)) for _ in parts]
        shares = [Fraction(weight, sum(weights)) for weight in weights]
        written = draw(st.sampled_from([weights, shares]))
        text = " | ".join(
            f"{share} * ({part})" for share, (part, _) in zip(written, parts, strict=True)
        )
        if len(parts) == 1:
            return parts[0]
        return f"({text})", distributions.mixture([law for _, law in parts], weights)
    (a, left), (b, right) = draw(laws(0)), draw(laws(depth - 1))
    return f"{a}+{b}", distributions.concatenate(left, right)


@settings(max_examples=40, deadline=None)
@given(laws())
def test_sums_and_mixtures_are_those_of_the_library(case):
    text, law = case
    parsed = parsing.parse_law(text)
    assert parsed.alphabet_sizes == law.alphabet_sizes
    assert masses(parsed) == pytest.approx(masses(law))


def test_plus_binds_tighter_than_bar_and_a_weight_takes_all_of_its_part():
    text = "1/4 * copy:2 + parity:2 | 3/4 * reverse:2 + parity:2,odd=yes"
    d = distributions
    even = d.concatenate(d.copy(2), d.parity(2))
    odd = d.concatenate(d.reverse(2), d.parity(2, odd=True))
    assert_same(parsing.parse_law(text), d.mixture([even, odd], [1, 3]))
    text = "parity:2 + (0.25 * copy:2 | 0.75 * reverse:2)"
    mixed = d.mixture([d.copy(2), d.reverse(2)], [1, 3])
    assert_same(parsing.parse_law(text), d.concatenate(d.parity(2), mixed))


@pytest.mark.parametrize("name", ["a + b.csv", "a|b.csv", "1 * (x.CSV", "copy:3.csv", "a+b.txt"])
def test_files_with_separators_in_their_names_are_files(command, survey, monkeypatch, name):
    monkeypatch.chdir(survey.parent)
    survey.rename(name)
    record = command("bounds", name, "--count", "people", "--json").record
    assert record["length"] == 2


def test_a_known_name_is_that_law_whatever_files_there_are(survey, monkeypatch):
    monkeypatch.chdir(survey.parent)
    for name in ("titanic", "copy:3"):
        survey.with_name(name).write_text("a,b\n1,2\n", encoding="utf-8")
        assert_same(
            parsing.parse_distribution(name),
            distributions.titanic() if name == "titanic" else distributions.copy(3),
        )


def test_a_very_long_law_is_not_taken_for_a_path():
    law = parsing.parse_distribution(" + ".join(["copy:2"] * 3000))
    assert law.length == 6000


def first_argument(line):
    """The first word of a line as a shell reads it."""
    lexer = shlex.shlex(line, posix=True)
    lexer.whitespace_split, lexer.commenters = True, ""
    return lexer.get_token()


@pytest.mark.parametrize("group", vocabulary.GROUPS)
def test_list_shows_each_example_as_typed(command, group):
    examples = [entry.example for entry in vocabulary.GROUPS[group].values()]
    lines = command("list", group).out.splitlines()
    first = [first_argument(line) for line in lines if line.startswith("  ") and line[2] != " "]
    assert [text for text in first if text in examples] == examples


def test_list_fits_80_columns_and_says_what_and_where(command):
    outcome = command("list")
    assert (outcome.status, outcome.err) == (0, "")
    assert max(map(len, outcome.out.splitlines())) <= 80
    assert all(title in outcome.out for title in listing.TITLES.values())
    words = set(outcome.out.split())
    for entries in vocabulary.GROUPS.values():
        for entry in entries.values():
            assert set(entry.summary.split()) <= words
            assert set(entry.paper.split()) <= words


@pytest.mark.parametrize("group", [None, *vocabulary.GROUPS])
def test_list_in_json(command, group):
    record = command("list", *([] if group is None else [group]), "--json").record
    assert list(record) == (list(vocabulary.GROUPS) if group is None else [group])
    for name, entries in record.items():
        known = vocabulary.GROUPS[name]
        assert [entry["name"] for entry in entries] == list(known)
        for entry in entries:
            assert entry["example"] == known[entry["name"]].example
            assert entry["paper"] == known[entry["name"]].paper


def public(module):
    return {name: getattr(module, name) for name in dir(module) if not name.startswith("_")}


def test_everything_that_can_be_typed_has_a_name():
    factories = {name for name, value in public(distributions).items() if inspect.isfunction(value)}
    untyped = {"from_counts", "from_records", "from_samples", "concatenate", "mixture"}
    untyped |= {"power", "log2_power_sum", "log2_power_mass"}
    assert set(vocabulary.DISTRIBUTIONS) == factories - untyped
    builds = {entry.build for entry in vocabulary.STRATEGIES.values()}
    builds |= {entry.build for entry in vocabulary.BLOCK_POLICIES.values()}
    bases = {strategies.Strategy, strategies.BlockPolicy}
    for value in public(strategies).values():
        made_for_a_law = value is strategies.AdaptiveOptimum
        if inspect.isclass(value) and bases & set(value.__mro__[1:]) and not made_for_a_law:
            assert value in builds


def test_every_parameter_of_an_entry_is_one_of_its_factory():
    for entries in vocabulary.GROUPS.values():
        for entry in entries.values():
            assert set(entry.parameters) <= set(inspect.signature(entry.build).parameters)


@pytest.mark.parametrize("name", vocabulary.GROUPS["distributions"])
def test_bounds_of_every_example(command, name):
    entry = vocabulary.GROUPS["distributions"][name]
    outcome = command("bounds", entry.example, "--json")
    assert (outcome.status, outcome.err) == (0, "")
    assert outcome.record["length"] >= 2


@pytest.mark.parametrize("group", ["strategies", "models", "blocks"])
def test_every_other_example_decodes(command, group):
    option = {"strategies": "--strategy", "models": "--model", "blocks": "--blocks"}[group]
    for name, entry in vocabulary.GROUPS[group].items():
        assert entry.example.startswith(name)
        for verb in ("exact", "simulate"):
            more = ["--samples", 10] if verb == "simulate" else []
            outcome = command(verb, "permutations:4", option, entry.example, *more, "--json")
            assert (outcome.status, outcome.err) == (0, "")


@pytest.mark.parametrize("off_support", ["absorb", "marginal", "uniform", "natural"])
def test_exact_with_a_noisy_model(command, off_support):
    law = distributions.replace_random(5)
    rule = "marginal" if off_support == "absorb" else off_support
    model = infodecode.NoisyModel(infodecode.IdealModel(law, off_support=rule), 0.7, seed=3)
    run = infodecode.exact(
        law, Decoder(strategies.Factor(1.0)), model=model, off_support=off_support
    )
    arguments = ("exact", "replace_random:5", "--strategy", "factor:1", "--off-support")
    noisy = (*arguments, off_support, "--model", "noisy:0.7,seed=3")
    record = command(*noisy, "--json").record
    assert record["validity"] == pytest.approx(run.validity, abs=1e-12)
    assert record["kl"] == pytest.approx(run.kl)
    assert (record["model"], record["off_support"]) == ("noisy:0.7,seed=3", off_support)
    assert "model noisy:0.7,seed=3" in command(*noisy).out
    ideal = command(*arguments, off_support, "--json").record
    assert ideal["model"] == "ideal"
    assert ideal["validity"] != pytest.approx(run.validity, abs=1e-3)


def test_simulation_with_a_noisy_model(command):
    arguments = ("replace_random:5", "--strategy", "factor:1", "--model", "noisy:0.7,seed=3")
    record = command(
        "simulate", *arguments, "--off-support", "uniform", "--samples", 3000, "--json"
    ).record
    exact = command("exact", *arguments, "--off-support", "uniform", "--json").record
    assert record["model"] == "noisy:0.7,seed=3"
    assert record["validity"]["low"] <= exact["validity"] <= record["validity"]["high"]
    assert "model noisy:0.7" in command("simulate", *arguments, "--samples", 10).out


def test_orbits_are_automatic_and_can_be_chosen(command):
    arguments = ("exact", "permutations:6", "--strategy", "top_k:2")
    plain = command(*arguments, "--json").record
    over = command(*arguments, "--orbits", "--json").record
    assert (plain["orbits"], over["orbits"]) == (False, True)
    for name in ("validity", "kl", "total_variation"):
        assert over[name] == pytest.approx(plain[name])
    assert "over orbits" in command(*arguments, "--orbits").out
    assert "over orbits" not in command(*arguments).out
    long = ("exact", "replace_random:12", "--strategy", "top_k:4")
    assert command(*long, "--json").record["orbits"]
    assert not command(*long, "--no-orbits", "--json").record["orbits"]


def test_what_cannot_be_known_is_null_with_a_reason(command):
    law = "hidden_markov:0.9 0.1; 0.2 0.8,1/2 1/2 0; 0 1/3 2/3,length=30"
    arguments = ("exact", law, "--temperature", 0, "--strategy", "top_k:1,by=left_to_right")
    record = command(*arguments, "--json").record
    assert record["mode_probability"] is None
    assert record["validity"] == 1
    assert "needs the modes" in " ".join(command(*arguments).out.split())
    bounds = command("bounds", "1/2 * permutations:20 | 1/2 * reverse:20")
    assert (bounds.status, bounds.err) == (0, "")
    assert "entropy -, total correlation -" in bounds.out


def test_sample_prints_what_a_person_reads(command):
    law = distributions.insert_random(4)
    texts = [law.render(row) for row in law.sample(5, seed=2)]
    outcome = command("sample", "insert_random:4", "--size", 5, "--seed", 2)
    assert outcome.out.splitlines() == texts
    squares = distributions.latin_squares(3)
    blocks = [squares.render(row) for row in squares.sample(3)]
    assert command("sample", "latin_squares:3").out == "\n\n".join(blocks) + "\n"
    assert command("sample", "copy:3", "--size", 0).out == ""


def test_sample_in_json(command, survey):
    record = command("sample", "article", "--size", 2, "--seed", 4, "--json").record
    law = distributions.article()
    rows = law.sample(2, seed=4)
    assert record["sequences"] == [list(law.labels_of(row)) for row in rows]
    assert record["texts"] == [law.render(row) for row in rows]
    assert (record["names"], record["seed"]) == (["article", "noun"], 4)
    file = command("sample", survey, "--count", "people", "--columns", "smoker", "--json").record
    assert all(row in (["no"], ["yes"]) for row in file["sequences"])


def test_sizes_are_counted():
    assert show.sizes_text((3, 1, 1, 1, 2)) == "3 1x3 2"


def test_the_installed_command_is_quick_and_quiet():
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "infodecode.cli", "bounds", "zzz"],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[1],
    )
    assert time.perf_counter() - started < 10
    assert done.returncode == 2
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1


def test_listing_imports_neither_pandas_nor_matplotlib():
    code = (
        "import sys; from infodecode.cli import main\n"
        "try: main(['list'])\n"
        "except SystemExit: pass\n"
        "print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[1],
    )
    assert "permutations:6" in done.stdout
    assert not {"pandas", "matplotlib"} & set(done.stderr.split())
