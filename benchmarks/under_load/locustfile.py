"""The scenarios of the load benchmark for Locust: for more load than one machine gives, and for a server anywhere.

    flask --app app_async seed --books 10000                                     # or: python -m benchmarks serve async-native
    locust -f benchmarks/under_load/locustfile.py --headless --host URL --users 32 --spawn-rate 32 --run-time 1m read mixed

A class of users for each scenario, named like it; every answer is checked as it is in the suite's own load. Each user sends its
next request when the last is answered, so this is a closed loop: it shows capacity, and its latencies leave out what would have
come while a slow answer was awaited (coordinated omission). Distributed: the same with `--master` on one machine, and
`locust -f benchmarks/under_load/locustfile.py --worker --master-host HOST` on the others. It needs the extra `locust`.
"""

from argparse import ArgumentParser
from itertools import count
from random import choices, randrange
from typing import Any

from locust import FastHttpUser, events, task

from benchmarks.subjects.scenarios import BOOKS, SCENARIOS, Scenario

NUMBERS = count(randrange(10**9))
"""Of this process's requests; processes begin at different ones."""


def _options(parser: ArgumentParser) -> None:
    parser.add_argument("--books", type=int, default=BOOKS, metavar="N", help=f"how many books are seeded ({BOOKS:,})")


events.init_command_line_parser.add_listener(_options)  # type: ignore[no-untyped-call]


class Reader(FastHttpUser):
    """Sends the requests of `scenario`."""

    abstract = True
    scenario: Scenario

    @task
    def ask(self) -> None:
        """One request; an answer that is not the right one is a failure, with its reason."""
        parts = self.scenario.parts
        [part] = choices([*parts], [*parts.values()])
        make = SCENARIOS[part].request
        assert make
        request = make(next(NUMBERS), self.environment.parsed_options.books)
        sent: Any = {"data": request.body or None, "headers": dict(request.headers), "name": part}
        with self.client.request(request.method, request.path, catch_response=True, **sent) as response:
            if response.status_code != request.status:
                response.failure(f"{response.status_code}, not {request.status}")
            elif wrong := request.wrong(response.content or b""):
                response.failure(wrong)
            else:
                response.success()


globals().update(  # Locust takes the classes that it finds in the module; one of them hides the builtin `list` here
    {name: type(name, (Reader,), {"scenario": scenario}) for name, scenario in SCENARIOS.items()}
)
