"""Settings of a project: one definition for spec, console and what the database holds."""

import logging
from collections.abc import Iterator
from datetime import timedelta
from typing import Annotated, Any

import pytest
from django.test import Client
from django.urls import get_resolver
from django.utils import timezone
from msgspec import Meta

from jobs import reaper, registry
from jobs.models import Job
from projects.models import Project, Role
from projects.project_settings import (
    BadSpec,
    CostSettings,
    RetrainingSettings,
    RoutingSettings,
    Settings,
    extend,
    parse,
    withdraw,
)
from tests.factories import NOW, make_item, make_project, make_user

ROUTING = "batch, waiting, audit_share, show_reasons, label_signals_above, label_signals_after"

WRONG: list[tuple[str, Any, str]] = [
    ("routing", [], f"routing is []; it takes an object with some of {ROUTING}."),
    ("routing", {"waiting": "x"}, "routing.waiting is 'x'; it takes a whole number from 0 to 1,000,000."),
    ("routing", {"audit_share": 0}, "routing.audit_share is 0; it takes a number above 0 and at most 1"),
    ("routing", {"audit_share": float("nan")}, "routing.audit_share is nan"),
    ("routing", {"places": 1}, f"routing takes {ROUTING}; it does not take places."),
    ("retraining", [], "retraining is []"),
    ("retraining", {"after_labels": True}, "retraining.after_labels is True"),
    ("retraining", {"after_labels": 10**400}, "it takes a whole number from 1 to 10,000,000."),
    ("retraining", {"cooldown_minutes": 1e299}, "retraining.cooldown_minutes is 1e+299"),
    ("retraining", {"promote": "always"}, "retraining.promote is 'always'; it takes ask or by_gate."),
    ("retraining", {"protected": "channel=app"}, "it takes at most 20 slices such as channel=app or label=fraud."),
    ("retraining", {"protected": ["app"]}, "it takes at most 20 slices such as channel=app or label=fraud."),
    ("costs", {"false_negative": -1}, "costs.false_negative is -1; it takes a number from 0 to 1e12."),
    ("costs", {"review": float("inf")}, "costs.review is inf"),
]
KINDS: dict[str, type[Settings]] = {"routing": RoutingSettings, "retraining": RetrainingSettings, "costs": CostSettings}


@pytest.mark.parametrize(("name", "given", "words"), WRONG)
def test_what_cannot_be_used_is_refused_in_one_sentence(name: str, given: Any, words: str) -> None:
    with pytest.raises(BadSpec) as caught:
        parse(KINDS[name], name, given)
    assert words in str(caught.value) and "\n" not in str(caught.value) and len(str(caught.value)) < 200


@pytest.mark.parametrize("name", KINDS)
def test_what_is_left_out_has_its_default(name: str) -> None:
    assert parse(KINDS[name], name, {}) == KINDS[name]()


def test_what_is_given_is_taken() -> None:
    given = {"after_labels": 20, "cooldown_minutes": 0.5, "promote": "by_gate"}
    rule = parse(RetrainingSettings, "retraining", given)
    assert (rule.cooldown, rule.by_gate) == (timedelta(seconds=30), True)
    assert parse(CostSettings, "costs", {"false_negative": 20, "review": None}).review is None


class Eagerness(Settings, frozen=True, kw_only=True):
    """Settings that a higher layer adds to those of routing."""

    eager: Annotated[int, Meta(ge=0, description="a whole number from 0 up")] = 3

    def validate(self, name: str) -> None:
        if self.eager == 13:
            raise BadSpec(f"{name}.eager is 13; it takes any other number.")


class TestExtending:
    @pytest.fixture
    def eagerness(self) -> Iterator[None]:
        extend(RoutingSettings, Eagerness)
        yield
        withdraw(RoutingSettings, Eagerness)

    def test_each_kind_takes_its_own_fields_of_the_object(self, eagerness: None) -> None:
        given = {"batch": 7, "eager": 5}
        assert parse(Eagerness, "routing", given).eager == 5
        assert parse(RoutingSettings, "routing", given).batch == 7

    @pytest.mark.parametrize("kind", [Eagerness, RoutingSettings])
    @pytest.mark.parametrize(
        ("given", "words"),
        [
            ({"eager": -1}, "routing.eager is -1; it takes a whole number from 0 up."),
            ({"eager": 13}, "routing.eager is 13"),
            ({"batch": "x"}, "routing.batch is 'x'"),
            ({"eagre": 1}, f"routing takes {ROUTING}, eager; it does not take eagre."),
        ],
    )
    def test_all_of_the_object_is_checked(self, eagerness: None, kind: type[Settings], given: Any, words: str) -> None:
        with pytest.raises(BadSpec, match=words):
            parse(kind, "routing", given)

    def test_a_field_that_is_taken_is_refused(self, eagerness: None) -> None:
        with pytest.raises(ValueError, match="eager"):
            extend(RoutingSettings, Eagerness)

    def test_what_was_withdrawn_is_not_taken_any_more(self) -> None:
        with pytest.raises(BadSpec, match="does not take eager"):
            parse(RoutingSettings, "routing", {"eager": 1})


@pytest.mark.django_db
class TestConsole:
    @pytest.fixture
    def root(self) -> Client:
        client = Client()
        client.force_login(make_user("root", is_superuser=True))
        return client

    @pytest.mark.parametrize(("name", "given", "words"), [row for row in WRONG if "nan" not in row[2]])
    def test_takes_what_a_spec_takes_and_says_why_not(self, root: Client, name: str, given: Any, words: str) -> None:
        import json

        project = make_project("mail", positive="spam")
        fields = {"title": "Mail", "outcome_matures_after_days": 0, "positive": "spam"}
        fields |= dict.fromkeys(KINDS, "{}") | {name: json.dumps(given)}
        response = root.post(f"/admin/projects/project/{project.pk}/change/", fields)
        assert response.status_code == 200
        errors = response.context["adminform"].form.errors
        assert words in errors[name][0] or "Enter a valid JSON" in errors[name][0]
        assert Project.objects.values_list(name, flat=True).get() == {}

    @pytest.mark.parametrize("name", ["positive", "safe_default"])
    def test_a_label_that_is_none_is_refused(self, root: Client, name: str) -> None:
        project = make_project("mail")
        fields = {"title": "Mail", "outcome_matures_after_days": 0, name: "eggs", **dict.fromkeys(KINDS, "{}")}
        response = root.post(f"/admin/projects/project/{project.pk}/change/", fields)
        assert f"{name} is &#x27;eggs&#x27;, which is not one of the labels." in response.content.decode()
        assert not Project.objects.get().positive


@pytest.fixture
def broken(db: None) -> Project:
    """A project whose row was changed past every form; it comes first in every loop."""
    return make_project("a-broken", routing={"waiting": "x"}, retraining=[])


@pytest.mark.django_db
class TestOneProjectsFault:
    def test_stops_no_other_projects_routing(self, broken: Project, caplog: pytest.LogCaptureFixture) -> None:
        other = make_project("b-other")
        make_item(broken)
        make_item(other)
        with caplog.at_level(logging.WARNING):
            assert reaper.take_turns(at=timezone.now()) == len(registry.periodic())
        assert Job.objects.get(kind="annotation.route").project == other
        assert "annotation.route left project a-broken out: routing.waiting is 'x'" in caplog.text

    @pytest.mark.parametrize("error", [RuntimeError, ZeroDivisionError])
    def test_of_any_kind_is_logged_and_undone(self, error: type[Exception], caplog: pytest.LogCaptureFixture) -> None:
        first, _ = make_project("a"), make_project("b")

        def act(project: Project, at: Any) -> None:
            Project.objects.filter(pk=project.pk).update(title="touched")
            if project == first:
                raise error("as it happens")

        registry.for_each_project("test.act", act, at=NOW)
        assert dict(Project.objects.values_list("slug", "title")) == {"a": "A", "b": "touched"}
        assert [record.getMessage() for record in caplog.records] == ["test.act failed for project a"]

    def test_is_said_on_its_pages_and_nowhere_else(self, broken: Project) -> None:
        root = Client()
        root.force_login(make_user("root", is_superuser=True))
        seen = root.get("/p/a-broken/runs/")
        assert seen.status_code == 409
        assert "retraining is []; it takes an object with some of cooldown_minutes" in seen.content.decode()
        assert root.get("/p/a-broken/members/").status_code == 200
        assert root.get(f"/admin/projects/project/{broken.pk}/change/").status_code == 200
        make_project("b-other")
        assert root.get("/p/b-other/runs/").status_code == 200

    def test_on_every_page_is_a_sentence(self, broken: Project) -> None:
        client = Client()
        client.force_login(make_user("ada", broken, Role.ADMIN))
        paths = [
            str(pattern.pattern)
            for resolver in get_resolver().url_patterns
            for pattern in getattr(resolver, "url_patterns", [])
            if str(resolver.pattern).startswith("p/") and "<" not in str(pattern.pattern)
        ]
        statuses = {path: client.get(f"/p/a-broken/{path}").status_code for path in paths}
        assert len(statuses) > 8
        assert max(statuses.values()) < 500, statuses
