"""For WSGI servers: `gunicorn app_async.wsgi:app`."""

from catalog.settings import or_exit

from . import create_app

app = or_exit(create_app)
