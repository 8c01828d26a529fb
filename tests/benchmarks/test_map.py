"""Imports run one way: a package of `benchmarks` uses those below it, and none beside it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LEVELS = (
    ("errors",),
    ("load",),
    ("raw",),
    ("subjects",),
    ("machinery", "analysis"),
    ("in_process", "under_load", "hazards"),
    ("report",),
    ("cli",),
    ("__main__",),
)
LEVEL = {package: level for level, packages in enumerate(LEVELS) for package in packages}
BENCHMARKS = ROOT / "benchmarks"
MODULES = sorted(
    path
    for path in BENCHMARKS.rglob("*.py")
    if path.relative_to(BENCHMARKS).parts[1:2] != ("reproductions",)  # scripts as a user would write them
    and path != BENCHMARKS / "__init__.py"
)


def imported(path: Path) -> Iterator[str]:
    """The modules that a module names in its imports, anywhere in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            assert not (node.level and BENCHMARKS in path.parents), f"{path}: a relative import"
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def package_of(path: Path) -> str:
    """The package of `benchmarks` that a file is in."""
    return path.relative_to(BENCHMARKS).parts[0].removesuffix(".py")


@pytest.mark.parametrize("package", sorted({package_of(path) for path in MODULES}))
def test_a_package_uses_only_those_below_it(package: str) -> None:
    above = {
        f"{path.relative_to(ROOT)} imports {name}"
        for path in MODULES
        if package_of(path) == package
        for name in imported(path)
        if name.startswith("benchmarks.") and (other := name.split(".")[1]) != package and LEVEL[other] >= LEVEL[package]
    }
    assert not above


def test_apps_and_library_know_nothing_of_the_benchmarks() -> None:
    for folder in ("app_async", "app_sync", "catalog"):
        for path in (ROOT / folder).rglob("*.py"):
            assert not [name for name in imported(path) if name.partition(".")[0] == "benchmarks"], path


def test_every_class_has_a_name_of_its_own() -> None:
    """But those of the report, which shows what others found."""
    places: dict[str, list[str]] = {}
    for path in MODULES:
        if package_of(path) != "report":
            for node in ast.parse(path.read_text(encoding="utf-8")).body:
                if isinstance(node, ast.ClassDef):
                    places.setdefault(node.name, []).append(str(path.relative_to(ROOT)))
    assert {name: found for name, found in places.items() if len(found) > 1} == {}
