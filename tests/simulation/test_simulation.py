"""Hundreds of simulated worlds: faults at every step, and nothing lost, doubled or left hanging."""

import pytest
from sqlalchemy.exc import IntegrityError
from tests.simulation.lives import live
from tests.simulation.mutants import MUTANTS
from tests.simulation.world import Violation

WORLDS = 500
STEPS = 200_000
#: Worlds in which a mutant is looked for.
_MOST_WORLDS = 150


def all_live(worlds):
    return sum(live(seed) for seed in range(worlds))


@pytest.mark.timeout(400)
def test_no_world_sees_anything_lost_doubled_or_stuck():
    assert all_live(WORLDS) >= STEPS


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_mutant_is_noticed(mutant, monkeypatch):
    MUTANTS[mutant](monkeypatch)

    with pytest.raises((Violation, IntegrityError)):  # the schema knows some of it too
        all_live(_MOST_WORLDS)


def test_a_world_is_the_same_each_time():
    assert live(7) == live(7)
