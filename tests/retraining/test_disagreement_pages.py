"""Compare shows what labels of disagreements decide, and each of its counts leads to the items behind it."""

import re
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from annotation.models import Item, Queue, RoutedItem
from projects.models import Project, Role, User
from retraining import disagreements, judging
from retraining.models import DisagreementSample, ModelVersion
from tests.factories import make_user
from tests.retraining.disagreement_scenarios import ITEMS, ada, label, said, sample, version, window_of
from tests.retraining.scenarios import judged, supersede
from tests.test_numbers import walk

__all__ = ["ada", "sample", "version"]  # fixtures
pytestmark = pytest.mark.django_db


@pytest.fixture
def engineer(version: ModelVersion, client: Client) -> Client:
    client.force_login(make_user("eve", version.project, Role.ENGINEER))
    return client


def url(version: ModelVersion, part: str = "") -> str:
    return f"/p/{version.project.slug}/compare/{version.number}/{part}"


def text(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


@pytest.fixture
def mixed(version: ModelVersion, ada: User, run_jobs: Any) -> DisagreementSample:
    """Every count of the section is above 0: labels for either side and neither, some waiting, some after a gap."""
    Project.objects.update(retraining={"protected": ["channel=web", "label=spam"]})
    for _ in range(2):
        said(version.project, 0.5, 0.25)
    learnt = version.project.items.order_by("pk").first()
    assert learnt is not None
    said(version.project, learnt.inputs["x"], learnt.inputs["y"])
    half = Item.objects.filter(project=version.project).order_by("pk")[::2]
    Item.objects.filter(pk__in=[item.pk for item in half]).update(segment={"channel": "web"})
    disagreements.request(version, by=ada, at=timezone.now())
    run_jobs()
    made = version.disagreement_samples.get()
    label(made, [0, 1, 2, 3, 6, 7])
    label(made, [4], right=False)
    odd = Item.objects.get(pk=window_of(made).drawn[0].item)
    supersede(odd.resolutions.get(), "neither", at=timezone.now())
    disagreements.watch(timezone.now())
    run_jobs()
    made.refresh_from_db()
    return made


def test_every_count_leads_to_so_many_items(version: ModelVersion, mixed: DisagreementSample) -> None:
    assert walk(version.project, url(version)) >= 13


def test_the_lists_show_both_answers_and_the_label(
    version: ModelVersion, mixed: DisagreementSample, engineer: Client
) -> None:
    page = text(engineer, url(version, "disagreements/only-champion/"))
    assert "Where is only v1 right?" in page and "<dt>v2</dt> <dd>spam</dd>" in page and "<b>ham</b>" in page
    assert "Ask people again" in page
    assert "Ask people again" not in text(engineer, url(version, "disagreements/differ/"))
    assert "in channel=web" in text(engineer, url(version, "disagreements/labelled/?slice=channel%3Dweb"))


def test_what_waits_is_left_out_for_who_may_still_label_it(
    version: ModelVersion, mixed: DisagreementSample, engineer: Client
) -> None:
    page = text(engineer, url(version, "disagreements/waiting/"))
    assert "left out: you may still label" in page and "<dt>v2</dt>" not in page


def test_labelled_items_can_become_a_queue_and_others_cannot(
    version: ModelVersion, mixed: DisagreementSample, engineer: Client
) -> None:
    answer = engineer.post(url(version, "disagreements/only-champion/ask/"))
    queue = Queue.objects.latest("pk")
    assert answer.status_code == 302 and queue.slug in answer["Location"]
    assert RoutedItem.objects.filter(queue=queue).count() == 1
    assert engineer.post(url(version, "disagreements/waiting/ask/")).status_code == 404


@pytest.mark.parametrize("part", ["nothing", "differ"])
def test_an_unknown_list_or_one_before_the_draw_is_not_found(
    version: ModelVersion, engineer: Client, part: str
) -> None:
    assert engineer.get(url(version, f"disagreements/{part}/")).status_code == 404


def test_a_window_that_was_stored_without_ids_shows_its_counts_without_links(
    version: ModelVersion, sample: DisagreementSample, engineer: Client
) -> None:
    kept = {name: value for name, value in sample.window.items() if not name.endswith("_ids")}
    DisagreementSample.objects.update(window=kept)
    page = text(engineer, url(version))
    assert f"of {ITEMS} items" in page and "disagreements/differ/" not in page


def test_the_decision_on_top_is_that_of_the_test_which_opens_the_gate(
    version: ModelVersion, sample: DisagreementSample, engineer: Client, run_jobs: Any
) -> None:
    Project.objects.update(retraining={"gate": "disagreement"})
    judged(version, {"decision": "promote"})
    page = text(engineer, url(version))
    assert "<h2>Hold: where they differ: not decided yet</h2>" in page
    assert "Labels where they differ open the gate" in page and "Audit items, beside it: Promote" in page
    label(sample, range(20))
    disagreements.watch(timezone.now())
    run_jobs()
    assert "<h2>Promote: where they differ: v2 is better than v1</h2>" in text(engineer, url(version))
    page = text(engineer, url(version, "promote/"))
    assert "v2 is better than v1. Audit items, beside it: " in page and "The gate holds it" not in page


def test_says_what_it_does_by_itself_and_which_answers_it_looked_at(
    version: ModelVersion, engineer: Client, sample: DisagreementSample
) -> None:
    Project.objects.update(retraining={"gate": "disagreement", "promote": "by_gate"})
    DisagreementSample.objects.update(window=sample.window | {"limited": True})
    page = text(engineer, url(version))
    assert "at most 300 in all" in page and "items of the newest 20,000 answers" in page
    DisagreementSample.objects.all().delete()
    assert "It begins by itself once they differ on 30 items" in text(engineer, url(version))


def test_costs_are_shown_in_their_unit(version: ModelVersion, engineer: Client, ada: User, run_jobs: Any) -> None:
    Project.objects.update(positive="spam", costs={"false_positive": 1, "false_negative": 10})
    disagreements.request(version, by=ada, at=timezone.now())
    run_jobs()
    label(version.disagreement_samples.get(), range(20))
    disagreements.watch(timezone.now())
    run_jobs()
    page = text(engineer, url(version))
    assert "v2 costs less than v1" in page and "Difference in costs over all traffic" in page
    assert "for each 100 items [" in page


def test_a_slice_that_is_not_decided_is_open_and_not_failed(
    version: ModelVersion, engineer: Client, mixed: Any
) -> None:
    page = text(engineer, url(version))
    assert '<li class="open"> <b>channel=web</b> <span> not decided, margin 1 point; they differ on <a' in page
    assert "</a> ," not in page


@pytest.mark.parametrize("address", ["releases/", "runs/", "runs/{run}/"])
def test_where_labels_of_disagreements_open_the_gate_their_figures_stand_beside_it(
    version: ModelVersion, sample: DisagreementSample, engineer: Client, run_jobs: Any, address: str
) -> None:
    Project.objects.update(retraining={"gate": "disagreement"})
    judged(version, {"decision": "promote"})
    place = f"/p/{version.project.slug}/{address.format(run=version.run.number)}"
    assert "the gate holds it: no label where they differ" in text(engineer, place).replace(
        "gate holds:", "gate holds it:"
    )
    label(sample, range(20))
    disagreements.watch(timezone.now())
    run_jobs()
    page = text(engineer, place).replace("would promote:", "would promote it:")
    assert re.search(r"the gate would promote it: [+].* points \[.*\], 20 labels where they differ", page)
    assert "audit labels" not in page.partition("would promote it:")[2][:80]


def test_runs_ask_once_for_the_verdicts_of_all_versions(
    version: ModelVersion, sample: DisagreementSample, django_assert_num_queries: Any
) -> None:
    Project.objects.update(retraining={"gate": "disagreement"})
    judged(version, {"decision": "promote"})
    versions = list(ModelVersion.objects.select_related("project", "judgement"))
    with django_assert_num_queries(1):
        assert len(judging.gate_verdicts(versions)) == len(versions) == 2
