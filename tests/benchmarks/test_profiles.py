"""The plans: what they compare, and that they keep to their times."""

from itertools import pairwise
from pathlib import Path

import pytest

from benchmarks.raw.load import Failure, Load, LoadCell, LoadRun
from benchmarks.raw.problem import Problem
from benchmarks.subjects.contenders import BASELINE, CONTENDERS, CONTROL
from benchmarks.subjects.profiles import BOTH, CAPACITY, PROFILES, cells, duration
from benchmarks.subjects.scenarios import SCENARIOS
from benchmarks.under_load.runner import RunPlan, slowest
from tests.benchmarks.report_data import header, trial


@pytest.mark.parametrize("name", PROFILES)
def test_a_profile_keeps_to_its_time_and_to_what_there_is(name: str) -> None:
    chosen, limit = cells(PROFILES[name]), min(60 if name == "smoke" else 4_500, PROFILES[name].budget)
    assert duration(chosen, PROFILES[name].warmup) <= (limit if name == "smoke" else 0.85 * limit), (
        "something is left for questions"
    )
    for cell in chosen:
        assert cell.contenders[0] == BASELINE
        assert set(cell.contenders) <= CONTENDERS.keys()
        assert len(set(cell.contenders)) == len(cell.contenders)
        assert cell.scenario in SCENARIOS
        assert all(cell.database in {*CONTENDERS[one].databases, "none"} for one in cell.contenders)
    keys = [(cell.database, cell.scenario, cell.load) for cell in chosen]
    assert len(set(keys)) == len(keys)


def test_longer_profiles_measure_longer() -> None:
    times = [duration(cells(profile), profile.warmup) for profile in PROFILES.values()]
    assert all(shorter < longer for shorter, longer in pairwise(times))


def test_the_full_profile_has_all_that_the_standard_one_has() -> None:
    standard, full = (
        {(cell.database, cell.scenario, cell.load): cell for cell in cells(PROFILES[name])} for name in ("standard", "full")
    )
    assert standard.keys() < full.keys()
    for where, cell in standard.items():
        assert {*cell.contenders} <= {*full[where].contenders}
        assert (cell.rounds, cell.seconds, cell.slices) == (full[where].rounds, full[where].seconds, full[where].slices)


@pytest.mark.parametrize("name", ["standard", "full"])
def test_the_long_profiles_cover_everything(name: str) -> None:
    chosen = cells(PROFILES[name])
    assert {cell.scenario for cell in chosen} == {one.name for one in SCENARIOS.values() if one.usual or name == "full"}
    wanted = {one.name for one in CONTENDERS.values() if one.lacking is None and (one.field or name == "full")}
    assert {one for cell in chosen for one in cell.contenders} >= wanted
    assert {cell.database for cell in chosen} == {"none", "sqlite", "postgresql"}
    assert {cell.load.connections for cell in chosen if cell.load.percent is None} >= {1, 8, 32, 128}
    assert {cell.load.percent for cell in chosen} == {None, 30, 60}


@pytest.mark.parametrize("name", PROFILES)
def test_open_loops_come_after_all_that_tells_the_capacity_that_they_are_a_percentage_of(name: str, tmp_path: Path) -> None:
    chosen = cells(PROFILES[name])
    sittings = RunPlan(PROFILES[name], chosen, 10_000, 1, tmp_path, "").sittings
    assert all(len({(turn.number, turn.cell.database == "postgresql") for turn in rounds}) == 1 for rounds in sittings)
    rounds = [turn for together in sittings for turn in together]
    assert len(rounds) == sum(cell.rounds for cell in chosen)
    kinds = [turn.cell.load.percent is not None for turn in rounds]
    assert kinds == sorted(kinds)
    closed = {(cell.database, cell.scenario) for cell in chosen if cell.load == CAPACITY}
    assert {(cell.database, cell.scenario) for cell in chosen if cell.load.percent} <= closed


def test_the_rate_is_a_percentage_of_the_slowest_contenders_median_round() -> None:
    cell = LoadCell("postgresql", "read", Load(128, 80), 3, 1.0, 1, ("sync-threads", "async-loop", "async-native"))
    effects = {
        "sync-threads": (1, 1, 1),
        "async-loop": (1.2, 2, 1.3),
        "async-native": (3, 1.1, 1.1),
        "async-documented": (9, 9, 9),
    }
    found = LoadRun(header([cell]))
    for number in range(3):
        for name in effects:
            found.trials.append(trial("postgresql", "read", CAPACITY, name, number, None, {name: effects[name][number]}))
    assert slowest(LoadRun(header([cell])), cell) is None
    rate = slowest(found, cell)
    assert rate
    assert rate.slowest == "async-loop"
    assert rate.capacity == sorted(one.throughput for one in found.trials if one.contender == "async-loop")[1]
    found.failures.append(Failure("postgresql", "read", "async-loop", CAPACITY.name, Problem("wrong")))
    second = slowest(found, cell)
    assert second
    assert second.slowest == "async-native"


def test_writes_on_sqlite_are_not_cut_into_pieces() -> None:
    slices = {
        (cell.database, cell.scenario): cell.slices for cell in cells(PROFILES["standard"]) if cell.load in (CAPACITY, Load(32))
    }
    assert slices["sqlite", "create"] == slices["sqlite", "mixed"] == 1 < slices["postgresql", "create"]


def test_a_selection_keeps_the_baseline_and_its_control() -> None:
    chosen = cells(PROFILES["standard"], ("postgresql",), ["async-native"], ["create"], rounds=2, seconds=1.5)
    assert [(cell.database, cell.scenario, cell.load) for cell in chosen] == [("postgresql", "create", CAPACITY)]
    assert chosen[0].contenders == (BASELINE, CONTROL, "async-native")
    assert (chosen[0].rounds, chosen[0].seconds) == (2, 1.5)


def test_what_a_profile_lacks_can_be_asked_for() -> None:
    chosen = cells(PROFILES["smoke"], ("sqlite",), ["sync-gevent"], ["bulk"])
    assert [(cell.database, cell.scenario) for cell in chosen] == [("sqlite", "bulk")]
    assert chosen[0].contenders == (BASELINE, CONTROL, "sync-gevent")
    assert chosen[0].load == Load(4)
    assert (chosen[0].rounds, chosen[0].slices) == (1, 1), "as in the full profile: SQLite's writes are not cut"
    created = cells(PROFILES["smoke"], BOTH, (), ["create", "mixed"])
    assert sorted((cell.database, cell.scenario, cell.load.name) for cell in created) == [
        ("postgresql", "create", "closed-8"),
        ("postgresql", "mixed", "closed-8"),
        ("sqlite", "create", "closed-32"),
        ("sqlite", "mixed", "closed-32"),
    ]
    (export,) = cells(PROFILES["quick"], ("postgresql",), (), ["export"])
    assert (export.load, export.seconds / export.slices) == (Load(1), 0.5)
    assert cells(PROFILES["smoke"], ("sqlite",), (), ["slow-10"]) == []  # SQLite cannot wait


def test_a_driver_that_a_database_lacks_is_left_out() -> None:
    chosen = cells(PROFILES["standard"], ("sqlite",))
    assert all("async-native-psycopg" not in cell.contenders for cell in chosen if cell.database == "sqlite")
