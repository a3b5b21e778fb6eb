"""``python -m llm train``: a small LLaDA that learns ParallelBench's ten list operations.

A run is a function of its options: killed and started again it goes on where it last saved, and
ends with the same weights, bit for bit, on the same machine.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import torch
import typer
from rich import box
from rich.console import Console
from rich.table import Table
from tqdm import tqdm

from infodecode.masked_lm import Network, save_network
from llm import tables
from llm.list_operations import BOS, EOS, MASK, OPERATIONS, Vocabulary
from llm.one_by_one import validity
from llm.trainer import DTYPES, SHARES, Recipe, Trainer

STATE = "training.pt"
MODEL = "model.safetensors"
SAMPLES = 2_000
SAVE_EVERY = 250
CONFIDENCE = 0.95
_DEFAULT = Recipe()


@dataclass(frozen=True)
class Row:
    """Validity of one operation on lists of one length, one position a round in random order.

    Attributes:
        operation: as ParallelBench names it.
        n: items in the list.
        samples: answers that were scored.
        validity, low, high: share of valid ones, its Clopper-Pearson interval.
        confidence: of the interval.
        seed, steps, batch, parameters: of the training.
        loss: at the end of training, nats a masked position.
        cpu_minutes: processor time of the training steps.
        device: where it ran.
    """

    operation: str
    n: int
    samples: int
    validity: float
    low: float
    high: float
    confidence: float
    seed: int
    steps: int
    batch: int
    parameters: int
    loss: float
    cpu_minutes: float
    device: str


def command(
    output: Annotated[
        Path, typer.Option(help="Folder of the model and, until done, of the run's state.")
    ] = Path("build/tiny"),
    table: Annotated[Path, typer.Option(help="Where the measured validities go.")] = Path(
        "results/llm/training.csv"
    ),
    steps: Annotated[int, typer.Option(min=1)] = _DEFAULT.steps,
    batch: Annotated[int, typer.Option(min=1, help="Sequences a step.")] = _DEFAULT.batch,
    groups: Annotated[int, typer.Option(min=1, help="Lengths a step.")] = _DEFAULT.groups,
    width: Annotated[int, typer.Option(min=2)] = _DEFAULT.width,
    layers: Annotated[int, typer.Option(min=1)] = _DEFAULT.layers,
    heads: Annotated[int, typer.Option(min=1)] = _DEFAULT.heads,
    mlp: Annotated[int, typer.Option(min=1, help="Hidden width.")] = _DEFAULT.mlp,
    rope: Annotated[float, typer.Option(help="Base of the rotary embedding.")] = _DEFAULT.rope,
    items: Annotated[int, typer.Option(min=3, help="Items to draw from.")] = _DEFAULT.items,
    shortest: Annotated[int, typer.Option(min=2, help="Fewest in a list.")] = _DEFAULT.shortest,
    longest: Annotated[int, typer.Option(min=2, help="Most in a list.")] = _DEFAULT.longest,
    share: Annotated[
        list[str] | None,
        typer.Option(help="Relative frequency of an operation: 'sort=2'. Repeatable."),
    ] = None,
    warmup: Annotated[int, typer.Option(min=0, help="Steps.")] = _DEFAULT.warmup,
    matrix_rate: Annotated[float, typer.Option(help="Muon's.")] = _DEFAULT.matrix_rate,
    rate: Annotated[float, typer.Option(help="AdamW's.")] = _DEFAULT.rate,
    decay: Annotated[float, typer.Option(help="Of the average.")] = _DEFAULT.decay,
    seed: Annotated[int, typer.Option(min=0)] = _DEFAULT.seed,
    device: Annotated[str, typer.Option(help="Such as cpu or cuda.")] = _DEFAULT.device,
    dtype: Annotated[str, typer.Option(help=" or ".join(DTYPES))] = _DEFAULT.dtype,
    threads: Annotated[int, typer.Option(min=1, help="On the CPU.")] = 1,
    samples: Annotated[int, typer.Option(min=1, help="Answers scored a row.")] = SAMPLES,
    save_every: Annotated[int, typer.Option(min=1, help="Steps.")] = SAVE_EVERY,
    overwrite: Annotated[bool, typer.Option(help="Replace a finished model.")] = False,
) -> None:
    """Train a small LLaDA on the ten list operations and measure it.

    The defaults make the model that ships with the package. Kill it at any time; the same command
    goes on where it last saved.
    """
    console = Console()
    torch.set_num_threads(threads)
    try:
        recipe = Recipe(
            width=width, layers=layers, heads=heads, mlp=mlp, rope=rope, items=items,
            shortest=shortest, longest=longest, shares=_shares(share), batch=batch, groups=groups,
            steps=steps, warmup=warmup, matrix_rate=matrix_rate, rate=rate, decay=decay, seed=seed,
            device=device, dtype=dtype,
        )  # fmt: skip
        run = start(recipe, output, overwrite=overwrite)
    except (ValueError, FileExistsError) as error:
        raise typer.BadParameter(str(error)) from None
    if run.step:
        console.print(f"goes on after step {run.step:,}")
    learn(run, output / STATE, save_every=save_every)
    network = run.averaged()
    save_network(network, tokenizer(recipe.vocabulary), output)
    rows = measure(network, run, samples=samples)
    tables.write(rows, table, command=_command())
    (output / STATE).unlink()
    console.print(summary(rows))
    console.print(f"{run.cpu_seconds / 60:.1f} CPU-minutes of training; {output}, {table}")


def start(recipe: Recipe, output: Path, *, overwrite: bool = False) -> Trainer:
    """A new run, or the one whose state is in ``output``."""
    if (output / STATE).exists():
        return Trainer.resume(recipe, output / STATE)
    if (output / MODEL).exists() and not overwrite:
        raise FileExistsError(f"{output} holds a finished model: --overwrite replaces it")
    return Trainer(recipe)


def learn(run: Trainer, state: Path, *, save_every: int = SAVE_EVERY) -> None:
    """Do the steps that are left, saving now and then and at the end."""
    shown = sys.stderr.isatty()
    with tqdm(
        total=run.recipe.steps, initial=run.step, unit=" step", disable=not shown, leave=False
    ) as bar:
        while not run.done:
            run.advance()
            bar.update()
            if run.step % save_every == 0 or run.done:
                run.save(state)
                line = (
                    f"step {run.step:,} of {run.recipe.steps:,}, loss {run.loss:.4f}, "
                    f"{run.cpu_seconds / 60:.1f} CPU-minutes"
                )
                bar.write(line, file=sys.stderr)
            if run.step % 10 == 0:
                bar.set_postfix(loss=f"{run.loss:.4f}", refresh=False)


def measure(network: Network, run: Trainer, *, samples: int = SAMPLES) -> list[Row]:
    """One-by-one validity of every operation and every length the run has learnt."""
    recipe = run.recipe
    rows = []
    for operation in OPERATIONS.values():
        for n in range(recipe.shortest, recipe.longest + 1):
            found = validity(
                network, operation, n, vocabulary=recipe.vocabulary, samples=samples,
                seed=recipe.seed, confidence=CONFIDENCE,
            )  # fmt: skip
            rows.append(
                Row(
                    operation=operation.name,
                    n=n,
                    samples=samples,
                    validity=found.value,
                    low=found.low,
                    high=found.high,
                    confidence=CONFIDENCE,
                    seed=recipe.seed,
                    steps=run.step,
                    batch=recipe.batch,
                    parameters=sum(p.numel() for p in network.module.parameters()),
                    loss=run.loss,
                    cpu_minutes=run.cpu_seconds / 60,
                    device=device_name(recipe.device),
                )
            )
    return rows


def summary(rows: Sequence[Row]) -> Table:
    """The validities, an operation a line and a length of list a column."""
    table = Table(title="valid answers, one position a round, random order", box=box.SIMPLE)
    lengths = sorted({row.n for row in rows})
    table.add_column("operation")
    for n in lengths:
        table.add_column(f"n = {n}", justify="right")
    for operation in dict.fromkeys(row.operation for row in rows):
        values = {row.n: row.validity for row in rows if row.operation == operation}
        table.add_row(operation, *(f"{values[n]:.3f}" for n in lengths))
    return table


def tokenizer(vocabulary: Vocabulary) -> Any:
    """A token a word, words apart by spaces; nothing is added, an unknown word is an error."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    words = Tokenizer(models.WordLevel(dict(vocabulary.ids)))
    words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return PreTrainedTokenizerFast(
        tokenizer_object=words,
        bos_token=BOS,
        eos_token=EOS,
        pad_token=EOS,
        mask_token=MASK,
        clean_up_tokenization_spaces=False,
        padding_side="left",
        model_input_names=["input_ids", "attention_mask"],
    )


def device_name(device: str) -> str:
    """``cpu``, or the name of the GPU."""
    return torch.cuda.get_device_name(device) if torch.device(device).type == "cuda" else device


def _shares(given: Sequence[str] | None) -> dict[str, float]:
    shares = dict(SHARES)
    for text in given or ():
        name, _, value = text.partition("=")
        try:
            shares[name.strip()] = float(value)
        except ValueError:
            raise ValueError(f"share must be an operation = a number, got {text!r}") from None
    return shares


def _command() -> str:
    return " ".join(["python -m llm", *sys.argv[1:]])
