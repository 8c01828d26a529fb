"""Flask with its coroutines on one event loop, and async generators as response bodies."""

import asyncio
import weakref
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Coroutine, Generator, Iterable, Iterator, MutableMapping
from contextlib import aclosing, nullcontext
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, TypeVar, cast

from flask import Flask as StockFlask
from flask import current_app, has_app_context
from sqlalchemy.util import await_
from werkzeug.datastructures import ImmutableDict

from .call import Outcome, in_greenlet, start_task
from .context import Outside, request_context
from .exchange import END, Body, Exchange, current, in_memory
from .loop import process_loop, refuse_eventlet
from .places import runs_on_loop
from .portal import Portal
from .sessions import Flask
from .threads import OwnThread

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment
    from flask.testing import FlaskClient

T = TypeVar("T")
SHARED = f"{__package__}.shared"
"""In the environ of a request that may share the context of who makes it."""
LIMITS: dict[str, float | None] = {
    "ONELOOP_THREADS": 40,  # of plain views
    "ONELOOP_REQUESTS": 2000,  # at the same time; the next is answered with 503
    "ONELOOP_BODY_BYTES": 1 << 30,  # of a request, where MAX_CONTENT_LENGTH is None
    "ONELOOP_SECONDS": 300,  # until a response has to begin; else it is 503; None: never
    "ONELOOP_BLOCKED_SECONDS": 1,  # after which what blocks the loop is logged; None: never
}
"""Settings under ASGI, and their defaults."""
_CONTEXT = f"{__package__}.context"
"""In the environ of a request whose context was made before it began."""


class _Views(dict[str, Any]):
    """The view functions of an app; where they belong is looked for again when one is added or replaced."""

    def __init__(self, app: "AsyncFlask") -> None:
        super().__init__()
        self.app = weakref.ref(app)  # no cycle: an app is freed as soon as nobody refers to it, as plain Flask is

    def __setitem__(self, endpoint: str, view: Any) -> None:
        if (app := self.app()) is not None:
            vars(app).pop("_files", None)
        super().__setitem__(endpoint, view)

    update = MutableMapping.update  # by way of __setitem__
    setdefault = MutableMapping.setdefault


class AsyncFlask(Flask):
    """Flask whose async views, hooks, handlers and receivers all run on the event loop of its ``portal``."""

    default_config = ImmutableDict({**StockFlask.default_config, **LIMITS})

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        refuse_eventlet()
        self._places: dict[tuple[str, str], tuple[Any, bool]] = {}
        """View functions, and whether they are for the loop, by endpoint and method."""
        super().__init__(*args, **kwargs)
        views, self.view_functions = self.view_functions, _Views(self)
        self.view_functions.update(views)

    def wsgi_app(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """The WSGI application: a server's request runs in a context of its own, for the thread has served others and will again.

        One that is made within another, or by the app's test client, shares what is there, as on plain Flask. One that an ASGI
        server's loop serves has its context already, and goes on in a thread unless its view is for the loop.
        """
        exchange = current.get()
        if exchange is None and SHARED not in environ:
            return self._in_own_context(environ, start_response)
        if exchange is None or exchange.places is None or exchange.context is None:
            return super().wsgi_app(environ, start_response)
        if exchange.app is not self and in_greenlet() and not self.portal.adopted(asyncio.get_running_loop()):
            await_(Outside(self.portal.adopt()))
        files = self._files
        for_loop = files is not None and not environ["PATH_INFO"].startswith(files)
        if for_loop or has_app_context() or not in_greenlet() or self._for_loop(environ):
            return super().wsgi_app(environ, start_response)
        thread = OwnThread(exchange.places, exchange.context)
        return Body(partial(exchange.in_thread, thread), thread.let_go).answer(super().wsgi_app, environ, start_response)

    def _in_own_context(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        context = request_context(self)
        answer = context.run(Exchange(self).begin, super().wsgi_app, environ, start_response)
        if in_memory(answer) or type(answer) is environ.get("wsgi.file_wrapper"):  # servers look for theirs
            return answer
        return Body(context.run).answer(lambda: answer)

    def _for_loop(self, environ: "WSGIEnvironment") -> bool:
        """Whether the request's view is for the server's loop; Flask looks again only if a URL converter needs a context."""
        ctx = environ[_CONTEXT] = cast("Any", super().request_context(environ))
        request = ctx.request
        try:
            rule, request.view_args = ctx.url_adapter.match(return_rule=True)
        except Exception:  # noqa: BLE001 - Flask will meet it again
            return False
        request.url_rule = rule
        ctx.match_request = lambda: None  # Flask would do it again
        view: Any = self.view_functions.get(rule.endpoint)
        place = rule.endpoint, request.method
        known = self._places.get(place)
        if known is None or known[0] is not view:
            known = self._places[place] = view, runs_on_loop(view, request.method)
        return known[1]

    @cached_property
    def _files(self) -> tuple[str, ...] | None:
        """The paths below which static files are, if all other views are for the loop."""
        paths = []
        for rule in self.url_map.iter_rules():
            view = self.view_functions.get(rule.endpoint)
            if rule.endpoint.rpartition(".")[2] == "static":
                paths.append(rule.rule.partition("<")[0])
            elif view is not None and not all(runs_on_loop(view, method) for method in rule.methods or ("GET",)):
                return None
        return tuple(paths)

    def request_context(self, environ: "WSGIEnvironment") -> Any:
        """Flask's; the one that was made beforehand, if one was."""
        ctx = environ.pop(_CONTEXT, None)
        return super().request_context(environ) if ctx is None else ctx

    def test_client(self, use_cookies: bool = True, **kwargs: Any) -> "FlaskClient":
        """Flask's, whose requests may share the context that they are made in."""
        client = super().test_client(use_cookies, **kwargs)
        client.environ_base[SHARED] = "yes"
        return client

    def async_to_sync(self, func: Callable[..., Coroutine[Any, Any, Any]]) -> Callable[..., Any]:
        """A function that runs the coroutine function on the app's loop and waits for its result."""
        return partial(self.portal.call, func)


def stream(source: AsyncIterable[T] | Generator[T, None, None]) -> Iterator[T]:
    """Iterate an async generator, or another async iterable, synchronously, as a WSGI response body has to be.

    One item is asked for when the server wants one, so a slow client slows the generator down. Closing the iterator closes the
    generator. Flask's ``stream_with_context`` can be put around it. A synchronous generator is a body already: it is returned.

    Raises:
        RuntimeError: outside an application context.
    """
    return source if isinstance(source, Generator) else _iterate(cast("AsyncFlask", current_app).portal, source)


def _iterate(portal: Portal, source: AsyncIterable[T]) -> Iterator[T]:
    steps = _Steps(source)
    try:
        while (item := portal.call(steps.advance)) is not END:
            yield cast("T", item)
    finally:
        if steps.task is not None and portal.on_loop() and not in_greenlet():  # the collector is, and cannot wait
            start_task(steps.close(steps.task))
        elif steps.task is not None:
            steps.take() if steps.task.done() else portal.call(steps.close, steps.task)


class _Steps(Outcome[object]):
    """An async generator, item by item.

    It runs in a task of its own from beginning to end, because what it enters (a timeout, a context) it has to leave in the same
    task. A timeout that ends while no item is wanted cancels nobody else, and is thrown into the generator where it waits.
    """

    def __init__(self, source: AsyncIterable[Any]) -> None:
        self.source: Any = source
        self.wanted: asyncio.Queue[bool] = asyncio.Queue()
        """True: an item; False: no more."""
        self.item: asyncio.Future[object]
        """That is wanted, or was last."""
        self.task: asyncio.Task[None] | None = None
        self.error, self.result, self.closing = None, END, False

    async def advance(self) -> object:
        """The next item."""
        if self.task is not None and self.task.done():
            return self.take()
        self.item = asyncio.get_running_loop().create_future()
        self.wanted.put_nowait(True)
        self.task = self.task or start_task(self._serve())  # an eager one answers at once
        try:
            item = await asyncio.shield(self.item)
        except asyncio.CancelledError:
            if not self.item.done() and not process_loop.stopping:  # else it is about to be closed, or is, or cancelled already
                self.task.cancel()
            await self.close(self.task)
            raise
        return self.take() if item is END else item

    async def close(self, task: asyncio.Task[None]) -> None:
        """Wait for its end, and raise what it raises."""
        self.wanted.put_nowait(False)
        await task  # and is cancelled if this is
        self.take()

    async def _serve(self) -> None:
        try:
            self.source = aiter(self.source)  # which may need the loop
            async with aclosing(self.source) if hasattr(self.source, "aclose") else nullcontext():
                self.closing = await self._answer()
        except BaseException as error:  # noqa: BLE001 - a SystemExit would stop the loop
            self.error = error  # and not the item's, which would keep it, and it this
            if self.closing and isinstance(error, BaseExceptionGroup):
                # Of a TaskGroup in it. That is no Exception, which would end a whole worker of gunicorn.
                self.error = error.split(GeneratorExit)[1]
            elif not isinstance(error, Exception | SystemExit) and not self.closing and self.item.done() and self.wanted.empty():
                # By a timeout of a generator that this one iterates, in a TaskGroup or not. It is no Exception either.
                self.error = RuntimeError("a stream was cancelled between two items").with_traceback(error.__traceback__)
        if not self.item.done():
            self.item.set_result(END)

    async def _answer(self) -> bool:
        ahead: list[object] = []
        while True:
            try:
                if not await self.wanted.get():
                    return True
            except asyncio.CancelledError as error:
                if not isinstance(self.source, AsyncGenerator) or (ahead and ahead[-1] is END):
                    raise
                try:
                    ahead.append(await self.source.athrow(error))
                except StopAsyncIteration:
                    ahead.append(END)
            else:
                if (item := ahead.pop(0) if ahead else await anext(self.source, END)) is END:
                    return True
                self.item.set_result(item)
