"""The console command: what it prints, its JSON, its pictures, and one line for every bad input."""

import json
import math
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import infodecode
from infodecode import Decoder, distributions, strategies
from infodecode.cli import main, parsing, show


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


@pytest.mark.parametrize("suffix", ["png", "svg", "pdf"])
@pytest.mark.parametrize("name", ["bounds", "exact", "simulate"])
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
        assert all(name in outcome.out for name in ("bounds", "exact", "simulate"))


@pytest.mark.parametrize("name", ["bounds", "exact", "simulate"])
def test_help_of_a_command_has_examples_that_work(command, name, tmp_path, monkeypatch, survey):
    monkeypatch.chdir(survey.parent)
    lines = [line.strip(" │") for line in command(name, "--help").out.splitlines()]
    examples = [line.split() for line in lines if line.startswith(f"infodecode {name} ")]
    assert len(examples) >= 2
    for _, *arguments in examples:
        assert command(*arguments).status == 0, arguments


BAD = {
    "no argument": (["bounds"], "NAME|FILE.csv"),
    "unknown command": (["bound", "copy:3"], "bound"),
    "unknown option": (["bounds", "copy:3", "--jsn"], "--jsn"),
    "unknown law": (["bounds", "permutation:6"], "'permutations'"),
    "unknown law lists all": (["bounds", "zzz"], "replace_random"),
    "empty law": (["bounds", ""], "distribution must be one of"),
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
        ["exact", "permutations:40", "--strategy", "top_k:20"],
        "max_children",
    ),
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


@given(st.text(max_size=20))
def test_any_text_is_an_object_or_a_value_error(text):
    for parse in (parsing.parse_distribution, parsing.parse_strategy, parsing.parse_blocks):
        try:
            parse(text)
        except ValueError as error:
            assert str(error)  # noqa: PT017


@given(
    st.sampled_from([*parsing.STRATEGIES, *parsing.BLOCK_POLICIES]),
    st.text(alphabet="0123456789.-,=/abkeny", max_size=12),
)
def test_any_parameters_are_an_object_or_a_value_error(name, text):
    parse = parsing.parse_strategy if name in parsing.STRATEGIES else parsing.parse_blocks
    try:
        parse(f"{name}:{text}")
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


def test_every_example_of_the_vocabulary_parses():
    for registry, kind in (
        (parsing.DISTRIBUTIONS, "distribution"),
        (parsing.STRATEGIES, "strategy"),
        (parsing.BLOCK_POLICIES, "block policy"),
    ):
        for name, entry in registry.items():
            assert entry.example.startswith(name)
            parsing.resolve(entry.example, registry, kind)


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
