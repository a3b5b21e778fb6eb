"""Profile records of students: the confident field says little, the diffuse one nearly all."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

import numpy as np

from infodecode import _validation
from infodecode._typing import IntArray
from infodecode.distributions._table import Table

MOST_STUDENTS = 100_000

FIRST_NAMES = (
    "Emma", "Noah", "Olivia", "Liam", "Sofia", "Lucas", "Mia", "Adam", "Anna", "Leo", "Maria",
    "David", "Julia", "Daniel", "Sara", "Omar", "Clara", "Hugo", "Ines", "Ivan", "Nora", "Samuel",
    "Alice", "Mateo", "Laura", "Victor", "Elena", "Oscar", "Aisha", "Peter", "Mei", "Jonas",
    "Priya", "Simon", "Yuki", "Tomas", "Fatima", "Martin", "Hana", "Felix",
)  # fmt: skip
"""First names; the r-th is drawn with a weight of 1/r (rounded to thousandths)."""

FAMILY_NAMES = (
    "Smith", "Garcia", "Kim", "Jones", "Silva", "Khan", "Martin", "Nguyen", "Brown", "Rossi",
    "Patel", "Novak", "Lopez", "Wang", "Miller", "Cohen", "Santos", "Taylor", "Ali", "Schmidt",
    "Tanaka", "Moore", "Costa", "Singh", "Walker", "Ivanov", "Dubois", "Hill", "Ahmed", "Larsen",
    "Park", "Baker", "Moreno", "Chen", "Fischer", "Young", "Okafor", "Romero", "Evans", "Kowalski",
    "Mensah", "Reed", "Bianchi", "Yilmaz", "Carter", "Sato", "Weber", "Diaz", "Murphy", "Haddad",
    "Berg", "Popescu", "Ward", "Lindqvist", "Horvat", "Das", "Bell", "Moretti", "Nielsen", "Ortega",
)  # fmt: skip
"""Family names, all equally likely."""

SCHOOLS = {
    "Ashmere University": 20,
    "Brackwater College": 17,
    "Corvane Institute": 14,
    "Dunlow University": 12,
    "Eldenbrook College": 10,
    "Farrowgate University": 9,
    "Highmarch Institute": 7,
    "Ivelstead University": 6,
    "Quillmoor College": 5,
}
"""Invented universities and their weights out of 100."""

AGES = {"18": 22, "19": 30, "20": 25, "21": 15, "22": 8}
"""Ages and their weights out of 100."""

HOBBIES = (
    "chess", "climbing", "cooking", "cycling", "drawing", "football", "gardening", "guitar",
    "photography", "reading", "running", "swimming",
)  # fmt: skip
"""Hobbies; the s-th school's favourite is the s-th."""


def profile_records(students: int = 200, *, seed: int = 0) -> Table:
    """A record drawn uniformly from an invented database of students: name, school, age, hobby.

    Age has a narrow range, so a decoder that takes the most confident field decodes it first, and
    has learned little. The name is diffuse, and nearly always leaves a single record: decoded
    first, although least confident, it makes the other fields all but certain. Confidence is
    local, information is global.

    Each student is made independently. A name is one of 40 first names, the r-th with weight 1/r,
    and one of 60 family names, all alike: most names are unique, some are shared. Schools are nine,
    the largest with 20 % of the students and the smallest with 5 %. Ages 18 to 22 have 22, 30, 25,
    15 and 8 %. A student has the favourite hobby of the school with probability 1/4, otherwise any
    of twelve. The more students, the less a name says: of 2,400 possible names, 100,000 students
    share all.

    Args:
        students: records in the database, 1 to 100,000; equal ones count as often as they occur.
        seed: decides the records.

    Returns:
        A table of integer counts with the positions ``name``, ``school``, ``age`` and ``hobby``.
        The tokens of ``name`` are the names that occur, in alphabetical order.

    Example:
        >>> import infodecode
        >>> law = profile_records()
        >>> print(law.render(law.outcomes[0]))
        name: Nora Wang
        school: Quillmoor College
        age: 20
        hobby: swimming

        Entropy in bits and largest probability of each field: age is the most confident by far.

        >>> law.position_entropies().round(2).tolist()
        [7.45, 3.03, 2.19, 3.55]
        >>> law.marginals([-1] * 4).max(axis=2)[0].round(3).tolist()
        [0.02, 0.205, 0.29, 0.11]

        The name leaves 0.19 of the 7.03 bits of the other fields open, the age 5.46 of 7.63:

        >>> round(infodecode.entropy(law, [1, 2, 3], given=0), 2)
        0.19
        >>> round(infodecode.entropy(law, [0, 1, 3], given=2), 2)
        5.46

        So two rounds lose little with the name first, and most of a record with the age first:

        >>> round(infodecode.partition_bits(law, [(0,), (1, 2, 3)]), 2)
        0.29
        >>> round(infodecode.partition_bits(law, [(2,), (0, 1, 3)]), 2)
        6.17

    Reference: From Bits to Rounds (2025), section 3, Example 1.
    """
    size = _validation.integer("students", students, minimum=1, maximum=MOST_STUDENTS)
    start = _validation.integer("seed", seed, minimum=0, maximum=None)
    generator = np.random.default_rng(start)
    first = _draw(generator, (1000 // rank for rank in range(1, len(FIRST_NAMES) + 1)), size)
    family = generator.integers(len(FAMILY_NAMES), size=size)
    school = _draw(generator, SCHOOLS.values(), size)
    age = _draw(generator, AGES.values(), size)
    any_hobby = generator.integers(len(HOBBIES), size=size)
    hobby = np.where(generator.integers(4, size=size) == 0, school, any_hobby)
    people = [f"{FIRST_NAMES[a]} {FAMILY_NAMES[b]}" for a, b in zip(first, family, strict=True)]
    names, name = np.unique(people, return_inverse=True)
    options = [f"{size}"] + ([f"seed={start}"] if start else [])
    return Table(
        np.column_stack([name, school, age, hobby]),
        labels=[names.tolist(), list(SCHOOLS), list(AGES), HOBBIES],
        names=["name", "school", "age", "hobby"],
        template="name: {}\nschool: {}\nage: {}\nhobby: {}",
        name=f"profile_records({', '.join(options)})",
    )


def _draw(generator: np.random.Generator, weights: Iterable[int], size: int) -> IntArray:
    """``size`` indices, each with a probability in proportion to its integer weight."""
    ends = list(itertools.accumulate(weights))
    return np.searchsorted(ends, generator.integers(ends[-1], size=size), side="right")
