"""The scikit-learn wrapper and the ASGI middleware log what passes, and never cost the caller an answer."""

import asyncio
import json
from typing import Any

import httpx
import numpy as np
import pandas as pd
import pytest
from plumbline_client import LoggedEstimator
from plumbline_client.asgi import LogAnswers
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from tests.client.fake_server import FakeServer


@pytest.fixture
def server() -> FakeServer:
    return FakeServer()


@pytest.fixture
def frame() -> pd.DataFrame:
    generator = np.random.default_rng(0)
    return pd.DataFrame({"amount": generator.normal(size=40), "count": generator.integers(0, 9, 40)})


def fitted(X: Any) -> Any:
    return make_pipeline(StandardScaler(), LogisticRegression()).fit(X, np.arange(40) % 2)


def test_probabilities_of_a_frame_are_logged_with_its_columns(server: FakeServer, frame: pd.DataFrame) -> None:
    plain = fitted(frame)
    with server.client() as client:
        model = LoggedEstimator(plain, client, model_version="v1", segment={"channel": "app"})
        probabilities = model.predict_proba(frame, keys=[f"row {n}" for n in range(40)])
        client.flush()

    assert np.array_equal(probabilities, plain.predict_proba(frame))
    row = server.rows["row 3"]
    assert row["inputs"] == {"amount": frame["amount"][3], "count": int(frame["count"][3])}
    assert row["scores"] == {"0": probabilities[3, 0], "1": probabilities[3, 1]}
    assert row["model_version"] == "v1" and row["segment"] == {"channel": "app"}


def test_labels_of_an_array_are_logged_with_names_and_missing_values_as_null(server: FakeServer) -> None:
    X = np.arange(80.0).reshape(40, 2)
    plain = fitted(X)
    with server.client() as client:
        model = LoggedEstimator(plain, client, model_version="v1", inputs=["a", "b"])
        predicted = model.predict(X[:2])
        model._log([[np.nan, 1.0]], ["missing"], lambda number: {"label": "0"})
        client.flush()

    logged = [row for row in server.rows.values() if row["key"] != "missing"]
    assert [row["label"] for row in logged] == [str(label) for label in predicted]
    assert logged[1]["inputs"] == {"a": 2.0, "b": 3.0}
    assert server.rows["missing"]["inputs"] == {"a": None, "b": 1.0}


def test_what_cannot_be_logged_costs_no_prediction_and_the_rest_is_the_estimators_own(server: FakeServer) -> None:
    X = np.arange(80.0).reshape(40, 2)
    plain = fitted(X)
    with server.client() as client:
        model = LoggedEstimator(plain, client, model_version="v1")  # an array without names
        assert len(model.predict(X)) == 40
        assert model.steps == plain.steps
        client.flush()

    assert not server.rows


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Answers what it was asked, in two parts."""
    body = (await receive())["body"]
    await send({"type": "http.response.start", "status": 400 if b"bad" in body else 200, "headers": []})
    await send({"type": "http.response.body", "body": body[:3], "more_body": True})
    await send({"type": "http.response.body", "body": body[3:]})


def to_row(asked: Any, answered: Any) -> dict[str, Any] | None:
    return {"inputs": asked, "key": answered["text"], "label": "a"} if answered["text"] != "skipped" else None


def test_the_middleware_logs_the_answers_of_its_path_alone(server: FakeServer) -> None:
    texts = ["one", "two", "bad", "skipped", "x" * 2**20]

    async def ask(client: Any) -> list[str]:
        app = LogAnswers(echo, client, path="/classify", to_row=to_row)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://app") as http:
            answers = [await http.post("/classify", json={"text": text}) for text in texts]
            answers += [
                await http.post("/classify", content=b"no json"),
                await http.post("/other", json={"text": "no"}),
            ]
            return [answer.text for answer in answers]

    with server.client() as client:
        answers = asyncio.run(ask(client))
        client.flush()

    assert [json.loads(answer)["text"] for answer in answers[:5]] == texts and answers[5] == "no json"
    assert set(server.rows) == {"one", "two"}
