"""For WSGI servers, such as gunicorn: the module's `app`."""

from catalog.settings import or_exit

from . import create_app

app = or_exit(create_app)
