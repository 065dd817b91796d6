"""Blind evaluation: no page and no call shows, to a person who may still give an evaluation label, what was said.

Every route is read twice. Between the two, what the model, people and signals said of two such items is exchanged.
Numbers over all items stay as they are, so an answer that differs shows what was said of one of them. The items wait in
the audit queue, or the audit drew them and no queue has them yet.
"""

import copy
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client
from django.utils import timezone

from analysis.models import Finding
from analysis.reports import refreshing
from annotation import labels, lease_ends, leases
from annotation.models import (
    Cause,
    Item,
    Label,
    Lease,
    Prediction,
    Resolution,
    RoutedItem,
    RoutedState,
    SearchText,
    Signal,
    Slot,
)
from projects import members
from projects.models import Role, Scope, User
from tests.analysis.scenarios import judged_project as make_numeric_project
from tests.analysis.scenarios import route as ask
from tests.factories import NOW, make_item, make_prediction, make_user
from tests.shared_rows import undone
from tests.test_guards import CALLS, CHOICES, OF_PROJECTS, Route, objects

pytestmark = pytest.mark.django_db
GETS = [route for route in [*OF_PROJECTS, *CALLS] if "GET" in route.methods and route.path.startswith(("p/", "api/"))]
OF_ITEMS = [route for route in GETS if route.name in {"item", "item-list", "label-quality"}]
NOISE = re.compile(
    r'name="(csrfmiddlewaretoken|once)" value="[^"]+"|data-csrf="\w+"|"X-CSRFToken": "\w+"|nonce="[^"]+"'
)
SWAPPED = {
    Prediction: ("label", "confidence", "margin", "scores", "model_version"),
    Label: ("value", "flagged"),
    Signal: ("kind", "value"),
    Finding: ("given", "suggested", "score"),
    Resolution: ("value",),
}
QUERIES = [
    "",
    "state=waiting",
    "state=open",
    "cause=audit",
    "cause=uncertain",
    "queue=audit",
    "queue=uncertain",
    "says=ham",
    "says=spam",
    "truth=ham",
    "truth=spam",
    "disagree=yes",
    "suspected=yes",
    "version=v1",
    "q=secret",
]


class Secret:
    """A project with two items, `one` and `two`, of which an evaluation label is wanted and much was said.

    They are queued: they wait in the audit queue, and were resolved before; or they are drawn and not queued: what
    asked for them was withdrawn, and nothing was resolved.
    """

    def __init__(self, *, queued: bool) -> None:
        self.project, made = make_numeric_project(40)
        self.other = make_user("otto", self.project, Role.REVIEWER)
        refreshing.refresh(self.project, at=NOW)
        self.one, self.two = (make_item(self.project, f"secret-{n}", inputs={"text": "secret text"}) for n in (1, 2))
        self.pair = [self.one, self.two]
        for item in self.pair:
            SearchText.objects.create(item=item, project=self.project, text=f"{item.key} secret text")
        ask(self.project, self.pair, Cause.AUDIT, probability=0.5)
        RoutedItem.objects.filter(item__in=self.pair).update(overlap=3)
        for item, said, score in zip(self.pair, ("ham", "spam"), (0.83, 0.61), strict=True):
            probabilities = [score, 1 - score] if said == "ham" else [1 - score, score]
            make_prediction(item, probabilities, model_version="v1")
            self._add_signal(item, said)
            self._add_finding(item, said)
            self._label(item, said)
            if queued:
                self._resolve(item, said)
        self.swapped = SWAPPED if queued else {model: SWAPPED[model] for model in SWAPPED if model is not Resolution}
        if not queued:
            RoutedItem.objects.filter(item__in=self.pair).update(state=RoutedState.WITHDRAWN)
            Item.objects.filter(pk__in=[item.pk for item in self.pair]).update(audit_number=0.1, audit_probability=0.5)
        self.values = objects(self.project, self.other) | CHOICES

    def _label(self, item: Item, said: str) -> None:
        """One of three labels that are wanted."""
        slot = Slot.objects.get(item=item)
        lease = Lease.objects.create(project=self.project, slot=slot, item=item, user=self.other, granted_at=NOW)
        done = labels.submit(
            self.project, lease.token, value=said, comment=f"I see {said}", by=self.other, at=timezone.now()
        )
        assert done.status == "created"

    def _add_signal(self, item: Item, said: str) -> None:
        kind = "correction" if said == "ham" else "override"
        Signal.objects.create(
            project=self.project,
            key=f"s-{item.pk}",
            prediction_key=item.key,
            item=item,
            kind=kind,
            value=said,
            body_hash="0",
            at=NOW,
            captured_at=NOW,
        )

    def _add_finding(self, item: Item, said: str) -> None:
        Finding.objects.create(
            project=self.project,
            item=item,
            kind="label_error",
            key=f"f{item.pk}",
            given=said,
            suggested="spam",
            score=0.01 if said == "ham" else 0.02,
            expected=0.9,
            details={"model": 0.77},
            found_at=NOW,
        )

    def _resolve(self, item: Item, said: str) -> None:
        Resolution.objects.create(
            project=self.project,
            item=item,
            value=said,
            method="single",
            quality=1.0,
            votes=1,
            evaluation=True,
            resolved_at=NOW,
        )

    def exchange(self) -> None:
        """What was said of the one is said of the other."""
        for model, names in self.swapped.items():
            rows = list(model._default_manager.filter(item__in=self.pair).order_by("item"))
            assert len(rows) == 2, model
            first, second = ({name: getattr(row, name) for name in names} for row in rows)
            assert first != second
            for row, given in zip(rows, (second, first), strict=True):
                model._default_manager.filter(pk=row.pk).update(**given)


@pytest.fixture(scope="module", params=[True, False], ids=["queued", "drawn"])
def secret_rows(request: pytest.FixtureRequest, module_rows: None) -> Iterator[Secret]:
    with undone():
        yield Secret(queued=request.param)


@pytest.fixture
def secret(secret_rows: Secret, db: None) -> Secret:
    """The module's project; what a test changes of it is undone."""
    return copy.deepcopy(secret_rows)


def addresses(secret: Secret, route: Route) -> Iterator[str]:
    """The route for each of the two items, and the lists with each filter that could tell them apart."""
    of_item = bool({"uid", "item_id"} & set(route.parameters))
    for uid in (secret.one.uid, secret.two.uid) if of_item else ("",):
        path = route.at(secret.values | {"uid": uid, "item_id": uid})
        queries = QUERIES if "item" in route.path and not of_item else [""]
        yield from (f"{path}?{query}" if query else path for query in queries)
        if "<slug:queue>" in route.path:
            yield route.at(secret.values | {"queue": "audit"})
        if route.name == "desk":
            yield f"{route.at(secret.values)}?queue=audit"


def read_all(secret: Secret, ask: Any, routes: list[Route]) -> dict[str, str]:
    found = {}
    for route in routes:
        for address in addresses(secret, route):
            answer = ask(route, address)
            if answer is None:
                continue
            body = b"".join(answer) if answer.streaming else answer.content
            found[address] = f"{answer.status_code} {NOISE.sub('', body.decode('utf-8', 'replace'))}"
    return found


def person(user: User) -> Any:
    browser = Client()
    browser.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    browser.raise_request_exception = False
    return lambda route, path: browser.get(path) if route not in CALLS else None


def key_of(secret: Secret, user: User, *scopes: str) -> Any:
    _, text = members.create_key(secret.project, user, list(scopes), by=None, at=timezone.now())
    browser = Client(headers={"Authorization": f"Bearer {text}"})
    return lambda route, path: browser.get(path) if route in CALLS else None


def differing(secret: Secret, ask: Any, routes: list[Route] = GETS) -> set[str]:
    """The addresses whose answers tell the two items apart."""
    before = read_all(secret, ask, routes)
    assert any(text.startswith("200") for text in before.values())
    secret.exchange()
    after = read_all(secret, ask, routes)
    secret.exchange()
    return {address for address in before if before[address] != after[address]}


@pytest.fixture(autouse=True)
def still(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time stands still, so that no age on a page changes."""
    moment = timezone.now()
    monkeypatch.setattr("django.utils.timezone.now", lambda: moment)


# The fast run reads as who labels and as who reviews, the whole suite as everybody.
READERS = [Role.REVIEWER, *(pytest.param(role, marks=pytest.mark.simulation) for role in (Role.ENGINEER, Role.ADMIN))]


@pytest.mark.parametrize("role", [Role.ANNOTATOR, *READERS])
def test_no_page_tells_what_was_said_of_an_open_evaluation_item(secret: Secret, role: Role) -> None:
    assert differing(secret, person(make_user("eve", secret.project, role))) == set()


@pytest.mark.parametrize("role", READERS)
@pytest.mark.parametrize("scopes", [("annotate", "read"), ("annotate", "read", "engineer", "ingest")])
def test_no_call_does_to_a_key_that_can_annotate(secret: Secret, role: Role, scopes: tuple[str, ...]) -> None:
    eve = make_user("eve", secret.project, role)
    assert differing(secret, key_of(secret, eve, *granted(role, scopes))) == set()


def granted(role: Role, scopes: tuple[str, ...]) -> list[str]:
    """Those of the scopes that a person of this role may give a key."""
    return [scope for scope in scopes if role.can(Scope(scope).needs)]


def test_a_key_that_only_reads_is_as_blind_as_its_person_who_labels(secret: Secret) -> None:
    eve = make_user("eve", secret.project, Role.ADMIN)
    leases.claim(secret.project, by=eve, count=1, at=NOW)
    Slot.objects.filter(leased_to=eve).update(**lease_ends.FREE)
    assert differing(secret, key_of(secret, eve, "read")) == set()


def test_a_key_that_only_reads_for_a_person_who_never_labels_sees_everything(secret: Secret) -> None:
    eve = make_user("eve", secret.project, Role.ADMIN)
    found = differing(secret, key_of(secret, eve, "read"))
    assert any(secret.one.uid in address for address in found)


def test_a_key_of_somebody_who_became_an_annotator_reads_nothing(secret: Secret) -> None:
    eve = make_user("eve", secret.project, Role.ENGINEER)
    ask = key_of(secret, eve, "annotate", "read")
    secret.project.memberships.filter(user=eve).update(role=Role.ANNOTATOR)
    answers = read_all(secret, ask, GETS)
    assert answers and {text[:3] for text in answers.values()} == {"403"}


@pytest.mark.parametrize("role", [Role.REVIEWER, Role.ENGINEER, Role.ADMIN])
def test_no_page_or_call_says_why_such_an_item_is_asked(secret: Secret, role: Role) -> None:
    eve = make_user("eve", secret.project, role)
    browser, key = person(eve), key_of(secret, eve, "annotate", "read")
    base, uids = f"/p/{secret.project.slug}", (secret.one.uid, secret.two.uid)
    for uid in uids:
        page = browser(GETS[0], f"{base}/items/{uid}/")
        assert page.context["blind"] and page.context["routings"] == []
        story = key(CALLS[0], f"/api/v1/projects/{secret.project.slug}/items/{uid}").json()
        assert story["blind"] and story["routing"] == []
    listed = browser(GETS[0], f"{base}/items/?q=secret").context["rows"]
    assert [row.cause for row in listed if row.uid in uids] == [None, None]
    for query in ("q=secret&cause=audit", "q=secret&queue=audit"):
        rows = browser(GETS[0], f"{base}/items/?{query}").context["rows"]
        assert not {row.uid for row in rows} & set(uids)
    queue = browser(GETS[0], f"{base}/queues/audit/")
    assert not any(uid in queue.content.decode() for uid in uids)


STANDINGS = ("label so far", "was skipped", "waits for", "nobody has been asked", "resolved", "evaluation")


@pytest.mark.parametrize("role", [Role.REVIEWER, Role.ENGINEER, Role.ADMIN])
def test_the_page_of_such_an_item_does_not_say_how_far_it_is(secret: Secret, role: Role) -> None:
    """Neither that others labelled it, nor that they could not agree, nor that it is measured with."""
    page = person(make_user("eve", secret.project, role))(GETS[0], f"/p/{secret.project.slug}/items/{secret.one.uid}/")
    answer = page.content.decode().partition('<p class="answer">')[2].partition('<div class="grid">')[0]
    assert "You may still label this item." in answer
    assert not [words for words in STANDINGS if words in answer]
    assert (page.context["standing"], page.context["given"]) == (None, 0)


def test_an_annotator_sees_no_queue_of_an_evaluation_and_cannot_ask_for_it(secret: Secret) -> None:
    eve = make_user("eve", secret.project, Role.ANNOTATOR)
    browser = person(eve)
    listing = browser(GETS[0], f"/p/{secret.project.slug}/queues/")
    assert listing.status_code == 200 and "audit" not in listing.content.decode().lower()
    assert browser(GETS[0], f"/p/{secret.project.slug}/desk/?queue=audit").status_code == 404
    assert browser(GETS[0], f"/p/{secret.project.slug}/desk/").status_code == 200


def test_who_has_labelled_them_sees_everything(secret: Secret) -> None:
    found = differing(secret, person(secret.other), OF_ITEMS)
    pages = {address.split(f"/p/{secret.project.slug}/")[1].partition("?")[0] for address in found}
    assert {f"items/{secret.one.uid}/", "items/", "label-quality/"} <= pages


def test_everybody_sees_everything_once_it_is_settled(secret: Secret) -> None:
    RoutedItem.objects.filter(item__in=secret.pair).update(state="done")
    for item, said in zip(secret.pair, ("ham", "spam"), strict=True):
        if not Resolution.objects.filter(item=item).exists():
            secret._resolve(item, said)
    found = differing(secret, person(make_user("eve", secret.project, Role.REVIEWER)), OF_ITEMS)
    assert any(secret.one.uid in address for address in found)


def test_the_page_says_how_many_it_leaves_out(secret: Secret) -> None:
    eve = person(make_user("eve", secret.project, Role.REVIEWER))
    route = next(route for route in OF_PROJECTS if route.path.endswith("items/"))
    page = eve(route, f"/p/{secret.project.slug}/items/?{urlencode({'says': 'ham'})}")
    assert page.context["left_out"] == 1
    assert "left out" in page.content.decode()
    assert page.context["total"] + page.context["left_out"] == 21
    assert all(row.blind is False for row in page.context["rows"])
