"""The figures: found, drawn from tables, honest about missing ones, their page and their labels."""

import itertools
import math
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.axes import Axes
from matplotlib.text import Text
from typer.testing import CliRunner

import figures
from figures import (
    _exploration,
    _lists,
    gallery,
    le_frontier,
    le_mixing,
    pb_figure2a,
    pb_figure6,
    pb_figure7,
    pb_table1,
    scaling,
    style,
    tables,
    words,
)
from figures.__main__ import app, drawn

MODULES = figures.modules()
WANTED = {
    "pb_figure1", "pb_table1", *(f"pb_figure2{x}" for x in "abcde"), "pb_figure6", "pb_figure7",
    "br_figure2", "br_figure4", "br_figure5", "br_figure6", "optimum_curves", "information_curves",
    "path_and_mixture", "sampled_confidence_bias", "scaling", "words", "le_frontier",
    "le_pass_at_k", "le_mixing",
}  # fmt: skip
ELSEWHERE = {"br_figure5"}


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def frame_of(name):
    module = MODULES[name]
    return tables.read(module.TABLES, getattr(module, "EXTRA", ()))


def test_every_figure_is_found_and_says_what_it_shows():
    assert set(MODULES) >= WANTED
    for name, module in MODULES.items():
        assert len(module.CAPTION) > 150, name
        assert module.CAPTION.rstrip().endswith("."), name
        assert all(table.endswith(".csv") and "/" in table for table in module.TABLES)
    names = list(MODULES)
    assert names.index("pb_figure1") < names.index("br_figure2") < names.index("scaling")


@pytest.mark.parametrize("name", sorted(set(MODULES) - ELSEWHERE))
def test_plot_draws_on_the_axes_that_it_is_given(name):
    _, axes = plt.subplots()
    assert MODULES[name].plot(frame_of(name), axes) is axes
    if name != "pb_table1":
        assert axes.has_data()
        assert axes.get_xlabel()
        assert axes.get_ylabel() or name == "sampled_confidence_bias"
    assert mpl.rcParams["font.size"] != style.RC["font.size"]


def test_plot_makes_its_own_axes_for_a_notebook():
    axes = words.plot(frame_of("words"), law="words(3)")
    assert isinstance(axes, Axes)
    assert tuple(axes.figure.get_size_inches()) == pytest.approx(style.SIZE)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(set(MODULES) - ELSEWHERE))
def test_no_text_covers_another_and_no_panel_is_empty(name):
    figure = drawn(MODULES[name])
    figure.draw_without_rendering()
    assert all(axes.has_data() for axes in figure.axes if axes.axison)
    boxes = []
    axes_ticks = [
        axis.get_major_ticks() + axis.get_minor_ticks()
        for axes in figure.axes
        for axis in (axes.xaxis, axes.yaxis)
    ]
    ticks = {text for some in axes_ticks for tick in some for text in (tick.label1, tick.label2)}
    for text in figure.findobj(Text):
        box = text.get_window_extent()
        inside = figure.bbox.x0 - 1 <= box.x0 and box.x1 <= figure.bbox.x1 + 1
        if text.get_visible() and text.get_text().strip() and box.width > 1 and text not in ticks:
            assert inside, text.get_text()
            boxes.append((text.get_text(), box))
    for (one, a), (other, b) in itertools.combinations(boxes, 2):
        wide = min(a.x1, b.x1) - max(a.x0, b.x0)
        high = min(a.y1, b.y1) - max(a.y0, b.y0)
        assert wide < 1.5 or high < 2, (one, other)


def test_missing_tables_say_what_makes_them(tmp_path):
    with pytest.raises(tables.MissingTable, match=r"words.csv is missing; python -m toy words"):
        tables.read(["toy/words.csv"], results=tmp_path)
    for table, elsewhere in (("toy/a.csv", False), ("llm/a.csv", True)):
        assert tables.MissingTable(table, tmp_path / table).elsewhere is elsewhere


def test_extra_tables_are_read_if_they_are_there(tmp_path):
    (tmp_path / "toy").mkdir()
    (tmp_path / "llm").mkdir()
    pd.DataFrame({"a": [1]}).to_csv(tmp_path / "toy/x.csv", index=False)
    alone = tables.read(["toy/x.csv"], ["llm/x.csv"], results=tmp_path)
    assert alone.to_dict("list") == {"a": [1], "table": ["toy/x.csv"]}
    pd.DataFrame({"a": [2], "b": [3]}).to_csv(tmp_path / "llm/x.csv", index=False)
    both = tables.read(["toy/x.csv"], ["llm/x.csv"], results=tmp_path)
    assert both["a"].tolist() == [1, 2]
    assert both["table"].tolist() == ["toy/x.csv", "llm/x.csv"]


def run(*arguments):
    return CliRunner().invoke(app, list(map(str, arguments)))


def test_list_names_figures_and_their_tables():
    found = run("--list")
    assert found.exit_code == 0
    assert "words" in found.output
    assert "toy/words.csv" in found.output


def test_unknown_figures_are_refused():
    found = run("--only", "wordz")
    assert found.exit_code == 2
    assert "wordz" in found.output


def test_a_missing_table_fails_and_the_others_are_drawn(tmp_path):
    results = tmp_path / "results"
    (results / "toy").mkdir(parents=True)
    (results / "toy/words.csv").write_bytes(Path("results/toy/words.csv").read_bytes())
    found = run("--only", "scaling", "--only", "words", "--results", results, "--output",
                tmp_path / "out", "--no-docs")  # fmt: skip
    assert found.exit_code == 1
    assert "scaling: MISSING" in found.output
    assert "python -m toy scaling" in found.output
    files = {path.name: path.read_bytes()[:5] for path in (tmp_path / "out").iterdir()}
    assert files == {"words.pdf": b"%PDF-", "words.svg": b"<?xml", "words.png": b"\x89PNG\r"}


def test_what_is_measured_elsewhere_is_skipped_or_drawn(tmp_path):
    found = run("--only", "br_figure5", "--results", tmp_path, "--output", tmp_path, "--no-docs")
    assert found.exit_code == 0
    assert "br_figure5: skipped" in found.output
    (tmp_path / "llm").mkdir()
    batch = [1, 2, 4, 8]
    pd.DataFrame(
        {"model": "small", "device": "a GPU", "length": 64, "batch": batch,
         "seconds": [0.02, 0.02, 0.03, 0.05], "low": 0.01, "high": 0.06}
    ).to_csv(tmp_path / "llm/gpu_latency.csv", index=False)  # fmt: skip
    axes = MODULES["br_figure5"].plot(tables.read(["llm/gpu_latency.csv"], results=tmp_path))
    assert axes.lines[0].get_xdata().tolist() == batch
    assert any("a GPU" in text.get_text() for text in axes.texts)


def test_the_page_is_up_to_date():
    there = frozenset(path.stem for path in Path("docs/images").glob("*.svg"))
    assert there >= set(MODULES) - ELSEWHERE
    page = gallery.page(MODULES, there)
    assert Path("docs/figures.md").read_text(encoding="utf-8") == page
    assert page.count("\n### ") == len(MODULES)


@given(
    st.lists(
        st.tuples(st.floats(0, 100), st.floats(1, 30)).map(lambda pair: pair),
        min_size=1,
        max_size=9,
    )
)
def test_labels_are_moved_apart_and_no_further(pairs):
    wanted, heights = map(list, zip(*sorted(pairs), strict=True))
    placed = style._apart(wanted, heights)
    for (a, b), (s, t) in zip(itertools.pairwise(placed), itertools.pairwise(heights), strict=True):
        assert b - a >= (s + t) / 2 - 1e-6
    assert math.fsum(placed) == pytest.approx(math.fsum(wanted), abs=1e-6)
    free = all(
        b - a >= (s + t) / 2
        for (a, b), (s, t) in zip(
            itertools.pairwise(wanted), itertools.pairwise(heights), strict=True
        )
    )
    assert not free or placed == pytest.approx(wanted)


def test_a_trained_model_is_drawn_beside_the_formula():
    frame = frame_of("pb_figure2a")
    frame = frame[frame["table"] == pb_figure2a.TABLES[0]]
    row = {"task": "shuffle", "length": 4, "k": 2, "temperature": 1.0, "validity": 0.123,
           "low": 0.1, "high": 0.15, "table": _lists.EXTRA[0]}  # fmt: skip
    plain = pb_figure2a.plot(frame)
    more = pb_figure2a.plot(pd.concat([frame, pd.DataFrame([row])], ignore_index=True))
    words_of = [[t.get_text() for t in a.get_legend().get_texts()] for a in (plain, more)]
    assert "trained model" not in words_of[0]
    assert "trained model" in words_of[1]
    heights = [y for line in more.lines for y in np.atleast_1d(line.get_ydata())]
    assert 0.123 in heights


@pytest.mark.parametrize("name", ["br_figure2", "br_figure4", "br_figure6", "pb_figure6"])
def test_networks_are_drawn_beside_the_toys(name):
    module = MODULES[name]
    frame = tables.read(module.TABLES)
    network = frame[frame["law"] == frame["law"].iloc[0]].assign(
        law="small model: a task", table=module.EXTRA[0]
    )
    both = pd.concat([frame, network], ignore_index=True)
    if name == "pb_figure6":
        _, axes = plt.subplots()
        shown = [text.get_text() for text in module.plot(both, axes).texts]
        assert "trained model,\nbeside its toy" in shown
        assert len(axes.lines) > len(module.plot(frame, plt.subplots()[1]).lines)
    else:
        shown = [axes.get_title(loc) for axes in module.draw(both).axes
                 for loc in ("left", "center")]  # fmt: skip
        plain = module.draw(frame)
        assert len(plain.axes) < len(module.draw(both).axes)
        assert "small model: a task" in shown


def test_the_table_shows_what_is_printed_and_what_is_true():
    axes = pb_table1.plot(frame_of("pb_table1"))
    shown = [text.get_text() for text in axes.texts]
    assert {"n!/n!! = 945", "0.2461", "0.0003629", "11.43", "1.368"} <= set(shown)
    wrong = [t.get_text() for t in axes.texts if t.get_color() == style.VERMILION]
    assert wrong == ["n!/n!! = 945", "n!/(n-1)!! = 3840"]
    assert math.prod(range(1, 10, 2)) / math.prod(range(2, 11, 2)) == pytest.approx(
        0.2461, abs=1e-4
    )


def test_the_two_axes_of_figure_6():
    common = {
        "table": "toy",
        "law": "a",
        "length": 8,
        "strategy": "random",
        "low": np.nan,
        "high": np.nan,
    }
    k = [{**common, "sweep": "k", "setting": k, "validity": v}
         for k, v in ((1, 1.0), (2, 0.5), (3, 0.0))]  # fmt: skip
    blocks = [{**common, "sweep": "block", "setting": b, "validity": v}
              for b, v in ((2, 0.9), (4, 0.7), (8, 0.5))]  # fmt: skip
    [point] = pb_figure6.coordinates(pd.DataFrame(k + blocks)).to_dict("records")
    assert point["centre"] == pytest.approx((1 + 2 * 0.5) / 1.5)
    assert point["slope"] == pytest.approx(0.2)
    assert (point["centre_spread"], point["slope_spread"]) == (0, 0)


def test_averages_of_figure_7_and_the_numbers_of_its_caption():
    points = pb_figure7.averages(frame_of("pb_figure7"))
    oracle = points.loc["oracle threshold"].iloc[0]
    best = points.loc["adaptive optimum", "adaptive"]
    gates = points.loc["threshold", "gamma"]
    exact = gates[gates["validity"] > 0.9999]["speed"].max()
    assert oracle["validity"] > 0.9999
    for number in (oracle["speed"], exact, best.loc[16.0, "speed"], best.loc[4.0, "speed"]):
        assert f"{number:.2f}" in pb_figure7.CAPTION
    assert f"right {round(100 * best.loc[4.0, 'validity'])} times" in pb_figure7.CAPTION
    assert (points.loc["random", "k"].loc[1.0] == 1).all()


def test_numbers_of_the_scaling_caption():
    frame = frame_of("scaling")
    rows = frame[(frame["kind"] == "rounds") & (frame["bits"] == 1) & (frame["length"] == 10_000)]
    rounds = rows.set_index("law")["rounds"]
    assert round(rounds["shuffle"] / 100) == 62
    assert round(rounds["Markov chain"] / 100) == 20
    assert (rounds["insert random"], rounds["replace random"]) == (48, 2)
    caption = " ".join(scaling.CAPTION.split())
    for words_ in ("(62%)", "(20%)", "48 rounds for 10,000", "two rounds for a replacement"):
        assert words_ in caption


def test_numbers_of_the_exploration_captions():
    means = (
        frame_of("le_pass_at_k")
        .query("kind == 'mean'")
        .set_index(["rule", "alpha", "k"])
        .sort_index()
    )
    ks = sorted(set(means.index.get_level_values("k")))
    mu, sharp, drawn, local = (
        means["success"].loc[rule, alpha].loc[ks]
        for rule, alpha in (("random order", 1), ("exact power", 2), ("drawn confidence", 1),
                            ("local tempering", 2))
    )  # fmt: skip
    assert mu[1] < sharp[1]
    assert (mu[2:] >= sharp[2:]).all()
    assert (drawn <= sharp).all()
    assert abs(local[1] - mu[1]) < 0.01
    assert local[4] < mu[4] - 0.05
    frontier = (
        frame_of("le_frontier").query("kind == 'rule'").set_index(["law", "rule"]).sort_index()
    )
    for law in le_frontier.LAWS:
        below = frontier["below"].loc[law]
        assert below["drawn confidence"] == below[list(_exploration.RULES)].max() > 0.03
        assert below["exact power"] == below["random order"] == 0
        assert below["mean-field"] < below["local tempering"] / 5
    mixing = (
        frame_of("le_mixing").set_index(["chain", "law", "step"]).sort_index()["total_variation"]
    )
    assert set(le_mixing.LAWS) == set(mixing.index.get_level_values("law"))
    slow = mixing.loc["repair", "words(3, weighted=True, most=200)"]
    assert slow[10] > 0.05
    assert slow[32] < 0.01
