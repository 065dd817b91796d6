"""Run in a process of its own beside the server: projects for the desk's tests, one for each, so that none disturbs
another. Prints nothing; the names are in PROJECTS."""

import base64
import io
from typing import Any

from tests.browser.application import set_up

DIGITS = (
    *("latency", "offline", "undo", "tabs", "keys", "mouse", "look", "reload", "off", "signed-out", "rest"),
    *("closed", "double", "layouts", "spoken"),
)
INTENTS = ("search", "flags", "twelve")
PROJECTS = (*DIGITS, *INTENTS, "blind", "rows", "empty", "guideline", "interval")
ITEMS = 60
LABELS = [
    {"value": "card_arrival", "title": "Card arrival", "hint": "Card was sent, has not come"},
    {"value": "estimate", "title": "Card delivery estimate", "hint": "Asks how long it takes"},
    *[{"value": f"intent_{n}", "title": f"Intent {n}"} for n in range(3, 24)],
]
GUIDELINE = (
    "> **4 against 9**\n> Open at the top is a 4.\n\n---\n\n### When you cannot tell\nSkip with <kbd>Space</kbd>."
)


def digit(place: int) -> str:
    """An 8 by 8 picture of its own for each item, as base64 of a PNG."""
    import numpy as np
    from PIL import Image
    from sklearn.datasets import load_digits

    pixels = (255 - load_digits().images[place] * 255 / 16).astype(np.uint8)
    with io.BytesIO() as file:
        Image.fromarray(pixels).save(file, "PNG")
        return base64.b64encode(file.getvalue()).decode()


def make(name: str, now: Any) -> None:
    from annotation import capture, guidelines, queues
    from annotation.models import Cause, Item
    from projects import members, specs
    from projects.models import Role, User

    labels: list[Any]
    inputs: dict[str, Any]
    given: list[dict[str, Any]]
    if name in INTENTS:
        labels, inputs = (LABELS[:12] if name == "twelve" else LABELS), {"text": {"type": "text"}}
        given = [{"text": f"Where is my card number {n}?"} for n in range(ITEMS)]
    elif name == "interval":
        labels, inputs = [], {"text": {"type": "text"}}
        given = [{"text": f"Card {n} came late, on 12 May."} for n in range(ITEMS)]
    elif name == "rows":
        labels, inputs = ["pay", "review"], {"amount": {"type": "number"}, "country": {"type": "category"}}
        given = [{"amount": 1234.5 + n, "country": "DE"} for n in range(ITEMS)]
    else:
        labels, inputs = list("0123456789"), {"scan": {"type": "image"}}
        given = [{"scan": picture} for picture in pictures()]
    kind = {"kind": "interval"} if name == "interval" else {"kind": "choice", "labels": labels}
    spec = {"title": f"Desk {name}", **kind, "inputs": inputs, "segments": ["scanner"]}
    project = specs.create_project(f"desk-{name}", spec, by=None, at=now)
    for user, role in (("ada", Role.ANNOTATOR), ("ruth", Role.REVIEWER)):
        members.set_role(project, User.objects.get(username=user), role, by=None, at=now)
    guidelines.publish(project, text=GUIDELINE, by=None, at=now)
    rows = [{"key": str(n), "inputs": one, "segment": {"scanner": "B"}} for n, one in enumerate(given)]
    capture.capture_rows(project, rows, at=now)
    ids = list(Item.objects.filter(project=project).order_by("pk").values_list("pk", flat=True))
    blind = name == "blind"
    cause, asked = (Cause.AUDIT if blind else Cause.UNCERTAIN), ids[:1] if name == "empty" else ids
    entries = [
        queues.Entry(
            pk,
            "4 against 9, margin 0.03",
            {"margin": 0.03},
            1.0,
            1 - place / ITEMS,
            evaluation=blind,
        )
        for place, pk in enumerate(asked)
    ]
    queues.add_entries(queues.ensure(project, cause, at=now), entries, at=now)
    if name == "empty":
        entry = queues.Entry(ids[1], "another queue", {}, 1.0, 0.5)
        queues.add_entries(queues.ensure(project, Cause.DRIFTED, at=now), [entry], at=now)


def pictures() -> list[str]:
    if not _pictures:
        _pictures.extend(digit(place) for place in range(ITEMS))
    return _pictures


_pictures: list[str] = []


def main() -> None:
    set_up()
    from django.utils import timezone

    for name in PROJECTS:
        make(name, timezone.now())


if __name__ == "__main__":
    main()
