"""After a fork (gunicorn --preload) the portal's thread is gone: the first request that needs it waits for ever.

pip install "flask[async]" advanced-alchemy aiosqlite gunicorn; prints what a worker answers: a missing page, a read in 3 seconds.
"""

import json
import select
import socket
import subprocess
import sys

from advanced_alchemy.extensions.flask import AdvancedAlchemy, SQLAlchemyAsyncConfig
from flask import Flask
from sqlalchemy import text

app = Flask(__name__)
alchemy = AdvancedAlchemy(SQLAlchemyAsyncConfig(connection_string="sqlite+aiosqlite:///h08.db", commit_mode="autocommit"), app)
app.add_url_rule("/", view_func=lambda: app.ensure_sync(alchemy.get_async_session().scalar)(text("SELECT '1'")))

if __name__ == "__main__":
    at, statuses = socket.create_server(("127.0.0.1", 0)), {}
    options = ["--preload", "-w2", f"-bfd://{at.fileno()}", "--graceful-timeout=0", "--no-control-socket", "--pythonpath"]
    server = subprocess.Popen([sys.executable, "-m", "gunicorn", *options, sys.path[0], "h08_fork:app"], pass_fds=[at.fileno()])
    for path, seconds in {"/missing": 30, "/": 3}.items():
        with socket.create_connection(at.getsockname()) as client:
            client.sendall(f"GET {path} HTTP/1.0\r\n\r\n".encode())
            statuses[path] = int(client.recv(99).split()[1]) if select.select([client], [], [], seconds)[0] else None
    server.terminate()
    print(json.dumps({"statuses": statuses, "server": server.wait()}), flush=True)
