"""Sync hooks and extensions beside an async view: Flask-WTF's CSRF check, the session, flashed messages, a signal's receiver.

pip install "flask[async]" flask-wtf; prints a POST's status without a token and with one, and what view and hook saw.
"""

import json

from flask import Flask, flash, get_flashed_messages, message_flashed, session
from flask_wtf.csrf import CSRFProtect, generate_csrf

app, received = Flask(__name__), []
app.secret_key = "not one for production"  # noqa: S105
CSRFProtect(app)
app.before_request(lambda: session.update(hook="hook") or flash("hook"))
message_flashed.connect(receiver := lambda _, message, **__: received.append(message), app)


@app.route("/", methods=["GET", "POST"])
async def view():
    flash("view")
    seen, session["view"] = [session["hook"], session.get("view"), *get_flashed_messages()], "view"
    return {"seen": seen, "token": generate_csrf()}


client = app.test_client(use_cookies=False)
first = client.get("/")
headers = {"X-CSRFToken": first.json["token"], "Cookie": first.headers["Set-Cookie"].partition(";")[0]}
refused, second = client.post("/"), client.post("/", headers=headers)
print(json.dumps({"statuses": [refused.status_code, second.status_code], "seen": second.json["seen"], "received": received}))
