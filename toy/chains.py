"""Markov chains, observed or hidden."""

from __future__ import annotations

from infodecode import Decoder, distributions, strategies
from toy.study import Case, program


def cases() -> list[Case]:
    """Sticky weather, a walk with forbidden steps, and the dishonest casino."""
    return [
        Case(
            distributions.markov_chain([[0.9, 0.1], [0.2, 0.8]], length=7),
            more={"bisection": Decoder(strategies.FixedPartition([[3], [1, 5], [0, 2, 4, 6]]))},
        ),
        Case(
            distributions.markov_chain(
                [[0.5, 0.5, 0.0], [0.25, 0.5, 0.25], [0.0, 0.5, 0.5]], length=6
            )
        ),
        Case(
            distributions.hidden_markov(
                [[0.95, 0.05], [0.1, 0.9]], [[1 / 6] * 6, [0.1] * 5 + [0.5]], length=4
            )
        ),
    ]


if __name__ == "__main__":
    program("chains", cases)
