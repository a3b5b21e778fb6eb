"""Records: student profiles, whose name tells nearly everything, and a real table."""

from __future__ import annotations

from infodecode import distributions
from toy.study import Case, program


def cases() -> list[Case]:
    """From Bits to Rounds, Example 1, and the people aboard the Titanic."""
    return [
        Case(distributions.profile_records()),
        Case(distributions.titanic()),
    ]


if __name__ == "__main__":
    program("records", cases)
