"""Text as it is searched and sorted by: the same on every database."""

import unicodedata

SORT_KEY_LENGTH = 200
"""Characters."""


def fold(text: str) -> str:
    """Return `text` without case, accents and compatibility forms, cut to `SORT_KEY_LENGTH` characters.

    ``fold("Émile ZOLA") == "emile zola"`` (Unicode: NFKD of the case folding, without combining marks).
    """
    folded = text.casefold()
    if not folded.isascii():
        folded = "".join(char for char in unicodedata.normalize("NFKD", folded) if not unicodedata.combining(char))
    return folded[:SORT_KEY_LENGTH]
