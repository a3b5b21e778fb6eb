"""Laws of a few words: fixed phrases, a noun with its article, and the words of English."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from fractions import Fraction
from importlib import resources

import numpy as np

from infodecode import _validation
from infodecode._typing import IntArray
from infodecode.distributions._table import Table, weights_of

SHORTEST, LONGEST = 3, 8
"""Letters of the words that ship."""

ALPHABET = "abcdefghijklmnopqrstuvwxyz"

NOUNS: dict[str, tuple[str, int]] = {
    "house": ("a", 24),
    "river": ("a", 18),
    "university": ("a", 12),
    "unicorn": ("a", 6),
    "island": ("an", 8),
    "owl": ("an", 4),
    "hourglass": ("an", 2),
    "heirloom": ("an", 1),
}
"""What `article` knows: the article of each noun and how often the noun occurs."""


def phrases(
    texts: Sequence[str] = ("New York", "Mexico City"),
    weights: Sequence[float | Fraction] | None = None,
) -> Table:
    r"""Fixed phrases of the same number of words, each word a position.

    Drawn in one round from their exact marginals, the words of different phrases mix. With k
    equally likely phrases of n words that share no word,

    .. math:: H = \log_2 k, \qquad TC = (n - 1) \log_2 k, \qquad
              P(\text{one round is valid}) = k^{1 - n}.

    By default that is 1 bit, and "New City" or "Mexico York" half of the time.

    Args:
        texts: phrases whose words are separated by spaces; one that is given twice counts twice.
        weights: how likely each phrase is: integer counts, fractions or probabilities; every
            phrase the same by default.

    Returns:
        A table; the tokens of each position are the distinct words there, sorted.

    Raises:
        ValueError: no phrase, or phrases of different numbers of words (names the phrase).

    Example:
        >>> import infodecode
        >>> law = phrases()
        >>> infodecode.total_correlation(law)
        1.0
        >>> one_round = infodecode.Decoder(infodecode.strategies.TopK(2))
        >>> infodecode.exact(law, one_round).validity
        0.5

    Reference: ParallelBench (Kang et al. 2025), Figure 1.
    """
    given = _validation.iterate("texts", texts)
    rows = [_words_of(f"texts[{k}]", text) for k, text in enumerate(given)]
    if not rows:
        raise ValueError("texts must hold at least one phrase, got none")
    length = len(rows[0])
    for k, row in enumerate(rows):
        if len(row) != length:
            raise ValueError(
                "texts must all have the same number of words, got "
                f"{length} in {given[0]!r} and {len(row)} in {given[k]!r}"
            )
    labels = [sorted(set(column)) for column in zip(*rows, strict=True)]
    token = [{word: t for t, word in enumerate(row)} for row in labels]
    listed = ", ".join(" ".join(row) for row in rows)
    return Table(
        [[token[i][word] for i, word in enumerate(row)] for row in rows],
        weights,
        labels=labels,
        names=[f"word {i + 1}" for i in range(length)],
        name=f"phrases({listed})" if len(listed) <= 60 else f"phrases({len(rows):,} texts)",
    )


def article(
    nouns: Mapping[str, str] | None = None,
    *,
    weights: Sequence[float | Fraction] | None = None,
) -> Table:
    r"""An article and a noun: the noun decides the article, by its sound and not its spelling.

    "I saw a university" but "an hourglass". The article is the more confident position and the
    less informative one: known first, it leaves the noun open, while the noun leaves nothing open.
    Either order of the two is free of loss, one round is not:

    .. math:: H = H(\text{noun}), \qquad TC = I(\text{article}; \text{noun}) = H(\text{article}).

    By default the nouns and their counts out of 75 are house 24, river 18, university 12 and
    unicorn 6 with "a", island 8, owl 4, hourglass 2 and heirloom 1 with "an".

    Args:
        nouns: the article of each noun, in any language.
        weights: how likely each noun is, in the order of ``nouns``: integer counts, fractions or
            probabilities. By default the counts above, or every given noun the same.

    Returns:
        A table of the positions ``article`` and ``noun``.

    Example:
        >>> import infodecode
        >>> law = article()
        >>> law.render(law.outcomes[2])
        'I saw a university.'
        >>> law.marginals([-1, -1]).max(axis=2)
        array([[0.8 , 0.32]])
        >>> infodecode.total_correlation(law)
        0.7219...
        >>> one_round = infodecode.Decoder(infodecode.strategies.TopK(2))
        >>> infodecode.exact(law, one_round).validity  # 0.8 * 0.8 + 0.2 * 0.2
        0.68

    Reference: ParallelBench (Kang et al. 2025), whose networks write "an disrespectful".
    """
    if nouns is None:
        pairs = {noun: which for noun, (which, _) in NOUNS.items()}
        counts: object = [count for _, count in NOUNS.values()]
    elif isinstance(nouns, Mapping):
        pairs, counts = dict(nouns), None
    else:
        raise TypeError(f"nouns must map each noun to its article, got {_validation.shown(nouns)}")
    if not pairs:
        raise ValueError("nouns must hold at least one noun, got none")
    for noun, which in pairs.items():
        _text("nouns", noun)
        _text(f"nouns[{noun!r}]", which)
    articles = sorted(set(pairs.values()))
    return Table(
        [[articles.index(which), k] for k, which in enumerate(pairs.values())],
        counts if weights is None else weights_of("weights", weights, len(pairs)),
        labels=[articles, list(pairs)],
        names=["article", "noun"],
        template="I saw {} {}.",
        name=f"article({len(pairs)} nouns)",
    )


def words(length: int, *, weighted: bool = False, most: int | None = None) -> Table:
    """The common English words of some length, each letter a position.

    The list ships with the package: 574 words of 3 letters and the 2,000 most frequent of each
    length from 4 to 8, without names and abbreviations. Source and licence (CC BY-SA 4.0) are in
    ``infodecode/distributions/data/README.md``.

    Args:
        length: letters of a word, 3 to 8.
        weighted: weigh each word by how often it occurs per billion words, rather than all alike.
        most: take only so many of the most frequent words; equally frequent ones come in
            alphabetical order. All of them by default.

    Returns:
        A table of integer weights; tokens 0..25 are the letters a to z at every position.

    Raises:
        ValueError: words of that length do not ship, or fewer than ``most`` do.

    Example:
        >>> import infodecode
        >>> law = words(5)
        >>> law
        <words(5): 5 positions, 2,000 outcomes>
        >>> law.render(law.outcomes[0])
        'about'
        >>> round(law.entropy(), 2), round(infodecode.total_correlation(law), 2)
        (10.97, 8.54)
        >>> words(5, weighted=True, most=100)
        <words(5, weighted=True, most=100): 5 positions, 100 outcomes>
    """
    size = _validation.integer("length", length)
    if not SHORTEST <= size <= LONGEST:
        raise ValueError(f"length must be in {SHORTEST}..{LONGEST}, got {_validation.shown(size)}")
    by_frequency = _validation.flag("weighted", weighted)
    letters, counts = _shipped(size)
    options = ["weighted=True"] if by_frequency else []
    if most is not None:
        taken = _validation.integer("most", most, minimum=1)
        if taken > len(counts):
            raise ValueError(
                f"most must be at most {len(counts):,}, the words of {size} letters that ship, "
                f"got {taken:,}"
            )
        letters, counts = letters[:taken], counts[:taken]
        options.append(f"most={taken}")
    return Table(
        letters,
        counts if by_frequency else None,
        labels=[list(ALPHABET)] * size,
        names=[f"letter {i + 1}" for i in range(size)],
        template="{}" * size,
        name=f"words({', '.join([str(size), *options])})",
    )


@functools.cache
def _shipped(length: int) -> tuple[IntArray, IntArray]:
    """Letters ``(N, length)`` and counts ``(N,)`` of the shipped words, most frequent first."""
    file = resources.files("infodecode.distributions") / "data/words.csv"
    rows = [line.split(",") for line in file.read_text("ascii").splitlines()[1:]]
    chosen = [(word, int(count)) for word, count in rows if len(word) == length]
    text = "".join(word for word, _ in chosen).encode("ascii")
    letters = np.frombuffer(text, np.uint8).reshape(-1, length).astype(np.int64) - ord("a")
    counts = np.array([count for _, count in chosen], np.int64)
    letters.flags.writeable = counts.flags.writeable = False
    return letters, counts


def _words_of(name: str, text: object) -> list[str]:
    words = _text(name, text).split()
    if not words:
        raise ValueError(f"{name} must have at least one word, got {text!r}")
    return words


def _text(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a string, got {_validation.shown(value)}")
    if not value:
        raise ValueError(f"{name} must not be empty")
    return value
