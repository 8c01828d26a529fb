"""Run by Alembic for every command on the bind `default`."""

from catalog.migrations.environment import run

run()
