"""What happened to one item, in the order of time, and how people voted."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from analysis.item_story import count_votes, story
from analysis.item_timeline import TimelineKind, timeline
from annotation import labels
from annotation.models import Cause, Label, LabelState
from projects.models import Role
from tests.analysis.scenarios import make_finding, route
from tests.annotation.labelling_scenario import make_scenario
from tests.factories import make_item, make_prediction, make_user


@pytest.mark.django_db
def test_every_fact_of_an_item_stands_in_its_timeline_in_order() -> None:
    scenario = make_scenario()
    (item,) = scenario.ask()
    make_prediction(item, [0.9, 0.1], at=item.captured_at + timedelta(days=90))
    token = scenario.token(scenario.alice)
    labels.submit(scenario.project, token, by=scenario.alice, at=scenario.tick(), value="spam")
    make_finding(item, "spam", "ham")

    events = timeline(item, story(item))
    assert [event.at for event in events] == sorted(event.at for event in events)
    assert events[0].kind == TimelineKind.CAPTURED and events[-1].kind == TimelineKind.SAID
    wanted = {TimelineKind.ROUTED, TimelineKind.LABELLED, TimelineKind.RESOLVED, TimelineKind.SUSPECTED}
    assert wanted <= {event.kind for event in events}

    browser = Client()
    browser.force_login(scenario.rita)
    page = browser.get(reverse("analysis:item", args=[scenario.project.slug, item.uid])).content.decode()
    text = " ".join(page.split("What happened when?")[1].split("</table>")[0].split())
    assert "alice said <b>spam</b>." in text and "v1 said <b>ham</b> (captured)." in text
    assert f"similar={item.uid}&amp;sort=similar" in page


@pytest.mark.django_db
def test_of_an_item_that_its_viewer_may_still_label_only_its_capture_is_shown() -> None:
    scenario = make_scenario()
    item = make_item(scenario.project)
    make_prediction(item, [0.9, 0.1])
    route(scenario.project, [item], Cause.AUDIT, probability=0.5)
    viewer = make_user(project=scenario.project, role=Role.ENGINEER)
    assert [event.kind for event in timeline(item, story(item, viewer=viewer))] == [TimelineKind.CAPTURED]


def test_votes_are_counted_by_value_the_most_frequent_first() -> None:
    given = [["a"], ["b"], ["b"], ["a", "b"]]
    said = [Label(state=LabelState.GIVEN, value=value) for value in given]
    assert count_votes([*said, Label(state=LabelState.UNDONE, value=["a"])])[0] == (["b"], 2)
    assert count_votes([]) == []
