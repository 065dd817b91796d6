"""Run in a process of its own beside the server: one project of each task kind for the desk's tests. Prints nothing."""

import base64
from typing import Any

import numpy as np

from tests.browser.application import set_up
from tests.pictures import grey

ITEMS = 8
LONG = "Ada Lovelace wrote to Charles Babbage in London on 5 October 1842 about the Analytical Engine 🧮 and its notes."
ANSWER = (
    "The parcel left our depot on Monday, so it should be with you within two working days. I am sorry for the wait."
)
FAILURES = ["It is wrong", "It is rude", "It says too little"]
PROJECTS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "choices": (
        {
            "labels": [
                {"value": "late", "title": "Late", "hint": "Came after the day that was promised"},
                {"value": "rude", "title": "Rude"},
                {"value": "wrong", "title": "Wrong item"},
                {"value": "broken", "title": "Broken", "hint": "Does not work, or came in parts"},
            ],
            "inputs": {"text": {"type": "text"}},
        },
        {"text": "The lamp came two days late and one of its arms was broken off."},
    ),
    "rating": (
        {
            "answer": {"lowest_means": "Of no use", "highest_means": "Nothing to add"},
            "inputs": {"question": {"type": "text"}, "reply": {"type": "text"}},
        },
        {"question": "Where is my parcel?", "reply": ANSWER},
    ),
    "text": (
        {"answer": {"corrects": "draft"}, "inputs": {"question": {"type": "text"}, "draft": {"type": "text"}}},
        {"question": "Where is my parcel?", "draft": "The parcel leaved our depot on monday."},
    ),
    "spans": (
        {
            "labels": ["PERSON", "PLACE", "DATE", "THING"],
            "inputs": {"text": {"type": "text"}},
        },
        {"text": LONG},
    ),
    "pair": (
        {
            "inputs": {"question": {"type": "text"}, "model_1": {"type": "text"}, "model_2": {"type": "text"}},
        },
        {"question": "Where is my parcel?", "model_1": ANSWER, "model_2": "It is on its way."},
    ),
    "ranking": (
        {
            "answer": {"candidates": ["model_1", "model_2", "model_3"]},
            "inputs": {name: {"type": "text"} for name in ("question", "model_1", "model_2", "model_3")},
        },
        {
            "question": "Where is my parcel?",
            "model_1": ANSWER,
            "model_2": "It is on its way.",
            "model_3": "Please write to our office, which is open from Monday to Friday.",
        },
    ),
    "also": (  # one label, and side questions beside it
        {
            "kind": "choice",
            "labels": ["good", "bad"],
            "inputs": {"question": {"type": "text"}, "reply": {"type": "text"}},
            "also_ask": [
                {"name": "failure", "title": "What failed?", "kind": "choices", "labels": FAILURES, "when": ["bad"]},
                {"name": "severity", "title": "How bad is it?", "kind": "rating", "required": True, "when": ["bad"]},
                {"name": "better", "title": "What should it say?", "kind": "text", "when": ["bad"]},
            ],
        },
        {"question": "Where is my parcel?", "reply": ANSWER},
    ),
    "boxes": (
        {"labels": ["sign", "car", "person"], "inputs": {"photo": {"type": "image"}}},
        {"photo": base64.b64encode(grey(np.add.outer(np.arange(300) // 3, np.arange(400) // 4))).decode()},
    ),
}


def make(kind: str, now: Any) -> None:
    from annotation import capture, guidelines, queues
    from annotation.models import Cause, Item
    from projects import members, specs
    from projects.models import Role, User

    more, inputs = PROJECTS[kind]
    spec = {"title": f"Desk of {kind}", "kind": kind, **more}
    project = specs.create_project(f"kind-{kind}", spec, by=None, at=now)
    for user, role in (("ada", Role.ANNOTATOR), ("ruth", Role.REVIEWER)):
        members.set_role(project, User.objects.get(username=user), role, by=None, at=now)
    guidelines.publish(project, text="Read it whole before you answer.", by=None, at=now)
    capture.capture_rows(project, [{"key": str(n), "inputs": inputs} for n in range(ITEMS)], at=now)
    ids = Item.objects.filter(project=project).order_by("pk").values_list("pk", flat=True)
    entries = [queues.Entry(pk, "drawn at random", {}, 1.0, 1 - place / ITEMS) for place, pk in enumerate(ids)]
    queues.add_entries(queues.ensure(project, Cause.UNCERTAIN, at=now), entries, at=now)


def main() -> None:
    set_up()
    from django.utils import timezone

    for kind in PROJECTS:
        make(kind, timezone.now())


if __name__ == "__main__":
    main()
