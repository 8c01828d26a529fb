"""For WSGI servers: `gunicorn app_async.wsgi:app`."""

from app_async import create_app
from catalog.settings import or_exit

app = or_exit(create_app)
