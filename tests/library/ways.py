"""The ways in which a client can ask the app of many users, and what it has to be answered."""

from dataclasses import dataclass, replace

from tests.library.answers import Answer
from tests.library.app_users import NOBODY, cookie, part
from tests.library.wire import Sent

USERS = ("alice", "bobby", "carol", "david", "erica", "frank", "gerry", "heidi", "irene", "james", "kelly", "louis")
COOKIES = {user: cookie(user) for user in USERS}


@dataclass(frozen=True)
class Way:
    """A way to ask and to be answered, and what the answer has to be for each user."""

    path: str
    status: int = 200
    sizes: tuple[int, ...] | None = (6,)
    """Of the parts of the body, in bytes; None: any body."""
    length: int | None = None
    """Of the whole body, where that is less than its parts."""
    method: str = "GET"
    upload: int = 0
    chunked: bool = False
    breaks: bool = False
    """Whether the answer breaks off."""

    def sent(self, user: str | None) -> Sent:
        headers = [] if user is None else [("x-user", user), ("cookie", COOKIES[user])]
        return Sent(self.path, headers, self.method, part(user or NOBODY, self.upload), self.chunked)

    def is_right(self, user: str | None, answer: Answer | None) -> bool:
        if answer is None or self.breaks:
            return self.breaks
        if self.sizes is None or answer.status != self.status:
            return answer.status == self.status
        return answer.body == b"".join(part(user or NOBODY, size) for size in self.sizes)[: self.length]

    @property
    def fails(self) -> bool:
        """Whether the server may close the connection after it."""
        return "fail=" in self.path

    def watched(self) -> "Way":
        return replace(self, path=f"{self.path}{'&' if '?' in self.path else '?'}watched")


REFUSED = Way("/private", 401)
WHOLE = Way("/sync")
FILLED = Way("/sync?body=sync&length=6")
ASYNC = Way("/async?spawn")
WAYS = [
    WHOLE,
    ASYNC,
    FILLED,
    Way("/async?body=async&length=6&spawn"),
    Way("/async?body=bare&length=6"),
    Way("/sync?body=sync&length=6&chunks=3,3", sizes=(3, 3)),
    Way("/async?body=async&length=6&chunks=2,4,3,5", sizes=(2, 4)),
    Way("/sync?body=sync&length=6&chunks=4,4", sizes=(4, 4), length=6),
    Way("/sync?body=sync&chunks=3,9", sizes=(3, 9)),
    Way("/async?body=async&chunks=3,9&spawn", sizes=(3, 9)),
    Way("/async?body=async&chunks=", sizes=()),
    Way("/async?body=sync&length=0&chunks=", sizes=()),
    Way("/async?body=async&length=6", method="HEAD", sizes=()),
    Way("/sync?body=sync&status=204", 204, sizes=()),
    Way("/async?body=async&status=304&spawn", 304, sizes=()),
    Way("/sync", method="POST", upload=1000),
    Way("/async?body=async&length=6", method="POST", upload=1000, chunked=True),
]
"""The connection stays open after each of these."""
FAILING = [
    Way("/async?fail=view&spawn", 500, sizes=None),
    Way("/sync?fail=after", 500, sizes=None),
    Way("/sync?fail=teardown", 500, sizes=None),
    Way("/async?body=async&length=6&fail=chunk0", 500, sizes=None),
    Way("/sync?body=sync&length=6&chunks=6,6&fail=chunk1"),
    Way("/async?body=async&length=6&fail=end"),
    Way("/async?body=async&length=6&fail=close"),
]
BREAKING = [
    Way("/sync?body=sync&length=6&chunks=3,3&fail=chunk1", breaks=True),
    Way("/async?body=async&chunks=3,3&fail=chunk1", breaks=True),
]
FORGETTING = Way("/sync?fail=forget")
"""An application context is pushed when all is over, and stays."""
