"""How far a run is: a bar on a terminal, a line for each pass elsewhere."""

from __future__ import annotations

import time
from typing import Any, Self

import click
from rich.console import Console
from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar


class Progress:
    """Told of each line of the raw file by `see`; `expected` is how many seconds the run may take."""

    def __init__(self, expected: float) -> None:
        self._expected = expected
        self._console = Console(stderr=True)
        columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[left]}"), TimeElapsedColumn())
        self._bar = Bar(*columns, console=self._console, transient=True)
        self._task = self._bar.add_task("preparing databases", total=None, left="")
        self._began = time.monotonic()
        self._checks = self._trials = self._total = self._pass = 0
        self._failing: set[tuple[str, str, str]] = set()
        self._passes = self._per_pass = 0

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._console.is_terminal:
            self._bar.stop()

    def see(self, line: dict[str, Any]) -> None:
        """Take note of a header, a check or a trial."""
        if line["line"] == "header":
            self._passes = line["passes"]
            self._per_pass = sum(len(group["contenders"]) for group in line["groups"])
            self._describe("checking answers")
        elif line["line"] == "check":
            self._checks += 1
            if line["problem"]:
                self._say(f"{line['contender']} fails: {line['scenario']}, {line['database']}: {line['problem']}")
                if line["scenario"] != "together":
                    self._failing.add((line["database"], line["scenario"], line["contender"]))
        else:
            self._trial(line)

    def _trial(self, line: dict[str, Any]) -> None:
        if not self._trials:
            self._began = time.monotonic()
        self._trials += 1
        total = self._passes * (self._per_pass - len(self._failing))
        elapsed = time.monotonic() - self._began
        left = elapsed / self._trials * (total - self._trials) if self._trials > 1 else self._expected
        if line["number"] > self._pass:
            self._pass = line["number"]
            if not self._console.is_terminal:
                self._say(f"pass {self._pass} of {self._passes}, about {left:.0f} s left")
        done = f"pass {self._pass} of {self._passes}"
        self._bar.update(self._task, total=total, completed=self._trials, description=done, left=f"{left:.0f} s left")

    def _describe(self, what: str) -> None:
        self._bar.update(self._task, description=what)
        if not self._console.is_terminal:
            self._say(what)

    def _say(self, text: str) -> None:
        if self._console.is_terminal:
            self._console.print(text, markup=False, highlight=False)
        else:
            click.echo(text, err=True)
