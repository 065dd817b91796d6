"""Tags, saved views and acts on all items of a view."""

from types import SimpleNamespace
from typing import Any, cast

import pytest
from django.test import Client
from django.urls import reverse

from analysis import bulk_acts, saved_views
from analysis.models import SavedView
from analysis.views import items as item_views
from annotation import queues, tags
from annotation.models import Cause, Item, ItemTag, Queue, RoutedItem
from jobs.execution import run
from jobs.models import Job, JobState
from projects.models import AuditEvent, Project, Role, User
from tests.analysis.scenarios import route
from tests.factories import NOW, make_item, make_project, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> Project:
    project = make_project(inputs={"text": {"type": "text"}, "amount": {"type": "number"}})
    for n in range(6):
        make_item(project, f"k{n}", inputs={"text": f"message {n}", "amount": n})
    return project


@pytest.fixture
def emil(project: Project) -> User:
    return make_user("emil", project, "engineer")


def browser_of(user: User) -> Client:
    browser = Client()
    browser.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return browser


def post(browser: Client, project: Project, name: str, given: dict[str, Any], *more: Any) -> Any:
    return browser.post(reverse(f"analysis:{name}", args=[project.slug, *more]), given)


def tagged(project: Project, name: str) -> set[str]:
    return set(ItemTag.objects.filter(project=project, name=name).values_list("item__key", flat=True))


def test_chosen_items_get_a_tag_once_and_lose_it(project: Project, emil: User) -> None:
    uids = list(Item.objects.filter(project=project, key__in=["k1", "k2"]).values_list("uid", flat=True))
    foreign = make_item(make_project()).uid
    for _ in range(2):
        answer = post(
            browser_of(emil), project, "item-tag", {"act": "tag", "tag_name": " a  b", "item": [*uids, foreign]}
        )
        assert answer.status_code == 302
    assert tagged(project, "a b") == {"k1", "k2"} and ItemTag.objects.count() == 2
    post(browser_of(emil), project, "item-tag", {"act": "untag", "tag_name": "a b", "item": uids[:1]})
    assert len(tagged(project, "a b")) == 1
    assert AuditEvent.objects.filter(action="items.tag", target="a b").count() == 2


@pytest.mark.parametrize(
    "given",
    [
        {"act": "tag", "tag_name": ""},
        {"act": "tag", "tag_name": "x" * 61},
        {"act": "burn", "tag_name": "x"},
        {"act": "tag"},
    ],
)
def test_a_tag_that_cannot_be_is_refused_on_the_page(project: Project, emil: User, given: dict[str, Any]) -> None:
    uid = Item.objects.get(project=project, key="k1").uid
    assert post(browser_of(emil), project, "item-tag", {**given, "item": [uid]}).status_code == 422
    assert post(browser_of(emil), project, "item-tag", {"act": "tag", "tag_name": "x"}).status_code == 422
    assert not ItemTag.objects.exists()


def test_all_items_that_match_are_tagged_by_one_job(
    project: Project, emil: User, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    monkeypatch.setattr(bulk_acts, "AT_ONCE", 2)
    given = {"act": "tag", "tag_name": "large", "tag_all": "yes", "input": "amount:2.."}
    for _ in range(2):  # a double click
        assert post(browser_of(emil), project, "item-tag", given).status_code == 302
    job = Job.objects.get(kind=bulk_acts.KIND)
    assert not tagged(project, "large")
    run(job.pk)
    job.refresh_from_db()
    assert (job.state, job.result) == (JobState.SUCCEEDED, {"items": 4})
    assert tagged(project, "large") == {"k2", "k3", "k4", "k5"}


def test_a_large_view_is_put_into_a_queue_by_a_job_that_goes_on_where_it_was_killed(
    project: Project, emil: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(item_views, "MOST_SELECTED", 3)
    monkeypatch.setattr(bulk_acts, "QUEUED_AT_ONCE", 2)
    route(project, [Item.objects.get(key="k5")], Cause.UNCERTAIN, probability=1.0)
    answer = post(browser_of(emil), project, "item-queue", {"all": "yes", "input": "amount:1..", "title": "Large"})
    job = Job.objects.get(kind=bulk_acts.KIND)
    assert answer["Location"].endswith("?queue=large") and not RoutedItem.objects.filter(queue__slug="large").exists()

    puts: list[int] = []

    def killed(queue: Queue, entries: Any, *, at: Any) -> queues.Put:
        if puts:
            raise KeyboardInterrupt
        puts.append(len(entries))
        return add_entries(queue, entries, at=at)

    add_entries = queues.add_entries
    with monkeypatch.context() as stopped:
        stopped.setattr(queues, "add_entries", killed)
        attempt = SimpleNamespace(payload=job.payload, progress=lambda *_: None)
        with pytest.raises(KeyboardInterrupt):
            bulk_acts.run_act(cast(Any, attempt), project, emil, at=NOW)
    assert 1 <= RoutedItem.objects.filter(queue__slug="large").count() <= 2

    run(job.pk)
    job.refresh_from_db()
    assert (job.state, job.result) == (JobState.SUCCEEDED, {"items": 4, "waiting_already": 1})
    put = RoutedItem.objects.filter(queue__slug="large").order_by("-priority")
    assert sorted(row.item.key for row in put) == ["k1", "k2", "k3", "k4"]
    assert {row.reason for row in put} == {"chosen by emil: amount 1.."}


def test_a_filter_by_tag_leaves_out_what_its_viewer_may_still_label(project: Project, emil: User) -> None:
    items = list(Item.objects.filter(project=project))
    tags.add_tag(project, [item.pk for item in items[:2]], "odd", by=emil, at=NOW)
    route(project, items[:1], Cause.AUDIT, probability=0.5)
    page = browser_of(emil).get(reverse("analysis:item-list", args=[project.slug]), {"tag": "odd"})
    assert ([row.key for row in page.context["rows"]], page.context["left_out"]) == (["k1"], 1)


def test_a_view_is_saved_shared_renamed_and_deleted(project: Project, emil: User) -> None:
    given = {"input": "amount:2..", "sort": "-input:amount", "columns": "input:text|at", "name": "Large ones"}
    answer = post(browser_of(emil), project, "item-view-save", {**given, "shared": "yes"})
    page = browser_of(emil).get(answer["Location"])
    assert [row.key for row in page.context["rows"]] == ["k5", "k4", "k3", "k2"]
    assert b'aria-current="page">Large ones</a>' in page.content.replace(b"\n", b"")
    view = SavedView.objects.get()
    assert view.query == page.context["query"]
    rita = make_user("rita", project, "reviewer")
    assert list(saved_views.seen_by(project, rita)) == [view]
    assert post(browser_of(rita), project, "item-view-change", {"act": "delete"}, view.pk).status_code == 422
    post(browser_of(emil), project, "item-view-change", {"act": "rename", "name": "Big"}, view.pk)
    view.refresh_from_db()
    assert view.name == "Big"
    post(browser_of(emil), project, "item-view-change", {"act": "delete"}, view.pk)
    assert not SavedView.objects.exists()
    assert list(AuditEvent.objects.order_by("sequence").values_list("action", flat=True)) == [
        "view.save",
        "view.rename",
        "view.delete",
    ]


def test_a_view_of_ones_own_is_seen_by_nobody_else_and_replaced_by_its_name(project: Project, emil: User) -> None:
    for query in ("input=amount%3A2..", ""):
        saved_views.save_view(project, "Mine", query, shared=False, by=emil, at=NOW)
    view = SavedView.objects.get()
    assert view.query == ""
    rita = make_user("rita", project, "reviewer")
    assert not saved_views.seen_by(project, rita)
    assert post(browser_of(rita), project, "item-view-change", {"act": "delete"}, view.pk).status_code == 404
    saved_views.save_view(project, "Other", "", shared=False, by=emil, at=NOW)
    with pytest.raises(saved_views.BadSavedView, match="already"):
        saved_views.rename_view(view, "Other", by=emil, role=Role.ENGINEER, at=NOW)
