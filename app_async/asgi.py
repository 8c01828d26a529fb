"""For ASGI servers: `uvicorn app_async.asgi:app`."""

from catalog.settings import or_exit

from . import create_app
from .runtime import asgi_app

app = asgi_app(or_exit(create_app))
