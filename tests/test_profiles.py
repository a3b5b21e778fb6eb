"""Profile records: the database follows its description, and the name says more than the age."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

import infodecode
from infodecode.distributions._profiles import (
    AGES,
    FAMILY_NAMES,
    FIRST_NAMES,
    HOBBIES,
    SCHOOLS,
    profile_records,
)
from tests.families import CHECKS


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize(
    "law",
    [profile_records(1), profile_records(7), profile_records(60, seed=3), profile_records()],
    ids=lambda law: law.name,
)
def test_profiles_equal_their_table(law, check):
    check(law)


def records(law):
    """Every record as text, as often as it occurs."""
    rows = np.repeat(law.outcomes, law.weights, axis=0)
    return [law.labels_of(row) for row in rows]


def test_the_default_database():
    law = profile_records()
    assert law.names == ("name", "school", "age", "hobby")
    assert law.total == 200
    assert law.integer
    people = Counter(name for name, *_ in records(law))
    assert sum(count == 1 for count in people.values()) == 167
    first = law.render(law.outcomes[0])
    assert first == "name: Nora Wang\nschool: Quillmoor College\nage: 20\nhobby: swimming"


@pytest.mark.parametrize("seed", range(5))
def test_age_is_the_most_confident_field_and_name_the_most_informative(seed):
    law = profile_records(seed=seed)
    name, school, age, hobby = range(4)
    confidence = law.marginals([-1] * 4).max(axis=2)[0]
    assert confidence.argmax() == age
    assert confidence.argmin() == name
    rest = law.entropy([school, age, hobby])
    assert 0.01 < infodecode.entropy(law, [school, age, hobby], given=name) / rest < 0.15
    name_first = infodecode.partition_bits(law, [(name,), (school, age, hobby)])
    age_first = infodecode.partition_bits(law, [(age,), (name, school, hobby)])
    assert age_first > 10 * name_first
    assert infodecode.bounds(law).partition(2)[0] == (name,)


def test_a_decoder_that_follows_confidence_starts_with_the_age_and_pays_for_it():
    law = profile_records()
    confident = infodecode.Decoder(infodecode.strategies.TopK((1, 3), by="confidence"))
    opening = infodecode.decode(law, confident, samples=30).committed[0]
    assert opening.all(axis=0).tolist() == [False, False, True, False]
    assert opening.sum() == 30
    informed = infodecode.Decoder(infodecode.strategies.FixedPartition([(0,), (1, 2, 3)]))
    costs = [infodecode.exact(law, decoder).kl for decoder in (confident, informed)]
    assert costs == pytest.approx([6.17, 0.29], abs=0.01)


def test_many_students_follow_the_description():
    law = profile_records(100_000, seed=1)
    assert law.total == 100_000
    full, school, age, hobby = (np.array(column) for column in zip(*records(law), strict=True))
    assert law.alphabet_sizes == (2400, 9, 5, 12)
    assert law.labels[0] == tuple(sorted(f"{a} {b}" for a in FIRST_NAMES for b in FAMILY_NAMES))

    def shares(column, labels):
        return [float(np.mean(column == label)) for label in labels]

    first = np.array([name.split()[0] for name in full])
    family = np.array([name.split()[1] for name in full])
    zipf = 1 / np.arange(1, 41)
    assert shares(first, FIRST_NAMES) == pytest.approx(list(zipf / zipf.sum()), abs=0.005)
    assert shares(family, FAMILY_NAMES) == pytest.approx([1 / 60] * 60, abs=0.003)
    assert shares(school, SCHOOLS) == pytest.approx([w / 100 for w in SCHOOLS.values()], abs=0.005)
    assert shares(age, AGES) == pytest.approx([w / 100 for w in AGES.values()], abs=0.005)
    for s, label in enumerate(SCHOOLS):
        expected = [0.75 / 12 + (0.25 if h == s else 0) for h in range(12)]
        assert shares(hobby[school == label], HOBBIES) == pytest.approx(expected, abs=0.02)
    assert abs(np.corrcoef(age.astype(int), np.unique(school, return_inverse=True)[1])[0, 1]) < 0.02


def test_the_lists_are_as_described():
    assert len(set(FIRST_NAMES)) == len(FIRST_NAMES) == 40
    assert len(set(FAMILY_NAMES)) == len(FAMILY_NAMES) == 60
    assert len(set(HOBBIES)) == len(HOBBIES) == 12
    assert sum(SCHOOLS.values()) == sum(AGES.values()) == 100


def test_the_seed_decides():
    again = profile_records(50, seed=7)
    np.testing.assert_array_equal(profile_records(50, seed=7).outcomes, again.outcomes)
    assert records(profile_records(50, seed=8)) != records(again)
    assert again.name == "profile_records(50, seed=7)"


def test_bad_numbers_are_refused():
    with pytest.raises(ValueError, match="students must be at least 1, got 0"):
        profile_records(0)
    with pytest.raises(ValueError, match="students must be at most 100000, got 100001"):
        profile_records(100_001)
    with pytest.raises(TypeError, match=r"students must be an integer, got 2\.5"):
        profile_records(2.5)
    with pytest.raises(ValueError, match="seed must be at least 0, got -1"):
        profile_records(seed=-1)
