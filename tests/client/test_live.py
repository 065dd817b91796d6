"""The client against the real server over HTTP: what it logs is captured, and what it asks is answered."""

from pathlib import Path
from typing import Any

import pytest
from plumbline_client import ApiError, Client, RefusedRow

from annotation.models import Item, Prediction, Signal
from projects import members
from projects.models import Role
from tests.client.fake_server import QUICK
from tests.factories import NOW, make_project, make_user


@pytest.mark.django_db(transaction=True)
def test_a_program_logs_and_asks(live_server: Any, tmp_path: Path) -> None:
    project = make_project("mail")
    user = make_user("bo", project, Role.ENGINEER)
    _, secret = members.create_key(project, user, ["ingest", "annotate", "read"], by=None, at=NOW)
    refused: list[RefusedRow] = []
    address = live_server.url
    with Client(address, "mail", secret, spool=tmp_path, options=QUICK, on_refused=refused.append) as client:
        key = client.predictions.log({"text": "hello"}, scores={"ham": 0.9, "spam": 0.1}, model_version="v1")
        for number in range(69):
            client.predictions.log({"text": f"message {number}"}, label="ham", model_version="v1")
        client.predictions.log({"text": "x"}, label="unknown")
        client.signals.log(key, "thumbs_down", actor="customer 1")
        assert client.flush(60)

        counts = client.counts()
        assert (counts.logged, counts.created, counts.refused) == (72, 71, 1)
        assert [one.field for one in refused] == ["label"] and "ham, spam" in refused[0].error
        assert Item.objects.count() == Prediction.objects.count() == 70
        assert Signal.objects.get().item.key == key

        listed = list(client.items.iterate(version="v1"))
        assert len(listed) == 70 and len({item["id"] for item in listed}) == 70
        assert client.items.get(listed[-1]["id"])["key"] == listed[-1]["key"]
        assert set(client.items.to_pandas()["inputs.text"]) == {"hello", *(f"message {n}" for n in range(69))}
        [leased] = client.leases.claim(1)["leases"]
        [result] = client.labels.submit([{"lease": leased["lease"], "value": "ham", "seconds": 2.5}])["results"]
        assert result["status"] == "created"
        assert client.labels.undo(leased["lease"])["status"] == "undone"
        assert client.metrics("v1")["n"] == 0
        with pytest.raises(ApiError, match="window"):
            client.metrics(window="yesterday")
