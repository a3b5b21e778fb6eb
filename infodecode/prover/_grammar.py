"""From the text of a statement to its linear form."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import NoReturn

from infodecode.prover import _forms
from infodecode.prover._forms import Form, Names

_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+(?:\.\d+)?)|(?P<name>[^\W\d]\w*'*)|(?P<sign><=|>=|==|[-=≤≥−+*/();,|]))"
)
_RELATIONS = {"<=": "<=", "≤": "<=", ">=": ">=", "≥": ">=", "==": "==", "=": "=="}
_QUANTITIES = {"H": "H", "I": "I", "TC": "TC", "C": "TC", "DTC": "DTC", "D": "DTC"}
_NEAR = 24
_DEEPEST = 50
_MOST_DIGITS = 1000


@dataclass(frozen=True)
class Statement:
    """``form`` >= 0, or == 0.

    Attributes:
        form: left minus right for ``>=`` and ``==``, right minus left for ``<=``.
        equality: whether the form is 0 rather than at least 0.
        names: all variables in it, those that cancel included.
    """

    form: Form
    equality: bool
    names: Names


@dataclass(frozen=True)
class Quantity:
    """One information quantity: ``kind`` is H, I, TC or DTC."""

    kind: str
    form: Form


def parse_statement(argument: str, text: object) -> Statement:
    """A claim or constraint; errors name ``argument`` and the position in the text, from 0."""
    if not isinstance(text, str):
        raise TypeError(f"{argument} must be a string, got {text!r}")
    return _Parser(argument, text).statement()


def parse_quantity(text: str) -> Quantity:
    """A single quantity such as ``I(A;B|C)``."""
    parser = _Parser("quantity", text)
    result = parser.quantity()
    parser.expect_end("the end")
    return result


class _Parser:
    """Recursive descent, one method a rule; ``place`` is the token that comes next."""

    def __init__(self, argument: str, text: str) -> None:
        self.argument, self.text, self.place, self.depth = argument, text, 0, 0
        self.tokens: list[tuple[str, str, int]] = []
        self.names: set[str] = set()
        position = 0
        end = len(text.rstrip())
        while position < end:
            match = _TOKEN.match(text, position)
            if match is None:
                position += len(text[position:]) - len(text[position:].lstrip())
                wanted = "names, numbers and the signs of a statement"
                if text[position] in "<>!":
                    wanted = "<=, >= or == as its relation"
                self.refuse(wanted, text[position], position)
            kind = match.lastgroup or ""
            word = match.group(kind)
            self.tokens.append((kind, "-" if word == "−" else word, match.start(kind)))
            position = match.end()
        self.tokens.append(("end", "", len(text)))

    def statement(self) -> Statement:
        left = self.sum()
        relation = _RELATIONS.get(self.word)
        if relation is None:
            self.refuse_next("an operator, or one of <=, >=, ==")
        self.place += 1
        right = self.sum()
        self.expect_end("an operator or the end")
        if not self.names:
            raise ValueError(f"{self.argument} must name a variable, got {self.text!r}")
        sides = (right, left) if relation == "<=" else (left, right)
        form = _forms.total([(1, sides[0]), (-1, sides[1])])
        return Statement(form, relation == "==", frozenset(self.names))

    def sum(self) -> Form:
        terms: list[tuple[Fraction | int, Form]] = []
        while not terms or self.word in ("+", "-"):
            sign = 1
            if self.word in ("+", "-"):
                sign = -1 if self.word == "-" else 1
                self.place += 1
            terms.append((sign, self.product()))
        return _forms.total(terms)

    def product(self) -> Form:
        start = self.place
        factor = Fraction(1)
        while self.kind == "number":
            factor *= self.number()
            while self.word == "/":
                self.place += 1
                factor /= self.divisor()
            if self.word == "*":
                self.place += 1
            elif self.kind == "number":
                self.refuse_next("* between two numbers")
        if self.kind == "name":
            form = self.quantity().form
        elif self.word == "(":
            if self.depth == _DEEPEST:
                self.refuse_next(f"at most {_DEEPEST} parentheses within each other")
            self.depth, self.place = self.depth + 1, self.place + 1
            form = self.sum()
            self.depth -= 1
            self.expect(")", "an operator or )")
        elif self.place > start and not factor:
            return {}
        elif self.place > start:
            self.refuse_next("a quantity such as H(A) after the number: the only constant is 0")
        else:
            self.refuse_next("a quantity such as H(A), a number or (")
        while self.word in ("*", "/"):
            divide = self.word == "/"
            self.place += 1
            factor = factor / self.divisor() if divide else factor * self.number()
        return _forms.total([(factor, form)])

    def number(self) -> Fraction:
        if self.kind != "number":
            self.refuse_next("a number")
        if len(self.word) > _MOST_DIGITS:
            self.refuse_next(f"numbers of at most {_MOST_DIGITS} digits")
        self.place += 1
        return Fraction(self.tokens[self.place - 1][1])

    def divisor(self) -> Fraction:
        value = self.number()
        if not value:
            self.place -= 1
            self.refuse_next("a number other than 0")
        return value

    def quantity(self) -> Quantity:
        kind = _QUANTITIES.get(self.word)
        if self.kind != "name" or kind is None:
            self.refuse_next("H, I, TC (or C) or DTC (or D)")
        self.place += 1
        self.expect("(", "(")
        groups = [self.group("a variable")]
        while self.word == ";" and kind != "H":
            self.place += 1
            groups.append(self.group("a variable"))
        allowed = ", | or )" if kind == "H" else ", ; | or )"
        if kind == "I" and len(groups) != 2:
            if len(groups) > 2:
                self.place -= 1
            self.refuse_next(f"two groups in I(...;...), not {len(groups)}")
        given: Names = frozenset()
        if self.word == "|":
            self.place += 1
            given = frozenset(self.group("a variable"))
            allowed = ", or )"
        self.expect(")", allowed)
        return Quantity(kind, _expand(kind, groups, given))

    def group(self, wanted: str) -> list[str]:
        members: list[str] = []
        while not members or self.word == ",":
            if members:
                self.place += 1
            if self.kind != "name":
                self.refuse_next(wanted)
            members.append(self.word)
            self.place += 1
        self.names.update(members)
        return members

    @property
    def kind(self) -> str:
        return self.tokens[self.place][0]

    @property
    def word(self) -> str:
        return self.tokens[self.place][1]

    def expect(self, word: str, wanted: str) -> None:
        if self.word != word:
            self.refuse_next(wanted)
        self.place += 1

    def expect_end(self, wanted: str) -> None:
        if self.kind != "end":
            self.refuse_next(wanted)

    def refuse_next(self, wanted: str) -> NoReturn:
        _, word, position = self.tokens[self.place]
        self.refuse(wanted, word, position)

    def refuse(self, wanted: str, word: str, position: int) -> NoReturn:
        before = self.text[max(0, position - _NEAR) : position]
        after = self.text[position : position + _NEAR]
        dots = "..." if position > _NEAR else "", "..." if position + _NEAR < len(self.text) else ""
        raise ValueError(
            f"{self.argument} must have {wanted} at position {position}, got "
            f"{repr(word[:_NEAR]) if word else 'the end'} in {dots[0] + before + after + dots[1]!r}"
        )


def _expand(kind: str, groups: list[list[str]], given: Names) -> Form:
    if kind == "H":
        return _forms.conditional_entropy(frozenset(groups[0]), given)
    parts = [frozenset(group) for group in groups]
    if len(groups) == 1:
        parts = [frozenset({name}) for name in groups[0]]
    rule: Callable[[list[Names], Names], Form] = (
        _forms.dual_total_correlation if kind == "DTC" else _forms.total_correlation
    )
    return rule(parts, given)
