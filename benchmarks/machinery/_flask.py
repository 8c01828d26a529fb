"""Commands of the sync app, one after the other, in a process of their own: it leaves no connection to a database.

python -m benchmarks.machinery._flask '[["database", "upgrade", "--no-prompt"], ["seed"]]'
"""

import json
import sys

from flask.cli import ScriptInfo

from app_sync import create_app


def main(commands: list[list[str]]) -> None:
    """Run them; the first that fails ends the process with its message and its status."""
    app = create_app()
    for arguments in commands:
        try:
            app.cli.main(arguments, prog_name="flask", obj=ScriptInfo(create_app=lambda: app))
        except SystemExit as ended:
            if ended.code:
                raise


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
