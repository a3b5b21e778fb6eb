"""Records: student profiles, whose name tells nearly everything, and a real table."""

from __future__ import annotations

from infodecode import Decoder, distributions, strategies
from toy.study import Case, program


def cases() -> list[Case]:
    """From Bits to Rounds, Example 1, and the people aboard the Titanic."""
    return [
        Case(
            distributions.profile_records(),
            more={
                "name first": Decoder(strategies.FixedPartition([[0], [1, 2, 3]])),
                "age first": Decoder(strategies.FixedPartition([[2], [0, 1, 3]])),
            },
        ),
        Case(distributions.titanic()),
    ]


if __name__ == "__main__":
    program("records", cases)
