"""The admin console: every form of every table is posted, and what a domain module owns does not change by it."""

from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group
from django.db import models
from django.test import Client

from annotation.models import Queue
from annotation.models.routing import ASKED_AT_ONCE
from annotation.routing import registry
from projects.models import AuditEvent, Project, User
from tests.factories import make_project, make_user
from tests.test_guards import PairRows, ProjectPair, make_pair, pair

__all__ = ["pair"]  # a fixture
pytestmark = pytest.mark.django_db
EDITABLE = {"Project", "Queue", "User"}
PASSWORD = "a long enough password"


@pytest.fixture
def pair_rows(db: None) -> PairRows:
    """Made for each test that asks: the others begin with an empty database."""
    return make_pair()


@pytest.fixture
def root() -> Client:
    client = Client()
    client.force_login(make_user("root", is_superuser=True))
    return client


def address(model: type[models.Model], *parts: Any) -> str:
    return "/".join(["/admin", model._meta.app_label, str(model._meta.model_name), *map(str, parts)]) + "/"


def filled(client: Client, path: str, **changed: Any) -> dict[str, Any]:
    """What a browser would send back from this form, with some fields changed."""
    form = client.get(path).context["adminform"].form
    sent = {name: form[name].value() for name in form.fields if not form.fields[name].disabled}
    hidden = [name for name in sent if form.fields[name].show_hidden_initial]
    sent |= {form[name].html_initial_name: sent[name] for name in hidden}
    return {name: value for name, value in {**sent, **changed}.items() if value is not None and value is not False}


def rows(model: type[models.Model]) -> list[dict[str, Any]]:
    return list(model._default_manager.order_by("pk").values())


@pytest.mark.parametrize("model", list(admin.site._registry), ids=lambda model: model._meta.label)
def test_every_form_is_posted_and_only_three_tables_take_it(pair: ProjectPair, model: type[models.Model]) -> None:  # noqa: F811
    root = pair.people["root"]
    first = model._default_manager.order_by("pk").first()
    change, add = address(model, first.pk if first else 1, "change"), address(model, "add")
    before, events = rows(model), AuditEvent.objects.count()
    if model.__name__ in EDITABLE:
        assert root.post(change, filled(root, change)).status_code == 302
        event = AuditEvent.objects.latest("sequence")
        assert (AuditEvent.objects.count(), event.action) == (events + 1, "console.change")
        assert (event.actor, event.target) == ("user:root", f"{model._meta.label} {first.pk}")
    else:
        assert root.post(change, {"slug": "x", "state": "x"}).status_code == 403
        assert AuditEvent.objects.count() == events or model is AuditEvent
    if model is not User:
        assert root.post(add, {"slug": "x", "title": "x"}).status_code == 403
    assert root.post(address(model, first.pk if first else 1, "delete"), {"post": "yes"}).status_code == 403
    root.post(address(model), {"action": "delete_selected", "_selected_action": [1], "post": "yes"})
    assert rows(model) == before or model is AuditEvent


def test_roles_are_given_in_projects_so_groups_are_not_shown() -> None:
    assert not admin.site.is_registered(Group)


class TestPeople:
    def test_a_person_is_added_with_a_password_and_recorded(self, root: Client) -> None:
        sent = {"username": "bo", "usable_password": "true", "password1": PASSWORD, "password2": PASSWORD}
        assert root.post("/admin/projects/user/add/", sent).status_code == 302
        bo = User.objects.get(username="bo")
        assert bo.check_password(PASSWORD) and not bo.is_superuser
        event = AuditEvent.objects.latest("sequence")
        assert (event.action, event.actor, event.details["name"]) == ("console.add", "user:root", "bo")

    def test_a_person_is_deactivated_and_their_session_ends(self, root: Client) -> None:
        bo, theirs = make_user("bo"), Client()
        theirs.force_login(bo)
        assert theirs.get("/account/").status_code == 200
        path = address(User, bo.pk, "change")
        assert root.post(path, filled(root, path, is_active=False)).status_code == 302
        assert not User.objects.get(username="bo").is_active
        assert theirs.get("/account/").status_code == 302
        assert AuditEvent.objects.latest("sequence").details == {"name": "bo", "fields": ["Active"]}

    def test_a_new_password_is_recorded_without_itself(self, root: Client) -> None:
        bo = make_user("bo")
        sent = {"password1": PASSWORD, "password2": PASSWORD, "usable_password": "true"}
        assert root.post(f"/admin/projects/user/{bo.pk}/password/", sent).status_code == 302
        assert User.objects.get(username="bo").check_password(PASSWORD)
        event = AuditEvent.objects.latest("sequence")
        assert (event.action, event.details["fields"]) == ("console.change", ["password"])
        assert PASSWORD not in str(event.details)

    def test_the_own_password_is_changed_on_the_account_page(self, root: Client) -> None:
        assert root.post("/admin/password_change/", {"new_password1": PASSWORD})["Location"] == "/account/"

    @pytest.mark.parametrize("taken", ["is_active", "is_superuser"])
    def test_the_installation_keeps_an_admin_who_can_sign_in(self, root: Client, taken: str) -> None:
        make_user("asleep", is_superuser=True, is_active=False)
        me = User.objects.get(username="root")
        path = address(User, me.pk, "change")
        refused = root.post(path, filled(root, path, **{taken: False}))
        assert "root is the only admin of this installation; make another first." in refused.content.decode()
        me.refresh_from_db()
        assert me.is_active and me.is_superuser
        make_user("other", is_superuser=True)
        assert root.post(path, filled(root, path, **{taken: False})).status_code == 302


class TestProjects:
    @pytest.fixture
    def project(self) -> Project:
        return make_project("mail", champion_version="v1", threshold_version="t1", policy_version="p1")

    def test_what_is_served_cannot_be_set(self, root: Client, project: Project) -> None:
        path = address(Project, project.pk, "change")
        served = {f"{name}_version": "v99" for name in ("champion", "threshold", "policy")}
        assert root.post(path, filled(root, path, title="Post", slug="post", **served)).status_code == 302
        kept = Project.objects.values_list(
            "title", "slug", "champion_version", "threshold_version", "policy_version"
        ).get()
        assert kept == ("Post", "mail", "v1", "t1", "p1")
        event = AuditEvent.objects.get()
        assert (event.project, event.details) == ("mail", {"name": "Post", "fields": ["Title"]})

    def test_a_promotion_between_load_and_save_stays(
        self, root: Client, project: Project, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = address(Project, project.pk, "change")
        sent = filled(root, path, title="Post")
        clean = Project.full_clean

        def promoted_meanwhile(self: Project, *args: Any, **more: Any) -> None:
            Project.objects.filter(pk=self.pk).update(champion_version="v2")
            clean(self, *args, **more)

        monkeypatch.setattr(Project, "full_clean", promoted_meanwhile)
        assert root.post(path, sent).status_code == 302
        assert Project.objects.values_list("title", "champion_version").get() == ("Post", "v2")


def test_a_queue_takes_its_weight_and_keeps_its_cause(pair: ProjectPair) -> None:  # noqa: F811
    queue, root = Queue.objects.get(project__slug="own"), pair.people["root"]
    path = address(Queue, queue.pk, "change")
    assert root.post(path, filled(root, path, weight=2.5, cause="audit")).status_code == 302
    assert Queue.objects.values_list("weight", "cause").get(pk=queue.pk) == (2.5, "uncertain")


def test_a_queue_takes_how_it_is_filled_where_that_has_an_effect(pair: ProjectPair) -> None:  # noqa: F811
    queue, root = Queue.objects.get(project__slug="own"), pair.people["root"]
    path, rows = address(Queue, queue.pk, "change"), Queue.objects.filter(pk=queue.pk)
    given = ("margin", "newest", 40)

    def save(cause: str, strategy: str, order: str, budget: int | str) -> bool:
        rows.update(cause=cause, created_by=None, strategy="auto", order="priority", daily_budget=None)
        sent = filled(root, path, strategy=strategy, order=order, daily_budget=budget)
        return bool(root.post(path, sent).status_code == 302)

    assert save("uncertain", *given)
    assert rows.values_list("strategy", "order", "daily_budget").get() == given
    assert save("audit", "auto", "random", 5) and save("overridden", "auto", "oldest", "")
    assert not save("drifted", "margin", "priority", "")
    assert not save("audit", "auto", "newest", "")
    assert not save("overridden", "auto", "priority", 5)
    assert all(cause.name in ASKED_AT_ONCE for cause in registry.causes() if cause.urgent)
