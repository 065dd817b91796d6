"""The guide of ML backends: its backend answers, and its command keeps what it says."""

import json
import re
import threading
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from annotation.management.commands import ask_ml_backend
from annotation.ml_backends import asking, calls
from annotation.models import Item, Prediction
from tests.annotation.labelling_scenario import make_scenario

GUIDE = (Path(__file__).resolve().parents[3] / "docs" / "ml-backends.md").read_text()


@pytest.mark.django_db
def test_the_backend_of_the_guide_suggests_labels(
    settings: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.OUTGOING_NETWORKS = ["127.0.0.0/8"]
    monkeypatch.setattr(ask_ml_backend, "PATIENCE", 0.0)
    monkeypatch.setattr(ask_ml_backend, "POLL", 0.0)
    scenario = make_scenario()
    first, second = scenario.ask(2)
    Item.objects.filter(pk=first.pk).update(inputs={"text": "you win a prize"})
    [snippet] = re.findall(r"^```python\n(.*?)^```", GUIDE, re.DOTALL | re.MULTILINE)
    names: dict[str, Any] = {"__name__": "guide"}
    exec(snippet, names)
    monkeypatch.setattr(names["Backend"], "log_message", lambda *_: None, raising=False)
    server = ThreadingHTTPServer(("127.0.0.1", 0), names["Backend"])
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        address = f"http://127.0.0.1:{server.server_port}"
        call_command("ask_ml_backend", scenario.project.slug, address, "--name", "words", "--wait", "--json")
    finally:
        server.shutdown()
        server.server_close()
    said = json.loads(capsys.readouterr().out)
    assert (said["kept"], said["unusable"], said["version"]) == (2, 0, "words-1")
    kept = {one.item_id: (one.label, one.confidence) for one in Prediction.objects.all()}
    assert kept == {first.pk: ("spam", 0.9), second.pk: ("ham", 0.7)}


def test_the_guide_names_the_limits_that_hold() -> None:
    words = " ".join(GUIDE.split())
    minutes = {"five": asking.ALONE_FOR, "ten": asking.PAUSE}
    assert {name: limit.total_seconds() / 60 for name, limit in minutes.items()} == {"five": 5, "ten": 10}
    for said in (
        f"for {asking.AT_ONCE} items at once",
        f"up to {asking.MOST_ITEMS:,} items",
        f"longer than {calls.PATIENT:.0f} s",
        f"larger than {calls.LARGEST_ANSWER >> 20} MiB",
    ):
        assert said in words, said
