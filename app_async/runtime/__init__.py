"""What the app takes from the library, by the name that the sync app's own has."""

from flask_oneloop import AdvancedAlchemy, AsyncFlask, stream

__all__ = ("AdvancedAlchemy", "AsyncFlask", "stream")
