"""Events: the audit trail in sentences with a subject."""

import pytest

from overview import events
from projects import audit
from projects.models import ApiKey
from tests.factories import NOW, make_project, make_user

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("action", "target", "details", "sentence"),
    [
        ("release.promote", "v1", {"version": "v1"}, "Plumbline promoted v1"),
        ("member.role", "bea", {"role": "annotator"}, "Plumbline made bea an annotator"),
        ("member.role", "bea", {"role": "reviewer"}, "Plumbline made bea a reviewer"),
        ("finding.decide", "item 3", {"decision": "unclear"}, "Plumbline marked a suspected label unclear"),
        ("finding.decide", "item 3", {"decision": "of a later version"}, "Plumbline decided about a suspected label"),
        ("run.open", "run 2", {}, "Plumbline started run 2"),
        ("guideline.publish", "version 3", {}, "Plumbline published version 3 of the guideline"),
        ("queue.delete", "odd-{ones}", {}, "Plumbline deleted the queue odd-{ones}"),
    ],
)
def test_each_event_is_a_sentence_that_begins_with_who(action: str, target: str, details: dict, sentence: str) -> None:
    project = make_project()
    audit.record(action, by=None, at=NOW, project=project, target=target, details=details)
    [event] = events.events(project)
    assert f"{event.who} {event.did}" == sentence


def test_people_and_keys_are_named() -> None:
    project, ruth = make_project(), make_user("ruth")
    audit.record("item.decide", by=ruth, at=NOW, project=project, target="item_1")
    audit.record(
        "run.open", by=ApiKey(prefix="pl_abc", user=ruth, project=project), at=NOW, project=project, target="r"
    )
    assert [event.who for event in events.events(project)] == ["Key pl_abc…", "ruth"]


def test_every_predicate_has_words_whatever_its_event_lacks() -> None:
    project = make_project()
    for action in events.PREDICATES:
        audit.record(action, by=None, at=NOW, project=project, target="x")
    assert all(event.did for event in events.events(project, most=100))
