"""Whatever is sent to whichever address, the answer is below 500: requests are generated for every route.

Routes are found by walking the site map; the names that a view reads from its query or form are recorded while it
answers, so that each of them is then given every odd value. `tests/services` runs this on PostgreSQL too.
"""

import json
import os
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from django.db import transaction
from django.http import QueryDict
from django.middleware.csrf import _get_new_csrf_string
from django.utils import timezone
from django.utils.datastructures import MultiValueDict

from analysis import item_filters
from projects import members
from projects.models import Project, Scope, User
from tests.test_guards import CALLS, CONSOLE, OURS, ProjectPair, Route, bearer, pair, pair_rows  # noqa: F401  a fixture

DEEP = 935  # levels that Python's own parser takes and a walk over the value does not
TEXTS: tuple[str, ...] = (
    "\x00",
    "\ud800",
    "9" * 18,
    "9" * 5000,
    "-1",
    "²",
    "1e299",
    "[" * DEEP,
    "0001-01-01T00:00:00+14:00~1",
    "9999-12-31T23:59:59-14:00~1",
)
FORM_TEXTS: tuple[str, ...] = ("\x00", "\ud800", "9" * 5000, "²")
if os.environ.get("DATABASE_URL"):  # on PostgreSQL only what SQLite takes and PostgreSQL does not
    TEXTS = FORM_TEXTS = ("\x00", "\ud800", "9" * 18)


class Raw(str):
    """JSON that Python would not write."""


VALUES: tuple[Any, ...] = (
    None,
    True,
    [],
    {},
    ["a"],
    {"a": 1},
    -1,
    1e299,
    "",
    " ",
    "a\x00",
    "\ud800",
    "x" * 20_000,
    Raw("1e400"),
    Raw("NaN"),
    Raw('{"a": NaN, "b": "\\ud800"}'),
    Raw("9" * 5000),
    Raw("[" * DEEP + "]" * DEEP),
    Raw('{"a":' * DEEP + "1" + "}" * DEEP),
)
BODIES: tuple[bytes, ...] = (
    b"",
    b"\xff\xfe{",
    b"{",
    b"null",
    b"[]",
    b"{}",
    b'"text"',
    b"[[]]",
    b"[null]",
    b"9" * 5000,
    b'[NaN, "\\ud800"]',
    b'{"a": NaN, "b": "\\ud800"}',
    b"[" * DEEP + b"]" * DEEP,
    b"[" * 100_000,
    b'{"a":' * DEEP + b"1" + b"}" * DEEP,
    b'{"a": 1, "a": 2}',
    b"a=%00&b=%ED%A0%80&c=%FF",
    b"--x\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--x--\r\n",
)
TYPES = (
    "application/json",
    "application/x-ndjson",
    "application/x-www-form-urlencoded",
    "multipart/form-data",
    "multipart/form-data; boundary=x",
    "multipart/form-data; boundary=" + "x" * 300,
    "text/plain",
    "\u00e9",
    "application/x-www-form-urlencoded; charset=hex",
    "application/json; charset=rot13",
    "application/json; charset=utf-16",
    "text/plain; charset=nonsense",
    "text/plain; charset=\u00e9",
)

MAIN_TYPES = ("application/json",)

# A good body of every call that takes one; its parts are replaced one by one.
GOOD: dict[str, Any] = {
    "predictions": [
        {
            "key": "k",
            "inputs": {"text": "t"},
            "scores": {"ham": 0.5, "spam": 0.5},
            "label": "ham",
            "model_version": "v1",
            "threshold_version": "t1",
            "policy_version": "p1",
            "stage": "champion",
            "latency_ms": 12.5,
            "decision": "approve",
            "entity": "customer-1",
            "at": "2026-11-23T12:00:00Z",
            "segment": {"channel": "app"},
            "label_known": "ham",
        }
    ],
    "signals": [
        {"id": "s", "key": "k", "kind": "correction", "value": "ham", "at": "2026-11-23T12:00:00Z", "actor": "a"}
    ],
    "claim": {"count": 1, "queue": "q"},
    "submit": {
        "labels": [
            {"lease": "l", "value": "ham", "seconds": 1.5, "comment": "c", "skip": False, "flagged": False},
        ]
    },
    "predict": {"inputs": [{"text": "t"}], "keys": ["k"]},
    "desk-leases": {"count": 1, "queue": "q", "resume": ["l"]},
    "desk-answers": {
        "answers": [
            {
                "op": "submit",
                "lease": "l",
                "value": "ham",
                "seconds": 1,
                "comment": "c",
                "skip": False,
                "flagged": True,
            },
            {"op": "revise", "lease": "l", "value": "ham"},
            {"op": "undo", "lease": "l"},
        ]
    },
    "desk-beat": {"tokens": ["l"]},
    "desk-back": {"tokens": ["l"]},
}


def written(value: Any) -> str:
    """JSON of a value in which Raw texts stand as they are."""
    if isinstance(value, Raw):
        return str(value)
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(name)}:{written(part)}" for name, part in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(written, value)) + "]"
    return json.dumps(value)


def with_odd_parts(value: Any) -> Iterator[Any]:
    """The value with each of its parts, at every depth, replaced by each odd one, and with an odd name added."""
    if isinstance(value, dict):
        yield {**value, "\ud800\x00": 1}
        for name, part in value.items():
            yield from ({**value, name: odd} for odd in [*VALUES, *with_odd_parts(part)])
    elif isinstance(value, list):
        for place, part in enumerate(value):
            yield from ([*value[:place], odd, *value[place + 1 :]] for odd in [*VALUES, *with_odd_parts(part)])


@pytest.fixture
def ask(pair: ProjectPair) -> Callable[..., None]:  # noqa: F811
    """One request as whoever may make it; an answer of 500 or more fails, with what was sent."""
    owner, own = User.objects.get(username="admin"), Project.objects.get(slug="own")
    secret = members.create_key(own, owner, list(Scope), by=owner, at=timezone.now())[1]
    person = pair.people["root"]
    token = _get_new_csrf_string()
    person.cookies["csrftoken"] = token
    person.handler.enforce_csrf_checks = True  # the check takes a form apart before the view does

    def send(route: Route, method: str, path: str, **more: Any) -> Any:
        headers = {"X-CSRFToken": token, **(bearer(secret) if route in CALLS else {})}
        with transaction.atomic():
            if isinstance(more.get("data"), bytes | str):  # the client would encode it in the charset
                response = person.generic(method, path, headers=headers, **more)
            else:
                response = getattr(person, method.lower())(path, headers=headers, **more)
            transaction.set_rollback(True)
        unready = response.status_code == 503 and (route.name == "readyz" or b"safe default" in response.content)
        assert response.status_code < 500 or unready, f"{method} {path[:300]} {more!r:.600}: {response.status_code}"
        return response

    return send


def path_of(route: Route, pair: ProjectPair) -> str:  # noqa: F811
    return route.at(pair.own)


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The names that views look up in any query or form, as they do."""
    found: set[str] = set()

    def recorded(method: Callable[..., Any]) -> Callable[..., Any]:
        def inner(self: Any, name: Any, *rest: Any) -> Any:
            if isinstance(self, QueryDict) and isinstance(name, str):
                found.add(name)
            return method(self, name, *rest)

        return inner

    for name in ("get", "getlist", "__getitem__"):
        monkeypatch.setattr(MultiValueDict, name, recorded(getattr(MultiValueDict, name)))
    return found


def to_vary(names: set[str], route: Route) -> list[str]:
    """The names that are given odd values: the filters of Items, which one function parses, on its own page only."""
    return sorted(names - set(item_filters.NAMES) if route.name != "items" and "similar" in names else names)


OPEN = [route for route in [*OURS, *CALLS] if route.name not in ("sign-in-link",)]


@pytest.mark.simulation
@pytest.mark.parametrize("route", OPEN, ids=str)
def test_odd_values_in_the_query(pair: ProjectPair, ask: Callable[..., None], names: set[str], route: Route) -> None:  # noqa: F811
    path = path_of(route, pair)
    if "GET" not in route.methods or pair.ask("root", path, "GET").status_code == 405:
        return
    names.clear()
    ask(route, "GET", path)
    for name in to_vary(names, route):
        for text in TEXTS:
            ask(route, "GET", path, data={name: text.encode("utf-8", "surrogatepass")})


@pytest.mark.simulation
@pytest.mark.parametrize("route", OURS, ids=str)
def test_odd_values_in_a_form(pair: ProjectPair, ask: Callable[..., None], names: set[str], route: Route) -> None:  # noqa: F811
    path = path_of(route, pair)
    if pair.ask("root", path, "POST").status_code == 405:
        return
    names.clear()
    ask(route, "POST", path)
    asked = sorted(names - {"csrfmiddlewaretoken"})
    for name in to_vary(set(asked), route):
        for text in FORM_TEXTS:
            for others in ({}, dict.fromkeys(asked, "1")):  # alone as well: another part may be refused before this one
                # Encoded here, for the client's own form would spell bytes as numbers.
                body = urlencode(others | {name: text}, errors="surrogatepass")
                ask(route, "POST", path, data=body, content_type="application/x-www-form-urlencoded")


@pytest.mark.simulation
@pytest.mark.parametrize("route", OPEN, ids=str)
def test_odd_bodies_and_types(pair: ProjectPair, ask: Callable[..., None], route: Route) -> None:  # noqa: F811
    path, place = path_of(route, pair), OPEN.index(route)
    types = {
        *MAIN_TYPES,
        *TYPES[place % 3 :: 3],
    }
    for method in route.methods:
        if pair.ask("root", path, method).status_code == 405:
            continue
        for content_type in sorted(types):
            if method == "GET":
                ask(route, method, path, CONTENT_TYPE=content_type)
                continue
            for body in BODIES if content_type in MAIN_TYPES else BODIES[-2:]:
                ask(route, method, path, data=body, content_type=content_type)


TAKES_JSON = [route for route in OPEN if route.name in GOOD]


def test_every_call_with_a_body_has_a_good_one_here() -> None:
    calls = {route.name for route in CALLS if "POST" in route.methods} - {
        "start_import",
        "start_export",
        "export_items",
    }
    desk = {route.name for route in OURS if route.name.startswith("desk-")} - {"desk-lease", "desk-guideline"}
    assert calls | desk == set(GOOD)


@pytest.mark.simulation
@pytest.mark.parametrize("route", TAKES_JSON, ids=str)
def test_odd_parts_of_a_good_body(pair: ProjectPair, ask: Callable[..., None], route: Route) -> None:  # noqa: F811
    path = path_of(route, pair)
    for body in with_odd_parts(GOOD[route.name]):
        ask(route, "POST", path, data=written(body), content_type="application/json")


PARTS = ("9" * 5000, "9" * 30, "0", "%00", "%ED%A0%80", "a" * 3000, "%2e%2e", "²")


@pytest.mark.simulation
@pytest.mark.parametrize("route", [route for route in OPEN if route.parameters], ids=str)
def test_odd_parts_of_an_address(pair: ProjectPair, ask: Callable[..., None], route: Route) -> None:  # noqa: F811
    for name in route.parameters:
        for part in PARTS:
            path = route.at({**pair.own, name: part})
            for method in route.methods:
                ask(route, method, path)


@pytest.mark.simulation
@pytest.mark.parametrize("route", [route for route in CONSOLE if route.name != "login"], ids=str)
def test_odd_values_in_the_console(pair: ProjectPair, ask: Callable[..., None], route: Route) -> None:  # noqa: F811
    if "(" in route.path:
        return
    for part in ("1", "9" * 30, "%00", "a") if route.parameters else ("",):
        ask(route, "GET", route.at(dict.fromkeys(route.parameters, part)))
    path = route.at(dict.fromkeys(route.parameters, "1"))
    for query in ("?q=%00", "?q=%ED%A0%80", "?p=" + "9" * 5000, "?o=" + "9" * 30, "?_to_field=%00", "?e=1"):
        ask(route, "GET", path + query)
