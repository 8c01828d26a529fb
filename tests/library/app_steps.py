"""An app of which each request takes many steps, between which it waits for nothing but the others."""

import asyncio

from flask_oneloop import AsyncFlask, asgi_app

app = AsyncFlask(__name__)
asgi = asgi_app(app)


@app.get("/")
def root() -> str:
    return "served"


@app.get("/steps/<int:steps>")
async def take_steps(steps: int) -> str:
    for _ in range(steps):
        sum(range(2000))
        await asyncio.sleep(0)
    return "taken"
