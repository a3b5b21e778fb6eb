"""The command ``infodecode decode``: prompts continued by a network, rounds beside the bounds."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

import infodecode
from infodecode.cli import parsing, show
from infodecode.cli.options import Blocks, Json, Order, Temperature, Ties, Tokens
from infodecode.strategies import Factor

if TYPE_CHECKING:
    from infodecode.ledger import Ledger
    from infodecode.masked_lm.text_trace import TextTrace
    from infodecode.sequence_scores import SequenceScores


LENGTH = 128


def decode(
    prompts: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="PROMPT",
            help="Texts to continue; lines of standard input without any.",
            show_default=False,
        ),
    ] = None,
    model: Annotated[
        str,
        typer.Option(
            help="A checkpoint's folder, its name on the hub, or tiny: the model that comes with "
            "the package, which knows list operations.",
            metavar="NAME|FOLDER",
        ),
    ] = "tiny",
    strategy: Annotated[
        str,
        typer.Option(
            help="Which positions a round commits: infodecode list strategies.",
            metavar="NAME:VALUE,...",
        ),
    ] = "factor:0.5",
    length: Annotated[
        int | None,
        typer.Option(
            help="Tokens to generate.", show_default=f"{LENGTH}, or what the network has room for"
        ),
    ] = None,
    blocks: Blocks = "whole_canvas",
    tokens: Tokens = "from_marginal",
    temperature: Temperature = 0.0,
    order: Order = "choose-then-sample",
    ties: Annotated[
        Ties, typer.Option(help="Of equal tokens or positions, a random or the lowest one.")
    ] = "lowest",
    samples: Annotated[int, typer.Option(help="Continuations of each prompt.")] = 1,
    seed: Annotated[int, typer.Option(help="The same seed gives the same texts.")] = 0,
    guidance: Annotated[float, typer.Option(help="Weight of classifier-free guidance.")] = 0.0,
    eos: Annotated[
        Literal["keep", "suppress", "defer", "stop"],
        typer.Option(
            help="The end of sequence is a token like any other (keep), never predicted "
            "(suppress), committed last (defer), or ends the decode (stop).",
            metavar="HOW",
        ),
    ] = "keep",
    chat: Annotated[
        bool | None,
        typer.Option(
            "--chat/--no-chat",
            help="Put the prompt into the tokenizer's chat template.",
            show_default="where there is one, base models apart",
        ),
    ] = None,
    factor: Annotated[
        float | None,
        typer.Option(
            help="The factor rule to hold the rounds against.",
            show_default="the strategy's, or 1",
        ),
    ] = None,
    orders: Annotated[
        int,
        typer.Option(help="Also score the texts one by one, in as many random orders; 0 does not."),
    ] = 0,
    device: Annotated[str, typer.Option(help="cpu, cuda, cuda:1, mps.")] = "cpu",
    dtype: Annotated[
        Literal["float32", "bfloat16", "float16"], typer.Option(metavar="TYPE")
    ] = "float32",
    revision: Annotated[str | None, typer.Option(help="Branch, tag or commit on the hub.")] = None,
    batch_size: Annotated[int, typer.Option(help="Sequences in one forward pass.")] = 32,
    jsonl: Annotated[
        Path | None,
        typer.Option(
            help="Also write every token's round, reason, probability and bits.", metavar="FILE"
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Text from a masked language model, its rounds beside the bounds.

    \b
    Tokens are coloured by the round that committed them, dark first. Then:
      exploited   rounds that committed what the strategy's rule let pass
      forced      rounds in which nothing passed and a fallback was committed
      explored    rounds that looked ahead
      obeying     rounds whose committed tokens all obey the factor rule
      breaking    all other rounds
      corrected bound   breaking rounds + bits of the obeying ones / G(factor):
                  no decode with these rounds can take fewer

    \b
    Examples:
      infodecode decode --length 6 "shuffle : A B C D E F ="
      infodecode decode --model GSAI-ML/LLaDA-8B-Instruct --device cuda \\
        --dtype bfloat16 --strategy factor:0.5 --blocks left_to_right:32 "Why is the sky blue?"
      infodecode decode --model ./checkpoint --strategy threshold:0.9 \\
        --jsonl trace.jsonl < prompts.txt
    """
    rule = parsing.parse_strategy(strategy)
    decoder = infodecode.Decoder(
        rule,
        tokens=parsing.parse_tokens(tokens),
        temperature=temperature,
        order=order,
        token_ties=ties,
        position_ties=ties,
        blocks=parsing.parse_blocks(blocks),
    )
    if jsonl is not None and not jsonl.parent.is_dir():
        raise ValueError(f"--jsonl: no such folder: {jsonl.parent}")
    asked = prompts or _lines()
    if not asked:
        raise ValueError("give a prompt, or lines of standard input")
    loaded = infodecode.load_masked_lm(model, device=device, dtype=dtype, revision=revision)
    ids = [loaded.encode(prompt, chat=chat) for prompt in asked]
    if length is None:
        room = loaded.network.max_length
        longest = max(map(len, ids))
        length = LENGTH if room is None else max(1, min(LENGTH, room - longest))
    trace = infodecode.decode(
        loaded, decoder, prompts=ids, length=length, samples=samples, seed=seed,
        guidance=guidance, eos=eos, batch_size=batch_size,
    )  # fmt: skip
    held = factor if factor is not None else rule.factor if isinstance(rule, Factor) else 1.0
    book = trace.ledger(held)
    scores = trace.scores(orders=orders, batch_size=batch_size) if orders else None
    if jsonl is not None:
        trace.to_jsonl(jsonl)
    if json:
        show.print_json(_record(trace, book, scores))
        return
    trace.show()
    _print_ledger(book)
    if scores is not None:
        show.open_console().print(repr(scores))


def _lines() -> list[str]:
    if sys.stdin.isatty():
        return []
    return [line.rstrip("\n") for line in sys.stdin if line.strip()]


def _record(trace: TextTrace, book: Ledger, scores: SequenceScores | None) -> dict[str, Any]:
    record: dict[str, Any] = {
        "decodes": list(trace.records()),
        "ledger": {
            "factor": book.factor,
            "rounds": book.rounds.tolist(),
            "bits": book.bits.tolist(),
            "corrected_bound": book.bound.tolist(),
            "shares": book.shares().to_dict(orient="index"),
        },
    }
    if scores is not None:
        record["scores"] = scores.to_frame().to_dict(orient="list")
    return record


def _print_ledger(book: Ledger) -> None:
    from rich.table import Table

    console = show.open_console()
    console.print(
        f"\nmean rounds {book.mean(book.rounds):.2f}, mean bits {book.mean(book.bits):.2f}; "
        f"corrected bound {book.mean(book.bound):.2f} rounds at factor {book.factor:g}"
    )
    table = Table("kind", "rounds", "bits", "share of rounds", "share of bits", box=None)
    for kind, row in book.shares().iterrows():
        table.add_row(
            str(kind), f"{row.rounds:.2f}", f"{row.bits:.2f}", f"{row.share_of_rounds:.0%}",
            f"{row.share_of_bits:.0%}",
        )  # fmt: skip
    console.print(table)
