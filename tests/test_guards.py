"""Nobody in: every route declares its guard, and the guard holds for every role, for own and foreign objects.

Routes are found by walking the site map, the API's operations included, so that a new one is tested the day it is made.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone

from analysis.models import Finding, FindingKind, SavedView
from annotation.models import (
    Cause,
    DataExport,
    DataImport,
    FeedbackKey,
    Guideline,
    Lease,
    Media,
    MLBackend,
    Queue,
    RoutedItem,
    Slot,
    StoredUpload,
)
from config.api import api
from jobs.models import Job, JobState
from projects import members
from projects.guards import Guard
from projects.models import ABILITIES, Can, Project, Role, Scope, User
from retraining.models import Backtest, Dataset, ModelVersion, TrainingRun
from tests.factories import NOW, make_delivery, make_item, make_project, make_user

API_OWN_PAGES = {"openapi-json", "api-root"}  # django-ninja's: the description of the API, and a 404


@dataclass(frozen=True)
class Route:
    """One address with its parameters; `methods` is known for the API only."""

    path: str
    name: str
    guard: Guard | None
    methods: tuple[str, ...] = ("GET", "POST")

    def __str__(self) -> str:
        return f"{'+'.join(self.methods)} {self.path}" if self.methods != ("GET", "POST") else self.path

    @property
    def parameters(self) -> list[str]:
        return re.findall(r"<(?:\w+:)?(\w+)>", self.path)

    def at(self, values: dict[str, Any]) -> str:
        """The address with these values; a parameter without one fails the test that asks, and says so."""
        unknown = set(self.parameters) - set(values)
        assert not unknown, f"{self.path}: give tests/test_guards.py an own and a foreign {', '.join(unknown)}"
        return "/" + re.sub(r"<(?:\w+:)?(\w+)>", lambda found: str(values[found[1]]), self.path)


def patterns(found: list[Any], before: str = "") -> Iterator[tuple[str, URLPattern]]:
    for pattern in found:
        path = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from patterns(pattern.url_patterns, path)
        else:
            yield path, pattern


def pages() -> list[Route]:
    """Every address that is not the API's."""
    return [
        Route(path, pattern.name or "", getattr(pattern.callback, "guard", None))
        for path, pattern in patterns(get_resolver().url_patterns)
        if not path.startswith("api/v1/") or pattern.name in {*API_OWN_PAGES, "api-docs"}
    ]


def calls() -> list[Route]:
    """Every operation of the API."""
    found = []
    for prefix, router in api._routers:
        for path, view in router.path_operations.items():
            for operation in view.operations:
                full = "api/v1/" + f"{prefix.strip('/')}/{path.strip('/')}".strip("/")
                full = re.sub(r"{(?:(\w+):)?(\w+)}", r"<\2>", full)
                guard = getattr(operation.view_func, "guard", None)
                found.append(Route(full, operation.view_func.__name__, guard, tuple(operation.methods)))
    return found


PAGES, CALLS = pages(), calls()
CONSOLE = [route for route in PAGES if route.path.startswith("admin/")]
OURS = [route for route in PAGES if route not in CONSOLE and route.name not in API_OWN_PAGES]
OF_PROJECTS = [route for route in OURS if route.guard and route.guard.level == "project"]
OF_INSTALLATION = [route for route in OURS if route not in OF_PROJECTS]


@pytest.mark.parametrize("route", [*OURS, *CONSOLE, *CALLS], ids=str)
def test_every_route_declares_its_guard(route):
    assert route.guard is not None, f"{route} declares no guard; see projects/guards.py"


def test_the_walk_finds_pages_console_and_api():
    names = {route.name for route in PAGES}
    assert {"home", "sign-in", "overview", "desk", "run-list", "healthz", "auditevent_changelist"} <= {
        name.removeprefix("projects_") for name in names
    }
    assert CALLS
    assert all(route.guard.level == "key" for route in CALLS if route.guard)


def test_only_these_pages_are_public():
    public = {route.name for route in PAGES if route.guard and route.guard.level == "public"}
    assert public == {
        *("sign-in", "sign-in-link", "favicon", "healthz", "readyz", "metrics", "styleguide", "login", "api-docs"),
        *("feedback-component", "feedback-signal"),  # these ask for a publishable key, or show nothing of a project
    }


def test_what_names_a_project_asks_for_a_member_and_the_other_way_round():
    for route in OURS:
        assert ("slug" in route.parameters) == (route.guard.level == "project"), str(route)


# Two projects, each with one of everything that an address can name.


def objects(project: Project, owner: User) -> dict[str, Any]:
    """What the parameters of addresses stand for in this project."""
    number = 100 + project.pk  # different in each project, so that a foreign number is never also an own one
    item = make_item(project, f"key-{project.slug}")
    guideline = Guideline.objects.create(project=project, version=number, text="x", created_by=owner, created_at=NOW)
    media = Media.objects.create(
        project=project,
        sha256=f"{project.pk:064x}",
        content_type="image/png",
        width=1,
        height=1,
        size=1,
        created_at=NOW,
    )
    queue = Queue.objects.create(
        project=project, slug=f"queue-{project.slug}", title="Queue", cause=Cause.UNCERTAIN, created_at=NOW
    )
    routed = RoutedItem.objects.create(
        project=project,
        queue=queue,
        item=item,
        cause=Cause.UNCERTAIN,
        reason="x",
        inclusion_probability=0.5,
        priority=1,
        routed_at=NOW,
    )
    slot = Slot.objects.create(project=project, queue=queue, routed=routed, item=item, ordinal=1, priority=1)
    lease = Lease.objects.create(project=project, slot=slot, item=item, user=owner, granted_at=NOW)
    finding = Finding.objects.create(
        project=project,
        item=item,
        kind=FindingKind.LABEL_ERROR,
        key="x",
        given="ham",
        suggested="spam",
        score=0.1,
        expected=0.9,
        found_at=NOW,
    )
    job = Job.objects.create(
        kind="x.y", key=project.slug, project=project, state=JobState.DEAD, created_at=NOW, due_at=NOW
    )
    view = SavedView.objects.create(project=project, owner=owner, name="x", query="", shared=True, created_at=NOW)
    key, _ = members.create_key(project, owner, ["read"], by=owner, at=timezone.now())
    dataset = Dataset.objects.create(
        project=project,
        number=number,
        hash=f"{project.pk:064x}",
        schema_version=1,
        contract_version=1,
        cut_at=NOW,
        train_rows=1,
        evaluation_rows=1,
        created_at=NOW,
    )
    run = TrainingRun.objects.create(
        project=project, number=number, state="succeeded", reason="x", dataset=dataset, created_at=NOW
    )
    ModelVersion.objects.create(
        project=project,
        number=number,
        run=run,
        family="logistic",
        artifact_sha256="0" * 64,
        artifact_size=1,
        signature="0" * 64,
        schema_version=1,
        contract_version=1,
        created_at=NOW,
    )
    delivery = make_delivery(project)
    upload = StoredUpload.objects.create(owner=owner, name="rows.csv", size=1, created_at=NOW, expires_at=NOW)
    data_import = DataImport.objects.create(
        project=project, upload=upload, name="rows.csv", size=1, format="csv", options={}, created_at=NOW
    )
    feedback_key = FeedbackKey.objects.create(
        project=project,
        token=f"plumb_pub_{project.pk}",
        name="shop",
        origins=["https://shop.example"],
        kinds=["thumbs_up"],
        most_a_minute=600,
        most_by_address=20,
        created_at=NOW,
    )
    backend = MLBackend.objects.create(
        project=project,
        uid=f"backend_{project.pk}",
        name="tiny",
        url="https://203.0.113.7",
        nonce="1",
        created_at=NOW,
    )
    data_export = DataExport.objects.create(project=project, format="jsonl", created_by=owner, created_at=NOW)
    backtest = Backtest.objects.create(owner=owner, upload=upload, name="rows.csv", options={}, created_at=NOW)
    return {
        "backtest_uid": backtest.uid,
        "slug": project.slug,
        "uid": item.uid,
        "view": view.pk,
        "item_id": item.uid,
        "sha256": media.sha256,
        "queue": queue.slug,
        "token": lease.token,
        "lease": lease.token,
        "pk": finding.pk,
        "job_id": job.pk,
        "key_id": key.pk,
        "feedback_key_id": feedback_key.pk,
        "user_id": owner.pk,
        "number": number,
        "version": guideline.version,
        "backend_uid": backend.uid,
        "endpoint_uid": delivery.endpoint.uid,
        "delivery_id": delivery.pk,
        "import_uid": data_import.uid,
        "upload_uid": upload.uid,
        "export_uid": data_export.uid,
    }


# Names of choices, not of objects: the same in every project.
CHOICES = {"outcome": "fixed", "part": "differ", "secret": "nonsense", "act": "keep"}


@dataclass
class ProjectPair:
    own: dict[str, Any]
    foreign: dict[str, Any]
    people: dict[str, Client]

    def taken(self, route: Route, path: str) -> list[str]:
        """The methods that this address takes; any other is 405 for everybody, which tells nothing."""
        found = [method for method in route.methods if self.ask("root", path, method).status_code != 405]
        assert found, f"{route} takes neither of {route.methods}"
        return found

    def ask(self, who: str, path: str, method: str, **more: Any) -> Any:
        """One request whose effects are undone, so that the next meets the same rows."""
        with transaction.atomic():
            response = getattr(self.people[who], method.lower())(path, **more)
            b"".join(response) if response.streaming else response.content
            transaction.set_rollback(True)
        return response


@dataclass(frozen=True)
class PairRows:
    """Two projects in the database, and the cookies of people who are signed in."""

    own: dict[str, Any]
    foreign: dict[str, Any]
    cookies: dict[str, dict[str, str]]


@pytest.fixture(scope="module")
def pair_rows(module_rows: None) -> PairRows:
    return make_pair()


def make_pair() -> PairRows:
    """Two projects with one of everything, and one person of each role in the first."""
    own, other = make_project("own"), make_project("foreign")
    cookies = {"anonymous": {}, "stranger": signed_in(make_user("stranger", other, Role.ADMIN))}
    cookies |= {role.value: signed_in(make_user(role.value, own, role)) for role in Role}
    cookies["root"] = signed_in(make_user("root", is_superuser=True))
    owner, stranger = User.objects.get(username="admin"), User.objects.get(username="stranger")
    return PairRows(objects(own, owner) | CHOICES, objects(other, stranger) | CHOICES, cookies)


def signed_in(user: User) -> dict[str, str]:
    """The cookies of a person who has signed in."""
    client = Client()
    client.force_login(user)
    return {name: cookie.value for name, cookie in client.cookies.items()}


@pytest.fixture
def pair(pair_rows: PairRows, db: None) -> ProjectPair:
    """The two projects, and a new browser of each person; the rows are the module's, what a test changes is undone."""
    people = {name: Client() for name in pair_rows.cookies}
    for name, client in people.items():
        client.cookies.load(pair_rows.cookies[name])
        client.raise_request_exception = False
    return ProjectPair(pair_rows.own, pair_rows.foreign, people)


def kept_out(response: Any) -> bool:
    return response.status_code in {403, 404} or to_sign_in(response)


def to_sign_in(response: Any) -> bool:
    return response.status_code == 302 and response["Location"].startswith(("/sign-in/", "/admin/login/"))


@pytest.mark.parametrize("route", OF_PROJECTS, ids=str)
def test_a_page_of_a_project_opens_to_members_whose_role_can_and_to_nobody_else(pair, route):
    path = route.at(pair.own)
    for method in pair.taken(route, path):
        assert to_sign_in(pair.ask("anonymous", path, method)), f"anonymous {method} {path}"
        assert pair.ask("stranger", path, method).status_code == 404, f"stranger {method} {path}"
        for role in Role:
            response = pair.ask(role.value, path, method)
            if route.guard.can in ABILITIES[role]:
                assert response.status_code < 500, f"{role} {method} {path}: {response.status_code}"
                assert not to_sign_in(response)
                assert response.status_code != 403, f"{role} can {route.guard.can}, and was refused at {path}"
            else:
                assert response.status_code == 403, f"{role} cannot {route.guard.can}: {method} {path}"


@pytest.mark.parametrize("route", OF_PROJECTS, ids=str)
def test_a_foreign_project_is_not_there_for_any_role(pair, route):
    path = route.at(pair.foreign)
    for method in pair.taken(route, path):
        for role in Role:
            assert pair.ask(role.value, path, method).status_code == 404, f"{role} {method} {path}"


NAMED = [route for route in OF_PROJECTS if set(route.parameters) - {"slug", *CHOICES}]


@pytest.mark.parametrize("route", NAMED, ids=str)
def test_a_foreign_object_under_the_own_project_is_not_there(pair, route):
    path = route.at({**pair.foreign, "slug": pair.own["slug"]})
    statuses = {method: pair.ask("admin", path, method).status_code for method in route.methods}
    assert set(statuses.values()) <= {404, 405}, f"{path}: {statuses}"
    assert 404 in statuses.values(), f"{path}: {statuses}"


@pytest.mark.parametrize("route", OF_INSTALLATION, ids=str)
def test_a_page_of_the_installation_opens_to_whom_its_guard_says(pair, route):
    path = route.at(pair.own)
    for method in pair.taken(route, path):
        anonymous = pair.ask("anonymous", path, method)
        member, root = pair.ask("engineer", path, method), pair.ask("root", path, method)
        assert max(anonymous.status_code, member.status_code) < 504, path
        if route.guard.level == "public":
            assert not to_sign_in(anonymous) or route.name == "sign-in"
        else:
            assert to_sign_in(anonymous), f"anonymous {method} {path}"
            assert (member.status_code == 403) == (route.guard.level == "superuser"), f"engineer {method} {path}"
            assert root.status_code < 500 and root.status_code != 403, f"superuser {method} {path}"


@pytest.mark.parametrize("route", [route for route in CONSOLE if route.name != "login"], ids=str)
def test_the_console_opens_to_superusers_only(pair, route):
    path = "/" + re.sub(r"<(?:\w+:)?(\w+)>", "1", route.path)
    path = re.sub(r"\^\(\?P<app_label>.*", "projects/", path)
    path = re.sub(r"\(\?P<url>.*", "nowhere", path)
    for who in ("anonymous", "stranger", "annotator", "admin"):
        assert kept_out(pair.ask(who, path, "GET")) or route.name == "logout", f"{who} {path}"
    assert pair.ask("root", path, "GET").status_code < 500, path


def test_an_admin_of_a_project_reads_that_the_console_is_not_theirs(pair):
    response = pair.people["admin"].get("/admin/", follow=True)
    assert response.status_code == 403
    assert "Only an admin of this installation" in response.content.decode()


def test_the_console_signs_in_on_our_page(client, db):
    assert client.get("/admin/", follow=True).redirect_chain[-1][0] == "/sign-in/?next=/admin/"


# The API: keys instead of people, scopes instead of roles.


def bearer(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


@pytest.fixture
def secrets(pair) -> dict[str, str]:
    owner, own = User.objects.get(username="admin"), Project.objects.get(slug="own")
    now = timezone.now()
    return {scope.value: members.create_key(own, owner, [scope], by=owner, at=now)[1] for scope in Scope}


@pytest.mark.parametrize("route", CALLS, ids=str)
def test_a_call_takes_a_key_of_the_project_with_the_scope(pair, secrets, route):
    path = route.at(pair.own)
    sent = {"data": b"{}", "content_type": "application/json"}
    for method in route.methods:
        more = {} if method == "GET" else sent
        assert pair.ask("anonymous", path, method, **more).status_code == 401, f"no key: {method} {path}"
        assert pair.ask("root", path, method, **more).status_code == 401, f"a session is no key: {method} {path}"
        for scope, secret in secrets.items():
            response = pair.ask("anonymous", path, method, headers=bearer(secret), **more)
            if scope == route.guard.scope:
                assert response.status_code < 500 and response.status_code not in {401, 403}, f"{scope} {method} {path}"
            else:
                assert response.status_code == 403, f"{scope} {method} {path}"


@pytest.mark.parametrize("route", CALLS, ids=str)
def test_a_key_of_another_project_finds_nothing(pair, secrets, route):
    path = route.at(pair.foreign)
    for method in route.methods:
        more = {} if method == "GET" else {"data": b"{}", "content_type": "application/json"}
        response = pair.ask("anonymous", path, method, headers=bearer(secrets[route.guard.scope]), **more)
        assert response.status_code == 404, f"{method} {path}"


def test_every_ability_is_asked_for_somewhere():
    asked = {route.guard.can for route in OF_PROJECTS}
    assert asked >= {Can.LABEL, Can.SEE, Can.CHANGE, Can.ADMINISTER}
