"""Pages of strategies, ``docs/strategies/``: each from its docstring and from measured tables."""

from __future__ import annotations

import inspect
import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from infodecode import strategies
from infodecode.cli.vocabulary import BLOCK_POLICIES, STRATEGIES, Entry

FOLDER = Path("docs/strategies")
TABLE = Path("results/toy/strategies.csv")

NAMES = {
    name: kind
    for name, kind in vars(strategies).items()
    if isinstance(kind, type) and issubclass(kind, strategies.Strategy)
}
"""Every strategy by the name of its class, `Strategy` itself included."""

POLICIES = {
    name: kind
    for name, kind in vars(strategies).items()
    if isinstance(kind, type) and issubclass(kind, strategies.BlockPolicy)
}

ROOTS = (strategies.Strategy, strategies.BlockPolicy)
"""Classes whose own attributes are no parameters."""

RELEASED = re.compile(
    r"released (code|function)|in its code|LLaDA draws|[Tt]he (originals|authors) d"
    r"|[Tt]he original (code|function|demands|runs|counts|computes|draws)|of the original is"
)
"""Words of a paragraph that is about code others ship."""

DIALECTS = ("as_shipped", "inclusive", "limited")
"""Parameters that choose between a published rule and released code."""

COLUMNS = {
    "law": "toy", "strategy": "setting", "rounds": "rounds", "calls": "calls",
    "validity": "validity", "kl": "KL", "path_kl": "path KL", "regret": "regret",
}  # fmt: skip

INDEX = """# Strategies

A page for each unmasking strategy, made by `python -m toy.docs` from its docstring, its entry in \
the command line's vocabulary, and `results/toy/strategies.csv`. [Strategies by \
toy](../strategies_by_toy.md) sets them side by side, [block policies](blocks.md) say which \
positions are open, and [adding a strategy](../adding_a_strategy.md) writes one of your own.

| strategy | in the terminal | what it commits | source |
|---|---|---|---|"""

BLOCKS = """# Block policies

Which masked positions are open in a round: `Decoder(strategy, blocks=POLICY)`, in the terminal \
`--blocks NAME:VALUE`. Made by `python -m toy.docs`."""

MEASURED = """Exact marginals, temperature 1, schedules with half as many rounds as positions: \
`results/toy/strategies.csv` (`python -m toy.strategies`). Rounds and model calls are means over \
what the decoder puts out, KL is KL(data ‖ output) in bits. Path KL and regret, on data, are for \
strategies that commit for good and choose before they draw: see [the adaptive \
optimum](../bounds/adaptive_optimum.md)."""


@dataclass(frozen=True)
class Docstring:
    """A docstring taken apart.

    Attributes:
        summary: its first paragraph, in Markdown.
        text: the other paragraphs, in Markdown.
        attributes: names (one or several, as written) -> text.
        example: a doctest, or nothing.
        reference: papers and code.
    """

    summary: str
    text: tuple[str, ...]
    attributes: Mapping[str, str]
    example: str
    reference: str

    @classmethod
    def of(cls, kind: type) -> Docstring:
        """The parts of a class's docstring."""
        found: dict[str, list[str]] = {"": []}
        section = ""
        for part in _paragraphs(inspect.getdoc(kind) or ""):
            head, _, rest = part.partition("\n")
            if match := re.fullmatch(r"(Attributes|Example|Reference): ?(.*)", head):
                section = match[1]
                part = f"{match[2]}\n{rest}".strip("\n")
            elif not part.startswith(" "):
                section = ""
            found.setdefault(section, []).append(part)
        text = _markdown(found[""])
        attributes = dict(_attributes("\n".join(found.get("Attributes", []))))
        for base in kind.__mro__[1:]:
            if "Attributes:" in (vars(base).get("__doc__") or "") and base not in ROOTS:
                attributes = {**cls.of(base).attributes, **attributes}
        return cls(
            summary=text[0],
            text=tuple(text[1:]),
            attributes=attributes,
            example=textwrap.dedent("\n\n".join(found.get("Example", []))),
            reference=_inline(_joined("\n".join(found.get("Reference", [])))),
        )


def pages() -> dict[Path, str]:
    """Every page by its path."""
    measured = pd.read_csv(TABLE)
    out = {FOLDER / "README.md": _index(), FOLDER / "blocks.md": _policies()}
    for kind in _kinds():
        out[FOLDER / f"{page_name(kind)}.md"] = page(kind, measured)
    return out


def page(kind: type, measured: pd.DataFrame) -> str:
    """One strategy."""
    doc = Docstring.of(kind)
    rows = measured[measured.decoder.str.startswith(f"Decoder({kind.__name__}(")]
    lines = [f"# {kind.__name__}", "", doc.summary, ""]
    lines += [line for part in doc.text if not _about_others(part) for line in (part, "")]
    if doc.attributes:
        lines += ["## Parameters", "", *_parameters(kind, doc), ""]
    lines += ["## Released code", "", *_released(doc), ""]
    lines += ["## How to call it", "", *_calls(kind, doc, rows), ""]
    lines += ["## Measured", "", *_measured(rows), ""]
    if doc.reference:
        lines += [f"Source: {doc.reference}", ""]
    return _linked("\n".join(lines).rstrip() + "\n", kind)


def page_name(kind: type) -> str:
    """``top_k`` for `TopK`: the name in the terminal where there is one."""
    return next((name for name, entry in STRATEGIES.items() if entry.build is kind),
                re.sub(r"(?<=[a-z])(?=[A-Z])", "_", kind.__name__).lower())  # fmt: skip


def _kinds() -> list[type]:
    """Classes with a page: those of the terminal in its order, then the others."""
    known = [entry.build for entry in STRATEGIES.values() if isinstance(entry.build, type)]
    return known + [k for k in NAMES.values() if k not in known and k is not strategies.Strategy]


def _entries(kind: type) -> dict[str, Entry[strategies.Strategy]]:
    """What the terminal calls it; ``one_by_one`` is a `TopK`."""
    return {
        name: entry
        for name, entry in STRATEGIES.items()
        if entry.build is kind or inspect.signature(entry.build).return_annotation == kind.__name__
    }


def _index() -> str:
    lines = [INDEX]
    for kind in _kinds():
        entries = list(_entries(kind).values())
        examples = "<br>".join(f"`{entry.example}`" for entry in entries) or "in Python only"
        paper = entries[0].paper if entries else "ours"
        summary = Docstring.of(kind).summary.rstrip(".")
        lines.append(
            f"| [{kind.__name__}]({page_name(kind)}.md) | {examples} | {_cell(summary)} | {paper} |"
        )
    return _linked("\n".join(lines) + "\n", None)


def _policies() -> str:
    lines = [BLOCKS]
    for entry in BLOCK_POLICIES.values():
        kind = POLICIES[entry.build.__name__]
        doc = Docstring.of(kind)
        lines += ["", f"## {kind.__name__}", "", doc.summary]
        lines += [line for part in doc.text for line in ("", part)]
        if doc.attributes:
            lines += ["", *_parameters(kind, doc)]
        lines += ["", f"In the terminal: `--blocks {entry.example}`."]
        if doc.reference:
            lines += ["", f"Source: {doc.reference}"]
    return _linked("\n".join(lines) + "\n", None)


def _parameters(kind: type, doc: Docstring) -> list[str]:
    known = inspect.signature(kind).parameters
    lines = ["| parameter | default | meaning |", "|---|---|---|"]
    place = list(known).index
    for names, text in sorted(doc.attributes.items(), key=lambda a: place(a[0].split(", ")[0])):
        given = [known[name].default for name in names.split(", ") if name in known]
        shown = ", ".join(_default(value) for value in given)
        meaning = "see [released code](#released-code)" if names in DIALECTS else _cell(text)
        lines.append(f"| {_cell(f'`{names}`')} | {shown} | {meaning} |")
    return lines


def _default(value: object) -> str:
    if value is inspect.Parameter.empty:
        return "required"
    return f"`{value:.6g}`" if isinstance(value, float) else f"`{value!r}`"


def _released(doc: Docstring) -> list[str]:
    """Paragraphs about released code, sentences about it elsewhere, and what imitates it."""
    lines = [line for part in doc.text if _about_others(part) for line in (part, "")]
    quoted = [
        f"- {sentence}"
        for part in doc.text
        if not _about_others(part)
        for sentence in _sentences(part)
        if RELEASED.search(sentence)
    ]
    for names, text in doc.attributes.items():
        if names in DIALECTS:
            quoted.append(f"- `{names}`: {text}")
        else:
            quoted += [f"- `{names}`: {s}" for s in _sentences(text) if RELEASED.search(s)]
    if not lines and not quoted:
        return ["No difference between a published rule and released code is recorded here."]
    return [*lines, *quoted] if quoted else lines[:-1]


def _about_others(part: str) -> bool:
    """Whether a paragraph begins with code that others ship."""
    return RELEASED.search(_sentences(part)[0]) is not None and not part.startswith("- ")


def _sentences(text: str) -> list[str]:
    lines = [re.sub(r"^\s*(- |\d+\. )", "", line) for line in text.splitlines()]
    return [s for line in lines for s in re.split(r"(?<=[.?)])\s+(?=[A-Z`])", line)]


def _calls(kind: type, doc: Docstring, rows: pd.DataFrame) -> list[str]:
    lines = ["In the terminal:" if _entries(kind) else "In Python only."]
    if entries := _entries(kind):
        named = [f"infodecode exact replace_random:4 --strategy {_quoted(e.example)}"
                 for e in entries.values()]  # fmt: skip
        options = [f"`{key}`" for entry in entries.values() for key in entry.parameters]
        lines += ["", "```sh", *named, "```", ""]
        if options:
            lines += [f"Values there, by name or in this order: {', '.join(options)}.", ""]
        else:
            lines += ["It takes no values there.", ""]
        lines.append(f"In a sweep: `strategies = [\"{next(iter(entries.values())).example}\"]`, "
                     "see [scaling out](../scaling_out.md).")  # fmt: skip
    if len(rows):
        decoders = rows.drop_duplicates("strategy").set_index("strategy").decoder
        lines += ["", "In Python, as measured below on the first toy:", "", "```text"]
        lines += [*decoders, "```"]
    if doc.example:
        used = [name for name in dir(strategies) if re.search(rf"\b{name}\(", doc.example)]
        head = [f">>> from infodecode.strategies import {', '.join(used)}"] if used else []
        lines += ["", "```python", *head, doc.example, "```"]
    return lines


def _quoted(text: str) -> str:
    return f'"{text}"' if re.search(r"[ ;|]", text) else text


def _measured(rows: pd.DataFrame) -> list[str]:
    if not len(rows):
        return ["Not among the measured settings: see [the best fixed "
                "partition](../bounds/partition_optimum.md)."]  # fmt: skip
    lines = [MEASURED, "", f"| {' | '.join(COLUMNS.values())} |"]
    lines.append("|---|---|" + "--:|" * (len(COLUMNS) - 2))
    for row in rows[list(COLUMNS)].itertuples(index=False):
        figures = ["" if pd.isna(v) else f"{v:.3f}".replace("inf", "∞") for v in row[2:]]
        lines.append(f"| {' | '.join([*row[:2], *figures])} |")
    return lines


# Docstrings to Markdown ---------------------------------------------------------------------------


def _paragraphs(text: str) -> list[str]:
    return [part for part in re.split(r"\n\s*\n", text) if part.strip()]


def _markdown(parts: Sequence[str]) -> list[str]:
    """Paragraphs with their formulas, tables and lists; a list stays one."""
    out: list[str] = []
    for part in parts:
        if part.lstrip().startswith(".. math::"):
            done = _formula(part)
        elif part.startswith("==="):
            done = _grid(part.splitlines())
        else:
            done = _inline(_joined(part))
        out.append(done)
    return out


def _formula(part: str) -> str:
    indent = " " * (len(part) - len(part.lstrip()))
    first, *rest = textwrap.dedent(part).removeprefix(".. math::").splitlines()
    body = [first.strip(), *textwrap.dedent("\n".join(rest)).splitlines()]
    return textwrap.indent("\n".join(["```math", *filter(None, body), "```"]), indent)


def _joined(part: str) -> str:
    """Lines of a paragraph as one, but for items of lists."""
    lines: list[str] = []
    for line in part.splitlines():
        if not lines or re.match(r"\s*(- |\d+\. )", line):
            lines.append(line.rstrip())
        else:
            lines[-1] += f" {line.strip()}"
    return "\n".join(lines)


def _inline(text: str) -> str:
    text = re.sub(r":math:`([^`]*)`", lambda m: f"${m[1]}$", text, flags=re.DOTALL)
    return text.replace("``", "`")


def _grid(lines: Sequence[str]) -> str:
    """A table of reStructuredText, ruled by ``====``, whose first column starts each row."""
    rule = next(line for line in lines if line.startswith("==="))
    starts = [match.start() for match in re.finditer("=+", rule)]
    rows: list[list[str]] = []
    for line in lines:
        if line.startswith("==="):
            continue
        cells = [line[a:b].strip() for a, b in zip(starts, [*starts[1:], None], strict=True)]
        if cells[0]:
            rows.append(cells)
        else:
            rows[-1] = [" ".join(filter(None, two)) for two in zip(rows[-1], cells, strict=True)]
    shown = [f"| {' | '.join(_cell(_inline(cell)) for cell in row)} |" for row in rows]
    return "\n".join([shown[0], "|" + "---|" * len(starts), *shown[1:]])


def _attributes(text: str) -> Iterator[tuple[str, str]]:
    """Names and text of each entry of a section, indented by four."""
    for entry in re.split(r"\n(?=    \S)", text):
        if entry.strip():
            names, _, rest = entry.strip().partition(": ")
            yield names, _inline(_joined(rest))


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", "<br>")


def _linked(text: str, own: type | None) -> str:
    """Names of strategies and policies in backticks become links, outside code."""
    parts = re.split(r"(```.*?```)", text, flags=re.DOTALL)

    def link(match: re.Match[str]) -> str:
        name = match[1]
        if name in POLICIES:
            return f"[`{name}`](blocks.md#{name.lower()})"
        kind = NAMES.get(name)
        if kind is None or kind is own or kind is strategies.Strategy:
            return match[0]
        return f"[`{name}`]({page_name(kind)}.md)"

    parts[::2] = [re.sub(r"(?<!\[)`(\w+)`", link, part) for part in parts[::2]]
    return "".join(parts)
