"""The rules of the loop that a strategy is held to, by name."""

from __future__ import annotations

RUNS = "runs without errors or warnings"
SETTINGS = "declares settings that can be"
WELL_FORMED = "plans are well formed"
FEASIBLE = "acts on feasible positions only"
NEEDS = "reads only the scores it needs"
WRITES = "writes to nothing it is given"
DRAWS = "never draws: same state, same answer"
ROWS = "looks at each row on its own"
COMPLETE = "finishes without masks"
MEMORY = "memory keeps its names, shapes and types"
PROGRESS = "commits at least one position a round"
KEEPS = "leaves prompt and committed positions alone"
FINISHES = "finishes within max_rounds"
SIZES = "commits as many a round as sizes says"
ONE_BY_ONE = "is exact when it commits one position a round"
EQUIVARIANT = "permuting positions or renaming tokens does the same to the output"
AGREES = "exact and simulate agree"
BATCHES = "decodes the same in every batch, on any number of threads"

PER_ANSWER = (WELL_FORMED, FEASIBLE, NEEDS, WRITES, DRAWS, ROWS, COMPLETE)
"""Rules for every single answer of a strategy."""

RULES = (
    RUNS,
    SETTINGS,
    *PER_ANSWER,
    MEMORY,
    PROGRESS,
    KEEPS,
    FINISHES,
    SIZES,
    ONE_BY_ONE,
    EQUIVARIANT,
    AGREES,
    BATCHES,
)
"""All of them, in the order of a report."""
