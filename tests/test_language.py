"""Phrases, articles and the words that ship."""

from __future__ import annotations

import math
import subprocess
import sys
from fractions import Fraction
from importlib import resources

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import infodecode
from infodecode import Decoder, strategies
from infodecode.distributions._language import NOUNS, article, phrases, words
from tests.families import CHECKS

FAMILIES = [
    phrases(),
    phrases(["one"]),
    phrases(["a b c", "a c b", "b b b", "a b c"], weights=[1, 2, 3, 4]),
    phrases(["new york", "mexico city"], weights=[Fraction(1, 3), Fraction(2, 3)]),
    article(),
    article({"Haus": "das", "Frau": "die", "Mann": "der", "Kind": "das"}),
    article({"cat": "a"}),
    words(3),
    words(3, weighted=True, most=200),
    words(4, most=200),
    words(8, weighted=True, most=1),
]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("law", FAMILIES, ids=lambda law: law.name)
def test_a_language_equals_its_table(law, check):
    check(law)


def texts_of(law):
    """{printed text: probability}"""
    rows = zip(law.outcomes, law.probabilities, strict=True)
    return {law.render(row): float(p) for row, p in rows}


# Phrases --------------------------------------------------------------------------------------


def test_new_york_and_mexico_city():
    law = phrases()
    assert texts_of(law) == {"New York": 0.5, "Mexico City": 0.5}
    assert law.labels == (("Mexico", "New"), ("City", "York"))
    assert law.names == ("word 1", "word 2")
    assert infodecode.total_correlation(law) == 1.0
    run = infodecode.exact(law, Decoder(strategies.TopK(2)), off_support="marginal")
    assert texts_of(run.output) == dict.fromkeys(
        ["New York", "New City", "Mexico York", "Mexico City"], 0.25
    )


@given(k=st.integers(1, 6), n=st.integers(1, 5))
def test_phrases_that_share_no_word(k, n):
    law = phrases([" ".join(f"w{i}of{j}" for i in range(n)) for j in range(k)])
    assert law.entropy() == pytest.approx(math.log2(k), abs=1e-13)
    assert infodecode.total_correlation(law) == pytest.approx((n - 1) * math.log2(k), abs=1e-12)
    one_round = infodecode.exact(law, Decoder(strategies.TopK(n)))
    assert one_round.validity == pytest.approx(k ** (1 - n), rel=1e-12)


def test_a_phrase_given_twice_counts_twice():
    law = phrases(["a b", "c  d", " a b"])
    assert texts_of(law) == {"a b": pytest.approx(2 / 3), "c d": pytest.approx(1 / 3)}
    assert law.weights.tolist() == [2, 1]


BAD_PHRASES = [
    (("New York",), {}, TypeError, "texts must be a sequence, got 'New York'"),
    (([],), {}, ValueError, "texts must hold at least one phrase, got none"),
    ((["a", 3],), {}, TypeError, r"texts\[1\] must be a string, got 3"),
    ((["a", " "],), {}, ValueError, r"texts\[1\] must have at least one word, got ' '"),
    ((["a b", "c"],), {}, ValueError, "same number of words, got 2 in 'a b' and 1 in 'c'"),
    ((["a", "b"],), {"weights": [1]}, ValueError, r"weights must have one entry per outcome \(2\)"),
    ((["a", "b"],), {"weights": [0, 0]}, ValueError, "weights must not all be zero"),
]


@pytest.mark.parametrize(("arguments", "keywords", "error", "message"), BAD_PHRASES)
def test_bad_phrases_are_refused(arguments, keywords, error, message):
    with pytest.raises(error, match=message):
        phrases(*arguments, **keywords)


# Articles -------------------------------------------------------------------------------------


def test_the_noun_decides_the_article():
    law = article()
    assert law.names == ("article", "noun")
    assert law.total == 75
    texts = texts_of(law)
    assert len(texts) == len(NOUNS) == 8
    assert texts["I saw a university."] == 12 / 75
    assert texts["I saw an hourglass."] == 2 / 75
    spelt = {(noun[0] in "aeiou", which) for noun, (which, _) in NOUNS.items()}
    assert len(spelt) == 4
    assert infodecode.entropy(law, 0, given=1) == 0.0
    assert infodecode.entropy(law, 1, given=0) > 1.5


@given(counts=st.lists(st.integers(1, 9), min_size=2, max_size=6))
def test_one_round_loses_the_entropy_of_the_article(counts):
    nouns = {f"noun{k}": ["der", "die", "das"][k % 3] for k in range(len(counts))}
    law = article(nouns, weights=counts)
    share = [sum(counts[k::3]) / sum(counts) for k in range(3)]
    lost = -sum(p * math.log2(p) for p in share if p)
    assert infodecode.total_correlation(law) == pytest.approx(lost, abs=1e-12)
    run = infodecode.exact(law, Decoder(strategies.TopK(2)))
    assert run.validity == pytest.approx(sum(p * p for p in share), rel=1e-12)
    assert infodecode.bounds(law).partition_bits[1] == 0.0


def test_articles_take_weights():
    even = article(weights=[1] * 8)
    assert even.marginals([-1, -1])[0, 0, :2].tolist() == [0.5, 0.5]
    half = article({"cat": "a", "owl": "an"}, weights=[0.75, 0.25])
    assert texts_of(half) == {"I saw a cat.": 0.75, "I saw an owl.": 0.25}


BAD_ARTICLES = [
    ((["cat"],), {}, TypeError, "nouns must map each noun to its article, got"),
    (({},), {}, ValueError, "nouns must hold at least one noun, got none"),
    (({"cat": 1},), {}, TypeError, r"nouns\['cat'\] must be a string, got 1"),
    (({3: "a"},), {}, TypeError, "nouns must be a string, got 3"),
    (({"": "a"},), {}, ValueError, "nouns must not be empty"),
    ((), {"weights": [1, 2]}, ValueError, r"weights must have one entry per outcome \(8\)"),
]


@pytest.mark.parametrize(("arguments", "keywords", "error", "message"), BAD_ARTICLES)
def test_bad_articles_are_refused(arguments, keywords, error, message):
    with pytest.raises(error, match=message):
        article(*arguments, **keywords)


# Words ----------------------------------------------------------------------------------------


def shipped():
    """(word, count) as they stand in the file."""
    file = resources.files("infodecode.distributions") / "data/words.csv"
    header, *lines = file.read_text("ascii").splitlines()
    assert header == "word,count"
    return [(line.split(",")[0], int(line.split(",")[1])) for line in lines]


def test_the_file_of_words():
    rows = shipped()
    assert rows == sorted(rows, key=lambda row: (len(row[0]), -row[1], row[0]))
    assert len({word for word, _ in rows}) == len(rows) == 10_574
    assert all(word.isascii() and word.isalpha() and word.islower() for word, _ in rows)
    assert all(count > 0 for _, count in rows)
    by_length = [sum(len(word) == n for word, _ in rows) for n in range(3, 9)]
    assert by_length == [574] + [2000] * 5
    assert sum(count for _, count in rows) < 10**9


@pytest.mark.parametrize("length", range(3, 9))
def test_words_are_those_of_the_file(length):
    expected = [(word, count) for word, count in shipped() if len(word) == length]
    for weighted in (False, True):
        for most in (None, 1, 50, len(expected)):
            law = words(length, weighted=weighted, most=most)
            chosen = expected[:most]
            assert [law.render(row) for row in law.outcomes] == [word for word, _ in chosen]
            counts = [count for _, count in chosen] if weighted else [1] * len(chosen)
            assert law.weights.tolist() == counts
            assert law.alphabet_sizes == (26,) * length
    assert law.names[:2] == ("letter 1", "letter 2")
    assert set(law.labels) == {tuple("abcdefghijklmnopqrstuvwxyz")}


def test_words_print_without_blanks():
    assert words(5).render([15, 0, 17, -1, -1]) == "par__"
    assert words(5).marginals([15, 0, 17, -1, -1])[0, 4, ord("y") - ord("a")] > 0.2
    assert words(4, weighted=True, most=7).name == "words(4, weighted=True, most=7)"


def test_words_are_read_once_and_late():
    code = (
        "import infodecode, infodecode.distributions._language as m;"
        "assert m._shipped.cache_info().currsize == 0; m.words(5); m.words(5, weighted=True);"
        "assert m._shipped.cache_info().misses == 1"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_law_of_words_does_not_change_the_shipped_ones():
    law = words(3, weighted=True)
    with pytest.raises(ValueError, match="read-only"):
        law.weights[0] = 1
    np.testing.assert_array_equal(words(3, weighted=True).weights, law.weights)


BAD_WORDS = [
    ((2,), {}, ValueError, r"length must be in 3\.\.8, got 2"),
    ((9,), {}, ValueError, r"length must be in 3\.\.8, got 9"),
    (("5",), {}, TypeError, "length must be an integer, got '5'"),
    ((5,), {"weighted": 1}, TypeError, "weighted must be True or False, got 1"),
    ((5,), {"most": 0}, ValueError, "most must be at least 1, got 0"),
    ((3,), {"most": 600}, ValueError, "most must be at most 574, the words of 3 letters .* 600"),
    ((5,), {"most": 2.5}, TypeError, "most must be an integer, got 2.5"),
]


@pytest.mark.parametrize(("arguments", "keywords", "error", "message"), BAD_WORDS)
def test_bad_words_are_refused(arguments, keywords, error, message):
    with pytest.raises(error, match=message):
        words(*arguments, **keywords)
