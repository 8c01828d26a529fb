"""How much is measured: each profile spends its time on the cells that decide. A block is many comparisons of one sort."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import inf

from benchmarks.raw import NO_DATABASE
from benchmarks.raw.load import Load, LoadCell
from benchmarks.subjects.contenders import BASELINE, CONTENDERS, CONTROL, FROZEN, Contender
from benchmarks.subjects.questions import QUESTIONS, Question
from benchmarks.subjects.scenarios import SCENARIOS

SQLITE, POSTGRESQL = "sqlite", "postgresql"
BOTH = (SQLITE, POSTGRESQL)
CAPACITY = Load(8)
"""The load that decides: enough to keep a server's core busy, and few enough that slices can be short, for each ends with as many
requests that are waited for."""
MANY = Load(32)
OPEN = tuple(Load(128, percent) for percent in (30, 60))
PAIR = (BASELINE, CONTROL)
MORE = ("sync-threads-16", "sync-threads-64")
THREADED = ("sync-threads-1", *MORE)
REPAIRED = "async-documented-nullpool"
STOCK = ("async-documented", REPAIRED, "async-wsgi-to-asgi")
OURS = ("async-loop", "async-native")
SAME_DRIVER, SAME_SERVER_AND_DRIVER = "async-native-psycopg", "async-loop-psycopg"
SERVED = (
    *("sync-stock", "sync-a2wsgi", "sync-granian", "sync-freethreaded", "async-gevent", "async-wsgi-to-asgi-own-context"),
    *(LOOPED := ("async-native-asyncio", "async-native-granian", "async-native-hypercorn", "async-native-gunicorn")),
    *("sync-threads-2-workers", "async-loop-2-workers", "async-native-2-workers"),
)
PEERS = ("peer-quart", "peer-fastapi", "peer-litestar")
FIELD = "the field"
"""In a block's contenders: all whose entry says that they are of it."""
WAITING = (*PAIR, *MORE, "sync-gevent", *OURS)
ASKING = (*PAIR, "sync-threads-64", "sync-gevent", *OURS)
SWEEP = (CAPACITY, Load(64))
SHORT, QUEUE, LONG, WHOLE = 0.03, 9.0, 0.5, inf
"""Seconds of a slice where a request takes some milliseconds, in an open loop, where a request takes long, and where a trial is
not cut. An open loop must be able to queue: in slices of 0.75 s the p99 of some was a sixth of what it is in those of 8 s. A
closed one has short ones, so that contenders meet the same weather: 4 s of reads in 16, 64 and 200 slices gave ratios of the
baseline to itself that scattered by 10 %, 5 % and 1.4 % (standard deviation)."""
SITTING_SECONDS, SERVER_SECONDS, TRIAL_SECONDS, DRAIN_SECONDS = 1.0, 1.0, 0.2, 0.003
"""What the servers of a sitting, each of them, each trial, and each connection in each slice take beside the load: they start and
end, connections open, writes are undone; the last requests of a slice are waited for."""
CHECK_SECONDS = (0.7, 0.2)
"""To ask a contender, and for each scenario."""
SEED_SECONDS = 9.0


@dataclass(frozen=True)
class Block:
    """Every scenario under every load on every database where it runs, in so many rounds of trials of `seconds`.

    Contenders are names, or `FIELD`.

    Trials are cut into slices of about `slice` seconds; longer ones for who answers slowly, see `benchmarks.under_load.trial`.
    """

    scenarios: tuple[str, ...]
    contenders: tuple[str, ...]
    rounds: int
    seconds: float
    loads: tuple[Load, ...] = (CAPACITY,)
    databases: tuple[str, ...] = BOTH
    slice: float = 0.25

    def slices(self, scenario: str, database: str, seconds: float) -> int:
        """Into how many slices a trial is cut; not at all where SQLite's writers wait for one another, the last for seconds."""
        waits = database == SQLITE and SCENARIOS[scenario].writes
        return max(1, round(seconds / (WHOLE if waits else self.slice)))


@dataclass(frozen=True)
class Profile:
    """What a profile measures; `warmup` is seconds of load before each trial's time, `crosschecks` pairs with wrk.

    `others` is how every scenario is measured that is in none of the blocks; None: it is not.

    `budget` is how many seconds a run may take, from its start: no round begins that would last longer. What is left of it after
    the blocks goes to the `questions` (none named: all there are), see `benchmarks.under_load.effort`; a profile with a budget
    has the cells that they need.
    """

    name: str
    about: str
    warmup: float
    blocks: tuple[Block, ...]
    others: Block | None = None
    crosschecks: int = 0
    budget: float = inf
    questions: tuple[str, ...] = ()

    @property
    def asked(self) -> list[Question]:
        """The questions whose contenders can be had here."""
        named = [QUESTIONS[name] for name in self.questions]
        asked = named or [one for one in QUESTIONS.values() if self.name in one.profiles or not one.profiles]
        return [one for one in asked if not any(CONTENDERS[name].lacking for name in one.contenders)]

    @property
    def measured(self) -> list[Block]:
        """The blocks, and those for what is in none of them."""
        named = {name for block in self.blocks for name in block.scenarios}
        left = tuple(name for name, one in SCENARIOS.items() if one.usual and name not in named)
        return [
            *self.blocks,
            *([replace(self.others, scenarios=left)] if self.others and left else []),
            *(_needed(question) for question in (self.asked if self.budget < inf else ())),
        ]


def _needed(question: Question) -> Block:
    """What answers a question; no more than its contenders where a block has its scenario, load and database already."""
    contenders = tuple(dict.fromkeys((BASELINE, *question.contenders)))
    return Block((question.scenario,), contenders, 2, 1.6, (question.load,), (question.database,), 0.08)


STANDARD = (
    Block(("read",), (FIELD, *THREADED, SAME_SERVER_AND_DRIVER, *FROZEN), 3, 1.5, databases=(POSTGRESQL,), slice=SHORT),
    Block(("mixed", "create"), (FIELD,), 3, 1.6, databases=(POSTGRESQL,), slice=SHORT),
    Block(("noop",), (FIELD,), 3, 0.6, slice=0.02),
    Block(("list", "update"), (*PAIR, "sync-gevent", *OURS, SAME_DRIVER), 3, 1.5, databases=(POSTGRESQL,), slice=0.06),
    Block(("fan-out",), (*PAIR, *OURS), 3, 1.6, (Load(1), CAPACITY), slice=0.08),
    Block(("bulk",), (*PAIR, *OURS, SAME_DRIVER), 3, 2.0, (Load(4),), (POSTGRESQL,), LONG),
    Block(("export",), (*PAIR, *OURS, SAME_DRIVER), 3, 2.0, (Load(1),), (POSTGRESQL,), LONG),
    Block(("read",), (*PAIR, *THREADED, *OURS), 3, 1.0, (Load(1), MANY), (POSTGRESQL,), 0.1),
    Block(("read",), (*PAIR, "sync-threads-64", *OURS), 3, 1.0, (Load(128),), (POSTGRESQL,), 0.2),
    Block(("read",), (*PAIR, "sync-gevent", *OURS), 3, 18.0, OPEN[:1], (POSTGRESQL,), QUEUE),
    Block(("read",), (*PAIR, "sync-gevent", *OURS, *FROZEN), 3, 9.0, OPEN[1:], (POSTGRESQL,), QUEUE),
    Block(("slow-10",), WAITING, 3, 1.2, SWEEP, slice=0.2),
    Block(("slow-50",), WAITING, 3, 2.4, SWEEP, slice=0.2),
    Block(("read",), (*PAIR, *STOCK, *OURS), 3, 1.5, databases=(SQLITE,), slice=SHORT),
    Block(("create",), (*PAIR, "sync-threads-64", *STOCK, *OURS), 3, 4.0, (MANY,), (SQLITE,)),
    Block(("mixed",), (*PAIR, *OURS), 3, 4.0, (MANY,), (SQLITE,)),
)
"""What the published report is made of. At 30 % of 230 requests a second a contender answers 3,300 in three rounds of two turns
of 9 s, without the first second of each: enough for a p99."""


PROFILES: dict[str, Profile] = {
    profile.name: profile
    for profile in (
        Profile(
            "smoke",
            "does everything work: one round, no verdicts (at most 60 s)",
            0.2,
            (Block(("read",), (*PAIR, *OURS), 1, 0.7, slice=SHORT),),
        ),
        Profile(
            "quick",
            "answers in five minutes",
            0.4,
            (
                Block(("mixed",), (*PAIR, "async-documented", *OURS), 2, 2.0, databases=(POSTGRESQL,), slice=SHORT),
                Block(("fan-out",), (*PAIR, "async-native"), 2, 1.6, (Load(1),), (POSTGRESQL,), 0.06),
                Block(("slow-50",), (BASELINE, "sync-threads-64", "async-native"), 2, 1.6, (Load(64),), (POSTGRESQL,), 0.2),
                Block(("read",), (*PAIR, "async-documented", "async-native"), 2, 1.6, databases=(SQLITE,), slice=SHORT),
                Block(("noop",), (*PAIR, *OURS), 2, 0.6, slice=0.02),
            ),
            budget=270.0,
        ),
        Profile(
            "standard",
            "what decides most of it (at most 45 min)",
            0.4,
            STANDARD,
            Block((), (*PAIR, *OURS), 3, 1.2, slice=0.1),
            crosschecks=6,
            budget=2_700.0,
        ),
        Profile(
            "full",
            "the published report: the same with more contenders and scenarios (at most 75 min)",
            0.4,
            (
                *STANDARD,
                Block(("noop", "read", "list", "create"), PEERS, 3, 1.5, databases=(POSTGRESQL,), slice=SHORT),
                Block(("upstream-1", "upstream-5"), ASKING, 2, 1.6, (Load(1), *SWEEP, Load(256)), slice=0.2),
                Block(("fan-out-slow",), ASKING, 2, 1.6, (Load(1), *SWEEP), slice=0.2),
                Block(("read",), (*PAIR, "sync-threads-64", *OURS), 2, 2.0, (Load(512),), (POSTGRESQL,), 1.0),
                Block(("blocking", "blocking-in-thread"), ASKING, 2, 3.0, databases=(POSTGRESQL,), slice=LONG),
                Block(("newcomers", "read-once"), (*PAIR, "async-native", *LOOPED), 2, 2.0, (Load(64),), (POSTGRESQL,), LONG),
                Block(("block", "block-in-thread"), ASKING, 2, 1.6, slice=0.2),
                Block(
                    ("in-flight-500",),
                    (BASELINE, "sync-threads-500", "sync-gevent", "async-native"),
                    2,
                    5.0,
                    (Load(500),),
                    slice=2.5,
                ),
                Block(("noop", "read"), (*SERVED, "mixed-thread"), 3, 1.5, databases=(POSTGRESQL,), slice=SHORT),
                Block(("list", "update"), (FIELD,), 3, 1.5, databases=(POSTGRESQL,), slice=0.06),
                Block(("read",), (FIELD, *THREADED), 3, 1.5, databases=(SQLITE,), slice=SHORT),
                Block(("list", "fan-out"), (*PAIR, "sync-gevent", *OURS), 3, 1.6, slice=0.08),
                Block(("bulk",), (*PAIR, *OURS), 3, 1.5, (Load(4),), (SQLITE,), LONG),
                Block(("export",), (*PAIR, *OURS), 3, 2.0, (Load(1),), (SQLITE,), LONG),
                Block(("read",), (*PAIR, *THREADED, *OURS), 3, 1.0, (Load(1), MANY), (SQLITE,), 0.1),
                Block(
                    ("create", "mixed", "update"), (*PAIR, "sync-threads-64", "sync-gevent", *OURS), 3, 4.0, (MANY,), (SQLITE,)
                ),
            ),
            Block((), (*PAIR, *OURS), 3, 1.2, slice=0.1),
            crosschecks=10,
            budget=4_500.0,
        ),
    )
}


def cells(
    profile: Profile,
    databases: Sequence[str] = BOTH,
    contenders: Sequence[str] = (),
    scenarios: Sequence[str] = (),
    rounds: int | None = None,
    seconds: float | None = None,
) -> list[LoadCell]:
    """The comparisons of a profile, in its order, as far as they are asked for (nothing: all of them).

    A comparison always has its baseline, and its control if the profile gives it one. What is asked for by name and in no
    block of the profile is measured like the full profile's, in as many rounds and by the contenders of its first block.
    """
    blocks = profile.measured
    for name in scenarios:
        if not any(name in block.scenarios for block in blocks):
            blocks += _like_full(name, databases, profile.blocks[0])
    found: dict[tuple[str, str, Load], LoadCell] = {}
    for block in blocks:
        for scenario in block.scenarios:
            for database in _where(scenario, databases, block):
                for load in block.loads:
                    wanted = tuple(dict.fromkeys((*_named(block.contenders), *contenders)))
                    time = seconds or block.seconds
                    slices = block.slices(scenario, database, time)
                    cell = LoadCell(database, scenario, load, rounds or block.rounds, time, slices, wanted)
                    if (not scenarios or scenario in scenarios) and (chosen := _chosen(cell, contenders)):
                        _add(found, chosen)
    return list(found.values())


def _like_full(scenario: str, databases: Sequence[str], first: Block) -> Iterator[Block]:
    for database in databases:
        for block in PROFILES["full"].measured:
            if scenario in block.scenarios and database in block.databases:
                yield replace(
                    block, scenarios=(scenario,), databases=(database,), contenders=first.contenders, rounds=first.rounds
                )
                break


def _named(contenders: Sequence[str]) -> Iterator[str]:
    for name in contenders:
        yield from (one.name for one in CONTENDERS.values() if one.field) if name == FIELD else [name]


def _where(scenario: str, databases: Sequence[str], block: Block) -> list[str]:
    if not SCENARIOS[scenario].database:
        return [NO_DATABASE]
    return [name for name in databases if name in block.databases and name in SCENARIOS[scenario].databases]


def _chosen(cell: LoadCell, contenders: Sequence[str]) -> LoadCell | None:
    able = [name for name in cell.contenders if _able(CONTENDERS[name], cell)]
    if contenders:
        able = [name for name in able if name in contenders or name in PAIR]
    return replace(cell, contenders=tuple(able)) if able else None


def _able(one: Contender, cell: LoadCell) -> bool:
    somewhere = cell.database == NO_DATABASE or cell.database in one.databases
    return somewhere and one.asked(SCENARIOS[cell.scenario].parts) and one.lacking is None


def _add(found: dict[tuple[str, str, Load], LoadCell], cell: LoadCell) -> None:
    """A comparison that is there already gets the contenders that it lacks."""
    where = (cell.database, cell.scenario, cell.load)
    former = found.get(where)
    if former is None:
        found[where] = cell
    else:
        found[where] = replace(former, contenders=tuple(dict.fromkeys((*former.contenders, *cell.contenders))))


def sittings(chosen: Sequence[LoadCell]) -> list[tuple[int, list[LoadCell]]]:
    """All rounds in order, by the servers that they share: the number, and the cells on a kind of database.

    First the first round of everything, then the second ones. Few connections come first: servers keep what they once needed.
    Open loops have sittings of their own after all closed ones, which tell the capacity that they are a percentage of.
    """
    places = dict.fromkeys((cell.load.percent is not None, cell.database == POSTGRESQL) for cell in chosen)
    found = [
        (
            number,
            [
                cell
                for cell in sorted(chosen, key=lambda cell: cell.load.connections)
                if number <= cell.rounds and place == (cell.load.percent is not None, cell.database == POSTGRESQL)
            ],
        )
        for is_open in (False, True)
        for number in range(1, max((cell.rounds for cell in chosen), default=0) + 1)
        for place in places
        if place[0] is is_open
    ]
    return [(number, cells) for number, cells in found if cells]


def duration(chosen: Sequence[LoadCell], warmup: float) -> float:
    """About how many seconds the cells take, with nothing failing."""
    asked = {(cell.database, cell.scenario, name) for cell in chosen for name in cell.contenders}
    checks = CHECK_SECONDS[0] * len({(database, name) for database, _, name in asked}) + CHECK_SECONDS[1] * len(asked)
    measured = sum(
        servers_seconds(len({name for cell in cells for name in cell.contenders}))
        + sum(round_seconds(cell, len(cell.contenders), warmup) for cell in cells)
        for _, cells in sittings(chosen)
    )
    return SEED_SECONDS + checks + measured


def round_seconds(cell: LoadCell, contenders: int, warmup: float) -> float:
    """About how long a round of a comparison takes with so many contenders left."""
    drain = DRAIN_SECONDS * cell.load.connections if cell.load.percent is None else 0.0
    return contenders * (warmup + cell.seconds + cell.slices * drain + TRIAL_SECONDS)


def servers_seconds(servers: int) -> float:
    """About how long so many take to start and to end."""
    return SITTING_SECONDS + servers * SERVER_SECONDS
