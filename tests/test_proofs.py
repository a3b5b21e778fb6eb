"""The ledger of claims: every check, the record of what they found, the program, the data."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from collections import Counter
from fractions import Fraction

import pytest
import typer
from typer.testing import CliRunner

from proofs import examples, ledger, program, searches
from proofs.claim import METHODS, Check, Claim, Refuted, demand
from proofs.claims import CLAIMS
from proofs.exact_bits import log2, whole
from proofs.program import EVIDENCE, LEDGER

IDS = [
    *(f"PB-{k}" for k in range(1, 18)), "FLOOR-1", "BIAS-0", "BIAS-1",
    *(f"BR-{k}" for k in range(1, 10)), *(f"QE-{k}" for k in range(1, 7)),
    *(f"RT-{k}" for k in range(1, 10)),
]  # fmt: skip

CHECKS = [
    pytest.param(claim, place, id=f"{claim.name}-{place}", marks=[pytest.mark.slow] * check.slow)
    for claim in CLAIMS
    for place, check in enumerate(claim.checks)
]

recorded = pytest.mark.skipif(
    not (EVIDENCE.exists() and LEDGER.exists()), reason="`python -m proofs --write` was never run"
)


# The claims -------------------------------------------------------------------------------


def test_every_claim_has_one_entry():
    assert Counter(claim.name for claim in CLAIMS) == Counter(IDS)


@pytest.mark.parametrize(("claim", "place"), CHECKS)
def test_checks_pass_and_find_what_is_recorded(claim, place):
    found = claim.checks[place].run()
    assert found == found.strip()
    assert "\n" not in found
    assert found
    if EVIDENCE.exists():
        assert found == program.recorded()[claim.name][place]


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.name)
def test_texts_are_sentences(claim):
    for text in (claim.statement, claim.finding, *(check.shows for check in claim.checks)):
        assert text == text.strip()
        assert "  " not in text
    for text in (claim.finding, *(check.shows for check in claim.checks)):
        assert text.endswith(".")
    assert claim.source


def test_every_claim_has_a_fast_check():
    for claim in CLAIMS:
        assert any(not check.slow for check in claim.checks), claim.name


# What was found ---------------------------------------------------------------------------


@recorded
def test_the_record_has_a_line_for_each_check():
    found = program.recorded()
    assert list(found) == [claim.name for claim in CLAIMS]
    assert {c.name: len(c.checks) for c in CLAIMS} == {k: len(v) for k, v in found.items()}


@recorded
def test_the_page_is_that_of_the_claims_and_the_record():
    """Texts and verdicts changed since? `python -m proofs --write`."""
    assert LEDGER.read_text("utf-8") == ledger.page(CLAIMS, program.recorded())


def test_the_page_links_every_claim_under_its_verdict():
    evidence = {claim.name: [f"found {claim.name}"] * len(claim.checks) for claim in CLAIMS}
    page = ledger.page(CLAIMS, evidence)
    for claim in CLAIMS:
        (row,) = [line for line in page.splitlines() if line.startswith(f"| {claim.verdict} |")]
        assert f"[{claim.name}](#{claim.name.lower()})" in row
        assert f"\n## {claim.name}\n" in page
        assert page.count(f"Found: found {claim.name}\n") == len(claim.checks)
    assert page.count("\n## ") == len(CLAIMS)


@pytest.mark.slow
def test_evidence_does_not_depend_on_the_order_of_sets():
    def lines(seed):
        run = subprocess.run(
            [sys.executable, "-m", "proofs", "--fast"], check=True, capture_output=True, text=True,
            env=os.environ | {"PYTHONHASHSEED": seed, "COLUMNS": "1000"},
        )  # fmt: skip
        return run.stdout.splitlines()[:-1]

    assert lines("1") == lines("2")


# Claims and checks as objects -------------------------------------------------------------


def passes():
    return "as it should"


def fails():
    demand(1 > 2, "1 is not above 2")
    return "never"


def breaks():
    raise ZeroDivisionError


def claim_of(run=passes, **changes):
    fields = {
        "name": "X-1", "statement": "A [statement].", "source": "nowhere", "verdict": "proved",
        "finding": "So it is.", "checks": (Check("It holds.", "symbolic", run),),
    }  # fmt: skip
    return Claim(**(fields | changes))


def test_claims_are_checked():
    with pytest.raises(ValueError, match=r"verdict must be one of proved, .*, got 'true'"):
        claim_of(verdict="true")
    with pytest.raises(ValueError, match="X-1 needs a check that is not random"):
        claim_of(checks=(Check("Often.", "random laws", passes),))
    with pytest.raises(ValueError, match="X-1 needs a check that is not random"):
        claim_of(checks=())
    with pytest.raises(ValueError, match=r"method must be one of symbolic, .*, got 'by eye'"):
        Check("It holds.", "by eye", passes)
    assert "random laws" in METHODS


def test_demand():
    demand(True, "never seen")
    with pytest.raises(Refuted, match="what was wrong"):
        demand(0, "what was wrong")


# The program ------------------------------------------------------------------------------


@pytest.fixture
def run(monkeypatch, tmp_path):
    """The program on claims of ours, its files in a folder of its own."""

    def invoke(claims, *arguments):
        monkeypatch.setattr(program, "CLAIMS", claims)
        monkeypatch.setattr(program, "EVIDENCE", tmp_path / "found" / "evidence.json")
        monkeypatch.setattr(program, "LEDGER", tmp_path / "ledger.md")
        app = typer.Typer()
        app.command()(program.main)
        return CliRunner().invoke(app, arguments)

    invoke.folder = tmp_path
    return invoke


def test_the_program_shows_what_it_found(run):
    result = run((claim_of(), claim_of(name="X-2", verdict="refuted")))
    assert result.exit_code == 0
    for text in ("X-1", "true as stated", "A [statement].", "So it is.", "as it should",
                 "2 checks in 0 s, 0 failed"):  # fmt: skip
        assert text in result.output
    assert not list(run.folder.iterdir())


def test_a_failed_check_fails_the_program(run):
    claims = (claim_of(), claim_of(fails, name="X-2"))
    result = run(claims, "--write")
    assert result.exit_code == 1
    assert "FAILED symbolic: It holds." in result.output
    assert "1 is not above 2" in result.output
    assert "2 checks in 0 s, 1 failed" in result.output
    assert not list(run.folder.iterdir())
    assert run(claims, "X-1").exit_code == 0
    assert run(claims, "X-2").exit_code == 1


def test_an_error_of_a_check_is_no_verdict(run):
    result = run((claim_of(breaks),))
    assert isinstance(result.exception, ZeroDivisionError)


def test_slow_checks_can_be_left_out(run):
    slow = Check("Slowly.", "symbolic", fails, slow=True)
    claims = (claim_of(checks=(Check("Fast.", "symbolic", passes), slow)),)
    assert run(claims, "--fast").exit_code == 0
    assert run(claims).exit_code == 1


def test_writing(run):
    claims = (claim_of(), claim_of(name="X-2", verdict="corrected"))
    assert run(claims, "--write").exit_code == 0
    evidence = json.loads((run.folder / "found" / "evidence.json").read_text())
    assert evidence == {"X-1": ["as it should"], "X-2": ["as it should"]}
    assert (run.folder / "ledger.md").read_text() == ledger.page(claims, evidence)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["X-3"], "a claim must be one of X-1, got 'X-3'"),
        (["X-1", "--write"], "--write goes with all claims and all checks"),
        (["--fast", "--write"], "--write goes with all claims and all checks"),
    ],
)
def test_refusals(run, arguments, words, monkeypatch):
    monkeypatch.setenv("TERMINAL_WIDTH", "200")
    result = run((claim_of(),), *arguments)
    assert result.exit_code == 2
    assert words in " ".join(result.output.replace("│", " ").split())


# Counterexamples --------------------------------------------------------------------------


def data_of(name):
    return json.loads((examples.FOLDER / f"{name}.json").read_text("utf-8"))


@pytest.mark.parametrize("name", examples.names())
def test_counterexamples_are_what_they_say(name):
    example = examples.load(name)
    assert example.claim in IDS
    assert name == example.claim or name.startswith(f"{example.claim}-")
    assert example.what.endswith(".")
    assert example.minimal
    assert example.values
    assert not example.minimal.endswith(".")
    data = data_of(name)
    if "outcomes" in data:
        assert math.gcd(*data["weights"]) == 1
        assert len(data["outcomes"]) == len(data["weights"])
    found = examples.recheck(example)
    for name, value in example.values.items():
        assert f"{name} = {value}" in found
    assert found.endswith(f"Minimal: {example.minimal}.")


@pytest.mark.slow
@pytest.mark.parametrize("name", searches.SEARCHES)
def test_searches_say_what_the_files_say(name):
    assert searches.settle(name) == examples.load(name).minimal


def test_a_search_that_says_something_else_is_refuted(monkeypatch):
    monkeypatch.setitem(searches.SEARCHES, "BIAS-1", lambda: "one position")
    with pytest.raises(Refuted, match="BIAS-1: the search says 'one position', the file '2 pos"):
        searches.settle("BIAS-1")


@pytest.mark.parametrize("name", examples.names())
def test_a_wrong_value_is_refuted(name):
    data = data_of(name)
    for value in data["values"]:
        altered = data | {"values": data["values"] | {value: "7/13"}}
        with pytest.raises(Refuted, match=r"is .*, not 7/13"):
            examples.recheck(examples.read(name, altered))


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("BIAS-1", {"weights": [3, 1]}),
        ("BIAS-1", {"options": {}}),
        ("PB-5", {"outcomes": [[0, 1, 1, 1], [1, 0, 0, 0], [0, 0, 0, 1], [0, 0, 1, 0],
                               [1, 1, 0, 1]]}),
        ("FLOOR-1", {"decoder": "top_k:2-1,by=confidence"}),
        ("PB-12", {"law": "replace_random:4"}),
        ("RT-5", {"decoder": "entropy_budget:3"}),
        ("RT-6", {"weights": [98, 100, 100, 1, 1]}),
        ("RT-8", {"law": "replace_random:4"}),
        ("QE-5", {"weights": [2, 1, 1]}),
        ("BR-8", {"decoder": "factor:0.9"}),
        ("PB-2-contexts", {"weights": [2, 1]}),
    ],
)  # fmt: skip
def test_another_law_or_decoder_has_other_values(name, change):
    with pytest.raises(Refuted, match=f"{name}: "):
        examples.recheck(examples.read(name, data_of(name) | change))


def test_what_a_value_means_must_be_known():
    with pytest.raises(ValueError, match=r"a value must be one of .*, got 'beauty'"):
        examples.measure(examples.load("PB-3"), "beauty")
    with pytest.raises(Refuted, match="PB-3 has no decoder"):
        examples.measure(examples.load("PB-3"), "validity")


def test_printed_rounds_are_exact():
    half = Fraction(1, 2)
    assert examples.printed_rounds(log2(16), half) == math.ceil(math.log(16) / 0.5)
    assert examples.printed_rounds(log2(math.factorial(20)), half) == 85
    assert examples.printed_rounds(whole(0), half) == 0
    with pytest.raises(Refuted, match="ln 2 is not known well enough"):
        examples.printed_rounds(whole(10**12), half)
