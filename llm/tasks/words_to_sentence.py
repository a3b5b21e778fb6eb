"""Words-to-sentence: four words that one sentence has to use, at three levels of difficulty.

*Easy* takes simple words that belong to one scene, *medium* two words each of two scenes, *hard*
four words of four fields of learning, which little but imagination connects: the looser the
connection, the more depends on what the sentence has chosen already (Section 5).
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from functools import partial

from llm.tasks.parsing import Items
from llm.tasks.question import OWN, Question, Task, dice
from llm.tasks.rules import WordsUsed

GROUP = "words_to_sentence"
LEVELS = ("easy", "medium", "hard")
LENGTH = 64
"""Tokens of an answer, as in the paper."""

WORDS = 4
PROMPT = (
    "Write one sentence of good and sensible English that uses each of these words: {words}. "
    "Answer with the sentence alone."
)

SCENES: Mapping[str, Items] = {
    "kitchen": ("bread", "butter", "knife", "oven", "bake", "plate"),
    "farm": ("cow", "barn", "hay", "milk", "tractor", "feed"),
    "beach": ("sand", "wave", "shell", "towel", "swim", "sun"),
    "school": ("teacher", "pencil", "lesson", "desk", "learn", "paper"),
    "garden": ("rose", "spade", "soil", "water", "plant", "seed"),
    "street": ("bus", "corner", "driver", "stop", "crowd", "ticket"),
    "winter": ("snow", "coat", "sledge", "glove", "hill", "ice"),
    "forest": ("tree", "fox", "path", "leaf", "walk", "owl"),
    "music": ("piano", "song", "choir", "stage", "play", "drum"),
    "harbour": ("boat", "fish", "net", "anchor", "sail", "gull"),
    "camp": ("tent", "fire", "lantern", "star", "cook", "blanket"),
    "shop": ("basket", "apple", "coin", "shelf", "buy", "clerk"),
}
"""Simple words by the scene they belong to."""

FIELDS: Mapping[str, Items] = {
    "physics": ("neutrino", "entropy", "pendulum", "vacuum"),
    "botany": ("lichen", "orchid", "pollen", "fern"),
    "music": ("sonata", "metronome", "cadence", "cello"),
    "law": ("verdict", "treaty", "subpoena", "notary"),
    "geology": ("basalt", "glacier", "fault", "quartz"),
    "medicine": ("vaccine", "scalpel", "fever", "tendon"),
    "commerce": ("invoice", "monopoly", "ledger", "dividend"),
    "architecture": ("cathedral", "scaffold", "arch", "balcony"),
    "computing": ("compiler", "password", "cache", "transistor"),
    "myth": ("oracle", "labyrinth", "dragon", "prophecy"),
}
"""Harder words by their field of learning."""


def tasks(seed: int) -> Iterator[Task]:
    """The three levels."""
    for level in LEVELS:
        yield Task(f"{GROUP}/{level}", OWN, partial(_question, level, seed), needs_grammar=True)


def drawn(level: str, rng: random.Random) -> Items:
    """Four different words of a level, in any order."""
    scenes, fields = list(SCENES.values()), list(FIELDS.values())
    if level == "easy":
        words = rng.sample(rng.choice(scenes), WORDS)
    elif level == "medium":
        words = [word for scene in rng.sample(scenes, 2) for word in rng.sample(scene, 2)]
    else:
        words = [rng.choice(field) for field in rng.sample(fields, WORDS)]
    rng.shuffle(words)
    return tuple(words)


def _question(level: str, seed: int, number: int) -> Question:
    task = f"{GROUP}/{level}"
    words = drawn(level, dice(seed, task, number))
    prompt = PROMPT.format(words=", ".join(words))
    example = f"My notes say {', '.join(words[:-1])}, and {words[-1]}."
    return Question(task, number, (prompt,), LENGTH, WordsUsed(words), example)
