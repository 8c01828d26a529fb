"""The tables' history, one Alembic script folder per bind, and the commands that apply it."""
