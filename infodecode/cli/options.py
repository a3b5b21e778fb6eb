"""Options that several commands share, written once."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass, is_dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from infodecode import Decoder
from infodecode.cli import parsing
from infodecode.cli.vocabulary import BLOCK_POLICIES, MODELS
from infodecode.distributions import Joint
from infodecode.models import Model

Ties = Literal["random", "lowest"]
Follow = Literal["marginal", "uniform", "natural"]
FOLLOW = (
    "decode on with the unconditional marginals (marginal), uniformly (uniform), "
    "or as the law extends (natural)"
)
Json = Annotated[
    bool, typer.Option("--json", help="One JSON object; an infinite number is the string 'inf'.")
]
Plot = Annotated[
    Path | None,
    typer.Option(help="Also draw this file; png, svg or pdf by its suffix.", metavar="FILE"),
]
Temperature = Annotated[
    float, typer.Option(help="Tokens are drawn from p^(1/temperature); 0 takes the largest.")
]
Order = Annotated[
    Literal["choose-then-sample", "sample-then-choose"],
    typer.Option(
        help="Positions are chosen before their tokens are drawn (choose-then-sample), or "
        "after, by the drawn tokens (sample-then-choose).",
        metavar="ORDER",
    ),
]
Tokens = Annotated[
    str,
    typer.Option(
        help="From the marginal of a position to the law its token is drawn from, such as "
        "local_power:4: infodecode list tokens.",
        metavar="NAME:VALUE,...",
    ),
]
Blocks = Annotated[
    str,
    typer.Option(
        help="Which positions are open: "
        + " or ".join(entry.example for entry in BLOCK_POLICIES.values())
        + ".",
        metavar="NAME:VALUE",
    ),
]


@dataclass(frozen=True)
class LawOptions:
    """Which law: the argument of every command, and how to read a file."""

    law: Annotated[
        str,
        typer.Argument(
            metavar="LAW|FILE.csv",
            help="A law with its parameters, such as permutations:6 or titanic (infodecode list "
            "has them all); several, such as 'copy:3 + parity:4' or "
            "'1/2 * copy:5 | 1/2 * permutations:5'; or a CSV file, one row an observation.",
            show_default=False,
        ),
    ]
    count: Annotated[
        str | None,
        typer.Option(
            help="CSV column with the number of times its row was seen.", metavar="COLUMN"
        ),
    ] = None
    columns: Annotated[
        str | None,
        typer.Option(
            help="CSV columns that are the positions, such as a,b,c; all others are dropped.",
            metavar="a,b,c",
        ),
    ] = None

    def read(self) -> Joint:
        return parsing.parse_distribution(self.law, count=self.count, columns=self.columns)


@dataclass(frozen=True)
class DecodingOptions:
    """How to decode, and with which model."""

    strategy: Annotated[
        str,
        typer.Option(
            help="Which positions a round commits, such as threshold:0.9: infodecode list "
            "strategies.",
            metavar="NAME:VALUE,...",
        ),
    ] = "top_k:2,by=random"
    model: Annotated[
        str,
        typer.Option(
            help="What predicts the tokens: "
            + " or ".join(entry.example for entry in MODELS.values())
            + " (the law's own marginals with noise of this scale on the logits).",
            metavar="NAME:VALUE,...",
        ),
    ] = "ideal"
    tokens: Tokens = "from_marginal"
    temperature: Temperature = 1.0
    order: Order = "choose-then-sample"
    token_ties: Annotated[
        Ties,
        typer.Option(
            help="Of equal tokens at temperature 0, a random or the lowest one.", metavar="TIES"
        ),
    ] = "random"
    position_ties: Annotated[
        Ties,
        typer.Option(help="Of equally good positions, random or the lowest ones.", metavar="TIES"),
    ] = "random"
    confidence: Annotated[
        Literal["untempered", "tempered"],
        typer.Option(
            help="The law whose probabilities rank positions: untempered or tempered.",
            metavar="LAW",
        ),
    ] = "untempered"
    blocks: Blocks = "whole_canvas"

    def read_decoder(self) -> Decoder:
        return Decoder(
            parsing.parse_strategy(self.strategy),
            tokens=parsing.parse_tokens(self.tokens),
            temperature=self.temperature,
            order=self.order,
            token_ties=self.token_ties,
            position_ties=self.position_ties,
            confidence=self.confidence,
            blocks=parsing.parse_blocks(self.blocks),
        )

    def read_model(self, law: Joint, off_support: str) -> Model | None:
        """None for the ideal model."""
        return parsing.parse_model(self.model, law, off_support)


def spread(command: Callable[..., None]) -> Callable[..., None]:
    """``command`` with an option for each field of its parameters that are dataclasses.

    Typer reads the flat signature; the function itself gets the dataclasses.
    """
    groups: dict[str, tuple[Callable[..., Any], list[str]]] = {}
    flat: list[inspect.Parameter] = []
    for name, parameter in inspect.signature(command, eval_str=True).parameters.items():
        group = parameter.annotation
        if isinstance(group, type) and is_dataclass(group):
            fields = inspect.signature(group, eval_str=True).parameters
            groups[name] = group, list(fields)
            flat += fields.values()
        else:
            flat.append(parameter)

    @functools.wraps(command)
    def run(**values: Any) -> None:
        for name, (group, fields) in groups.items():
            values[name] = group(**{field: values.pop(field) for field in fields})
        command(**values)

    run.__signature__ = inspect.Signature(flat)  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in flat}
    return run
