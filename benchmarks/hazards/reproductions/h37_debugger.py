"""The page of the debugger (`flask run --debug`) has the async view's own frame, and its console sees the view's variables.

pip install "flask[async]"; prints the functions on the page, and whether the last frame's console knows the view's variable.
"""

import json
import re
import subprocess
import sys
from http.client import HTTPConnection

from flask import Flask

app = Flask(__name__)


@app.get("/")
async def view():
    raise ValueError(answer := 41)


if __name__ == "__main__":
    command = ["env", "WERKZEUG_DEBUG_PIN=off", sys.executable, "-m", "flask", "--app", __file__, "run", "--debug", "--port=0"]
    server = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    at = next(line for line in server.stderr if "Running on" in line).split("/")[-1].strip()
    say = lambda path: [one := HTTPConnection(at), one.request("GET", path), one.getresponse().read().decode()][2]
    frame, secret = re.findall(r'id="frame-(\d+)"', page := say("/"))[-1], re.search(r'SECRET = "(\w+)"', page)[1]
    said = say(f"/?__debugger__=yes&cmd=answer&frm={frame}&s={secret}")
    server.terminate()
    print(json.dumps({"functions": re.findall(r'class="function">(\w+)', page), "console": "41<" in said}), flush=True)
