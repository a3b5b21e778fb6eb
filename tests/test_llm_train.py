"""The list operations as prompts, the training stream, a run that is killed, and its model."""

import csv
import dataclasses
import itertools
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("torch")
pytest.importorskip("transformers")

import torch
from typer.testing import CliRunner

from infodecode import distributions
from infodecode.masked_lm import MaskedLM, Network
from infodecode.masked_lm.loading import TINY, load_network
from llm.__main__ import app
from llm.answering import answered
from llm.list_operations import ANY, OPERATIONS, Exercises, Vocabulary
from llm.one_by_one import ONE_BY_ONE, validity
from llm.stream import TRAINING, Stream, generator
from llm.train import Row
from llm.trainer import Recipe, Trainer

ROOT = Path(__file__).parents[1]
TABLE = ROOT / "results" / "llm" / "training.csv"
WORDS = Vocabulary(items=7, longest=5)
SMALL = Recipe(
    width=16, layers=1, heads=2, mlp=16, items=6, longest=4, batch=8, steps=6, warmup=2, decay=0.5
)


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def answers_to(prompt):
    """Every answer to a prompt, read as a person reads it."""
    head, _, rest = prompt.partition(" : ")
    listed = rest.removesuffix(" =").split()
    verb, *words = head.split()
    match verb, words:
        case "copy", []:
            found = [listed]
        case "reverse", []:
            found = [listed[::-1]]
        case "sort", []:
            found = [sorted(listed)]
        case "shuffle", []:
            found = [list(order) for order in itertools.permutations(listed)]
        case "replace", ["at", place, "with", new]:
            where = range(len(listed)) if place == ANY else [int(place)]
            found = [[*listed[:i], new, *listed[i + 1 :]] for i in where]
        case "insert", [new, "at", place]:
            where = range(len(listed) + 1) if place == ANY else [int(place)]
            found = [[*listed[:i], new, *listed[i:]] for i in where]
        case "remove", [place]:
            where = range(len(listed)) if place == ANY else [int(place)]
            found = [[*listed[:i], *listed[i + 1 :]] for i in where]
        case _:
            raise AssertionError(prompt)
    return {" ".join(answer) for answer in found}


def drawn(name, n, size=40, seed=0, vocabulary=WORDS):
    draw = np.random.default_rng(seed)
    exercises = Exercises.draw(OPERATIONS[name], n, size, vocabulary=vocabulary, generator=draw)
    return exercises, exercises.answers(draw)


def text(ids, vocabulary=WORDS):
    return " ".join(vocabulary.words[i] for i in ids)


def test_the_ten_operations_of_parallelbench():
    assert sorted(OPERATIONS) == sorted(
        ["copy", "reverse", "sort", "shuffle"]
        + [f"{verb} {where}" for verb in ("replace", "insert", "remove")
           for where in ("index", "random")]
    )  # fmt: skip


@pytest.mark.parametrize("name", OPERATIONS)
@given(n=st.integers(2, 5), seed=st.integers(0, 1000))
def test_answers_are_those_a_person_gives(name, n, seed):
    exercises, answers = drawn(name, n, size=6, seed=seed)
    operation = OPERATIONS[name]
    for prompt, ids, answer in zip(
        exercises.prompts(), exercises.prompt_ids(), answers, strict=True
    ):
        assert text(ids) == prompt
        assert len(ids) == operation.prompt_length(n)
        assert text(answer) in answers_to(prompt)
        assert len(answer) == operation.answer_length(n)
        assert operation.certain == (len(answers_to(prompt)) == 1)
    assert exercises.valid(answers).all()


@pytest.mark.parametrize("name", OPERATIONS)
def test_valid_answers_are_those_a_person_accepts_of_all_sequences(name):
    exercises, _ = drawn(name, 3, size=4, vocabulary=(words := Vocabulary(items=4, longest=3)))
    prompts = exercises.prompts()
    accepted = [set() for _ in prompts]
    tokens = [words.ids["="], *range(words.first_item, len(words.words))]
    for sequence in itertools.product(tokens, repeat=exercises.answer_length):
        for row in np.flatnonzero(exercises.valid(np.array([sequence] * len(prompts)))):
            accepted[row].add(text(sequence, words))
    assert accepted == [answers_to(prompt) for prompt in prompts]


@pytest.mark.parametrize("name", [name for name, op in OPERATIONS.items() if not op.certain])
def test_answers_are_uniform_over_the_valid_ones(name):
    exercises, _ = drawn(name, 3, size=1)
    many = dataclasses.replace(
        exercises, **{field: np.repeat(getattr(exercises, field), 6000, axis=0)
                      for field in ("items", "new", "index")}
    )  # fmt: skip
    counts = Counter(map(text, many.answers(np.random.default_rng(1))))
    ways = answers_to(exercises.prompts()[0])
    assert set(counts) == ways
    expected = 6000 / len(ways)
    assert all(abs(count - expected) < 5 * expected**0.5 for count in counts.values())


@given(n=st.integers(1, 6), seed=st.integers(0, 50))
def test_sort_is_the_law_of_that_name(n, seed):
    law = distributions.sort(n, seed=seed)
    [outcome] = law.sample(1)
    words = Vocabulary(items=7, longest=6)
    came = np.array([[ord(item) - ord("A") for item in law.labels[0]]])
    none = np.array([-1])
    exercises = Exercises(OPERATIONS["sort"], words, came, none, none)
    [answer] = exercises.answers(np.random.default_rng(0))
    assert text(answer, words) == law.render(outcome)


def test_a_law_needs_an_index_where_the_prompt_names_one():
    with pytest.raises(ValueError, match="replace index needs an index, got index=None"):
        OPERATIONS["replace index"].law(3)
    with pytest.raises(ValueError, match="copy takes no index, got index=1"):
        OPERATIONS["copy"].law(3, 1)


def test_answers_of_another_shape_are_refused():
    exercises, answers = drawn("copy", 3, size=2)
    with pytest.raises(ValueError, match=r"answers must have shape \(2, 3\), got \(2, 2\)"):
        exercises.valid(answers[:, :2])


STREAM = Stream(WORDS, 2, 5, batch=12, groups=3, shares={}, seed=5)


def same(first, second):
    return all(
        np.array_equal(getattr(a, name), getattr(b, name))
        for a, b in zip(first, second, strict=True)
        for name in ("ids", "masked", "weight")
    )


def test_a_batch_depends_on_the_seed_and_its_number_alone():
    again = dataclasses.replace(STREAM)
    list(again.batch_at(3))
    assert same(STREAM.batch_at(7), again.batch_at(7))
    assert not same(STREAM.batch_at(7), [*STREAM.batch_at(8)])
    other = dataclasses.replace(STREAM, seed=6)
    assert not np.array_equal(
        generator(5, TRAINING, 7).random(4), generator(6, TRAINING, 7).random(4)
    )
    assert not all(
        np.array_equal(a.ids, b.ids) if a.ids.shape == b.ids.shape else False
        for a, b in zip(STREAM.batch_at(7), other.batch_at(7), strict=True)
    )


def test_masks_lie_in_answers_and_their_number_is_uniform():
    equals = WORDS.ids["="]
    numbers = Counter()
    for number in range(200):
        for group in STREAM.batch_at(number):
            assert group.ids.shape == group.masked.shape
            answer = np.cumsum(group.ids == equals, axis=1) - (group.ids == equals)
            assert (group.masked <= answer.astype(bool)).all()
            assert np.allclose(group.masked.sum(axis=1) * group.weight, 1)
            full = answer.sum(axis=1) == 4
            numbers.update(group.masked.sum(axis=1)[full].tolist())
    expected = sum(numbers.values()) / 4
    assert sorted(numbers) == [1, 2, 3, 4]
    assert all(abs(count - expected) < 5 * expected**0.5 for count in numbers.values())


def test_shares_of_operations():
    stream = dataclasses.replace(STREAM, shares={"sort": 3.0})
    verbs = Counter()
    for number in range(200):
        for group in stream.batch_at(number):
            verbs.update(WORDS.words[i] for i in group.ids[:, 0])
    size = 200 * 12
    # Twelve parts: three of sort, one of each other operation; two operations say "replace".
    assert abs(verbs["sort"] - size / 4) < 5 * (size / 4) ** 0.5
    assert abs(verbs["replace"] - size / 6) < 5 * (size / 6) ** 0.5
    assert abs(verbs["copy"] - size / 12) < 5 * (size / 12) ** 0.5


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"groups": 5}, "groups must divide batch, 12, got 5"),
        ({"shares": {"sorting": 1.0}}, "shares must be one of"),
        ({"shares": {"sort": 0.0}}, r"shares\['sort'\] must be greater than 0"),
        ({"longest": 6}, "longest must be at most 5"),
        ({"shortest": 1}, "shortest must be at least 2"),
    ],
)
def test_streams_that_are_refused(change, words):
    with pytest.raises(ValueError, match=words):
        dataclasses.replace(STREAM, **change)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"steps": 0}, "steps must be at least 1, got 0"),
        ({"rate": 0.0}, "rate must be greater than 0"),
        ({"decay": 1.0}, "decay must be less than 1"),
        ({"dtype": "float16"}, "dtype must be one of 'float32', 'bfloat16'"),
        ({"items": 4}, "items must be at least 5, got 4"),
    ],
)
def test_recipes_that_are_refused(change, words):
    with pytest.raises(ValueError, match=words):
        dataclasses.replace(SMALL, **change).stream  # noqa: B018


def test_rates_rise_and_fall_to_almost_nothing():
    assert [SMALL.rate_at(step) for step in range(6)] == [0.5, 1, 1, 0.75, 0.5, 0.25]


def bits(run):
    """Everything that a run holds, as bytes."""
    state = run._state()
    tensors = [*state["network"].values(), *state["average"]]
    for optimiser in state["optimisers"]:
        for moments in optimiser["state"].values():
            tensors += [torch.as_tensor(value) for value in moments.values()]
    return state["step"], state["loss"], [tensor.numpy().tobytes() for tensor in tensors]


def test_a_resumed_run_equals_one_without_a_break_bit_for_bit(tmp_path):
    whole, first = Trainer(SMALL), Trainer(SMALL)
    while not whole.done:
        whole.advance()
    for _ in range(3):
        first.advance()
    first.save(tmp_path / "state.pt")
    second = Trainer.resume(SMALL, tmp_path / "state.pt")
    assert bits(second) == bits(first)
    assert second.cpu_seconds == first.cpu_seconds > 0
    while not second.done:
        second.advance()
    assert bits(second) == bits(whole)
    assert bits(whole) != bits(first)


def test_the_seed_decides(tmp_path):
    runs = [Trainer(SMALL), Trainer(SMALL), Trainer(dataclasses.replace(SMALL, seed=1))]
    for run in runs:
        run.advance()
    assert bits(runs[0]) == bits(runs[1]) != bits(runs[2])


def test_a_state_of_another_recipe_is_refused_by_name(tmp_path):
    Trainer(SMALL).save(tmp_path / "state.pt")
    with pytest.raises(ValueError, match=r"state\.pt is of a run with batch = 8, got 16"):
        Trainer.resume(dataclasses.replace(SMALL, batch=16), tmp_path / "state.pt")


def test_a_save_that_breaks_off_leaves_the_last_one(tmp_path, monkeypatch):
    run = Trainer(SMALL)
    run.save(tmp_path / "state.pt")
    run.advance()

    def broken(state, file):
        file.write(b"half of it")
        raise KeyboardInterrupt

    monkeypatch.setattr(torch, "save", broken)
    with pytest.raises(KeyboardInterrupt):
        run.save(tmp_path / "state.pt")
    assert Trainer.resume(SMALL, tmp_path / "state.pt").step == 0


def test_the_average_follows_the_weights():
    run = Trainer(dataclasses.replace(SMALL, decay=0.0, steps=2))
    run.advance()
    for mine, averaged in zip(
        run.network.module.parameters(), run.averaged().module.parameters(), strict=True
    ):
        assert torch.equal(mine, averaged)
        assert not averaged.requires_grad


def test_half_precision_is_of_the_forward_pass_alone():
    runs = [Trainer(SMALL), Trainer(dataclasses.replace(SMALL, dtype="bfloat16"))]
    for run in runs:
        run.advance()
    assert runs[1].network.dtype == torch.float32
    assert runs[0].loss != runs[1].loss == pytest.approx(runs[0].loss, rel=0.01)


def test_a_run_learns():
    recipe = dataclasses.replace(
        SMALL, width=32, steps=50, batch=32, longest=3, items=4, shares={"copy": 1000.0}
    )
    run = Trainer(recipe)
    losses = []
    while not run.done:
        losses.append(run._gradients())
        run.advance()
    assert np.mean(losses[-10:]) < 0.5 * losses[0]


class Copier:
    """A network that repeats the list of a ``copy`` prompt, whatever the prompt says."""

    mask_id, eos_id, pad_id, max_length = 2, None, None, None
    device = torch.device("cpu")

    def __init__(self, vocabulary):
        self.vocabulary_size = self.embedding_size = len(vocabulary.words)

    def hidden(self, canvas, attention=None):
        out = canvas.clone()
        n = (canvas.shape[1] - 3) // 2
        out[:, n + 3 :] = canvas[:, 2 : n + 2]
        return out

    def logits(self, hidden):
        logits = torch.full((len(hidden), self.vocabulary_size), -1000.0)
        logits[torch.arange(len(hidden)), hidden] = 0.0
        logits[:, self.mask_id] = 1000.0
        return logits


@pytest.mark.parametrize(("name", "right"), [("copy", 1.0), ("shuffle", 1.0), ("reverse", 0.0)])
def test_validity_of_a_network_that_copies(name, right):
    found = validity(Copier(WORDS), OPERATIONS[name], 4, vocabulary=WORDS, samples=30, seed=0)
    assert found.value == right
    assert found.high - found.low == pytest.approx(1 - 0.025 ** (1 / 30))


def test_one_by_one_draws_from_the_whole_law_at_temperature_1():
    words = Vocabulary(items=4, longest=3)
    network = Copier(words)
    size = network.vocabulary_size
    network.logits = lambda hidden: torch.zeros((len(hidden), size))
    answers = answered(
        MaskedLM(network), ONE_BY_ONE, "copy", 2, samples=4000, seed=3, vocabulary=words
    ).trace.sequences
    counts = Counter(answers.ravel().tolist())
    assert set(counts) == set(range(size)) - {network.mask_id}
    expected = answers.size / len(counts)
    assert all(abs(count - expected) < 5 * expected**0.5 for count in counts.values())


ARGUMENTS = [
    "train", "--width", "16", "--layers", "1", "--heads", "2", "--mlp", "16", "--items", "6",
    "--longest", "4", "--batch", "8", "--samples", "5",
]  # fmt: skip


def arguments(folder, *more):
    return [*ARGUMENTS, "--output", str(folder), "--table", str(folder / "table.csv"), *more]


def test_the_command_trains_measures_and_writes_a_model_that_loads(tmp_path):
    result = CliRunner().invoke(app, arguments(tmp_path, "--steps", "3", "--save-every", "2"))
    assert result.exit_code == 0, result.output
    assert "step 2 of 3, loss" in result.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "config.json", "generation_config.json", "model.safetensors", "table.csv",
        "tokenizer.json", "tokenizer_config.json",
    ]  # fmt: skip
    rows = list(csv.DictReader((tmp_path / "table.csv").read_text().splitlines()))
    assert [(row["operation"], row["n"]) for row in rows] == [
        (name, str(n)) for name in OPERATIONS for n in (3, 4)
    ]
    assert set(rows[0]) == {*(f.name for f in dataclasses.fields(Row)), "command", "versions"}
    assert float(rows[0]["low"]) <= float(rows[0]["validity"]) <= float(rows[0]["high"])
    network, words = load_network(tmp_path)
    assert isinstance(network, Network)
    vocabulary = Vocabulary(items=6, longest=4)
    assert (network.mask_id, network.eos_id) == (words.mask_token_id, words.eos_token_id)
    assert network.vocabulary_size == len(vocabulary.words) == len(words)
    for name in OPERATIONS:
        exercises, answers = drawn(name, 4, vocabulary=vocabulary)
        assert words(exercises.prompts())["input_ids"] == exercises.prompt_ids().tolist()
        assert words.decode(answers[0]) == text(answers[0], vocabulary)
    with pytest.raises(Exception, match="Missing"):
        words("copy : A hello =")
    again = CliRunner().invoke(app, arguments(tmp_path, "--steps", "3"))
    assert again.exit_code == 2
    assert "--overwrite" in again.output


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--share", "sort"], "share must be an operation = a number"),
        (["--share", "sorting=2"], "shares must be one of"),
        (["--groups", "3"], "groups must divide batch"),
    ],
)
def test_options_that_are_refused(tmp_path, more, words):
    result = CliRunner().invoke(app, arguments(tmp_path, "--steps", "1", *more))
    assert result.exit_code == 2
    assert words in " ".join(result.output.replace("│", " ").split())


@pytest.mark.slow
def test_a_killed_run_ends_with_the_same_weights(tmp_path):
    def command(folder):
        more = arguments(folder, "--steps", "60", "--save-every", "5")
        return [sys.executable, "-m", "llm", *more]

    subprocess.run(command(tmp_path / "whole"), cwd=ROOT, check=True, capture_output=True)
    state = tmp_path / "killed" / "training.pt"
    process = subprocess.Popen(
        command(tmp_path / "killed"), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    while not state.exists():
        assert process.poll() is None, process.communicate()
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    done = torch.load(state, weights_only=True)["step"]
    assert 5 <= done < 60
    result = subprocess.run(
        command(tmp_path / "killed"), cwd=ROOT, check=True, capture_output=True, text=True
    )
    assert f"goes on after step {done}" in result.stdout
    weights = [(tmp_path / name / "model.safetensors").read_bytes() for name in ("whole", "killed")]
    assert weights[0] == weights[1]


@pytest.fixture(scope="module")
def table():
    return list(csv.DictReader(TABLE.read_text(encoding="utf-8").splitlines()))


def test_the_shipped_model_is_small_and_is_of_the_default_recipe():
    assert sum(path.stat().st_size for path in TINY.iterdir()) < 1_000_000
    network, words = load_network("tiny")
    recipe = Recipe()
    assert words.get_vocab() == recipe.vocabulary.ids
    expected = Network.random(recipe.config())
    assert network.architecture.module_config == expected.architecture.module_config
    assert network.max_length >= recipe.stream.max_length


@pytest.mark.parametrize(
    ("names", "least"),
    [(("copy", "replace index"), 0.99), (("shuffle", "replace random"), 0.96)],
)
def test_the_shipped_model_was_measured_to_be_good(table, names, least):
    rows = [row for row in table if row["operation"] in names]
    assert {(row["operation"], int(row["n"])) for row in rows} == {
        (name, n) for name in names for n in range(3, 9)
    }
    assert min(float(row["validity"]) for row in rows) >= least


@pytest.mark.parametrize(("name", "n"), [("copy", 8), ("shuffle", 8), ("insert random", 5)])
def test_the_shipped_model_is_as_good_as_its_table_says(table, name, n):
    network, _ = load_network("tiny", tokenizer=False)
    [row] = [row for row in table if (row["operation"], row["n"]) == (name, str(n))]
    found = validity(
        network, OPERATIONS[name], n, vocabulary=Vocabulary(), samples=300, seed=1,
        confidence=1 - 1e-6,
    )  # fmt: skip
    assert float(row["low"]) <= found.high
    assert float(row["high"]) >= found.low


def test_the_readme_of_the_shipped_model_says_what_the_table_says(table):
    readme = (TINY / "README.md").read_text(encoding="utf-8")
    for name in OPERATIONS:
        values = [f"{float(row['validity']):.3f}" for row in table if row["operation"] == name]
        assert f"| {name} | {' | '.join(values)} |" in readme
    assert f"{float(table[0]['cpu_minutes']):.1f} CPU-minutes" in readme
    assert table[0]["command"] in readme
    assert table[0]["versions"] in readme
