"""The guide of side questions does what it says: its spec, its label, and what is agreed of it."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from annotation import labels, leases, queues
from annotation.capture import capture_rows
from annotation.models import Cause, Item, Resolution
from projects import specs
from tests.annotation.labelling_scenario import make_entry
from tests.factories import NOW, make_user

GUIDE = (Path(__file__).parents[2] / "docs" / "side-questions.md").read_text()
SPEC, LABELS, AGREED = (json.loads(block) for block in re.findall(r"```json\n(.*?)```", GUIDE, re.DOTALL))


@pytest.mark.django_db
def test_the_spec_asks_the_label_answers_and_the_item_shows_what_was_agreed() -> None:
    project = specs.create_project("replies", SPEC, by=None, at=NOW)
    ada = make_user("ada", project)
    inputs = {"question": "Where is it?", "reply": "Go away."}
    assert capture_rows(project, [{"key": "1", "inputs": inputs}], at=NOW).created == 1
    queue = queues.ensure(project, Cause.UNCERTAIN, at=NOW)
    queues.add_entries(queue, [make_entry(Item.objects.get())], at=NOW)
    [lease] = leases.claim(project, by=ada, count=1, at=NOW)
    [row] = LABELS["labels"]
    sent: dict[str, Any] = {"value": row["value"], "also": row["also"]}

    assert labels.submit(project, lease.token, **sent, by=ada, at=NOW).status == "created"

    assert Resolution.objects.get().also == AGREED
