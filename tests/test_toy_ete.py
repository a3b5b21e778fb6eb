"""The study of Explore-Then-Exploit: its rows, what it says of them, what it would not let pass."""

import csv
from dataclasses import replace

import pytest

from infodecode import distributions
from toy import ete


@pytest.fixture(scope="module")
def rows():
    law = distributions.profile_records(10)
    wanted = ete.decoders(law.length, law.length, 1.0)
    return [ete.measure(law, family, name, decoder) for family, name, decoder in wanted]


def by_name(rows, name):
    [row] = [row for row in rows if row.decoder == name]
    return row


def test_every_part_is_ablated():
    families = [family for family, _, _ in ete.decoders(2, 6, 0.0)]
    for part in ("look-ahead", "implicit", "follow-up", "fast blocks"):
        assert f"ETE without {part}" in families
    assert families.count("ETE") == len(ete.GAMMAS) * len(ete.BUDGETS)


def test_without_parts_nothing_but_a_threshold(rows):
    plain, bare = by_name(rows, "threshold 0.9"), by_name(rows, "  - look-ahead 0.9")
    assert (plain.rounds, plain.validity, plain.kl) == (bare.rounds, bare.validity, bare.kl)


def test_long_laws_are_simulated_and_agree():
    law = distributions.profile_records(10)
    decoder = next(d for f, _, d in ete.decoders(4, 4, 1.0) if f == "ETE")
    exact, simulated = (run(law, "ETE", "ETE", decoder) for run in (ete._exact, ete._simulated))
    assert simulated.method == "simulated"
    assert simulated.validity_low <= exact.validity <= simulated.validity_high
    assert simulated.path_low - 1e-9 <= exact.path_kl <= simulated.path_high + 1e-9
    assert simulated.rounds == pytest.approx(exact.rounds, rel=0.05)


def test_a_loss_is_said_to_be_one(rows):
    judged = ete.judged(rows)
    assert by_name(judged, "ETE 0.9").dominated_by is None
    worse = replace(by_name(rows, "ETE 0.9"), calls=9.0)
    assert ete._better(worse, [r for r in rows if r.family == "baseline"]) is not None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"validity": 0.5}, "below 2\\^-kl"),
        ({"kl": 0.2, "path_kl": 0.1}, "below that of the output"),
        ({"calls": 1.0}, "must not fall"),
    ],
)
def test_contradictions_are_found(rows, change, message):
    assert not list(ete.contradictions(rows))
    altered = replace(by_name(rows, "ETE 0.9"), **change)
    with pytest.raises(AssertionError, match=message):
        raise AssertionError(next(ete.contradictions([altered])))


def test_the_study_writes_its_table(tmp_path, monkeypatch, capsys):
    law = distributions.variable_names()
    monkeypatch.setattr(ete, "laws", lambda: [("code", law, law.length)])
    assert ete.run(tmp_path) == 0
    with (tmp_path / "ete.csv").open() as file:
        lines = list(csv.DictReader(line for line in file if not line.startswith("#")))
    assert {line["temperature"] for line in lines} == {"0", "1"}
    assert "settings of full ETE" in capsys.readouterr().out
