"""``python -m llm exploration``: sequence Metropolis–Hastings against local tempering (Pass@k).

For a few prompts of two tasks, many answers each: how often one of k is right, how many different
right answers there are among them, and what an answer costs in model calls. One position a round in
random order, thresholds, low confidence with drawn tokens, local tempering, its mean-field
correction by token-level Metropolis–Hastings, parallel top-k, and chains that start from its
answers and accept or reject whole new ones (alpha 1: the factorisation error is repaired; alpha 2:
the power law's own answers). Writes ``results/llm/exploration.csv``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

import infodecode
from infodecode import Decoder, strategies
from infodecode._typing import BoolArray, IntArray
from infodecode.exploration import pass_at_k_estimate, sample_chain
from infodecode.masked_lm import MaskedLM
from infodecode.token_rules import LocalPower, MetropolisHastings
from llm import tables
from llm.answering import SEED
from llm.list_operations import OPERATIONS, Exercises, Vocabulary
from llm.options import OUTPUT, Device, Model, Output, Samples
from llm.stream import EVALUATION, generator

TASKS = ("shuffle", "insert random")
LENGTH = 6
PROMPTS = 12
SAMPLES = 64
KS = (1, 2, 4, 8, 16, 32)
STEPS = (4, 16)
AT_ONCE = 3


@dataclass(frozen=True)
class Row:
    """A rule on the prompts of a task, at one k.

    Attributes:
        model, task, length: what was decoded; n items.
        rule: how.
        k: answers that may be tried.
        pass_at_k: probability that one of k is right, mean over prompts, estimated without bias.
        spread: its standard error over prompts.
        different: mean number of different right answers among ``samples``.
        calls: model calls an answer.
        evaluations: sequences evaluated an answer.
        acceptance: of the chain's proposals; empty without one.
        prompts, samples, seed: of the measurement.
    """

    model: str
    task: str
    length: int
    rule: str
    k: int
    pass_at_k: float
    spread: float
    different: float
    calls: float
    evaluations: float
    acceptance: float | None
    prompts: int
    samples: int
    seed: int


@dataclass(frozen=True)
class Answers:
    """Answers ``(samples, m)`` to one prompt, and what each cost."""

    sequences: IntArray
    calls: float
    evaluations: float
    acceptance: float | None = None


def direct() -> dict[str, Decoder]:
    """Rules that decode an answer at a time."""
    one = strategies.TopK(1)
    return {
        "one by one, random order": Decoder(one),
        "low confidence, drawn first": Decoder(
            strategies.TopK(1, by="confidence"), order="sample-then-choose"
        ),
        "threshold .5": Decoder(strategies.Threshold(0.5)),
        "local tempering, alpha 2": Decoder(one, tokens=LocalPower(2.0)),
        "token chain, alpha 2": Decoder(one, tokens=MetropolisHastings(2.0, proposals=8, steps=1)),
        f"{AT_ONCE} at once": Decoder(strategies.TopK(AT_ONCE)),
    }


def answers_of(
    model: MaskedLM, prompt: list[int], m: int, samples: int
) -> Iterator[tuple[str, Answers]]:
    """Every rule on one prompt."""
    for name, decoder in direct().items():
        trace = infodecode.decode(
            model, decoder, prompts=[prompt], length=m, samples=samples, seed=SEED,
            batch_size=1024, progress=False,
        )  # fmt: skip
        calls, evaluated = trace.calls.sum(axis=0).mean(), trace.evaluated.sum(axis=0).mean()
        yield name, Answers(trace.sequences, float(calls), float(evaluated))
    prompted = model.prompted([prompt], m, batch_size=1024)
    parallel = Decoder(strategies.TopK(AT_ONCE))
    for alpha in (1.0, 2.0):
        for steps in STEPS:
            chain = sample_chain(
                prompted, parallel, alpha=alpha, steps=steps, chains=samples, seed=SEED,
                score="left-to-right", progress=False,
            )  # fmt: skip
            yield (
                f"chain of {AT_ONCE} at once, alpha {alpha:g}, {steps} steps",
                Answers(
                    chain.sequences,
                    chain.calls_per_step * (steps + 1),
                    chain.evaluations_per_step * (steps + 1),
                    chain.acceptance.value,
                ),
            )


def pass_at_k(right: BoolArray, k: int) -> float:
    """Probability that one of k answers to a prompt is right, estimated without bias."""
    return pass_at_k_estimate(int(right.sum()), len(right), k).value


def rows_of(model: MaskedLM, task: str, prompts: int, samples: int) -> Iterator[Row]:
    """Every rule and k on one task."""
    operation = OPERATIONS[task]
    stream = generator(SEED, EVALUATION, 9000 + list(OPERATIONS).index(task))
    drawn = Exercises.draw(operation, LENGTH, prompts, vocabulary=Vocabulary(), generator=stream)
    found: dict[str, list[tuple[Answers, BoolArray]]] = {}
    for number, ids in enumerate(drawn.prompt_ids().tolist()):
        each = np.full(samples, number)
        same = Exercises(operation, drawn.vocabulary, drawn.items[each], drawn.new[each],
                         drawn.index[each])  # fmt: skip
        for name, answers in answers_of(model, ids, drawn.answer_length, samples):
            found.setdefault(name, []).append((answers, same.valid(answers.sequences)))
    for name, each_prompt in found.items():
        different = [
            len({tuple(row) for row in answers.sequences[right].tolist()})
            for answers, right in each_prompt
        ]
        accepted = [a.acceptance for a, _ in each_prompt if a.acceptance is not None]
        for k in KS:
            passed = np.array([pass_at_k(right, k) for _, right in each_prompt])
            yield Row(
                model=model.name, task=task, length=LENGTH, rule=name, k=k,
                pass_at_k=float(passed.mean()),
                spread=float(passed.std(ddof=1) / np.sqrt(prompts)),
                different=float(np.mean(different)),
                calls=float(np.mean([a.calls for a, _ in each_prompt])),
                evaluations=float(np.mean([a.evaluations for a, _ in each_prompt])),
                acceptance=float(np.mean(accepted)) if accepted else None,
                prompts=prompts, samples=samples, seed=SEED,
            )  # fmt: skip


def command(
    model: Model = "tiny",
    samples: Samples = SAMPLES,
    prompts: int = PROMPTS,
    device: Device = "cpu",
    output: Output = OUTPUT,
) -> None:
    """Sequence Metropolis–Hastings against local tempering: Pass@k, variety and cost."""
    if samples < max(KS):
        raise typer.BadParameter(f"--samples must be at least {max(KS)}, got {samples}")
    if prompts < 2:
        raise typer.BadParameter(f"--prompts must be at least 2, got {prompts}")
    console = Console(width=120)
    network = infodecode.load_masked_lm(model, device=device)
    rows: list[Row] = []
    with Progress(console=Console(stderr=True), transient=True) as progress:
        for task in progress.track(TASKS, description="exploration"):
            rows += rows_of(network, task, prompts, samples)
    path = output / "exploration.csv"
    tables.write(
        rows, path,
        command=f"python -m llm exploration --model {model} --samples {samples} "
        f"--prompts {prompts}",
    )  # fmt: skip
    shown = Table("task", "rule", "pass@1", "pass@8", "different", "calls", "accepted")
    one = {(row.task, row.rule): row for row in rows if row.k == 1}
    eight = {(row.task, row.rule): row for row in rows if row.k == 8}
    for key, row in one.items():
        shown.add_row(
            row.task, row.rule, f"{row.pass_at_k:.3f}", f"{eight[key].pass_at_k:.3f}",
            f"{row.different:.1f}", f"{row.calls:.1f}",
            "" if row.acceptance is None else f"{row.acceptance:.2f}",
        )  # fmt: skip
    console.print(shown)
    console.print(f"table: {path}")


if __name__ == "__main__":
    typer.run(command)
