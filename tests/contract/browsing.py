"""What a person sees of a page and does with its form: reading HTML, filling in, sending."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

import httpx

from .transcripts import Api


@dataclass
class Page(HTMLParser):
    """A page: the text of its elements by tag, its links, the values of its form and the errors beside them."""

    html: str
    texts: dict[str, list[str]] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    values: dict[str, str] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    general: list[str] = field(default_factory=list)
    tags: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        super().__init__()
        self._open: list[dict[str, str]] = []
        self.feed(self.html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.tags |= {tag, *given}
        if tag == "input" and given["type"] != "submit":
            self.values[given["name"]] = given.get("value", "")
        if tag not in {"input", "meta", "link", "br"}:
            self._open.append({"tag": tag, "text": "", **given})

    def handle_data(self, data: str) -> None:
        for element in self._open:
            element["text"] += data

    def handle_endtag(self, tag: str) -> None:
        element = self._open.pop()
        assert element["tag"] == tag, "elements are nested"
        text = element["text"].strip()
        self.texts.setdefault(tag, []).append(text)
        if tag == "textarea":
            self.values[element["name"]] = element["text"].removeprefix("\r").removeprefix("\n")
        elif tag == "a":
            self.links[text] = element["href"]
        elif "error" in element.get("class", "").split():
            if element.get("id"):
                self.errors[element["id"].removesuffix("-error")] = text
            else:
                self.general.append(text)


def shown(response: httpx.Response, status: int = 200) -> Page:
    """The page of this answer, which must be HTML with the policy that keeps scripts away."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    policy = response.headers["content-security-policy"]
    assert policy == "default-src 'self'; img-src 'self' data:; form-action 'self'; frame-ancestors 'none'"
    page = Page(response.text)
    assert page.tags.isdisjoint({"script", "onclick", "onload", "onerror", "style"})
    return page


def submit(api: Api, path: str, **fields: Any) -> httpx.Response:
    """Open a form, fill it in and send it, as a browser does."""
    values = {**shown(api.get(path)).values, **fields}
    return api("POST", path, data=values, headers={"Accept": "text/html"})
