"""Why something failed, in one line, without what differs from run to run or from machine to machine."""

import re


def without_reprs(text: str) -> str:
    """The text in one line without `<...>`, which differs from run to run and from machine to machine."""
    while text != (shorter := re.sub(r"<[^<>]*>", "", text)):
        text = shorter
    return " ".join(text.split())


def reason(error: BaseException) -> str:
    """The root cause in one line, without what differs from run to run or from machine to machine."""
    seen: set[int] = set()
    while (cause := _cause(error)) is not None and id(cause) not in seen:
        seen.add(id(cause))
        error = cause
    return f"{type(error).__name__}: {without_reprs(str(error))[:200]}"


def _cause(error: BaseException) -> BaseException | None:
    if isinstance(error, BaseExceptionGroup):
        return error.exceptions[0]
    return error.__cause__ or (None if error.__suppress_context__ else error.__context__)
