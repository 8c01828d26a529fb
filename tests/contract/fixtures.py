"""The real library as its files have it: what the tests expect to find."""

import json
from collections.abc import Sequence
from typing import Any

from catalog.folding import fold
from catalog.paths import FIXTURES

Item = dict[str, Any]


def _load(name: str) -> list[Item]:
    items: list[Item] = json.loads((FIXTURES / f"{name}.json").read_text(encoding="utf-8"))
    return items


AUTHORS, BOOKS, TAGS = _load("authors"), _load("books"), _load("tags")
LISTS = {"/authors": ("name", AUTHORS), "/books": ("title", BOOKS), "/tags": ("name", TAGS)}


def names(items: Sequence[Item]) -> list[str]:
    """What the items are called, in their order."""
    return [item["title" if "title" in item else "name"] for item in items]


def in_order(items: Sequence[Item], *, by: str = "", descending: bool = False) -> list[str]:
    """The names in the order of their folded forms, or of another field: missing values last, equal ones as they were added."""
    if not by:
        return sorted(names(items), key=fold, reverse=descending)
    given = [item for item in items if item[by] is not None]
    missing = [item for item in items if item[by] is None]
    if descending:
        given, missing = given[::-1], missing[::-1]
    return names(sorted(given, key=lambda item: item[by], reverse=descending)) + names(missing)
