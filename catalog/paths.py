"""Where the files of the catalogue are."""

from pathlib import Path

FOLDER = Path(__file__).parent
FIXTURES = FOLDER / "fixtures"
TEMPLATES = FOLDER / "templates"
STATIC = FOLDER / "static"
