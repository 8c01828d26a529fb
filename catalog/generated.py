"""A generated library of any size: the same number always gives the same rows, and a larger one gives the same and more.

Row `i` of each kind depends on `i` alone. One author in `BOOKS_PER_AUTHOR` books; keys have the form of UUIDv7 (RFC 9562) with
one minute between two books, so that their order is the order of creation.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from catalog.folding import fold

BOOKS_PER_AUTHOR = 10
BOOKS_PER_BATCH = 1_000
TAGS = 50
START = datetime(2020, 1, 1, tzinfo=UTC)
STEP = timedelta(minutes=1)

AUTHOR, BOOK, TAG = 1, 2, 3


def _words(text: str) -> list[str]:
    return [word.replace("_", " ") for word in text.split()]


FIRST_NAMES = _words(
    """
    Ada Alma Anselm Arthur Beatrice Bruno Clara Conrad Dora Edgar Edith Elias Emil Esther Felix Flora Gregor Hannah
    Henrik Hilda Ida Ivan Jakob Johanna Julius Karla Kaspar Klara Leo Lotte Lucia Marta Matthias Mina Nora Oskar Paula
    Robert Rosa Samuel Selma Simon Sofia Theodor Thora Ursula Viktor Wanda
    """
)
LAST_NAMES = _words(
    """
    Abbott Ahlgren Bergmann Blackwood Carlisle Castellan Dahl Drummond Eberhart Engel Fairfax Falk Garland Grimm Hagen
    Hawthorn Ibarra Ingram Jansen Jardine Keller Kingsley Lindqvist Lovell Marchetti Moreau Nightingale Novak Oakley
    Olsen Pemberton Petrov Quill Quintana Ravn Rosenthal Sandoval Sorensen Thackery Tolland Ulrich Vance Verne Wagner
    Whitfield Yardley Zeller Zoric
    """
)
ADJECTIVES = _words(
    """
    Amber Ancient Bitter Bright Broken Burning Crimson Distant Drowned Empty Endless Fallen Forgotten Frozen Gentle
    Gilded Golden Hidden Hollow Idle Last Little Lonely Long Lost Painted Pale Patient Quiet Restless Ruined Sacred
    Scarlet Second Secret Shining Silent Silver Sleeping Sunken Troubled Unknown Velvet Wandering Weary White Wild
    Winter
    """
)
NOUNS = _words(
    """
    Archive Bell Bridge Candle Castle Chronicle City Clock Coast Court Crown Door Echo Ferry Fire Forest Garden Gate
    Harbour Heir Hour House Island Journey Key Lantern Letter Library Map Market Mirror Mountain Night Orchard Palace
    Portrait Promise River Road Room Season Shadow Ship Song Stranger Summer Tower Winter
    """
)
PLACES = _words(
    """
    Alder_Bay Amberley Arden Ashby Balmore Birkfeld Brandt_Hill Calder Carrow Corvina Dunmore Eastvale Elmstead Falkenau
    Farrow Glenholm Grauwald Halden Highmoor Innisfree Jarrow Kestrel_Point Langfoss Larkhill Lindau Lorne Marlow
    Merrowby Millbrook Nordhavn Oakhaven Oldmarket Penrose Quarry_Bank Ravensea Rosenau Saltmarsh Sandvik Selwyn
    Stonebridge Thornfield Umberland Valmont Vesterby Westerhall Whitcombe Wintersea Yarrow
    """
)
LANGUAGES = ("en", "en", "en", "en", "de", "de", "fr", "fr", "es", "it", "ru", "sv")
COUNTRIES = ("GB", "US", "DE", "FR", "ES", "IT", "RU", "SE", "NO", "IE")

Row = dict[str, Any]


@dataclass(frozen=True)
class Batch:
    """Rows of the tables author, book and book_tag, in an order in which they can be inserted."""

    authors: list[Row]
    books: list[Row]
    links: list[Row]


def batches(count: int) -> Iterator[Batch]:
    """Yield the first `count` books, at most `BOOKS_PER_BATCH` at a time, each with the authors that begin in it."""
    for first in range(0, count, BOOKS_PER_BATCH):
        numbers = range(first, min(first + BOOKS_PER_BATCH, count))
        authors = [number // BOOKS_PER_AUTHOR for number in numbers if number % BOOKS_PER_AUTHOR == 0]
        yield Batch(
            [author(number) for number in authors],
            [book(number) for number in numbers],
            [link for number in numbers for link in links(number)],
        )


def tags() -> list[Row]:
    """Return all tags; they do not depend on the number of books."""
    return [
        _row(TAG, number, name=f"shelf {number + 1:02}", sort_key=f"shelf {number + 1:02}", description=None)
        for number in range(TAGS)
    ]


def author(number: int) -> Row:
    """Return author `number`; two initials between the names keep 1.5 million of them apart."""
    rest, first = divmod(number, len(FIRST_NAMES))
    rest, last = divmod(rest, len(LAST_NAMES))
    initials = " ".join(f"{chr(ord('A') + letter)}." for letter in divmod(rest, 26))
    name = f"{FIRST_NAMES[first]} {initials} {LAST_NAMES[last]}"
    chance = _mix(number)
    born = 1500 + chance % 440
    country = COUNTRIES[chance // 440 % len(COUNTRIES)]
    died = born + 30 + chance // 4400 % 60
    return _row(AUTHOR, number, name=name, sort_key=fold(name), born=born, died=died, country=country, biography=None)


def book(number: int) -> Row:
    """Return book `number`."""
    titles = len(ADJECTIVES) * len(NOUNS) * len(PLACES)
    part, place_in_order = divmod(number, titles)
    rest, adjective = divmod(place_in_order * 7919 % titles, len(ADJECTIVES))  # a prime: neighbours do not look alike
    place, noun = divmod(rest, len(NOUNS))
    title = f"The {ADJECTIVES[adjective]} {NOUNS[noun]} of {PLACES[place]}" + (f", part {part + 1}" if part else "")
    chance = _mix(number + 1_000_000_007)
    return _row(
        BOOK,
        number,
        title=title,
        sort_key=fold(title),
        author_id=_key(AUTHOR, number // BOOKS_PER_AUTHOR),
        published=1500 + chance % 520,
        language=LANGUAGES[chance // 520 % len(LANGUAGES)],
        pages=40 + chance // 6240 % 1_100,
        isbn=_isbn(number),
        summary=f"A {ADJECTIVES[adjective].lower()} story of {PLACES[place]}, told in {2 + chance % 40} chapters.",
    )


def links(number: int) -> list[Row]:
    """Return the rows that give book `number` none to three different tags."""
    chance = _mix(number + 2_000_000_011)
    first, step = chance % TAGS, 1 + chance // TAGS % (TAGS // 3)
    return [
        {"book_id": _key(BOOK, number), "tag_id": _key(TAG, (first + step * nth) % TAGS)} for nth in range(chance // 4096 % 4)
    ]


def _row(kind: int, number: int, **values: Any) -> Row:
    moment = _moment(kind, number)
    return {"id": _key(kind, number), "created_at": moment, "updated_at": moment, **values}


def _moment(kind: int, number: int) -> datetime:
    return START + STEP * (number * BOOKS_PER_AUTHOR if kind == AUTHOR else number)


def _key(kind: int, number: int) -> UUID:
    milliseconds = int(_moment(kind, number).timestamp() * 1000)
    return UUID(int=milliseconds << 80 | 0x7 << 76 | kind << 64 | 0b10 << 62 | number)


def _isbn(number: int) -> str:
    """Return an ISBN-13 with its check digit; nine digits after the prefix."""
    digits = f"979{number:09}"
    return digits + str(-sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(digits)) % 10)


def _mix(number: int) -> int:
    """Return 64 bits that look random (splitmix64, Steele, Lea and Flood 2014)."""
    mask = (1 << 64) - 1
    mixed = (number + 1) * 0x9E3779B97F4A7C15 & mask
    mixed = (mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9 & mask
    mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EB & mask
    return mixed ^ mixed >> 31
