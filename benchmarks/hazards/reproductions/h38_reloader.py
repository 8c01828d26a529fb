"""The reloader (`flask run --debug`) loads a change while the portal's thread runs, and leaves no process behind.

pip install "flask[async]" advanced-alchemy aiosqlite; prints the answers before and after a change, and processes that stayed.
"""

import json
import os
import socket
import subprocess
import sys

from advanced_alchemy.extensions.flask import AdvancedAlchemy, SQLAlchemyAsyncConfig
from flask import Flask
from sqlalchemy import text

app = Flask(__name__)
alchemy = AdvancedAlchemy(SQLAlchemyAsyncConfig(connection_string="sqlite+aiosqlite:///h38.db", commit_mode="autocommit"), app)
app.add_url_rule("/", view_func=lambda: f"{os.getpid()} {app.ensure_sync(alchemy.get_async_session().scalar)(text('SELECT 1'))}")

if __name__ == "__main__":
    command = [sys.executable, "-m", "flask", "--app", __file__, "run", "--debug", "--port=0", "--extra-files=changed"]
    server = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    until = lambda words: next(line for line in server.stderr if words in line)
    ask = lambda one: [one.sendall(b"GET / HTTP/1.0\r\n\r\n"), one.makefile().read()][1].split()[-2:]
    open("changed", "w").close()
    at = "127.0.0.1", int([until("Running on"), until("Restarting")][0].split(":")[-1])
    before, _, _ = ask(socket.create_connection(at)), open("changed", "w").close(), until("Restarting")
    after, _, _ = ask(socket.create_connection(at)), server.terminate(), server.wait()
    stayed = subprocess.run(["ps", "-o", "pid=", "-p", f"{before[0]},{after[0]}"], capture_output=True).stdout.split()
    print(json.dumps({"answers": [before, after], "stayed": len(stayed)}), flush=True)
