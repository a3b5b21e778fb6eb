"""ParallelBench's tasks: what counts as right, the questions, the records, the program."""

import csv
import itertools
import json
from dataclasses import dataclass, fields, replace
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("torch")
pytest.importorskip("transformers")

import torch
from typer.testing import CliRunner

import infodecode
from infodecode import distributions
from infodecode.masked_lm import MaskedLM, Network
from llm import list_operations
from llm.__main__ import app
from llm.stream import EVALUATION, generator
from llm.tasks import (
    decoding,
    grammar,
    lists,
    official,
    parsing,
    program,
    puzzles,
    question,
    rules,
    sentences,
    summary,
    waiting_line,
    words_to_sentence,
)
from llm.tasks.records import Records
from llm.tasks.rules import (
    Inserted,
    LatinSquare,
    Removed,
    Replaced,
    Same,
    Shuffled,
    Sudoku,
    WordsUsed,
)
from llm.train import tokenizer
from tests.checkpoints import LLADA

QUEUE = ("Ada Finch", "Leo Hale", "Mona Vale")
NEW = "Hugo Pike"
VOCABULARY = list_operations.Vocabulary()


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def no_checker(monkeypatch):
    """Texts in capitals count as ungrammatical: scoring without Harper."""
    monkeypatch.setattr(rules, "is_grammatical", lambda text: text != text.upper())


def strict_lenient(rule, output):
    score = rule.score(output)
    return score.strict, score.lenient


# What counts as right


def one_replaced(items, new):
    return {(*items[:i], new, *items[i + 1 :]) for i in range(len(items))}


def one_inserted(items, new):
    return {(*items[:i], new, *items[i:]) for i in range(len(items) + 1)}


def one_removed(items, new):
    return {items[:i] + items[i + 1 :] for i in range(len(items))}


@pytest.mark.parametrize(
    ("rule", "right"),
    [
        (Same(("a", "b", "c")), {("a", "b", "c")}),
        (Shuffled(("a", "b", "c")), set(itertools.permutations("abc")) - {("a", "b", "c")}),
        (Replaced(("a", "b", "c"), "x"), one_replaced(("a", "b", "c"), "x")),
        (Inserted(("a", "b", "c"), "x"), one_inserted(("a", "b", "c"), "x")),
        (Removed(("a", "b", "c")), one_removed(("a", "b", "c"), None)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_list_rule_accepts_the_right_answers_and_no_other(rule, right):
    every = {
        answer
        for m in range(6)
        for answer in itertools.product(("a", "b", "c", "x", "y"), repeat=m)
    }
    for form in ("quoted", "words"):
        rule = replace(rule, form=form)
        write = parsing.LIST_FORMS[form].write
        accepted = {answer for answer in every if rule.score(write(answer)).strict}
        assert accepted == right
        assert {answer for answer in every if rule.score(write(answer)).lenient} == right


@pytest.mark.parametrize(
    ("output", "strict", "lenient"),
    [
        ('["Ada Finch", "Leo Hale", "Mona Vale"]', True, True),
        (' ["Ada Finch", "Leo Hale", "Mona Vale"]\n', True, True),
        ('["Ada Finch","Leo Hale","Mona Vale"]', False, True),
        ("['ada finch', Leo  Hale, “Mona Vale”]", False, True),
        ("Of course: [1] becomes\n[Ada Finch, Leo Hale, Mona Vale], as asked.", False, True),
        ("Ada Finch, Leo Hale, Mona Vale", False, True),
        ('["Ada Finch", "Leo Hale", "Mona Vale"', False, True),
        ('["Ada Finch", "Leo Hale", "Mona Vale"] or ["Ada Finch"]', False, False),
        ('["Ada Finch", "Leo Hale" "Mona Vale"]', False, False),
        ('["Ada Finch", "Mona Vale", "Leo Hale"]', False, False),
        ('["Ada Finch", "Leo Hale", 3]', False, False),
        ("[]", False, False),
        ("", False, False),
    ],
)
def test_strict_is_the_whole_output_and_lenient_the_last_list(output, strict, lenient):
    assert strict_lenient(Same(QUEUE), output) == (strict, lenient)


def test_a_word_list_may_come_with_commas():
    rule = Same(("A", "B"), form="words")
    assert strict_lenient(rule, "A B") == (True, True)
    assert strict_lenient(rule, "[a,  b]") == (False, True)
    assert strict_lenient(rule, "B A") == (False, False)


@pytest.mark.parametrize(
    ("output", "strict", "lenient"),
    [
        ("A,B,C\nB,C,A\nC,A,B", True, True),
        ("A, B, C\nB, C, A\n\nC, A, B", False, True),
        ("Here it is:\na,b,c\nb,c,a\nc,a,b\nDone, as asked.", False, True),
        ("A,B,C\nC,A,B\nC,A,B", False, False),
        ("A,B,C\nB,A,C\nC,A,B", False, False),
        ("A,B,C\nB,C,A", False, False),
        ("A,B,C,A\nB,C,A,B\nC,A,B,C", False, False),
        ("", False, False),
    ],
)
def test_latin_squares(output, strict, lenient):
    assert strict_lenient(LatinSquare(("A", "B", "C")), output) == (strict, lenient)


def test_every_latin_square_counts_and_no_other_arrangement_of_rows():
    rule = LatinSquare(tuple("ABCD"))
    squares = {tuple(square) for square in puzzles._squares("latin").tolist()}
    assert len(squares) == 576
    rows = list(itertools.permutations(range(4)))
    cases = [
        (rows[0], rows[k], *rest) for k in (7, 9, 16) for rest in itertools.permutations(rows, 2)
    ]
    found = 0
    for case in cases:
        cells = tuple(itertools.chain(*case))
        text = parsing.written_square([["ABCD"[k] for k in row] for row in case])
        assert strict_lenient(rule, text) == (cells in squares,) * 2
        found += cells in squares
    assert found == 4 + 2 + 4


def test_symbols_that_differ_in_case_alone_are_refused():
    with pytest.raises(ValueError, match="symbols must be distinct"):
        LatinSquare(("a", "A", "b"))


def test_a_sudoku_keeps_its_clues():
    grids = [tuple(str(v + 1) for v in grid) for grid in puzzles._squares("sudoku").tolist()]
    assert len(grids) == 288
    clues = "1020" + "0000" * 2 + "0003"
    rule = Sudoku(tuple(map(tuple, (clues[k : k + 4] for k in range(0, 16, 4)))))
    accepted = 0
    for grid in grids:
        right = all(clue in ("0", cell) for clue, cell in zip(clues, grid, strict=True))
        text = "\n".join("".join(grid[k : k + 4]) for k in range(0, 16, 4))
        assert strict_lenient(rule, text) == (right, right)
        accepted += right
    assert 0 < accepted < 288


@pytest.mark.parametrize(
    ("output", "strict", "lenient"),
    [
        ("1234\n3412\n2143\n4321", True, True),
        ("1 2 3 4\n3,4,1,2\n|2|1|4|3|\n4321", False, True),
        ("Solution:\n1234\n3412\n2143\n4321", False, True),
        ("1234\n1000\n3412\n2143\n4321", False, False),
        ("1234\n3412\n4321\n2134", False, False),
        ("1234\n2341\n3412\n4123", False, False),
        ("", False, False),
    ],
)
def test_sudoku_grids(output, strict, lenient):
    clues = (("1", "0", "0", "0"), *[("0",) * 4] * 3)
    assert strict_lenient(Sudoku(clues), output) == (strict, lenient)


@pytest.mark.parametrize(
    ("output", "strict", "lenient", "parts"),
    [
        ("The dog will carry a ball.", True, True, (True, True)),
        ("Dog and ball: carry on!", True, True, (True, True)),
        ("Dogs carried the ball.", False, True, (True, True)),
        ("A dog. They carry a ball.", False, True, (True, True)),
        ("the dog will carry a ball", False, True, (True, True)),
        ("The dog will carry a balloon.", False, False, (False, True)),
        ("THE DOG WILL CARRY A BALL.", False, False, (True, False)),
        ("", False, False, (False, False)),
    ],
)
def test_words_to_sentence(no_checker, output, strict, lenient, parts):
    score = WordsUsed(("dog", "carry", "ball")).score(output)
    assert (score.strict, score.lenient) == (strict, lenient)
    assert (score.parts["words"], score.parts["grammar"]) == parts


@pytest.mark.parametrize(
    ("word", "text", "used"),
    [
        ("box", "two boxes", True),
        ("hero", "heroes", True),
        ("bake", "baking, and baked", True),
        ("stop", "it stopped", True),
        ("play", "she played", True),
        ("study", "he studies", True),
        ("dog", "the dog's ball", True),
        ("wheel chair", "a wheel   chairs", True),
        ("wheel chair", "a wheel, a table, a chair", False),
        ("throw", "they threw", False),
        ("throw", "the thrower", False),
        ("art", "we start a party", False),
        ("TV", "a tv set", True),
        ("cat", "", False),
    ],
)
def test_regular_inflections_count(word, text, used):
    assert sentences.uses(text, word) == used


def test_uninflected_words_only():
    assert sentences.uses("The Dog barks", "dog", inflected=False)
    assert not sentences.uses("The dogs bark", "dog", inflected=False)


@given(st.lists(st.sampled_from("abcdx"), max_size=5), st.sampled_from(["quoted", "words"]))
def test_what_is_right_strictly_is_right_leniently(answer, form):
    output = parsing.LIST_FORMS[form].write(answer)
    for rule in (Shuffled, Removed):
        score = rule(("a", "b", "c", "d"), form=form).score(output)
        assert score.lenient >= score.strict
    for rule in (Replaced, Inserted):
        score = rule(("a", "b", "c", "d"), "x", form).score(output)
        assert score.lenient >= score.strict


@given(st.lists(st.text("abc 'é", min_size=1).filter(lambda t: t == t.strip()), min_size=1))
def test_quoted_lists_are_read_back(items):
    assert parsing.strict_quoted(parsing.quoted_list(items)) == tuple(items)


# Questions


def every_task(seed=0):
    return program.catalogue(None, seed=seed, shortest=3, longest=6, clues=12)


@pytest.mark.parametrize("name", every_task())
def test_the_example_of_every_question_is_right(no_checker, name):
    task = every_task()[name]
    questions = task.questions(12)
    for asked in questions:
        score = asked.score(asked.example)
        assert score.strict
        assert score.lenient
    assert len({asked.turns for asked in questions}) == len(questions)
    assert task.questions(12) == questions == every_task()[name].questions(12)
    assert every_task(seed=1)[name].questions(12) != questions


def test_a_queue_is_not_its_own_answer_where_something_has_to_happen():
    for task in waiting_line.tasks(0):
        for asked in task.questions(8):
            shown = next(line for line in asked.turns[-1].splitlines() if line.startswith("["))
            same = asked.score(shown).lenient
            operation = task.name.partition("/")[2]
            if operation == "copy":
                assert same
            elif operation not in ("sort", "reverse"):
                assert not same


def test_queues_have_every_length_in_turn_and_distinct_names():
    (task, *_) = waiting_line.tasks(0, shortest=3, longest=5)
    sizes = [len(asked.rule.listed) for asked in task.questions(6)]
    assert sizes == [3, 4, 5, 3, 4, 5]
    for asked in task.questions(6):
        firsts, lasts = zip(*(name.split() for name in asked.rule.listed), strict=True)
        assert len(set(firsts)) == len(set(lasts)) == len(firsts)
    with pytest.raises(ValueError, match="queues must have from 2 to 23"):
        list(waiting_line.tasks(0, shortest=5, longest=3))


def test_an_index_counts_from_zero():
    listed = ("a", "b", "c")
    rng = question.dice(0)
    assert waiting_line.answered(listed, "replace_index", "x", 0, rng) == ("x", "b", "c")
    assert waiting_line.answered(listed, "insert_index", "x", 3, rng) == ("a", "b", "c", "x")
    assert waiting_line.answered(listed, "remove_index", "x", 1, rng) == ("a", "c")


def test_the_tiny_models_prompts_and_answers_are_those_it_was_trained_on():
    for task in lists.tasks(0):
        operation = list_operations.OPERATIONS[task.name.partition("/")[2].replace("_", " ")]
        for asked in task.questions(8):
            (prompt,) = asked.turns
            ids = [VOCABULARY.ids[word] for word in prompt.split()]
            n = 3 + asked.number % 4
            assert len(ids) == operation.prompt_length(n)
            assert asked.length == operation.answer_length(n) == len(asked.example.split())


def test_the_tiny_models_rules_are_the_laws_of_the_operations():
    """But for *shuffle*, where the order of the prompt is an answer of the law alone."""
    for task in lists.tasks(0):
        name = task.name.partition("/")[2].replace("_", " ")
        operation = list_operations.OPERATIONS[name]
        drawn = list_operations.Exercises.draw(
            operation, 4, 5, vocabulary=VOCABULARY, generator=generator(0, EVALUATION, 7)
        )
        items = [tuple(VOCABULARY.item_names[k] for k in row) for row in drawn.items]
        answers = drawn.answers(generator(0, EVALUATION, 8))
        for k, listed in enumerate(items):
            new = VOCABULARY.item_names[drawn.new[k]] if operation.takes_item else ""
            key = task.name.partition("/")[2]
            right = waiting_line.answered(listed, key, new, int(drawn.index[k]), question.dice(k))
            rule = waiting_line.rule_of(listed, key, new, right, form="words")
            words = tuple(VOCABULARY.words[v] for v in answers[k])
            assert rule.score(" ".join(words)).strict == (name != "shuffle" or words != listed)


def test_a_generated_sudoku_has_one_solution():
    *_, task = puzzles.tasks(0, clues=6)
    law = distributions.sudoku()
    grids = law.table().outcomes + 1
    for asked in task.questions(5):
        clues = [int(c) for c in itertools.chain(*asked.rule.clues)]
        given = [k for k, c in enumerate(clues) if c]
        assert len(given) == 6
        assert (grids[:, given] == [clues[k] for k in given]).all(axis=1).sum() == 1
    with pytest.raises(ValueError, match="clues must be 4 to 15, got 3"):
        list(puzzles.tasks(0, clues=3))


def test_the_levels_of_words():
    scene_of = {w: s for s, words in words_to_sentence.SCENES.items() for w in words}
    field_of = {w: f for f, words in words_to_sentence.FIELDS.items() for w in words}
    assert len(scene_of) == sum(map(len, words_to_sentence.SCENES.values()))
    assert len(field_of) == sum(map(len, words_to_sentence.FIELDS.values()))
    for number in range(30):
        rng = question.dice("levels", number)
        assert len({scene_of[w] for w in words_to_sentence.drawn("easy", rng)}) == 1
        medium = words_to_sentence.drawn("medium", rng)
        assert len(set(medium)) == 4
        assert len({scene_of[w] for w in medium}) == 2
        assert len({field_of[w] for w in words_to_sentence.drawn("hard", rng)}) == 4


def test_tasks_are_chosen_by_name_or_group():
    tasks = every_task()
    assert [t.name for t in question.chosen("puzzle, lists/copy", tasks)] == [
        "puzzle/latin_square", "puzzle/sudoku", "lists/copy",
    ]  # fmt: skip
    with pytest.raises(ValueError, match=r"tasks must be some of waiting_line \(copy.*'chess'"):
        question.chosen("puzzle,chess", tasks)
    with pytest.raises(ValueError, match="tasks must be some of"):
        question.chosen(" ", tasks)
    with pytest.raises(ValueError, match="turns must end with the user's"):
        question.Question("a/b", 0, ("one", "two"), 4, Same(("a",)), "")


# Grammar


def test_harper_finds_what_is_wrong():
    pytest.importorskip("harper")
    assert grammar.is_grammatical("We left the boat on the beach and swam.")
    assert not grammar.is_grammatical("He go to school every day.")
    assert not grammar.is_grammatical("The the dog sleeps.")
    unseen = "Her brother drives a red tractor tractor to the market on Fridays."
    assert not any(kind == "Repetition" for kind, _, _ in grammar.remarks(unseen))
    assert not grammar.is_grammatical(unseen)
    assert not grammar.is_grammatical(" \n")
    advice = "The moss grew along the river bank."
    assert {kind for kind, _, _ in grammar.remarks(advice)} <= grammar.ADVICE
    assert grammar.remarks(advice)
    assert grammar.is_grammatical(advice)


def test_every_example_sentence_passes_harper():
    pytest.importorskip("harper")
    for task in words_to_sentence.tasks(0):
        for asked in task.questions(10):
            assert asked.score(asked.example).strict


def test_without_harper_the_message_says_what_to_install(monkeypatch):
    monkeypatch.setattr(grammar, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r'harper-py: pip install "infodecode\[tasks\]"'):
        WordsUsed(("dog",)).score("A dog.")
    shown = CliRunner().invoke(app, ["tasks", "--tasks", "words_to_sentence/easy"])
    assert shown.exit_code == 2
    assert 'pip install "infodecode[tasks]"' in shown.output


# ParallelBench's own files


def checkout(folder):
    """A checkout of version 1 with questions of our own."""
    config = {
        "waiting_line/copy": ("list_match_score", "Copy:\\n{context}"),
        "waiting_line/shuffle": ("list_shuffle_score", "Shuffle {context}"),
        "waiting_line/insert_random": ("list_random_insert_score", "Insert {word}: {context}"),
        "waiting_line/remove_random": ("list_random_remove_score", "Remove: {context}"),
        "waiting_line/replace_random": ("list_random_replace_score", "Replace {word}: {context}"),
        "waiting_line/riddle": ("riddle_score", "?"),
        "puzzle/latin_square_n4": ("latin_square_score", "Latin {size}: {symbols}"),
        "puzzle/sudoku_n4_12": ("sudoku_score", "Sudoku\n{sudoku}"),
        "words_to_sentence/easy": ("sentence_to_words_score", "Words: {words}"),
    }
    listed, text = ["Ada", "Leo"], '["Ada", "Leo"]'
    rows = {
        "waiting_line/copy": {
            "input": {
                "context": text,
                "icl_examples": [{"input": {"context": '["Mona"]'}, "answer": '["Mona"]'}],
            },
            "answer": text,
        },
        "waiting_line/shuffle": {
            "input": {"context": text},
            "answer": {"input": listed, "example": '["Leo", "Ada"]'},
        },
        "waiting_line/insert_random": {
            "input": {"context": text, "word": "Hugo"},
            "answer": {"input": listed, "word": "Hugo", "example": '["Ada", "Hugo", "Leo"]'},
        },
        "waiting_line/remove_random": {
            "input": {"context": text},
            "answer": {"input": listed, "example": '["Leo"]'},
        },
        "waiting_line/replace_random": {
            "input": {"context": text, "word": "Hugo"},
            "answer": {"input": listed, "word": "Hugo", "example": '["Hugo", "Leo"]'},
        },
        "waiting_line/riddle": {"input": {}, "answer": ""},
        "puzzle/latin_square_n4": {
            "input": {"size": 4, "symbols": "[A, B, 7, D]"},
            "answer": {"symbols": list("AB7D"), "example": "A,B,7,D\nB,A,D,7\n7,D,A,B\nD,7,B,A"},
        },
        "puzzle/sudoku_n4_12": {
            "input": {"sudoku": "1234\n3412\n2143\n4320"},
            "answer": "1234\n3412\n2143\n4321",
        },
        "words_to_sentence/easy": {
            "input": {"words": "dog and ball"},
            "answer": {"words": ["dog", "ball"]},
        },
    }
    for name, row in rows.items():
        file = folder / official.FILES / f"{name}.jsonl"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(row) + "\n\n" + json.dumps(row) + "\n")
    for group in ("waiting_line", "puzzle", "words_to_sentence"):
        entries = {
            name: {"metric": metric, "prompt": prompt}
            for name, (metric, prompt) in config.items()
            if name.startswith(f"{group}/")
        }
        # Every JSON document is a YAML document.
        (folder / official.FILES / group / official.CONFIG).write_text(json.dumps(entries))
    return folder


def test_a_checkout_is_read(tmp_path, no_checker):
    tasks = {task.name: task for task in official.tasks(checkout(tmp_path))}
    assert len(tasks) == 8
    for task in tasks.values():
        questions = task.questions(100)
        assert len(questions) == 2
        for asked in questions:
            right = asked.example or "A dog has a ball."
            assert asked.score(right).strict
            assert not asked.score("nothing").lenient
    copy = tasks["waiting_line/copy"].questions(1)[0]
    assert copy.turns == ('Copy:\n["Mona"]', '["Mona"]', 'Copy:\n["Ada", "Leo"]')
    assert copy.length == 32
    inserted = tasks["waiting_line/insert_random"].questions(1)[0]
    assert inserted.turns == ('Insert Hugo: ["Ada", "Leo"]',)
    assert inserted.score('["Hugo", "Ada", "Leo"]').strict
    assert tasks["puzzle/sudoku_n4_12"].questions(1)[0].length == 64
    assert tasks["words_to_sentence/easy"].needs_grammar
    again = official.tasks(tmp_path / official.FILES)
    assert [task.name for task in again] == list(tasks)
    default = program.default_tasks("any", tmp_path)
    with pytest.raises(ValueError, match="words_to_sentence/medium"):
        question.chosen(default, tasks)


def test_a_checkout_that_is_something_else_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="must be a checkout of ParallelBench version 1"):
        list(official.tasks(tmp_path))
    files = checkout(tmp_path) / official.FILES
    (files / "puzzle" / "latin_square_n4.jsonl").write_text("[]\n")
    with pytest.raises(ValueError, match=r"latin_square_n4\.jsonl, line 1: must be an object"):
        list(official.tasks(tmp_path))
    row = {"input": {"size": 4}, "answer": {"symbols": list("ABCD")}}
    (files / "puzzle" / "latin_square_n4.jsonl").write_text(json.dumps(row))
    task = next(iter(official.tasks(tmp_path)))
    with pytest.raises(ValueError, match=r"latin_square_n4\.jsonl, question 0: KeyError"):
        task.questions(1)
    (files / "puzzle" / official.CONFIG).write_text("{}")
    with pytest.raises(ValueError, match=r"has no entry 'puzzle/latin_square_n4'"):
        list(official.tasks(tmp_path))


# Records


def test_records_survive_a_torn_last_line(tmp_path):
    file = tmp_path / "folder" / "records.jsonl"
    Records(file).append([{"id": "a", "n": 1}, {"id": "b", "n": "é"}])
    whole = file.read_bytes()
    file.write_bytes(whole + b'{"id": "c", "n"')
    kept = Records(file)
    assert len(kept) == 2
    assert "c" not in kept
    assert kept["b"] == {"id": "b", "n": "é"}
    kept.append([{"id": "c", "n": 3}])
    assert file.read_bytes() == whole + b'{"id": "c", "n": 3}\n'
    assert Records(file)["c"]["n"] == 3


def test_another_file_is_not_taken_for_records(tmp_path):
    file = tmp_path / "records.jsonl"
    file.write_text('{"id": "a"}\n{"name": "b"}\n')
    with pytest.raises(ValueError, match=r"records\.jsonl, line 2: not a record"):
        Records(file)


# The table


def record(strategy, task, sample, lenient, **changes):
    return {
        "model": "m", "source": "s", "strategy": strategy, "task": task, "sample": sample,
        "lenient": lenient, "strict": False, "parts": {}, "tokens": 8, "rounds": 4, "calls": 5,
        "seconds": 0.5, "finished": True, **changes,
    }  # fmt: skip


def test_scores_and_speeds_are_averaged_over_tasks():
    records = [
        record("slow", "a/x", 0, True, strict=True, parts={"words": True, "grammar": True}),
        record("slow", "a/x", 1, False, parts={"words": False, "grammar": True}),
        record("slow", "a/y", 0, True, rounds=2, calls=2),
        record("fast", "a/x", 0, True, rounds=1, calls=2),
        record("fast", "a/x", 1, False, rounds=3, finished=False),
        record("fast", "a/y", 0, False, rounds=1),
    ]
    rows = {(row.strategy, row.task): row for row in summary.rows_of(records)}
    first = rows["slow", "a/x"]
    assert (first.lenient, first.strict, first.samples) == (Fraction(1, 2), Fraction(1, 2), 2)
    assert first.lenient_low < 0.5 < first.lenient_high
    assert (first.words, first.grammar) == (0.5, 1.0)
    assert first.tokens_per_round == 2
    assert first.tokens_per_call == Fraction(8, 5)
    mean = rows["slow", "mean"]
    assert mean.lenient == Fraction(3, 4)
    assert mean.tokens_per_round == 3
    assert (mean.samples, mean.words, mean.lenient_low) == (3, 0.5, None)
    assert rows["fast", "a/x"].tokens_per_round == Fraction(16, 4)
    assert rows["fast", "mean"].tokens_per_round == 6
    assert rows["fast", "mean"].unfinished == 1


def test_the_best_speed_at_a_score_counts_a_score_of_exactly_that():
    # .7 on two tasks of three and .4 on the third: a mean of .6 that floats miss.
    records = []
    for task, right in (("a/x", 7), ("a/y", 7), ("a/z", 4)):
        records += [record("fast", task, k, k < right, rounds=1) for k in range(10)]
        records += [record("slow", task, k, True, strict=True) for k in range(10)]
    best = summary.best_speeds(summary.rows_of(records), (60, 60.1, 100))
    found = {(one.score, one.at): (one.strategy, one.tokens_per_round) for one in best}
    assert found["lenient", 60] == ("fast", 8)
    assert found["lenient", 60.1] == found["lenient", 100] == ("slow", 2)
    assert found["strict", 60] == ("slow", 2)
    nobody = summary.best_speeds(summary.rows_of([record("fast", "a/x", 0, False)]), (60,))
    assert all(one.strategy is None and one.tokens_per_round is None for one in nobody)


def test_strategies_must_have_answered_the_same_questions():
    records = [record("slow", "a/x", 0, True), record("fast", "a/x", 1, True)]
    with pytest.raises(ValueError, match="same questions for every strategy"):
        summary.rows_of(records)


def test_a_round_is_paid_for_by_those_still_decoding():
    @dataclass
    class Trace:
        rounds: object
        latency: object

    import numpy as np

    shares = decoding.shares_of_time(Trace(np.array([1, 3, 2]), np.array([3.0, 2.0, 1.0])))
    assert shares == [1.0, 3.0, 2.0]
    assert sum(shares) == 6.0


# The program


@pytest.fixture
def network(monkeypatch):
    """A LLaDA of random weights that has the words of the lists; counts its decodes."""
    model = MaskedLM(Network.random(LLADA, seed=1), tokenizer(VOCABULARY), name="tiny")
    monkeypatch.setattr(infodecode, "load_masked_lm", lambda *args, **options: model)
    calls = []
    decode = infodecode.decode

    def counted(*args, **options):
        calls.append(len(options["prompts"]))
        return decode(*args, **options)

    monkeypatch.setattr(infodecode, "decode", counted)
    return calls


def run(folder, *options):
    shown = CliRunner().invoke(
        app,
        ["tasks", "--records", str(folder / "r.jsonl"), "--output", str(folder), *options],
        catch_exceptions=False,
    )
    return shown


def outcomes(folder):
    lines = (folder / "r.jsonl").read_text(encoding="utf-8").splitlines()
    found = [json.loads(line) for line in lines]
    return {r["id"]: {k: v for k, v in r.items() if k != "seconds"} for r in found}


SMALL = ("--tasks", "lists/shuffle,lists/copy", "--strategies", "top_k:1;factor:0.5")


def test_the_program_writes_records_and_tables(tmp_path, network):
    shown = run(tmp_path, *SMALL, "--samples", "5", "--at", "0,50")
    assert shown.exit_code == 0, shown.output
    assert "PB50" in shown.output
    found = list(outcomes(tmp_path).values())
    assert len(found) == 2 * 2 * 5
    one = next(r for r in found if r["strategy"] == "top_k:1" and r["sample"] == 1)
    assert one["task"] in ("lists/shuffle", "lists/copy")
    assert one["rounds"] == one["tokens"] == one["calls"] == 4
    assert one["tokens_per_round"] == 1
    assert one["decoder"].startswith("Decoder(TopK(k=1")
    assert one["prompt"][0].endswith("=")
    with (tmp_path / "tasks.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["task"] for row in rows] == ["lists/shuffle", "lists/copy", "mean"] * 2
    assert all(float(row["tokens_per_round"]) >= 1 for row in rows)
    with (tmp_path / "tasks_speed.csv").open() as file:
        best = {(row["score"], row["at"]): row for row in csv.DictReader(file)}
    assert float(best["lenient", "0"]["tokens_per_round"]) == max(
        float(row["tokens_per_round"]) for row in rows if row["task"] == "mean"
    )


def test_a_run_that_was_cut_off_ends_as_if_it_had_not_been(tmp_path, network):
    options = (*SMALL, "--temperature", "1", "--eos", "suppress")
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    assert run(whole, *options, "--samples", "34").exit_code == 0
    network.clear()
    assert run(parts, *options, "--samples", "3", "--batch-size", "2").exit_code == 0
    with (parts / "r.jsonl").open("ab") as file:
        file.write(b'{"id": "torn')
    assert run(parts, *options, "--samples", "34").exit_code == 0
    assert outcomes(parts) == outcomes(whole)
    decodes = len(network)
    assert run(parts, *options, "--samples", "34").exit_code == 0
    assert len(network) == decodes
    assert run(parts, *options, "--samples", "34", "--seed", "1").exit_code == 0
    assert len(network) > decodes
    assert len(outcomes(parts)) == 2 * len(outcomes(whole))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--tasks", "chess"), "tasks must be some of"),
        (("--strategies", "top_k:2;best"), "strategy must be a name"),
        (("--strategies", "threshold:2"), "strategy 'threshold:2'"),
        (("--at", "60,high"), "high"),
        (("--length", "64"), "within 64 tokens"),
        (("--longest", "9"), "lists must have from 2 to 8 items"),
        (("--clues", "2"), "clues must be 4 to 15"),
        (("--eos", "never"), "eos must be"),
    ],
)
def test_what_cannot_be_is_refused_in_words(tmp_path, network, options, message):
    shown = run(tmp_path, "--samples", "1", *options)
    assert shown.exit_code == 2
    assert message in shown.output.replace("\n", " ")
    assert not (tmp_path / "tasks.csv").exists()


def test_an_empty_folder_is_no_checkout(tmp_path):
    shown = run(tmp_path, "--parallelbench", str(tmp_path))
    assert shown.exit_code == 2
    assert "version 1" in shown.output


def test_the_defaults_name_tasks_that_there_are(no_checker):
    assert [
        t.group for t in question.chosen(program.default_tasks("tiny", None), every_task())
    ] == ["lists"] * 10
    assert len(question.chosen(program.default_tasks("llada", None), every_task())) == 15


def test_the_committed_tables_are_those_of_the_program():
    folder = Path(__file__).parents[1] / "results" / "llm"
    for name, row in (("tasks.csv", summary.Row), ("tasks_speed.csv", summary.Best)):
        with (folder / name).open() as file:
            found = list(csv.DictReader(file))
        assert list(found[0]) == [*(f.name for f in fields(row)), "command", "versions"]
        assert {line["command"] for line in found} == {"python -m llm tasks"}


# Conversations


@pytest.fixture
def speaker():
    words = tokenizer(VOCABULARY)
    words.chat_template = (
        "{% for m in messages %}{{ 'at ' if m.role == 'user' else 'with ' }}{{ m.content }} "
        "{% endfor %}{% if add_generation_prompt %}with {% endif %}"
    )
    return MaskedLM(Network.random(LLADA, seed=1), words, name="speaker")


def said(model, ids):
    return " ".join(VOCABULARY.words[v] for v in ids)


def test_shots_are_turns_of_the_chat(speaker):
    turns = ("copy A", "A", "copy B")
    shown = said(speaker, decoding.conversation(speaker, turns, chat=None))
    assert shown == "at copy A with A at copy B with"
    assert said(speaker, decoding.conversation(speaker, ("copy B",), chat=None)) == (
        "at copy B with"
    )


def test_without_a_template_turns_follow_each_other(speaker):
    turns = ("copy A", "A", "copy B")
    assert said(speaker, decoding.conversation(speaker, turns, chat=False)) == "copy A A copy B"
    speaker.name = "speaker-base"
    assert said(speaker, decoding.conversation(speaker, turns, chat=None)) == "copy A A copy B"
    speaker.tokenizer.chat_template = None
    with pytest.raises(ValueError, match="chat=True needs a chat template"):
        decoding.conversation(speaker, turns, chat=True)


def test_nothing_of_parallelbench_is_in_the_prompts():
    """The repository's wording is its own."""
    own = Path(waiting_line.__file__).parent
    text = " ".join(file.read_text(encoding="utf-8") for file in own.glob("*.py"))
    for phrase in ("You are managing", "customer service desk", "Construct a single"):
        assert phrase not in text
