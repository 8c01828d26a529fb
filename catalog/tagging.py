"""Making tags while other requests may be making the same ones."""

from collections.abc import Collection

from sqlalchemy import Insert
from sqlalchemy.dialects import postgresql, sqlite

from catalog.folding import fold
from catalog.models import Tag


def insert_missing(names: Collection[str], dialect: str) -> Insert:
    """Return a statement that makes the tags of these names which do not exist.

    It waits for another transaction that is making one of them, and leaves that one to it. The names are inserted in order,
    so that two transactions never wait for each other.
    """
    insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
    rows = [{"name": name, "sort_key": fold(name)} for name in sorted(names)]
    return insert(Tag).values(rows).on_conflict_do_nothing(index_elements=["name"])
