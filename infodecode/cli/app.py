"""The commands ``infodecode bounds``, ``infodecode exact`` and ``infodecode simulate``.

Each command parses its arguments, calls one function of the library and hands
the result to `infodecode.cli.show`. Whatever the library refuses is one line
on standard error and exit status 2.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn

import typer
from typer.exceptions import TyperException

import infodecode
from infodecode import Decoder
from infodecode.cli import parsing, show

PLOT_SUFFIXES = (".png", ".svg", ".pdf")

app = typer.Typer(
    name="infodecode",
    help="Rounds against error of parallel decoding in masked diffusion language models.",
    epilog="Start with: infodecode bounds permutations:6",
    rich_markup_mode="rich",
    add_completion=False,
    pretty_exceptions_enable=False,
)

Law = Annotated[
    str,
    typer.Argument(
        metavar="NAME|FILE.csv",
        help="A law with its parameters, such as "
        + ", ".join(entry.example for entry in parsing.DISTRIBUTIONS.values())
        + "; or a CSV file, one row an observation.",
        show_default=False,
    ),
]
Count = Annotated[
    str | None,
    typer.Option(help="CSV column with the number of times its row was seen.", metavar="COLUMN"),
]
Columns = Annotated[
    str | None,
    typer.Option(
        help="CSV columns that are the positions, such as a,b,c; all others are dropped.",
        metavar="a,b,c",
    ),
]
Json = Annotated[
    bool, typer.Option("--json", help="One JSON object; an infinite number is the string 'inf'.")
]
Plot = Annotated[
    Path | None,
    typer.Option(help="Also draw this file; png, svg or pdf by its suffix.", metavar="FILE"),
]
StrategyText = Annotated[
    str,
    typer.Option(
        "--strategy",
        help="Which positions a round commits; the list is below.",
        metavar="NAME:VALUE,...",
    ),
]
Temperature = Annotated[
    float, typer.Option(help="Tokens are drawn from p^(1/temperature); 0 takes the largest.")
]
Order = Annotated[
    Literal["choose-then-sample", "sample-then-choose"],
    typer.Option(
        help="Positions are chosen before their tokens are drawn (choose-then-sample), or after, "
        "by the drawn tokens (sample-then-choose).",
        metavar="ORDER",
    ),
]
Ties = Literal["random", "lowest"]
TokenTies = Annotated[Ties, typer.Option(help="Equal tokens at temperature 0.")]
PositionTies = Annotated[Ties, typer.Option(help="Equally good positions.")]
Confidence = Annotated[
    Literal["untempered", "tempered"],
    typer.Option(help="The law whose probabilities rank positions."),
]
BlocksText = Annotated[
    str,
    typer.Option(
        "--blocks",
        help="Which positions are open: "
        + " or ".join(entry.example for entry in parsing.BLOCK_POLICIES.values())
        + ".",
        metavar="NAME:VALUE",
    ),
]
Follow = Literal["marginal", "uniform", "natural"]
FOLLOW = (
    "decode on with the unconditional marginals (marginal), uniformly (uniform), "
    "or as the law extends (natural)"
)
STRATEGIES = "\b\nStrategies, by example:\n" + "\n".join(
    f"  {entry.example}\n    {entry.summary}" for entry in parsing.STRATEGIES.values()
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"infodecode {infodecode.__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def _root(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say which.")
    ] = False,
) -> None:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@app.command()
def bounds(
    law: Law,
    count: Count = None,
    columns: Columns = None,
    json: Json = False,
    plot: Plot = None,
) -> None:
    """What no decoder with a fixed order can beat, for every number of rounds.

    \b
    Columns, a row for each number of rounds T:
      L*_T          KL(data||output) in bits that the best fixed partition of
                    the positions into T rounds loses, whatever the model
      partition     a partition that attains it; rounds separated by |
      random order  bits lost on average in uniformly random order, best sizes
      sizes         those sizes; 2x3 is 2 2 2
      floor         2^-L*_T: that partition is valid at least this often

    \b
    Examples:
      infodecode bounds permutations:6
      infodecode bounds titanic --json
      infodecode bounds replace_random:6 --plot picture.svg
      infodecode bounds survey.csv --columns age,smoker --count people
    """
    _check_plot(plot)
    distribution = parsing.parse_distribution(law, count=count, columns=columns)
    result = infodecode.bounds(distribution)
    if plot is not None:
        _save(result.plot(), plot)
    show.bounds(result, distribution, as_json=json)


@app.command(epilog=STRATEGIES)
def exact(
    law: Law,
    count: Count = None,
    columns: Columns = None,
    strategy: StrategyText = "top_k:2,by=random",
    temperature: Temperature = 1.0,
    order: Order = "choose-then-sample",
    token_ties: TokenTies = "random",
    position_ties: PositionTies = "random",
    confidence: Confidence = "untempered",
    blocks: BlocksText = "whole_canvas",
    off_support: Annotated[
        Literal["absorb", Follow],
        typer.Option(
            help=f"On a canvas that is impossible under the data, stop (absorb); or {FOLLOW}.",
            metavar="MODE",
        ),
    ] = "absorb",
    rational: Annotated[
        bool, typer.Option("--rational", help="Fractions instead of floating point.")
    ] = False,
    json: Json = False,
    plot: Plot = None,
) -> None:
    """The exact law of a decoder's output, with an ideal model.

    \b
    validity          probability that the output is possible under the data
    mode probability  probability that it is a most likely outcome of the data
    coverage          data probability of the outcomes the decoder can produce
    forward KL        KL(data||output) in bits; infinite where coverage is below 1
    reverse KL        KL(output||data) in bits; infinite where validity is below 1
    total variation   half the sum of absolute differences; 0 to 1
    output entropy    bits
    expected rounds   rounds until every position is committed
    expected model calls  a batched look-ahead is one more in its round
    absorbed          probability of an impossible canvas; if positive, output
                      entropy, rounds and calls need another --off-support
    unfinished        probability of not finishing

    \b
    Examples:
      infodecode exact replace_random:6 --strategy top_k:2 --rational
      infodecode exact permutations:5 --strategy top_k:3-2 --off-support uniform
      infodecode exact titanic --strategy threshold:0.9 --temperature 0 --json
    """
    _check_plot(plot)
    distribution = parsing.parse_distribution(law, count=count, columns=columns)
    decoder = _decoder(strategy, temperature, order, token_ties, position_ties, confidence, blocks)
    run = infodecode.exact(
        distribution,
        decoder,
        off_support=off_support,
        arithmetic="rational" if rational else "float",
    )
    if plot is not None:
        from infodecode import plotting

        _save(plotting.plot_run(run, infodecode.bounds(distribution), label=strategy), plot)
    show.exact(run, distribution, strategy, as_json=json)


@app.command(epilog=STRATEGIES)
def simulate(
    law: Law,
    count: Count = None,
    columns: Columns = None,
    strategy: StrategyText = "top_k:2,by=random",
    temperature: Temperature = 1.0,
    order: Order = "choose-then-sample",
    token_ties: TokenTies = "random",
    position_ties: PositionTies = "random",
    confidence: Confidence = "untempered",
    blocks: BlocksText = "whole_canvas",
    off_support: Annotated[
        Follow,
        typer.Option(
            help=f"On a canvas that is impossible under the data, {FOLLOW}.",
            metavar="MODE",
        ),
    ] = "marginal",
    samples: Annotated[int, typer.Option(help="Sequences to decode, at most.")] = 10_000,
    seed: Annotated[int, typer.Option(help="The same seed gives the same result.")] = 0,
    threads: Annotated[
        int | None, typer.Option(help="Changes the time and never the result.", show_default="all")
    ] = None,
    precision: Annotated[
        float | None,
        typer.Option(
            help="Stop as soon as the validity's interval is at most this far on either side."
        ),
    ] = None,
    json: Json = False,
    plot: Plot = None,
) -> None:
    """A decoder's validity and rounds by simulation, with 95% intervals.

    \b
    validity         share of outputs that are possible under the data
    mode probability share of outputs that are a most likely outcome
    expected rounds  rounds until every position is committed
    share            share of the sequences that took this many rounds

    \b
    Examples:
      infodecode simulate permutations:50 --strategy top_k:4 --samples 20000
      infodecode simulate replace_random:6 --strategy factor:1 --precision 0.005
      infodecode simulate titanic --strategy threshold:0.8 --seed 1 --json
    """
    _check_plot(plot)
    distribution = parsing.parse_distribution(law, count=count, columns=columns)
    decoder = _decoder(strategy, temperature, order, token_ties, position_ties, confidence, blocks)
    result = infodecode.simulate(
        distribution,
        decoder,
        samples=samples,
        seed=seed,
        off_support=off_support,
        precision=precision,
        threads=threads,
    )
    if plot is not None:
        from infodecode import plotting

        _save(plotting.plot_rounds(result, label=strategy), plot)
    show.simulation(result, distribution, strategy, as_json=json)


def _decoder(
    strategy: str,
    temperature: float,
    order: str,
    token_ties: str,
    position_ties: str,
    confidence: str,
    blocks: str,
) -> Decoder:
    return Decoder(
        parsing.parse_strategy(strategy),
        temperature=temperature,
        order=order,
        token_ties=token_ties,
        position_ties=position_ties,
        confidence=confidence,
        blocks=parsing.parse_blocks(blocks),
    )


def _check_plot(path: Path | None) -> None:
    """Refuse a file that cannot be drawn before anything is computed."""
    if path is None:
        return
    if path.suffix.lower() not in PLOT_SUFFIXES:
        raise ValueError(f"--plot must end in {', '.join(PLOT_SUFFIXES)}, got {str(path)!r}")
    if not path.parent.is_dir():
        raise ValueError(f"--plot: no such folder: {path.parent}")


def _save(axes: Any, path: Path) -> None:
    axes.figure.savefig(path, dpi=200, bbox_inches="tight")


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command and exit: 0 done, 2 bad input (one line on standard error)."""
    try:
        status = app(arguments, prog_name="infodecode", standalone_mode=False)
    except (TyperException, ValueError, TypeError, OSError) as error:
        message = error.format_message() if isinstance(error, TyperException) else str(error)
        print(f"infodecode: {' '.join(message.split())}", file=sys.stderr)
        sys.exit(2)
    sys.exit(status)
