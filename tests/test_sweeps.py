"""Sweeps: the cells of a grid, the same table however it came about, and every bad grid."""

import csv
import json
import math
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import infodecode
from infodecode import Decoder, distributions, strategies, sweeps
from infodecode.cli import main
from infodecode.sweeps import _grid, _measure, _run, _table, _workers
from infodecode.sweeps._measure import COLUMNS, measure

ROOT = Path(__file__).parents[1]
SMALL = {
    "distributions": ["permutations:4", "replace_random:5"],
    "decoders": [
        {"strategy": ["top_k:2", "threshold:0.9"], "temperature": [0, 1]},
        {"strategy": "top_k:1", "order": "sample-then-choose"},
    ],
    "compute": "simulate",
    "samples": 500,
    "seeds": [0, 1],
}


@pytest.fixture
def small():
    return sweeps.read_grid(SMALL)


@pytest.fixture
def serial(small, tmp_path):
    """The table that one process writes without a stop."""
    path = tmp_path / "serial.csv"
    sweeps.run(small, path, jobs=1)
    return path.read_bytes()


def rows_of(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def one(**changes):
    """The row of a grid of one cell."""
    definition = {"distributions": ["permutations:4"], "decoders": ["top_k:2"], **changes}
    (cell,) = sweeps.read_grid(definition).cells
    return measure(cell)


# --- grids


def test_cells_are_all_combinations_in_order(small):
    assert len(small) == 2 * (4 + 1) * 2
    described = [
        (c.law.name, c.decoding.strategy, c.decoding.temperature, c.seed) for c in small.cells
    ]
    first = [
        ("permutations:4", strategy, temperature, seed)
        for strategy in ("top_k:2", "threshold:0.9")
        for temperature in (0.0, 1.0)
        for seed in (0, 1)
    ]
    assert described[:8] == first
    assert described[8] == ("permutations:4", "top_k:1", 1.0, 0)
    assert small.seeds == [0, 1]
    assert len({cell.identity for cell in small.cells}) == len(small)


def test_models_are_outside_decoders():
    grid = sweeps.read_grid(
        {
            "distributions": ["permutations:4"],
            "models": ["ideal", "noisy:0.5"],
            "decoders": ["top_k:2", "top_k:1"],
        }
    )
    named = [(c.decoding.model, c.decoding.strategy) for c in grid.cells]
    assert named == [(m, s) for m in ("ideal", "noisy:0.5") for s in ("top_k:2", "top_k:1")]


def test_identity_is_the_definition_and_the_version(small, monkeypatch):
    cell = small.cells[0]
    same = sweeps.read_grid(SMALL).cells[0]
    assert same == cell
    assert same.identity == cell.identity
    others = [
        replace(cell, seed=7),
        replace(cell, samples=501),
        replace(cell, bounds=False),
        replace(cell, off_support="uniform"),
        replace(cell, decoding=replace(cell.decoding, temperature=0.5)),
        replace(cell, law=replace(cell.law, specification="permutations:5")),
    ]
    assert len({cell.identity, *(other.identity for other in others)}) == 7
    monkeypatch.setattr(infodecode, "__version__", "0.0.0")
    assert replace(cell).identity != cell.identity


def test_a_csv_file_counts_by_its_content_and_lies_beside_the_grid(tmp_path):
    text = 'distributions = [{law = "s.csv", count = "m", columns = ["b"]}]\ndecoders = ["top_k:1"]'
    folders = [tmp_path / name for name in ("one", "two", "three")]
    cells = []
    for folder, people in zip(folders, (3, 3, 4), strict=True):
        folder.mkdir()
        (folder / "s.csv").write_text(f"a,b,m\nx,y,{people}\nx,z,1\n", encoding="utf-8")
        (folder / "grid.toml").write_text(text, encoding="utf-8")
        cells += sweeps.read_grid(folder / "grid.toml").cells
    one, two, three = cells
    assert one.law.name == "s.csv --count m --columns b"
    assert one.identity == two.identity != three.identity
    assert one.law.read().entropy() == pytest.approx(2 - 0.75 * math.log2(3))
    (folders[0] / "s.csv").write_text("a,b,m\nx,y,9\nx,z,1\n", encoding="utf-8")
    assert "not the file that the grid was read with" in measure(one)["message"]


BAD = {
    "distributions is missing": {"decoders": ["top_k:1"]},
    "decoders is missing": {"distributions": ["copy:3"]},
    "no key 'strategies'; known: distributions, decoders": {**SMALL, "strategies": ["top_k:1"]},
    "no key 'seed'; .*did you mean 'seeds'": {**SMALL, "seed": 1},
    r"decoders\[1\] has no key 'temprature'; .*did you mean 'temperature'": {
        **SMALL, "decoders": ["top_k:1", {"strategy": "top_k:1", "temprature": 1}],
    },
    r"decoders\[0\]: strategy must be a name .* got 'topk'; did you mean 'top_k'": {
        **SMALL, "decoders": ["topk:2"],
    },
    r"decoders\[0\]: order must be one of": {
        **SMALL, "decoders": [{"strategy": "top_k:1", "order": "sideways"}],
    },
    r"decoders\[0\] must have strategy": {**SMALL, "decoders": [{"temperature": 1}]},
    r"decoders\[0\]\.temperature must not be an empty list": {
        **SMALL, "decoders": [{"strategy": "top_k:1", "temperature": []}],
    },
    r"decoders\[0\]\.temperature must be at least 0": {
        **SMALL, "decoders": [{"strategy": "top_k:1", "temperature": -1}],
    },
    r"distributions\[1\]: distribution must be a name": {
        **SMALL, "distributions": ["copy:3", "nothing"],
    },
    r"distributions\[0\]: .*permutations.* n must be an integer": {
        **SMALL, "distributions": ["permutations:x"],
    },
    r"distributions\[0\]: count and columns need a CSV file": {
        **SMALL, "distributions": [{"law": "copy:3", "count": "n"}],
    },
    r"distributions\[0\] must have law": {**SMALL, "distributions": [{"count": "n"}]},
    r"distributions\[0\]: no such file": {**SMALL, "distributions": ["missing.csv"]},
    r"distributions\[0\]\.law must be a text of one line": {**SMALL, "distributions": ["a\nb"]},
    "distributions must not be empty": {**SMALL, "distributions": []},
    r"models\[0\]: model must be a name": {**SMALL, "models": ["perfect"]},
    r"seeds\[1\] must be at least 0": {**SMALL, "seeds": [0, -1]},
    "samples must be at least 1": {**SMALL, "samples": 0},
    "compute must be one of 'exact', 'simulate'": {**SMALL, "compute": "guess"},
    "off_support must be one of 'marginal'": {**SMALL, "off_support": "absorb"},
    "seeds must be left out: nothing is simulated": {
        "distributions": ["copy:3"], "decoders": ["top_k:1"], "compute": "exact", "seeds": [1],
    },
    "max_children must be left out: nothing is exact": {**SMALL, "max_children": 5},
    "every cell must be there once, got twice: copy:3  top_k:1": {
        **SMALL, "distributions": ["copy:3"], "decoders": ["top_k:1", "top_k:1"],
    },
}  # fmt: skip

MISTAKEN = {
    "distributions must be a list, got 'copy:3'": {**SMALL, "distributions": "copy:3"},
    r"distributions\[0\] must be a text, or a table with law, got 3": {
        **SMALL, "distributions": [3],
    },
    r"decoders\[0\] must be a text, or a table with strategy": {**SMALL, "decoders": [3]},
    r"decoders\[0\]\.order must be a text, got 1": {
        **SMALL, "decoders": [{"strategy": "top_k:1", "order": 1}],
    },
    r"decoders\[0\]\.temperature must be a real number, got 'hot'": {
        **SMALL, "decoders": [{"strategy": "top_k:1", "temperature": "hot"}],
    },
    r"seeds\[0\] must be an integer, got 0.5": {**SMALL, "seeds": [0.5]},
    "bounds must be True or False, got 1": {**SMALL, "bounds": 1},
}  # fmt: skip


@pytest.mark.parametrize("message", BAD)
def test_bad_grids(message):
    with pytest.raises(ValueError, match=message):
        sweeps.read_grid(BAD[message])


@pytest.mark.parametrize("message", MISTAKEN)
def test_grids_of_the_wrong_type(message):
    with pytest.raises(TypeError, match=message):
        sweeps.read_grid(MISTAKEN[message])


def test_a_bad_file_is_named(tmp_path):
    path = tmp_path / "grid.toml"
    path.write_text("distributions = [", encoding="utf-8")
    with pytest.raises(ValueError, match=re.escape(f"{path}: ")):
        sweeps.read_grid(path)
    with pytest.raises(FileNotFoundError):
        sweeps.read_grid(tmp_path / "missing.toml")


def test_the_example_is_that_of_the_page():
    example = ROOT / "docs/examples/grid.toml"
    page = (ROOT / "docs/scaling_out.md").read_text(encoding="utf-8")
    assert f"```toml\n{example.read_text(encoding='utf-8')}```" in page
    assert f"{len(sweeps.read_grid(example))} cells" in page


def test_the_page_explains_every_column_and_key():
    page = (ROOT / "docs/scaling_out.md").read_text(encoding="utf-8")
    for name in (*COLUMNS, *_grid.KEYS, *_grid.DECODER_KEYS, *_grid.LAW_KEYS):
        assert f"`{name}`" in page, name


# --- rows


def test_an_exact_row_is_the_exact_run():
    row = one(compute="exact")
    law = distributions.permutations(4)
    run = infodecode.exact(law, Decoder(strategies.TopK(2)))
    bounds = infodecode.bounds(law)
    assert (row["status"], row["method"], row["seed"], row["samples"]) == (
        "ok",
        "exact",
        None,
        None,
    )
    for column, attribute in _measure.EXACT.items():
        assert row[column] == pytest.approx(float(getattr(run, attribute))), column
    assert row["validity"] == pytest.approx(3 / 8)
    assert row["whole_rounds"] == 2
    assert row["partition_bits"] == pytest.approx(bounds.partition_bits[1])
    assert row["adaptive_bits"] == pytest.approx(bounds.adaptive_bits[1])
    assert row["law_entropy"] == pytest.approx(math.log2(24))
    assert row["message"] is None


def test_a_simulated_row_is_the_simulation():
    row = one(compute="simulate", samples=700, seeds=[3], off_support="uniform")
    run = infodecode.simulate(
        distributions.permutations(4), Decoder(strategies.TopK(2)), samples=700, seed=3,
        off_support="uniform",
    )  # fmt: skip
    assert (row["status"], row["method"], row["seed"], row["samples"]) == (
        "ok",
        "simulated",
        3,
        700,
    )
    assert (row["validity"], row["validity_low"], row["validity_high"]) == (
        run.validity.value, run.validity.low, run.validity.high,
    )  # fmt: skip
    assert row["rounds"] == run.expected_rounds.value
    assert row["mode_low"] == run.mode_probability.low
    assert (row["kl"], row["coverage"]) == (None, None)


def test_too_large_an_exact_run_is_simulated_where_that_is_allowed():
    few = {"max_children": 100, "distributions": ["permutations:6"]}
    row = one(compute="exact-or-simulate", samples=400, **few)
    assert (row["status"], row["method"], row["samples"]) == ("ok", "simulated", 400)
    assert "canvases, more than max_children=100" in row["message"]
    assert row["validity_low"] < row["validity"] < row["validity_high"]
    failed = one(compute="exact", **few)
    assert (failed["status"], failed["method"], failed["validity"]) == ("failed", None, None)
    assert "max_children" in failed["message"]


def test_rounds_alone_are_simulated_where_only_they_are_too_many():
    definition = {"distributions": ["permutations:6"], "decoders": ["threshold:0.19"]}
    run = infodecode.exact(distributions.permutations(6), Decoder(strategies.Threshold(0.19)))
    row = one(**definition, max_children=5000, samples=300)
    assert run.absorbed > 0
    assert (row["status"], row["method"]) == ("ok", "rounds simulated")
    assert row["validity"] == pytest.approx(float(run.validity))
    assert row["validity_low"] is None
    assert row["kl"] == pytest.approx(run.kl)
    assert row["rounds_low"] <= row["rounds"] <= row["rounds_high"]
    assert (row["entropy"], row["samples"]) == (None, 300)
    assert row["message"].count("more than max_children=5,000") == 1


def test_options_and_models_reach_the_run():
    row = one(
        decoders=[{"strategy": "top_k:2,by=confidence", "temperature": 0, "position_ties": "lowest",
                   "blocks": "left_to_right:2"}],
        models=["noisy:0.5,seed=1"], compute="exact",
    )  # fmt: skip
    law = distributions.permutations(4)
    model = infodecode.NoisyModel(infodecode.IdealModel(law), 0.5, seed=1)
    decoder = Decoder(strategies.TopK(2, by="confidence"), temperature=0, position_ties="lowest",
                      blocks=strategies.LeftToRight(2))  # fmt: skip
    assert row["validity"] == float(infodecode.exact(law, decoder, model=model).validity)
    assert (row["temperature"], row["position_ties"]) == (0.0, "lowest")


def test_without_bounds_their_columns_are_empty(monkeypatch):
    monkeypatch.setattr(infodecode, "bounds", lambda law: pytest.fail("not asked for"))
    row = one(bounds=False, compute="exact")
    assert row["status"] == "ok"
    assert {row[name] for name in (*_measure.CURVES, "law_entropy", "whole_rounds")} == {None}


def test_an_error_in_a_cell_is_a_row():
    row = one(distributions=["permutations:4"], decoders=["fixed_partition:0-1"])
    assert row["status"] == "failed"
    assert "blocks must be a partition of range(4)" in row["message"]
    assert list(row) == list(COLUMNS)


# --- the table


@pytest.mark.parametrize("backend", ["threading", pytest.param(None, marks=pytest.mark.slow)])
def test_parallel_is_serial_byte_for_byte(backend, small, serial, tmp_path):
    path = tmp_path / "parallel.csv"
    sweeps.run(small, path, jobs=2, backend=backend)
    assert path.read_bytes() == serial


def test_a_backend_that_returns_all_at_once(small, serial, tmp_path):
    path = tmp_path / "portions.csv"
    with pytest.MonkeyPatch.context() as patch:
        from joblib.parallel import ThreadingBackend

        patch.setattr(ThreadingBackend, "supports_return_generator", False)
        sweeps.run(small, path, jobs=2, backend="threading")
    assert path.read_bytes() == serial


@pytest.mark.slow
def test_a_dask_cluster_gives_the_same(small, serial, tmp_path):
    pytest.importorskip("dask.distributed")
    path = tmp_path / "dask.csv"
    sweeps.run(small, path, jobs=2, backend="dask")
    assert path.read_bytes() == serial


def test_any_stop_and_any_order_lead_to_the_same_table(small, serial, tmp_path, monkeypatch):
    path = tmp_path / "stopped.csv"

    def backwards(measure, cells, **options):
        yield from map(measure, reversed(cells[:7]))
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(_workers, "mapped", backwards)
        for finished in (7, 14):
            with pytest.raises(KeyboardInterrupt):
                sweeps.run(small, path, jobs=1)
            assert len(sweeps.read_table(path)) == finished
            lines = path.read_bytes().splitlines()
            assert lines == serial.splitlines()[: finished + 1]
    table = sweeps.run(small, path, jobs=1)
    assert path.read_bytes() == serial
    assert len(table) == len(small)
    runs = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))["runs"]
    assert [run["cells"] for run in runs] == [20, 13, 6]


def test_finished_rows_are_not_computed_again(small, serial, tmp_path, monkeypatch):
    path = tmp_path / "done.csv"
    path.write_bytes(serial)
    monkeypatch.setattr(_run, "measure", lambda cell: pytest.fail("computed again"))
    sweeps.run(small, path, jobs=1)
    assert path.read_bytes() == serial


@pytest.fixture(scope="module")
def brief(tmp_path_factory):
    """A quick grid, its whole table and a folder."""
    grid = sweeps.read_grid({**SMALL, "distributions": ["copy:2"], "samples": 10, "bounds": False})
    folder = tmp_path_factory.mktemp("cut")
    sweeps.run(grid, folder / "whole.csv", jobs=1)
    return grid, (folder / "whole.csv").read_bytes(), folder


@settings(max_examples=15)
@given(share=st.floats(0, 1))
@example(share=0.0)
@example(share=1.0)
def test_a_table_cut_anywhere_is_completed(share, brief):
    grid, whole, folder = brief
    path = folder / "cut.csv"
    path.write_bytes(whole[: round(share * len(whole))])
    sweeps.run(grid, path, jobs=1)
    assert path.read_bytes() == whole


def test_a_half_line_is_said(small, serial, tmp_path, capsys):
    path = tmp_path / "half.csv"
    path.write_bytes(serial[:-30])
    sweeps.run(small, path, jobs=1)
    err = capsys.readouterr().err
    assert "a half line of" in err
    assert "has 19 finished rows, which stay" in err
    assert path.read_bytes() == serial


@pytest.mark.slow
def test_a_killed_sweep_goes_on(tmp_path):
    definition = "\n".join(
        [
            'distributions = ["permutations:8"]',
            'decoders = ["top_k:2", "threshold:0.5"]',
            'compute = "simulate"',
            "samples = 8000",
            f"seeds = {list(range(20))}",
        ]
    )
    grid, path, whole = (tmp_path / name for name in ("grid.toml", "grid.csv", "whole.csv"))
    grid.write_text(definition, encoding="utf-8")
    process = subprocess.Popen(
        [sys.executable, "-m", "infodecode.cli", "sweep", str(grid), "--jobs", "1"], cwd=ROOT
    )
    deadline = time.monotonic() + 120
    while not (path.exists() and path.read_bytes().count(b"\n") > 4):
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()
    finished = path.read_bytes().count(b"\n") - 1
    assert 4 <= finished < 40
    sweeps.run(grid, jobs=1)
    runs = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))["runs"]
    assert [run["cells"] for run in runs] == [40, 40 - finished]
    assert [run["seconds"] is None for run in runs] == [True, False]
    sweeps.run(grid, whole, jobs=1)
    assert path.read_bytes() == whole.read_bytes()


def test_an_edited_grid_keeps_the_cells_it_still_has(small, serial, tmp_path, capsys):
    path, unused = tmp_path / "edited.csv", tmp_path / "edited.unused.csv"
    path.write_bytes(serial)
    fewer = sweeps.read_grid({**SMALL, "seeds": [1, 2]})
    assert len(sweeps.unfinished(fewer, path)) == 10
    table = sweeps.run(fewer, path, jobs=1)
    assert set(table["seed"]) == {1, 2}
    assert f"10 rows of cells that are not in the grid are kept in {unused}" in (
        capsys.readouterr().err
    )
    assert len(rows_of(unused)) == 10
    assert sweeps.unfinished(small, path) == []
    sweeps.run(small, path, jobs=1)
    assert path.read_bytes() == serial
    assert {row["seed"] for row in rows_of(unused)} == {"2"}
    everything = sweeps.read_grid({**SMALL, "seeds": [0, 1, 2]})
    sweeps.run(everything, path, jobs=1)
    assert not unused.exists()


def test_failed_cells_are_retried_on_demand(small, serial, tmp_path, monkeypatch):
    path = tmp_path / "failing.csv"

    def failing(law, *arguments, **options):
        raise MemoryError("no\nroom")

    with monkeypatch.context() as patch:
        patch.setattr(infodecode, "simulate", failing)
        table = sweeps.run(small, path, jobs=1)
        assert set(table["status"]) == {"failed"}
        assert set(table["message"]) == {"MemoryError: no room"}
    assert sweeps.unfinished(small, path) == []
    assert len(sweeps.unfinished(small, path, retry_failed=True)) == len(small)
    assert set(sweeps.run(small, path, jobs=1)["status"]) == {"failed"}
    sweeps.run(small, path, jobs=1, retry_failed=True)
    assert path.read_bytes() == serial


@pytest.mark.parametrize(
    "content", [b"a,b\n1,2\n", b"no table", b"cell,distribution\n", b"\xff\xfe\n"]
)
def test_another_table_is_left_alone(content, small, tmp_path):
    path = tmp_path / "other.csv"
    path.write_bytes(content)
    for look in (sweeps.unfinished, sweeps.run):
        with pytest.raises(ValueError, match="is not a table of infodecode sweep"):
            look(small, path)
    assert path.read_bytes() == content


def test_a_damaged_row_is_named(small, serial, tmp_path):
    path = tmp_path / "damaged.csv"
    lines = serial.splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:3], b"half\n", *lines[4:]]))
    with pytest.raises(ValueError, match=rf"damaged\.csv, line 4: must have {len(COLUMNS)} col"):
        sweeps.run(small, path, jobs=1)


@pytest.mark.skipif(os.name == "nt", reason="no file locks")
def test_two_sweeps_do_not_write_one_table(small, tmp_path):
    path = tmp_path / "locked.csv"
    with _table.Table(path), pytest.raises(ValueError, match="being written by another sweep"):
        sweeps.run(small, path, jobs=1)


def test_the_frame_has_numbers(small, tmp_path):
    table = sweeps.run(small, tmp_path / "t.csv", jobs=1)
    assert list(table.columns) == list(COLUMNS)
    assert table["seed"].tolist() == [cell.seed for cell in small.cells]
    assert table["cell"].tolist() == [cell.identity for cell in small.cells]
    assert table["temperature"].dtype == table["kl"].dtype == "float64"
    measured = measure(small.cells[3])
    assert table["validity"][3] == pytest.approx(measured["validity"], rel=1e-11)


def test_the_record_says_what_made_the_table(small, tmp_path):
    sweeps.run(small, tmp_path / "t.csv", jobs=1)
    record = json.loads((tmp_path / "t.json").read_text(encoding="utf-8"))
    assert (record["cells"], record["ok"], record["failed"]) == (20, 20, 0)
    assert record["grid"] == SMALL
    assert record["seeds"] == [0, 1]
    (run,) = record["runs"]
    assert run["command"] == "infodecode sweep grid --output t.csv --jobs 1"
    assert run["infodecode"] == infodecode.__version__
    assert {"numpy", "scipy", "numba", "python", "started"} <= set(run)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"jobs": 0}, "jobs must be at least 1"),
        ({"backend": "loki"}, "backend must be one of .*loky.* registered .* got 'loki'"),
        ({"address": "tcp://x:1"}, "address needs backend 'dask' or 'ray'"),
        ({"output": "t.txt"}, "output must end in .csv"),
        ({"output": "missing/t.csv"}, "output: no such folder"),
        ({"output": None}, "output must be a file"),
    ],
)
def test_bad_options(options, message, small, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=message):
        sweeps.run(small, **{"output": "t.csv", **options})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("backend", _workers.CLUSTERS)
def test_a_backend_that_is_not_installed(backend, small, tmp_path, monkeypatch):
    monkeypatch.setattr(_workers, "find_spec", lambda name: None)
    with pytest.raises(ValueError, match=f"'{backend}' is not installed: pip install .*{backend}"):
        sweeps.run(small, tmp_path / "t.csv", backend=backend)


def test_workers_of_another_version_are_refused():
    with pytest.raises(sweeps.WorkersStopped, match=r"a worker has infodecode 9\.9, here it is"):
        _workers._of_this_version({"infodecode": "9.9"})


# --- the command


@pytest.fixture
def command(capsys):
    def run(*arguments):
        with pytest.raises(SystemExit) as stop:
            main(["sweep", *map(str, arguments)])
        captured = capsys.readouterr()
        return stop.value.code or 0, captured.out, captured.err

    return run


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "grid.toml"
    path.write_text(
        'distributions = ["permutations:4"]\ncompute = "exact"\n'
        'decoders = ["top_k:2", "fixed_partition:0-1"]\n',
        encoding="utf-8",
    )
    return path


def test_dry_run_lists_the_cells(command, file):
    table = file.with_suffix(".csv")
    status, out, err = command(file, "--dry-run")
    assert (status, err) == (0, "")
    assert out.splitlines() == [
        "permutations:4  top_k:2",
        "permutations:4  fixed_partition:0-1",
        f"2 cells, 2 to compute, table {table}",
    ]
    assert not table.exists()
    command(file, "--jobs", 1)
    assert "2 cells, 0 to compute" in command(file, "--dry-run")[1]
    assert "2 cells, 1 to compute" in command(file, "--dry-run", "--retry-failed")[1]


def test_failures_are_shown_and_are_the_status(command, file):
    status, out, _ = command(file, "--jobs", 1)
    assert status == 1
    assert f"2 cells (1 exact, 1 failed): {file.with_suffix('.csv')}" in out
    assert "failed: permutations:4, fixed_partition:0-1: " in out
    text = file.read_text(encoding="utf-8").replace("fixed_partition:0-1", "top_k:1")
    file.write_text(text, encoding="utf-8")
    status, out, _ = command(file, "--jobs", 1)
    assert (status, out) == (0, f"2 cells (2 exact): {file.with_suffix('.csv')}\n")


def test_an_interrupt_says_how_to_go_on(command, file, monkeypatch):
    def stopping(measure, cells, **options):
        yield measure(cells[0])
        raise KeyboardInterrupt

    monkeypatch.setattr(_workers, "mapped", stopping)
    status, _, err = command(file)
    assert status == 130
    assert "the same command goes on" in err
    assert len(sweeps.read_table(file.with_suffix(".csv"))) == 1


def test_stopped_workers_are_one_line(command, file, monkeypatch):
    def dying(measure, cells):
        raise ConnectionError("no such scheduler")
        yield

    monkeypatch.setattr(_workers, "_by_joblib", dying)
    status, _, err = command(file, "--backend", "threading")
    assert status == 1
    assert err.startswith("infodecode: workers stopped (ConnectionError: no such scheduler); ")


def test_bad_input_is_one_line(command, tmp_path):
    status, out, err = command(tmp_path / "missing.toml")
    assert (status, out) == (2, "")
    assert len(err.splitlines()) == 1
