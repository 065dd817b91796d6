"""A cause is one module: what it registers is routed, leased, labelled and shown without another line."""

from collections.abc import Iterable, Iterator

import pytest
from django.test import Client
from django.urls import reverse

from annotation import labels, leases, routing
from annotation.models import Item, Queue, RoutedItem
from annotation.routing import registry
from annotation.routing.capacity import Places
from annotation.routing.registry import Pick, Round, RoutingCause
from projects.models import Project, Role
from tests.annotation.routing.traffic import NUMBERS, fill
from tests.factories import NOW, make_project, make_user

pytestmark = pytest.mark.django_db


def largest_first(round_: Round, places: int) -> Iterable[Pick]:
    """A cause of this test: the largest amounts."""
    items = Item.objects.filter(project=round_.project, in_pool=True)
    ranked = sorted(items, key=lambda item: -item.inputs["a"])
    return [Pick(item.pk, f"amount {item.inputs['a']:.1f}", {"a": item.inputs["a"]}, "largest") for item in ranked]


@pytest.fixture
def cause() -> Iterator[RoutingCause]:
    added = registry.register(RoutingCause("large_amount", "Large amount", largest_first, share=0.2, order=30))
    yield added
    registry.unregister(added)


@pytest.fixture
def project() -> Project:
    return make_project(inputs=NUMBERS)


def test_every_module_of_the_package_is_found() -> None:
    assert [cause.name for cause in registry.causes()] == [
        "overridden",
        "outcome_conflict",
        "drifted",
        "uncertain",
        "disagreement",
    ]


def test_a_second_cause_of_one_name_is_refused(cause: RoutingCause) -> None:
    with pytest.raises(ValueError, match="another routing cause large_amount"):
        registry.register(RoutingCause("large_amount", "Something else", largest_first))
    assert registry.causes().count(cause) == 1


def test_an_added_cause_takes_its_share_of_a_round(project: Project, cause: RoutingCause) -> None:
    items = fill(project, 200)
    Item.objects.update(audit_number=0.9)
    routed = routing.route(project, at=NOW, seed=1, places=Places(50, 0))
    assert routed.by_cause["large_amount"] == 10
    assert sum(routed.by_cause.values()) == 50
    rows = RoutedItem.objects.filter(cause="large_amount").order_by("-priority")
    largest = sorted(items, key=lambda item: -item.inputs["a"])[:10]
    assert [row.item_id for row in rows] == [item.pk for item in largest]
    assert Item.objects.filter(asked_at=NOW).count() == 50


def test_an_added_cause_reaches_the_desk_the_label_and_the_pages(project: Project, cause: RoutingCause) -> None:
    fill(project, 30)
    routing.route(project, at=NOW, seed=1, places=Places(30, 0))
    queue, rita = Queue.objects.get(slug="large-amount"), make_user("rita", project, Role.REVIEWER)
    (lease,) = leases.claim(project, by=rita, count=1, queue=queue, at=NOW)
    assert labels.submit(project, lease.token, value="ham", by=rita, at=NOW).status == "created"
    assert lease.item.resolutions.get().value == "ham"

    client = Client()
    client.force_login(rita)
    page = client.get(reverse("annotation:queue-list", args=[project.slug])).content.decode()
    assert "Large amount" in page
    items = client.get(reverse("analysis:item-list", args=[project.slug]), {"cause": "large_amount"})
    assert items.status_code == 200
    assert lease.item.uid in items.content.decode()
