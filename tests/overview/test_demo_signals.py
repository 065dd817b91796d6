"""Signals of the demo: sent once, each user right about as often as stated, and nobody is asked because of them."""

from datetime import timedelta

import pytest

from annotation import routing
from annotation.models import Resolution, Signal
from annotation.routing.capacity import Places
from overview import demo_signals
from tests.factories import NOW, make_item, make_prediction, make_project

pytestmark = pytest.mark.django_db
CONFUSED = {"ham": "spam", "spam": "ham"}


def test_users_are_right_as_often_as_stated_and_ask_nobody() -> None:
    project, truth = make_project(outcome_matures_after_days=14), dict[str, str]()
    for i in range(300):
        item = make_item(project, at=NOW - timedelta(days=9, hours=-i / 2), audit_number=0.9, audit_probability=0.2)
        make_prediction(item, [0.9, 0.1], source="served")
        truth[item.key] = "spam" if i % 4 == 0 else "ham"
        if i % 2 == 0:
            Resolution.objects.create(
                project=project,
                item=item,
                value=truth[item.key],
                method="single",
                quality=1,
                votes=1,
                resolved_at=NOW - timedelta(hours=6),
            )
    sent = demo_signals.send(project, truth, CONFUSED, at=NOW)
    assert sent == Signal.objects.count() > 250 and Signal.objects.filter(at__gte=NOW).count() == 0
    assert demo_signals.send(project, truth, CONFUSED, at=NOW) == 0
    for user, right in demo_signals.THUMBS.items():
        thumbs = Signal.objects.filter(actor=user).values_list("item__key", "kind")
        share = sum((kind == "thumbs_down") == (truth[key] == "spam") for key, kind in thumbs) / len(thumbs)
        assert share == pytest.approx(right, abs=0.15)
    assert routing.route(project, at=NOW, seed=1, places=Places(0, 0)).by_cause == {}
