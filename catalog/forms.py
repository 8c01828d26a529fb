"""The forms of the pages. Their bounds are those of the schemas, which have the last word."""

from typing import Any, TypeVar

import msgspec
from flask_wtf import FlaskForm
from wtforms import Field, IntegerField, StringField, TextAreaField
from wtforms.validators import DataRequired, Length, NumberRange, Optional, Regexp, ValidationError

from catalog import limits
from catalog.bodies import field_and_message
from catalog.problems import Problem

T = TypeVar("T")


def _strip(text: str | None) -> str | None:
    return text.strip() if text else text


def _format(pattern: str) -> Regexp:
    return Regexp(pattern, message=f"Write {limits.FORMATS[pattern]}.")


def _text(label: str, longest: int, *checks: Any, hint: str = "", required: bool = False, **html: str) -> StringField:
    first = DataRequired("Fill in this field.") if required else Optional()
    return StringField(label, [first, Length(max=longest), *checks], [_strip], hint, render_kw=html)


def _number(label: str, lowest: int, highest: int, hint: str = "") -> IntegerField:
    return IntegerField(label, [Optional(), NumberRange(lowest, highest)], description=hint)


def _year(label: str) -> IntegerField:
    return _number(label, limits.FIRST_YEAR, limits.LAST_YEAR, hint="A year; negative before Christ.")


def _long_text(label: str) -> TextAreaField:
    return TextAreaField(label, [Optional(), Length(max=limits.TEXT)], filters=[_strip])


class CatalogForm(FlaskForm):  # type: ignore[misc]
    """What both forms share; protected from cross-site requests by a token."""

    def to_schema(self, schema: type[T], **values: Any) -> T | None:
        """Return what was filled in, with `values` in place of the fields of their names; None if the schema refuses it.

        The reason then stands beside the field.
        """
        filled = {field.name: field.data for field in self if field.name != "csrf_token"}
        given = {name: value for name, value in {**filled, **values}.items() if value not in (None, "")}
        try:
            return msgspec.convert(given, schema)
        except msgspec.ValidationError as error:
            name, message = field_and_message(error)
            if not self._put(name.partition("[")[0], message):
                self.form_errors.append(message)
            return None

    @property
    def status(self) -> int:
        """The HTTP status of a form that was not accepted: 400 without a valid token, else 422."""
        return 400 if self.csrf_token.errors else 422

    def accept_problem(self, problem: Problem | None) -> bool:
        """Put what `problem` says beside the fields it names; return whether the form has any of them."""
        errors = problem.members.get("errors", []) if problem else []
        return sum(self._put(error["field"], error["message"]) for error in errors) > 0

    def _put(self, name: str, message: str) -> bool:
        field: Field | None = self._fields.get(name)
        if field is not None:
            field.errors.append(message if message[0].isupper() else f"{field.label.text} {message}.")
        return field is not None


class AuthorForm(CatalogForm):
    """A new author."""

    name = _text("Name", limits.NAME, required=True)
    born = _year("Born")
    died = _year("Died")
    country = _text("Country", limits.COUNTRY, _format(limits.COUNTRY_PATTERN), hint="Two capital letters, such as FR.")
    biography = _long_text("Biography")


class BookForm(CatalogForm):
    """A new book; its author is found by name."""

    title = _text("Title", limits.TITLE, required=True)
    author = _text("Author", limits.NAME, hint="The full name, as the catalogue has it.", required=True, list="authors")
    published = _year("Published")
    language = _text("Language", limits.LANGUAGE, _format(limits.LANGUAGE_PATTERN), hint="Two letters, such as fr.")
    pages = _number("Pages", 1, limits.PAGES)
    isbn = _text("ISBN", 13, _format(limits.ISBN_PATTERN), hint="13 digits without hyphens.")
    tags = _text("Tags", limits.TAGS_PER_BOOK * (limits.TAG_NAME + 2), hint="Separated by commas.")
    summary = _long_text("Summary")

    def validate_tags(self, _field: StringField) -> None:
        """Check the tags one by one."""
        names = self.tag_names()
        if len(names) > limits.TAGS_PER_BOOK or any(len(name) > limits.TAG_NAME for name in names):
            raise ValidationError(f"At most {limits.TAGS_PER_BOOK} tags of {limits.TAG_NAME} characters each.")

    def tag_names(self) -> list[str]:
        """Return the tags one by one."""
        return [name.strip() for name in (self.tags.data or "").split(",") if name.strip()]
