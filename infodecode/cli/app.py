"""The commands ``infodecode bounds``, ``exact``, ``simulate``, ``frontier``, ``sweep``, ….

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
from infodecode.cli import frontiers, show
from infodecode.cli.decode import decode
from infodecode.cli.listing import listing
from infodecode.cli.options import (
    FOLLOW,
    DecodingOptions,
    Follow,
    Json,
    LawOptions,
    Order,
    Plot,
    Temperature,
    spread,
)
from infodecode.cli.sweep import sweep
from infodecode.cli.vocabulary import GROUPS

PLOT_SUFFIXES = (".png", ".svg", ".pdf")

app = typer.Typer(
    name="infodecode",
    help="Rounds against error of parallel decoding in masked diffusion language models.",
    epilog="Start with: infodecode bounds permutations:6, and infodecode list",
    rich_markup_mode="rich",
    add_completion=False,
    pretty_exceptions_enable=False,
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
@spread
def bounds(law: LawOptions, json: Json = False, plot: Plot = None) -> None:
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
      infodecode bounds "replace_random:3 + permutations:3"
      infodecode bounds replace_random:6 --plot picture.svg
      infodecode bounds survey.csv --columns age,smoker --count people
    """
    _check_plot(plot)
    distribution = law.read()
    result = infodecode.bounds(distribution)
    if plot is not None:
        _save(result.plot(), plot)
    show.bounds(result, distribution, as_json=json)


@app.command()
@spread
def exact(
    law: LawOptions,
    decoding: DecodingOptions,
    off_support: Annotated[
        Literal["absorb", Follow] | None,
        typer.Option(
            help=f"On a canvas that is impossible under the data, stop (absorb); or {FOLLOW}.",
            metavar="MODE",
            show_default="absorb; marginal if the strategy masks again",
        ),
    ] = None,
    rational: Annotated[
        bool, typer.Option("--rational", help="Fractions instead of floating point.")
    ] = False,
    orbits: Annotated[
        bool | None,
        typer.Option(
            "--orbits/--no-orbits",
            help="Follow one canvas for all that the symmetry of the law turns it into.",
            show_default="where possible, from 10 positions",
        ),
    ] = None,
    json: Json = False,
    plot: Plot = None,
) -> None:
    """The exact law of a decoder's output.

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
      infodecode exact permutations:40 --strategy top_k:4
      infodecode exact replace_random:6 --strategy factor:1 --model noisy:0.5
    """
    _check_plot(plot)
    distribution = law.read()
    decoder = decoding.read_decoder()
    model = decoding.read_model(distribution, off_support or "absorb")
    if rational and model is not None:
        raise ValueError(f"--rational needs --model ideal, got {decoding.model!r}")
    run = infodecode.exact(
        distribution,
        decoder,
        model=model,
        off_support=off_support,
        arithmetic="rational" if rational else "float",
        orbits=orbits,
    )
    if plot is not None:
        from infodecode import plotting

        curves = infodecode.bounds(distribution)
        _save(plotting.plot_run(run, curves, label=decoding.strategy), plot)
    show.exact(run, decoding.strategy, decoding.model, as_json=json)


@app.command()
@spread
def simulate(
    law: LawOptions,
    decoding: DecodingOptions,
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
      infodecode simulate words:5 --strategy threshold:0.8 --model noisy:0.5
    """
    _check_plot(plot)
    distribution = law.read()
    decoder = decoding.read_decoder()
    result = infodecode.simulate(
        distribution,
        decoder,
        model=decoding.read_model(distribution, off_support),
        samples=samples,
        seed=seed,
        off_support=off_support,
        precision=precision,
        threads=threads,
    )
    if plot is not None:
        from infodecode import plotting

        _save(plotting.plot_rounds(result, label=decoding.strategy), plot)
    show.simulation(result, decoding.strategy, decoding.model, as_json=json)


@app.command()
@spread
def frontier(
    law: LawOptions,
    strategies: Annotated[
        str,
        typer.Option(
            help="Which ones: a name alone runs over a grid of settings, with values it is one "
            "decoder. Names with a grid: " + ", ".join(frontiers.with_grids()) + ".",
            metavar="NAME,NAME:VALUE,...",
        ),
    ] = "top_k,threshold,factor",
    temperature: Temperature = 1.0,
    order: Order = "choose-then-sample",
    entropy: Annotated[
        bool, typer.Option("--entropy", help="Also the entropy of what is put out.")
    ] = False,
    oracle: Annotated[
        bool,
        typer.Option("--oracle", help="Also the best threshold of every sample, found afterwards."),
    ] = False,
    samples: Annotated[
        int, typer.Option(help="Sequences, of the oracle and where a run is too large.")
    ] = 20_000,
    seed: Annotated[int, typer.Option(help="The same seed gives the same result.")] = 0,
    json: Json = False,
    plot: Plot = None,
    show_: Annotated[
        Literal["kl", "validity", "entropy"],
        typer.Option("--show", help="What --plot draws against rounds.", metavar="QUANTITY"),
    ] = "kl",
) -> None:
    """Rounds against error over the settings of several strategies, beside the optimum.

    \b
    Columns, a row for each decoder; * marks those that no other one dominates:
      rounds   expected number, of what the decoder puts out
      on data  the same where every token is a true one
      KL       KL(data||output) in bits
      path KL  bits lost along data: the KL, but for orders that are mixed
      optimum  least path KL of any commit-only policy that chooses before it
               draws, with as many rounds on data
      regret   path KL - optimum; a kind of decoder that is outside has none
      valid    probability that the output is possible under the data
      kind     what the optimum says about it; explained below the table

    \b
    Examples:
      infodecode frontier permutations:6 --strategies threshold,factor
      infodecode frontier replace_random:6 --strategies factor,top_k:2 --entropy
      infodecode frontier titanic --strategies threshold --oracle --json
      infodecode frontier replace_random:4 --order sample-then-choose
      infodecode frontier insert_random:4 --plot picture.svg --show validity
    """
    _check_plot(plot)
    wanted = frontiers.parse_strategies(strategies)
    result = infodecode.frontier(
        law.read(),
        wanted,
        temperature=temperature,
        order=order,
        samples=samples,
        seed=seed,
        entropy=entropy or show_ == "entropy",
        oracle=oracle,
    )
    if plot is not None:
        _save(result.plot(quantity=show_), plot)
    frontiers.frontier(result, temperature=temperature, order=order, as_json=json)


app.command()(decode)
app.command()(sweep)


@app.command()
@spread
def sample(
    law: LawOptions,
    size: Annotated[int, typer.Option(help="How many sequences.")] = 3,
    seed: Annotated[int, typer.Option(help="The same seed gives the same sequences.")] = 0,
    json: Json = False,
) -> None:
    """Sequences drawn from a law, as a person would read them.

    \b
    Examples:
      infodecode sample insert_random:4
      infodecode sample variable_names --size 1 --seed 7
      infodecode sample "phrases:New York/Mexico City" --json
    """
    distribution = law.read()
    sequences = distribution.sample(size, seed=seed)
    show.samples(distribution, sequences, seed, as_json=json)


@app.command(name="list")
def names(
    group: Annotated[
        str | None,
        typer.Argument(
            metavar="[GROUP]", help=f"{', '.join(GROUPS)}; everything without.", show_default=False
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Every law, strategy, model and block policy, with an example to type.

    \b
    Each line: an example, what it is, and the paper with section or equation.
    A law goes to bounds, exact, simulate and sample; the others are options of
    exact and simulate.

    \b
    Examples:
      infodecode list
      infodecode list strategies
      infodecode list distributions --json
    """
    if group is not None and group not in GROUPS:
        raise ValueError(f"GROUP must be one of {', '.join(GROUPS)}, got {group!r}")
    listing(list(GROUPS) if group is None else [group], as_json=json)


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
    except (TyperException, ValueError, TypeError, OSError, ImportError) as error:
        message = error.format_message() if isinstance(error, TyperException) else str(error)
        print(f"infodecode: {' '.join(message.split())}", file=sys.stderr)
        sys.exit(2)
    sys.exit(status)
