"""The portal is started by check-then-act without a lock: of first requests at the same time, some find it "not started".

pip install "flask[async]" advanced-alchemy aiosqlite; prints in how many of 100 rounds one of eight threads failed."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Barrier

from advanced_alchemy.extensions.flask import AdvancedAlchemy, SQLAlchemyAsyncConfig
from flask import Flask

app, barrier, failed = Flask(__name__), Barrier(8), 0
app.debug = True  # else each context stops the portal when it ends (H2); here a round does, so that this shows the start alone
alchemy = AdvancedAlchemy(SQLAlchemyAsyncConfig(connection_string="sqlite+aiosqlite:///h10.db"), app)


def fails(_):
    with app.app_context(), suppress(Exception):
        barrier.wait()
        return alchemy.portal.call(alchemy.get_async_session().close) is not None
    return True


with ThreadPoolExecutor(8) as pool:
    for _ in range(100):
        while alchemy.portal_provider.is_ready:
            with suppress(RuntimeError):  # two threads may have started it; then it closes a loop that still runs
                alchemy.portal_provider.stop()
        failed += any([*pool.map(fails, range(8))])
print(f'{{"rounds": 100, "failed": {failed}}}', flush=True)
