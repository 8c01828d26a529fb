"""SystemExit in a coroutine ends the portal's thread; its caller, and every later one, waits for ever.

pip install "flask[async]" advanced-alchemy aiosqlite; prints which of two calls, made in threads, came back within three seconds.
"""

import json
import sys
import threading

from advanced_alchemy.extensions.flask import AdvancedAlchemy, SQLAlchemyAsyncConfig
from flask import Flask

app = Flask(__name__)
alchemy = AdvancedAlchemy(SQLAlchemyAsyncConfig(connection_string="sqlite+aiosqlite:///h07.db"), app)


async def leave():
    sys.exit("as a command would")


async def answer():
    return 42


threads = {one.__name__: threading.Thread(target=alchemy.portal.call, args=(one,), daemon=True) for one in (leave, answer)}
for thread in threads.values():
    thread.start()
    thread.join(timeout=3)
print(json.dumps({name: not thread.is_alive() for name, thread in threads.items()}), flush=True)
