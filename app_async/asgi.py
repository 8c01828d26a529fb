"""For ASGI servers: `uvicorn app_async.asgi:app`."""

from catalog.settings import or_exit
from flask_oneloop import asgi_app

from . import create_app

app = asgi_app(or_exit(create_app))
