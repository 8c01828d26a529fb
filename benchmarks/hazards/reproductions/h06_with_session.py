"""with_session leaves its closed session on `g`: whoever asks next in that context gets it, with a life of its own.

pip install "flask[async]" advanced-alchemy aiosqlite; prints whether the session after the block is the closed one.
"""

import json

from advanced_alchemy.extensions.flask import AdvancedAlchemy, SQLAlchemyAsyncConfig
from flask import Flask

app = Flask(__name__)
alchemy = AdvancedAlchemy(SQLAlchemyAsyncConfig(connection_string="sqlite+aiosqlite:///h06.db"), app)

with app.app_context():
    with alchemy.with_session() as session:
        pass
    print(json.dumps({"closed_session_again": alchemy.get_session() is session}), flush=True)
