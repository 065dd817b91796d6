"""A FastAPI service whose answers are logged by themselves.

pip install fastapi uvicorn plumbline-client
PLUMBLINE_URL=http://127.0.0.1:8000 PLUMBLINE_PROJECT=banking PLUMBLINE_KEY=plumb_... uvicorn fastapi_app:app
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

from fastapi import Depends, FastAPI
from plumbline_client import AsyncClient
from plumbline_client.asgi import LogAnswers

plumbline = AsyncClient(os.environ["PLUMBLINE_URL"], os.environ["PLUMBLINE_PROJECT"], os.environ["PLUMBLINE_KEY"])


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    yield
    await plumbline.close()


def to_row(asked: Any, answered: Any) -> dict[str, Any]:
    """What `predictions.log` takes, from the JSON that was asked and answered."""
    return {
        "inputs": {"text": asked["text"]},
        "key": answered["key"],
        "scores": answered["scores"],
        "model_version": "router-7",
    }


def get_client() -> AsyncClient:
    return plumbline


app = FastAPI(lifespan=lifespan)
app.add_middleware(LogAnswers, client=plumbline, path="/classify", to_row=to_row)


@app.post("/classify")
async def classify(body: dict[str, str]) -> dict[str, Any]:
    """Your model stands here. The middleware logs the answer after it has been sent."""
    return {"key": body["id"], "scores": {"card_arrival": 0.9, "exchange_rate": 0.1}}


@app.post("/thumbs-down/{key}")
async def thumbs_down(key: str, client: Annotated[AsyncClient, Depends(get_client)]) -> dict[str, str]:
    """A dependency hands the client to a path; `log` needs no await."""
    return {"signal": client.signals.log(key, "thumbs_down")}
