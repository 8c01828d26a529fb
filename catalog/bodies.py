"""Reading JSON bodies: strictly, by a schema, with an error that names the field."""

import re
from collections.abc import Hashable
from functools import cache
from typing import Any, TypeVar, cast

import msgspec
from flask import request
from werkzeug.exceptions import RequestEntityTooLarge

from catalog import limits
from catalog.problems import InvalidBody, Problem

T = TypeVar("T")


class NotJSON(Problem):
    """A body that is not sent as JSON: 415."""

    def __init__(self) -> None:
        super().__init__(415, "The body must be JSON: send it with Content-Type: application/json.")


PLAINER = {"Object missing required field ": "is required", "Object contains unknown field ": "is unknown"}


def read_body(schema: type[T]) -> T:
    """Return the body of the current request as `schema`.

    Raises:
        Problem: 415 when it is not sent as JSON, 400 when it is not JSON, 413 when it is too large.
        InvalidBody: It breaks a rule of the schema.
    """
    if not request.is_json:
        raise NotJSON
    data = request.get_data(cache=False)
    limit = request.max_content_length
    if limit is not None and request.content_length is None and len(data) >= limit:
        raise RequestEntityTooLarge  # Werkzeug 3.1 cuts off a body of unknown length (LimitedStream.readall)
    return decode(schema, data)


def decode(schema: type[T], data: bytes) -> T:
    """Return a body as `schema`.

    Raises:
        Problem: 400, it is not JSON.
        InvalidBody: It breaks a rule of the schema.
    """
    try:
        body: T = _decoder(cast("Hashable", schema)).decode(data)
    except msgspec.ValidationError as error:
        raise InvalidBody(*field_and_message(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise Problem(400, "The body is not valid JSON in UTF-8.") from None
    return body


@cache
def _decoder(schema: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(schema)


def field_and_message(error: msgspec.ValidationError) -> tuple[str, str]:
    """Split msgspec's text, such as "Expected `str`, got `int` - at `$[3].title`", into ("[3].title", "Expected...")."""
    message, _, place = str(error).partition(" - at `$")
    for pattern, format_ in limits.FORMATS.items():
        message = message.replace(f"`str` matching regex {pattern!r}", format_)
    path = place.rstrip("`").lstrip(".")
    named = re.search("[Ff]ield `([^`]+)`", message)
    if named:
        path = f"{path}.{named[1]}" if path else named[1]
        message = PLAINER.get(message.partition("`")[0], message.removeprefix(f"Field `{named[1]}` "))
    return path, message
