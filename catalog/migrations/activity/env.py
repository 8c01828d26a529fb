"""Run by Alembic for every command on the bind `activity`."""

from catalog.migrations.environment import run

run()
