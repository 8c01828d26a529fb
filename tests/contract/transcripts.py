"""What an app answered, written down so that two apps can be compared: keys, times and tokens replaced by their order."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import httpx
from flask import Flask
from werkzeug.http import HTTP_STATUS_CODES

from .serving import Served

# What a server adds, or chooses by the protocol it speaks.
NOT_THE_APPS = {"date", "server", "connection", "keep-alive", "transfer-encoding"}
CHANGING = re.compile(
    r"\b(?:(?P<key>[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})"
    r"|(?P<time>\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|\+00:00)?))"
)
TOKEN = re.compile(r"(?:(?<=session=)|(?<=name=\"csrf_token\" type=\"hidden\" value=\")|(?<='csrf_token': '))[\w.-]+")
LEAKS = re.compile(
    r"Traceback|File \"|sqlalchemy|sqlite|psycopg|asyncpg|advanced_alchemy|sa_orm_sentinel|_sa_instance_state"
    r"|SELECT |INSERT |UPDATE |DELETE FROM|\b[upfc][qk]_[a-z]+_|DETAIL:|constraint|0x[0-9a-f]{8}",
    re.IGNORECASE,
)


class Api:
    """A client of one app that checks what is true of every answer and writes each one down."""

    def __init__(self, served: Served) -> None:
        self.store = served.store
        self.app: Flask = served.app
        self._client = served.client
        self._names: dict[str, str] = {}
        self.transcript: list[str] = []

    def __call__(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Send a request; redirects are not followed. The client's cookies are kept from one to the next."""
        response = self._client.request(method, path, **options)
        self._check(response)
        headers = sorted((name.lower(), value) for name, value in response.headers.items() if name.lower() not in NOT_THE_APPS)
        if response.content:  # its length was checked, and depends on the time: a whole second is written without a fraction
            headers = [(name, "<length>" if name == "content-length" else value) for name, value in headers]
        asked = {name: value for name, value in options.items() if name != "content"}  # it may be large
        lines = [f"{method} {path} {asked}", str(response.status_code), *map(repr, headers), response.text]
        self.transcript.append(TOKEN.sub("<token>", CHANGING.sub(self._name, "\n".join(lines))))
        return response

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self("GET", path, **options)

    def post(self, path: str, body: Any = None, **options: Any) -> httpx.Response:
        return self("POST", path, **({"json": body} if body is not None else {}), **options)

    def patch(self, path: str, body: Any) -> httpx.Response:
        return self("PATCH", path, json=body)

    def delete(self, path: str) -> httpx.Response:
        return self("DELETE", path)

    def created(self, path: str, **fields: Any) -> dict[str, Any]:
        """Add a record and return it."""
        response = self.post(path, fields)
        assert response.status_code == 201, response.text
        item: dict[str, Any] = response.json()
        return item

    def walk(self, path: str, **parameters: Any) -> Iterator[dict[str, Any]]:
        """Everything a list has, page by page, by key."""
        after: str | None = ""
        while after is not None:
            page = self.get(path, params={**parameters, "after": after}).json()
            assert page.keys() == {"items", "next"}
            yield from page["items"]
            after = page["next"]

    def forget_cookies(self) -> None:
        """Go on as another client."""
        self._client.cookies.clear()

    def _check(self, response: httpx.Response) -> None:
        """A length that is right, a media type that fits, nothing of the machinery in an error."""
        length = response.headers.get("content-length")
        if length is not None and response.request.method != "HEAD" and response.status_code != 304:
            assert int(length) == len(response.content)
        if response.status_code >= 400:
            assert not LEAKS.search(response.text), response.text
            assert response.headers["content-type"] in {"application/problem+json", "text/html; charset=utf-8"}

    def _name(self, match: re.Match[str]) -> str:
        kind = match.lastgroup or ""
        return self._names.setdefault(match[0].lower(), f"<{kind} {len(self._names)}>") if kind == "key" else f"<{kind}>"


def problem(response: httpx.Response, status: int, detail: str, **members: Any) -> None:
    """Assert that the answer is this problem and nothing else."""
    assert response.headers["content-type"] == "application/problem+json"
    title = HTTP_STATUS_CODES[status]
    assert response.json() == {"type": "about:blank", "title": title, "status": status, "detail": detail, **members}
    assert response.status_code == status


def invalid(response: httpx.Response, field: str, message: str) -> None:
    """Assert that the answer is the problem of one invalid field."""
    assert response.status_code == 422, response.text
    assert response.json()["errors"] == [{"field": field, "message": message}]
    colon = ":" if message[0].isupper() else ""
    problem(response, 422, f"{field}{colon} {message}." if field else f"{message}.", errors=response.json()["errors"])


Check = Callable[[httpx.Response], None]
