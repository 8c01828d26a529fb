"""The portal is started by check-then-act without a lock: of first requests at the same time, some find it "not started".

pip install "flask[async]" advanced-alchemy aiosqlite; prints in how many of 100 rounds one of eight threads failed.
"""

import json
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from advanced_alchemy.extensions.flask import AdvancedAlchemy, SQLAlchemyAsyncConfig
from flask import Flask

app, barrier = Flask(__name__), Barrier(8)
app.debug = True  # else each context stops the portal when it ends (H2); here a round does, so that this shows the start alone
alchemy = AdvancedAlchemy(SQLAlchemyAsyncConfig(connection_string="sqlite+aiosqlite:///h10.db"), app)


def fails(_):
    with app.app_context():
        barrier.wait()
        try:
            return alchemy.portal.call(alchemy.get_async_session().close) is not None
        except Exception:
            return True


with ThreadPoolExecutor(8) as pool:
    rounds = [(alchemy.portal_provider.stop(), any([*pool.map(fails, range(8))]))[1] for _ in range(100)]
print(json.dumps({"rounds": len(rounds), "failed": sum(rounds)}), flush=True)
