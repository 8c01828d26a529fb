"""For ASGI servers: `uvicorn app_async.asgi:app`."""

from app_async import create_app
from app_async.runtime import asgi_app
from catalog.settings import or_exit

app = asgi_app(or_exit(create_app))
