"""The catalogue as a Flask app."""

from .factory import create_app as create_app
