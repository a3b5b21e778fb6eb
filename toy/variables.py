"""Variable names in code: any slot of an identifier settles all its others."""

from __future__ import annotations

from infodecode import distributions
from toy import closed_forms as by
from toy.study import Case, program


def cases() -> list[Case]:
    """From Bits to Rounds, Example 2."""
    return [
        Case(distributions.variable_names(), (by.same_names,)),
        Case(
            distributions.variable_names(
                "<total> = 0\nfor x in data:\n    <total> += x\nprint(<total>)",
                {"total": ("ans", "result", "res")},
            ),
            (by.same_names,),
        ),
    ]


if __name__ == "__main__":
    program("variables", cases)
