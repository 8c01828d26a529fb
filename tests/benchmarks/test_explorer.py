"""The explorer in a real browser: what it shows is what the analysis gives, and it is used as a reader would."""

from __future__ import annotations

import math
import re
import shutil
import statistics
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import BrowserContext, ConsoleMessage, Error, Page, Request, sync_playwright

from benchmarks.analysis.cells import CellResult, Name, lower_is_better, quantities
from benchmarks.analysis.estimate import Estimate
from benchmarks.analysis.verdict import judge
from benchmarks.cli import main
from benchmarks.hazards.catalogue import HAZARDS
from benchmarks.load import Histogram
from benchmarks.raw import hazards, load
from benchmarks.raw.load import LoadRun
from benchmarks.report.comparisons import Comparison, comparisons
from benchmarks.report.explorer import explorer, page
from benchmarks.report.numbers import interval, spread, three

from .report_data import record

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "benchmarks" / "results"
SLOWED = Path(__file__).parent / "data" / "slowed.jsonl"
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
if CHROMIUM is None:
    pytest.skip("no Chromium is installed: .ci/run installs one", allow_module_level=True)
WIDTHS = (360, 768, 1280)
VIEWS = ("compare", "latency", "hazards")
Open = Callable[..., Page]


KEPT = {
    ("postgresql", "read"): {"closed-1", "closed-8", "open-30", "open-60"},
    ("postgresql", "slow-50"): {"closed-8", "closed-64"},
    ("sqlite", "read"): {"closed-8"},
    ("none", "noop"): {"closed-8"},
}
"""Of the committed run, and of its contenders `NAMES`: enough of every kind, and little for a browser to draw."""
NAMES = {
    *("sync-threads", "sync-threads-aa", "sync-threads-64", "sync-gevent"),
    *("async-documented", "async-documented-nullpool", "async-loop", "async-native", "async-native-psycopg"),
}


@pytest.fixture(scope="module")
def run() -> LoadRun:
    whole = load.read(RESULTS / "load.jsonl")
    chosen = tuple(
        replace(one, contenders=tuple(name for name in one.contenders if name in NAMES))
        for one in whole.header.cells
        if one.load.name in KEPT.get((one.database, one.scenario), ())
    )
    places = {(one.database, one.scenario, one.load.name) for one in chosen}
    assert len(places) == sum(map(len, KEPT.values()))
    trials = [one for one in whole.trials if (one.database, one.scenario, one.load) in places and one.contender in NAMES]
    return replace(whole, header=replace(whole.header, cells=chosen), trials=trials)


@pytest.fixture(scope="module")
def cells(run: LoadRun) -> Sequence[Comparison]:
    return comparisons(run)


@pytest.fixture(scope="module")
def written(run: LoadRun, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """By the command, of a file of the run and the committed hazards."""
    path = tmp_path_factory.mktemp("explorer") / "explorer.html"
    record(path.with_name("load.jsonl"), run)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        named = str(path.with_name("load.jsonl"))
        patch.setattr(sys, "argv", ["benchmarks", "explore", named, "--no-open", "--output", str(path)])
        with pytest.raises(SystemExit):
            main()
    return path


@pytest.fixture(scope="module")
def browser() -> Iterator[BrowserContext]:
    before = {*psutil.Process().children(recursive=True)}
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", "--disable-software-rasterizer"]
        )
        started = {*psutil.Process().children(recursive=True)} - before
        yield made.new_context()
        made.close()
    assert started
    _, left = psutil.wait_procs(started, timeout=10)
    assert not left


@pytest.fixture
def visit(browser: BrowserContext, written: Path) -> Iterator[Open]:
    """Opens the file, or another one, with a fragment; at the end there was no error, and no request but for files.

    In a tab that another test has had: a browser takes longer to make one than to show the file.
    """
    wrong: list[str] = []
    asked: list[str] = []
    tabs: list[Page] = []

    def hear(message: ConsoleMessage) -> None:
        wrong.append(message.text)

    def fail(error: Error) -> None:
        wrong.append(str(error))

    def ask(request: Request) -> None:
        asked.append(request.url)

    def visited(fragment: str = "", *, path: Path = written, width: int = 1280) -> Page:
        opened = browser.pages[len(tabs)] if len(tabs) < len(browser.pages) else browser.new_page()
        tabs.append(opened)
        opened.set_viewport_size({"width": width, "height": 800})
        opened.on("console", hear)
        opened.on("pageerror", fail)
        opened.on("request", ask)
        opened.goto(f"{path.as_uri()}#{fragment}")
        return opened

    yield visited
    for opened in tabs:
        for event, heard in (("console", hear), ("pageerror", fail), ("request", ask)):
            opened.remove_listener(event, heard)
        opened.emulate_media(color_scheme="light")
        opened.mouse.move(0, 0)
        opened.goto("about:blank")
    assert not wrong
    assert asked
    assert not [url for url in asked if not url.startswith(("file:", "data:"))]


@dataclass(frozen=True, order=True)
class Shown:
    """A row of the page: who, where, and in each run the verdict, the ratio and the amounts."""

    contender: str
    where: str
    verdicts: tuple[str, ...] = field(compare=False)
    ratios: tuple[str, ...] = field(compare=False)
    amounts: tuple[str, ...] = field(compare=False)


def turn_to(view: str, on: Page, turn: Callable[[], object]) -> None:
    """An address with another fragment is told to the page in its own time."""
    turn()
    on.wait_for_selector(f"#to-{view}[aria-current=page]")


def rows(on: Page) -> list[Shown]:
    found = on.evaluate(
        """() => [...document.querySelectorAll("#results tbody tr")].map((row) => {
            const texts = (name) => [...row.querySelectorAll(`${name} > .line`)].map((one) => one.textContent);
            return [row.querySelector(".where b").textContent, row.querySelector(".where span").textContent,
                    texts(".decision"), texts(".ratio"), texts(".values")];
        })"""
    )
    return [Shown(who, where, *map(tuple, rest)) for who, where, *rest in found]


def place(cell: Comparison) -> str:
    database = {"postgresql": "PostgreSQL", "sqlite": "SQLite", "none": "no database"}[cell.database]
    count = cell.load.connections
    words = (
        f"{count} connection{'s' if count > 1 else ''}" if cell.load.percent is None else f"open loop at {cell.load.percent} %"
    )
    return f"{cell.scenario}, {database}, {words}"


def expected(
    cells: Sequence[Comparison], quantity: Name = "cpu", base: str = "sync-threads", margin: float = 0.05
) -> dict[tuple[str, str], tuple[str, str]]:
    """By contender and place: verdict and ratio, as the analysis has them."""
    found: dict[tuple[str, str], tuple[str, str]] = {}
    for cell in cells:
        names = [row.contender for row in cell.rows if row.contender != base]
        for name in names if cell.row(base) and quantity in quantities(cell.load) else ():
            if name in cell.result.problems:
                found[name, place(cell)] = ("fails", "")
            elif estimate := ratio(cell.result, name, quantity, base):
                verdict = judge(estimate, margin, lower_is_better=lower_is_better(quantity))
                found[name, place(cell)] = (verdict.value, interval(estimate))
    return found


def ratio(cell: CellResult, name: str, quantity: Name, base: str) -> Estimate | None:
    """As the analysis has it; of the run's baseline over another one it has what that has over it, the other way round."""
    if name != cell.baseline:
        return cell.estimate(name, quantity, () if base == cell.baseline else (base,))
    one = cell.estimate(base, quantity)
    return one and Estimate(1 / one.ratio, 1 / one.high, 1 / one.low if one.low else math.inf, one.slices, one.restarts)


def as_shown(on: Page) -> dict[tuple[str, str], tuple[str, str]]:
    return {(row.contender, row.where): (row.verdicts[0], row.ratios[0]) for row in rows(on)}


def choose(on: Page, **values: str) -> None:
    for name, value in values.items():
        on.select_option(f"[name={name}]", value)


def test_it_shows_every_ratio_of_the_run_as_the_analysis_has_it(visit: Open, cells: Sequence[Comparison]) -> None:
    opened = visit()
    shown = as_shown(opened)
    assert shown == expected(cells)
    assert len(shown) > 30
    assert opened.inner_text("#count").startswith(f"{len(shown)} rows: ")


def test_any_baseline_and_quantity_gives_the_analysis_numbers(visit: Open, cells: Sequence[Comparison]) -> None:
    """Native over 64 threads is one of them. A pair is recorded in one order: the other is its reciprocal."""
    opened = visit()
    for base in ("sync-threads-64", "async-native", "sync-threads"):
        for quantity in ("cpu", "throughput", "p50", "p99"):
            choose(opened, base=base, q=quantity)
            wanted = expected(cells, quantity, base)
            assert as_shown(opened) == wanted, (base, quantity)
            assert wanted or (base, quantity[0]) == ("sync-threads-64", "p")


def test_the_two_can_be_swapped(visit: Open) -> None:
    opened = visit("who=async-native&base=sync-threads-64")
    (before,) = (row for row in rows(opened) if row.where == "slow-50, PostgreSQL, 64 connections")
    opened.click("#swap")
    (after,) = (row for row in rows(opened) if row.where == "slow-50, PostgreSQL, 64 connections")
    assert (before.contender, after.contender) == ("async-native", "sync-threads-64")
    one, other = (float(row.ratios[0].split()[0]) for row in (before, after))
    assert one * other == pytest.approx(1, abs=0.05)


def test_another_margin_judges_by_the_same_rule(visit: Open, cells: Sequence[Comparison]) -> None:
    opened = visit()
    seen = [expected(cells)]
    for percent in (1, 10, 30):
        opened.fill("[name=margin]", str(percent))
        seen.append(as_shown(opened))
        assert seen[-1] == expected(cells, margin=percent / 100)
        assert seen[-1] != seen[-2]


def test_amounts_are_those_of_the_raw_file(visit: Open, run: LoadRun) -> None:
    trials = [one for one in run.trials if (one.database, one.scenario, one.load) == ("postgresql", "read", "closed-8")]
    mine, theirs = (
        [one.server_cpu / one.count for one in trials if one.contender == name] for name in ("async-native", "sync-threads")
    )
    opened = visit("who=async-native&db=postgresql&scenario=read&load=closed-8")
    (row,) = rows(opened)
    unit = [re.sub(r"^\S+", r"\g<0> ms", spread(values, 1e3)) for values in (mine, theirs)]
    assert row.amounts == (f"{unit[0]} ({unit[1]})",)


def test_every_slice_is_a_dot_and_the_control_lies_beside(visit: Open, cells: Sequence[Comparison]) -> None:
    opened = visit("who=async-native&db=postgresql&scenario=read&load=closed-8")
    (cell,) = (one for one in cells if place(one) == "read, PostgreSQL, 8 connections")
    marks = opened.eval_on_selector_all(".plot .dots", "all => all.map((one) => one.getAttribute('d').split('M').length - 1)")
    estimate, control = cell.finding("async-native", "cpu").estimate, cell.control["cpu"]
    assert estimate
    assert marks == [estimate.slices, control.slices]
    label = opened.get_attribute("#results tbody svg", "aria-label") or ""
    assert (
        label.strip()
        == f"{interval(estimate)}, {estimate.slices} slices in {estimate.restarts} rounds; A/A control {interval(control)}"
    )


def test_filters_and_sorting(visit: Open, cells: Sequence[Comparison]) -> None:
    opened = visit()
    choose(opened, db="sqlite")
    assert {row.where.split(", ")[1] for row in rows(opened)} == {"SQLite"}
    choose(opened, scenario="read", who="async-native")
    assert [(row.contender, row.where) for row in rows(opened)] == [("async-native", "read, SQLite, 8 connections")]
    choose(opened, db="", scenario="", load="open-60")
    assert opened.inner_text("#count").startswith("1 row: ")
    choose(opened, load="", sort="best")
    found = [math.log(float(row.ratios[0].split()[0])) for row in rows(opened)]
    assert found == sorted(found)
    opened.uncheck("[name=undecided]")
    decided = {key for key, (verdict, _) in expected(cells).items() if key[0] == "async-native" and verdict != "undecided"}
    assert {*as_shown(opened)} == decided
    opened.click("#compare .reset")
    assert as_shown(opened) == expected(cells)


def test_the_address_is_the_state(visit: Open) -> None:
    opened = visit()
    choose(opened, who="async-native", base="sync-threads-64", q="cpu", sort="worst", scale="4")
    opened.fill("[name=margin]", "2.5")
    opened.uncheck("[name=undecided]")
    found = rows(opened)
    assert found
    opened.reload()
    assert rows(opened) == found
    assert [row.verdicts for row in rows(opened)] == [row.verdicts for row in found]
    another = visit(opened.url.partition("#")[2])
    assert rows(another) == found
    assert another.input_value("[name=margin]") == "2.5"
    turn_to("hazards", another, lambda: another.click("text=Hazards"))
    turn_to("compare", another, lambda: another.click("text=Compare"))
    assert rows(another) == found
    turn_to("hazards", another, another.go_back)
    assert "hazards" in another.inner_text("#count")


def test_an_address_of_another_file_is_as_good_as_none(visit: Open, cells: Sequence[Comparison]) -> None:
    opened = visit("base=nobody&q=nothing&margin=-1&view=none&scale=0&cell=x&constructor=1&db=toString")
    assert as_shown(opened) == expected(cells)


def test_it_is_used_by_keyboard(visit: Open) -> None:
    opened = visit()
    focused = "document.activeElement.id || document.activeElement.name || document.activeElement.className"
    opened.keyboard.press("Tab")
    assert opened.evaluate(focused) == "skip"
    opened.keyboard.press("Enter")
    assert opened.evaluate(focused) == "results"
    opened.evaluate("document.activeElement.blur(); document.getElementById('skip').focus()")
    order = []
    for _ in range(15):
        opened.keyboard.press("Tab")
        order.append(opened.evaluate(focused))
        assert opened.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none", order[-1]
    names = ["who", "base", "q", "db", "scenario", "load", "sort", "scale", "margin", "undecided"]
    assert order[:13] == ["to-compare", "to-latency", "to-hazards", *names]
    opened.focus("[name=who]")
    opened.keyboard.type("async-native")
    assert {row.contender for row in rows(opened)} == {"async-native"}
    assert opened.evaluate(focused) == "who"
    opened.focus("[name=undecided]")
    opened.keyboard.press("Space")
    assert "undecided" not in opened.inner_text("#count").split(";")[0]
    opened.focus("#to-latency")
    turn_to("latency", opened, lambda: opened.keyboard.press("Enter"))
    assert opened.evaluate(focused) == "to-latency"
    assert "drawn" in opened.inner_text("#count")


def test_what_a_screen_reader_needs(visit: Open) -> None:
    opened = visit()
    for view in VIEWS:
        turn_to(view, opened, partial(opened.click, f"#to-{view}"))
        unnamed = opened.evaluate(
            """() => [...document.querySelectorAll("select, input, button, [role=img], table.ratios")].filter((one) =>
                !(one.labels?.length && one.labels[0].textContent.trim()) && !one.textContent.trim() && !one.ariaLabel).length"""
        )
        assert unnamed == 0, view
        assert opened.get_attribute("#count", "aria-live") == "polite"
        assert opened.locator("nav [aria-current=page]").get_attribute("id") == f"to-{view}"
    turn_to("compare", opened, lambda: opened.click("#to-compare"))
    # On a phone its table is laid out as no table, which without roles would be none to a reader.
    roles = opened.evaluate("['table', 'thead', 'tr', 'th'].map((name) => document.querySelector(`#results ${name}`).role)")
    assert roles == ["table", "rowgroup", "row", "columnheader"]


@pytest.mark.parametrize("width", WIDTHS)
def test_no_width_scrolls_sideways(visit: Open, width: int) -> None:
    opened = visit(width=width)
    for fragment in (*(f"view={view}" for view in VIEWS), "view=hazards&find=h14", "q=throughput&scale=16"):
        opened.evaluate("(to) => { location.hash = to; }", fragment)
        opened.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        assert opened.evaluate("document.documentElement.scrollWidth") <= width, fragment


def test_light_and_dark(visit: Open) -> None:
    opened = visit("view=hazards")
    colors = "[getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor].join(';')"
    seen = [luminance(one) for one in opened.evaluate(colors).split(";")]
    opened.emulate_media(color_scheme="dark")
    seen += [luminance(one) for one in opened.evaluate(colors).split(";")]
    ink, page, dark_ink, dark_page = (one + 0.05 for one in seen)
    assert page / ink > 7
    assert dark_ink / dark_page > 7


def luminance(color: str) -> float:
    """Relative, as WCAG 2 has it."""
    parts = [int(one) / 255 for one in re.findall(r"\d+", color)[:3]]
    linear = [one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in parts]
    return sum(share * one for share, one in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def test_latencies_are_those_of_the_histograms(visit: Open, run: LoadRun) -> None:
    together: Mapping[str, Histogram] = {
        name: Histogram.merged(
            one.overall
            for one in run.trials
            if (one.database, one.scenario, one.load, one.contender) == ("postgresql", "read", "open-60", name)
        )
        for name in ("sync-threads", "async-native")
    }
    opened = visit("view=latency&cell=postgresql+read+open-60")
    lines = opened.locator("#results tbody tr")
    shown = {line.locator("label span").inner_text(): line.locator("td").all_inner_texts()[1:] for line in lines.all()}
    for name, histogram in together.items():
        wanted = [f"{three(1e3 * histogram.percentile(percent))} ms" for percent in (50, 90, 99)]
        assert [*map(rounded, shown[name][:3])] == pytest.approx([*map(rounded, wanted)], rel=1e-3)
    drawn = opened.locator(".curve").count()
    opened.get_by_label("async-native", exact=True).uncheck()
    assert opened.locator(".curve").count() == drawn - 1
    assert opened.evaluate("document.activeElement.dataset.line") == "async-native"
    opened.reload()
    assert opened.locator(".curve").count() == drawn - 1


def rounded(amount: str) -> float:
    return float(amount.split()[0])


def test_hazards_are_searched(visit: Open) -> None:
    opened = visit("view=hazards")
    names = "#results summary b"
    assert opened.locator(names).all_inner_texts() == [one.upper() for one in HAZARDS]
    opened.fill("[name=find]", "teardown pool")
    found = opened.locator(names).all_inner_texts()
    assert 0 < len(found) < len(HAZARDS)
    assert opened.inner_text("#count") == f"{len(found)} of {len(HAZARDS)} hazards"
    for word in ("teardown", "pool"):
        assert all(word in (one.text_content() or "").lower() for one in opened.locator("#results details").all())
    opened.fill("[name=find]", "h2")
    assert opened.locator(names).all_inner_texts() == ["H2"]
    assert opened.locator("#results dl").is_visible()
    seen = hazards.read(RESULTS / "hazards.jsonl").side("h2", "documented")
    assert seen
    assert f"broken: {seen.outcome}" in opened.inner_text("#results dl")
    opened.fill("[name=find]", "")
    choose(opened, broken="async-native")
    assert opened.locator(names).count() == sum(
        one.broken for one in hazards.read(RESULTS / "hazards.jsonl").sides if one.model == "async-native"
    )


def test_two_runs_stand_side_by_side(visit: Open, run: LoadRun, tmp_path: Path) -> None:
    other = load.read(SLOWED)
    reading = tuple(cell for cell in run.header.cells if (cell.database, cell.scenario) == ("sqlite", "read"))
    one = replace(run, header=replace(run.header, cells=reading))
    path = tmp_path / "two.html"
    path.write_text(page(explorer([("one", one), ("two", other)], None)), "utf-8")
    opened = visit("who=async-native&db=sqlite&scenario=read", path=path)
    assert [row.ratios[1] for row in rows(opened)] == ["2-"]
    choose(opened, who="slowed")
    (row,) = rows(opened)
    (cell,) = comparisons(other)
    estimate = cell.finding("slowed", "cpu").estimate
    assert row.ratios == ("1-", f"2{interval(estimate)}")
    assert row.verdicts == ("1-", "2worse")
    choose(opened, who="")
    opened.check("[name=both]")
    assert rows(opened) == []
    assert opened.locator("#runs li").count() == 2


def test_a_run_without_results_says_so(visit: Open, run: LoadRun, tmp_path: Path) -> None:
    path = tmp_path / "empty.html"
    path.write_text(page(explorer([("begun", LoadRun(run.header))], None)), "utf-8")
    opened = visit(path=path)
    for view, words in (("compare", "0 rows"), ("latency", "0 contenders drawn"), ("hazards", "hazards")):
        turn_to(view, opened, partial(opened.click, f"#to-{view}"))
        assert words in opened.inner_text("#count")


def test_it_is_small_and_one_file(written: Path) -> None:
    whole = load.read(RESULTS / "load.jsonl")
    assert len(page(explorer([("load.jsonl", whole)], None))) < 3_000_000
    text = written.read_text("utf-8")
    assert not re.findall(r"""<(?:script|link|img|iframe)[^>]*(?:src|href)=["'](?!data:)""", text)
    script = text.rpartition("<script>")[2]
    assert script.count("\n") < 500


def test_medians_of_rounds_are_medians(visit: Open, cells: Sequence[Comparison]) -> None:
    opened = visit("q=throughput&who=sync-gevent")
    wanted = {
        place(cell): f"{three(statistics.median(row.values['throughput']))}/s"
        for cell in cells
        if (row := cell.row("sync-gevent")) and "throughput" in row.values
    }
    shown = {row.where: row.amounts[0].split()[0] for row in rows(opened)}
    assert shown
    assert shown == {where: text for where, text in wanted.items() if where in shown}
