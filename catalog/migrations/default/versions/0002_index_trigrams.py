"""Index the trigrams of what is searched; PostgreSQL does without where the role may not make the extension."""

import click
import sqlalchemy as sa
from alembic import op

from catalog.trigrams import SQLITE_CREATE, SQLITE_DROP

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

POSTGRESQL_CREATE = """
DO $$ BEGIN
    CREATE EXTENSION IF NOT EXISTS pg_trgm;
    CREATE INDEX ix_author_search ON author USING gin (sort_key gin_trgm_ops);
    CREATE INDEX ix_book_search ON book USING gin (sort_key gin_trgm_ops);
EXCEPTION WHEN insufficient_privilege OR undefined_file OR undefined_object OR feature_not_supported THEN
    NULL;
END $$
"""
POSTGRESQL_DROP = ("DROP INDEX IF EXISTS ix_book_search", "DROP INDEX IF EXISTS ix_author_search")
"""The extension stays: others may use it."""


def upgrade() -> None:
    sqlite = op.get_context().dialect.name == "sqlite"
    for statement in SQLITE_CREATE if sqlite else (POSTGRESQL_CREATE,):
        op.execute(statement)
    if not (sqlite or op.get_context().as_sql or op.get_bind().scalar(sa.text("SELECT to_regclass('ix_book_search')"))):
        click.echo("This role may not make the extension pg_trgm: until 0002 is done again with it, search reads every row.")


def downgrade() -> None:
    for statement in SQLITE_DROP if op.get_context().dialect.name == "sqlite" else POSTGRESQL_DROP:
        op.execute(statement)
