"""The plans: what they compare, and that they keep to their times."""

from itertools import pairwise

import pytest

from benchmarks.contenders import BASELINE, CONTENDERS, CONTROL
from benchmarks.profiles import CAPACITY, PROFILES, cells, duration
from benchmarks.raw.load import Load
from benchmarks.scenarios import UNDER_LOAD

LIMITS = {"smoke": 60, "quick": 240, "standard": 3_600, "full": 10_800}


@pytest.mark.parametrize("name", PROFILES)
def test_a_profile_keeps_to_its_time_and_to_what_there_is(name: str) -> None:
    chosen = cells(PROFILES[name])
    assert duration(chosen, PROFILES[name].warmup) <= LIMITS[name]
    for cell in chosen:
        assert cell.contenders[0] == BASELINE
        assert set(cell.contenders) <= CONTENDERS.keys()
        assert len(set(cell.contenders)) == len(cell.contenders)
        assert cell.scenario in UNDER_LOAD
        assert all(cell.database in {*CONTENDERS[one].databases, "none"} for one in cell.contenders)
    keys = [(cell.database, cell.scenario, cell.load) for cell in chosen]
    assert len(set(keys)) == len(keys)


def test_longer_profiles_measure_longer() -> None:
    times = [duration(cells(profile), profile.warmup) for profile in PROFILES.values()]
    assert all(shorter < longer for shorter, longer in pairwise(times))


@pytest.mark.parametrize("name", ["standard", "full"])
def test_the_long_profiles_cover_everything(name: str) -> None:
    chosen = cells(PROFILES[name])
    assert {cell.scenario for cell in chosen} == set(UNDER_LOAD)
    assert {one for cell in chosen for one in cell.contenders} == set(CONTENDERS)
    assert {cell.database for cell in chosen} == {"none", "sqlite", "postgresql"}
    assert {cell.load.connections for cell in chosen if cell.load.percent is None} >= {1, 8, 32, 128}
    assert {cell.load.percent for cell in chosen} == {None, 30, 60, 80}


def test_an_open_loop_comes_after_the_capacity_that_it_is_a_percentage_of() -> None:
    for profile in PROFILES.values():
        seen = set()
        for cell in cells(profile):
            if cell.load.percent is None:
                seen.add((cell.database, cell.scenario, cell.load))
            else:
                assert (cell.database, cell.scenario, CAPACITY) in seen


def test_a_selection_keeps_the_baseline_and_its_control() -> None:
    chosen = cells(PROFILES["standard"], ("postgresql",), ["async-native"], ["create"], rounds=2, seconds=1.5)
    assert [(cell.database, cell.scenario, cell.load) for cell in chosen] == [("postgresql", "create", Load(32))]
    assert chosen[0].contenders == (BASELINE, CONTROL, "async-native")
    assert (chosen[0].rounds, chosen[0].seconds) == (2, 1.5)


def test_what_a_profile_lacks_can_be_asked_for() -> None:
    chosen = cells(PROFILES["smoke"], ("sqlite",), ["sync-gevent"], ["bulk"])
    assert [(cell.database, cell.scenario) for cell in chosen] == [("sqlite", "bulk")]
    assert chosen[0].contenders == (BASELINE, CONTROL, "sync-gevent")
    assert cells(PROFILES["smoke"], ("sqlite",), (), ["slow-10"]) == []  # SQLite cannot wait


def test_a_driver_that_a_database_lacks_is_left_out() -> None:
    chosen = cells(PROFILES["standard"], ("sqlite",))
    assert all("async-native-psycopg" not in cell.contenders for cell in chosen if cell.database == "sqlite")
