"""The bounds of every field, in one place: columns, schemas and forms are made from these.

Lengths are in characters, years are of the common era (negative: BC).
"""

NAME = 200
TAG_NAME = 60
TITLE = 300
COUNTRY = 2
LANGUAGE = 3
TEXT = 4_000
ACTION = 20

FIRST_YEAR = -3_000
LAST_YEAR = 2_100
PAGES = 50_000

TAGS_PER_BOOK = 20
BOOKS_PER_BULK = 1_000
TAGS_PER_BULK = 100

PAGE_SIZE = 20
PAGE_SIZE_MAX = 100
PAGE_MAX = 1_000_000_000
IDS_MAX = 100

BODY_BYTES = 8 * 1024 * 1024

COUNTRY_PATTERN = r"^[A-Z]{2}\Z"
LANGUAGE_PATTERN = r"^[a-z]{2,3}\Z"
ISBN_PATTERN = r"^[0-9]{13}\Z"
FORMATS = {
    COUNTRY_PATTERN: "a country code of two capital letters (ISO 3166) such as FR",
    LANGUAGE_PATTERN: "a language code of two or three small letters (ISO 639) such as fr",
    ISBN_PATTERN: "13 digits without hyphens",
}
