"""Publishable keys: they add signals of a prediction by its key from the origins they name, and learn nothing."""

import hashlib
import json
import re
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from annotation import feedback_keys, public_feedback
from annotation.feedback_keys import BadFeedbackKey, FeedbackKeyFields
from annotation.models import FeedbackCount, FeedbackKey, Signal
from annotation.signals import joining, kinds
from annotation.views.feedback import COMPONENT, COMPONENT_VERSION
from projects.models import AuditEvent, Project
from tests.factories import NOW, make_item, make_prediction, make_project, make_user
from tests.test_guards import CALLS, bearer

pytestmark = pytest.mark.django_db
SHOP = "https://shop.example"
SIGNAL = {"id": "click-0001", "key": "message-1", "kind": "thumbs_down"}


@pytest.fixture
def project() -> Project:
    return make_project("mail")


def make_key(project: Project, *, most: int = 600, by_address: int = 20, names: Any = None) -> FeedbackKey:
    fields = FeedbackKeyFields("shop", [SHOP, "http://127.0.0.1:81/"], names or kinds.public(), most, by_address)
    return feedback_keys.create(project, fields, once="x", by=make_user("", project, "engineer"), at=NOW)


def send(key: FeedbackKey, body: Any = SIGNAL, *, origin: str = SHOP, address: str = "192.0.2.1", **more: Any) -> Any:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    given = {"content_type": "text/plain;charset=UTF-8", "headers": {"Origin": origin}, "REMOTE_ADDR": address, **more}
    return Client().post(f"/feedback/{key.token}/signals", data, **given)


def test_a_signal_is_kept_under_an_untrusted_actor_and_joined_later(project: Project) -> None:
    item = make_item(project, "message-1")
    key = make_key(project)
    for actor in (None, "visitor 7"):
        assert send(key, SIGNAL | {"id": f"click-{actor}"} | ({"actor": actor} if actor else {})).status_code == 202
    assert set(Signal.objects.values_list("actor", "item")) == {("public:shop", None), ("public:visitor 7", None)}
    joining.join_all(captured_since=timezone.now() - timedelta(minutes=1))
    assert Signal.objects.filter(item=item, kind="thumbs_down").count() == 2
    key.refresh_from_db()
    assert key.last_used_at


def test_nothing_shows_whether_a_prediction_exists(project: Project) -> None:
    make_prediction(make_item(project, "message-1"), [0.9, 0.1])
    key = make_key(project)
    send(key, SIGNAL | {"id": "the first of a minute"})
    found = []
    for number, name in enumerate(("message-1", "no such")):
        with CaptureQueriesContext(connection) as queries:
            answer = send(key, SIGNAL | {"id": f"click-{number}-1", "key": name})
        about_items = [query["sql"] for query in queries if "annotation_item" in query["sql"]]
        found.append((answer.status_code, answer.content, len(queries), about_items))
    assert found[0] == found[1] == (202, b'{"status": "accepted"}', found[0][2], [])


def test_sent_again_it_is_kept_once_and_another_under_its_id_is_refused(project: Project) -> None:
    key = make_key(project)
    assert [send(key).status_code for _ in range(3)] == [202] * 3
    assert Signal.objects.count() == 1
    assert send(key, SIGNAL | {"kind": "thumbs_up"}).status_code == 409
    ours = Signal.objects.get().key
    assert ours == f"public:{key.pk}:click-0001", "no id of a service can be met, nor one of another key"


@pytest.mark.parametrize("origin", ["", "null", "https://other.example", "http://shop.example", f"{SHOP}:444"])
def test_only_the_exact_origin_is_taken_and_named(project: Project, origin: str) -> None:
    key = make_key(project)
    path, asked = f"/feedback/{key.token}/signals", {"Access-Control-Request-Method": "POST"}
    for answer in (send(key, origin=origin), Client().options(path, headers={"Origin": origin, **asked})):
        assert answer.status_code == 403 and "Access-Control-Allow-Origin" not in answer
        assert "Origin" in answer["Vary"]
    assert not Signal.objects.exists()

    allowed = Client().options(path, headers={"Origin": SHOP, **asked})
    assert (allowed.status_code, allowed["Access-Control-Allow-Origin"]) == (204, SHOP)
    assert allowed["Access-Control-Allow-Methods"] == "POST" and "Access-Control-Allow-Credentials" not in allowed
    assert send(key)["Access-Control-Allow-Origin"] == SHOP
    assert send(key, b"{")["Access-Control-Allow-Origin"] == SHOP, "a page must be able to see why it was refused"


def test_it_opens_no_call_and_reads_nothing(project: Project) -> None:
    key = make_key(project)
    assert Client().get(f"/feedback/{key.token}/signals", headers={"Origin": SHOP}).status_code == 405
    values = {"slug": "mail", "item_id": "x", "lease": "x"}
    for route in CALLS:
        path = route.at({name: values.get(name, "x") for name in route.parameters})
        for method in route.methods:
            answer = getattr(Client(), method.lower())(path, headers=bearer(key.token))
            assert answer.status_code == 401, str(route)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"[1]", 422),
        (SIGNAL | {"at": "2026-01-01T00:00:00Z"}, 422),
        (SIGNAL | {"id": "short"}, 422),
        (SIGNAL | {"kind": "outcome", "value": "spam"}, 403),
        (SIGNAL | {"kind": "comment", "value": "x" * 2_001}, 422),
        (SIGNAL | {"kind": "comment", "value": {"a": 1}}, 422),
        (SIGNAL | {"kind": "correction", "value": "no label"}, 422),
        (SIGNAL | {"kind": "correction"}, 422),
        (SIGNAL | {"key": "x" * 17_000}, 413),
    ],
)
def test_what_does_not_fit_is_refused_and_nothing_shown(project: Project, body: Any, status: int) -> None:
    answer = send(make_key(project), body)
    assert answer.status_code == status
    assert "ham" not in answer.content.decode() and not Signal.objects.exists()


def test_a_correction_and_a_comment_are_kept_with_their_value(project: Project) -> None:
    key = make_key(project)
    assert send(key, SIGNAL | {"kind": "correction", "value": "spam"}).status_code == 202
    assert send(key, SIGNAL | {"id": "click-0002", "kind": "comment", "value": "Ö" * 2_000}).status_code == 202
    assert set(Signal.objects.values_list("value", flat=True)) == {"spam", "Ö" * 2_000}


def test_a_kind_that_was_not_chosen_and_a_revoked_key_send_nothing(project: Project) -> None:
    key = make_key(project, names=["thumbs_up"])
    assert send(key).status_code == 403
    assert send(key, SIGNAL | {"kind": "thumbs_up"}).status_code == 202
    feedback_keys.revoke(key, by=None, at=NOW)
    assert send(key, SIGNAL | {"id": "click-0002", "kind": "thumbs_up"}).status_code == 403
    assert list(AuditEvent.objects.of(project).order_by("sequence").values_list("action", flat=True)) == [
        "feedback_key.create",
        "feedback_key.revoke",
    ]


def test_the_rates_hold_for_each_address_and_for_all_together(project: Project) -> None:
    key = make_key(project, most=5, by_address=2)

    def accepted(address: str, at: Any) -> int:
        return sum(attempt(key, address, number, at) for number in range(4))

    assert [accepted(f"192.0.2.{host}", NOW) for host in range(4)] == [2, 2, 1, 0]
    assert accepted("192.0.2.0", NOW + timedelta(minutes=1)) == 2
    assert not FeedbackCount.objects.filter(address__contains="192.0.2").exists()
    accepted("192.0.2.0", NOW + timedelta(hours=1))
    assert FeedbackCount.objects.filter(minute__lt=NOW + timedelta(minutes=30)).count() == 0, "old counts go"


def attempt(key: FeedbackKey, address: str, number: int, at: Any) -> bool:
    body = json.dumps(SIGNAL | {"id": f"click {address} {number} {at}"}).encode()
    try:
        public_feedback.accept(key, body, address=address, at=at)
    except public_feedback.TooOften:
        return False
    return True


def test_beyond_the_rate_the_answer_says_when_to_come_back(project: Project) -> None:
    key = make_key(project, by_address=1)
    answers = [send(key, SIGNAL | {"id": f"click-000{n}"}) for n in range(3)]
    assert 429 in {answer.status_code for answer in answers}
    assert all(1 <= int(a["Retry-After"]) <= 60 for a in answers if a.status_code == 429)


@pytest.mark.parametrize(
    ("given", "origin"),
    [
        ("https://Shop.Example/", "https://shop.example"),
        ("https://shop.example:443", "https://shop.example"),
        ("http://localhost:3000", "http://localhost:3000"),
        ("http://[::1]:80", "http://[::1]"),
    ],
)
def test_an_origin_is_stored_as_browsers_write_it(given: str, origin: str) -> None:
    assert feedback_keys.parse_origin(given) == origin


@pytest.mark.parametrize(
    "given",
    ["*", "https://*.example", "shop.example", "https://a.example/path", "file:///x", "https://a@b", "https://:x"],
)
def test_what_is_no_origin_is_refused(given: str) -> None:
    with pytest.raises(BadFeedbackKey, match="no origin"):
        feedback_keys.parse_origin(given)


def test_the_settings_page_makes_one_key_shows_its_html_and_revokes_it(project: Project) -> None:
    browser = Client()
    browser.force_login(make_user("", project, "engineer"), backend="django.contrib.auth.backends.ModelBackend")
    form: dict[str, Any] = {
        "once": "1",
        "name": "Shop",
        "origins": f"{SHOP}\r\nhttp://localhost:3000",
        "kinds": kinds.public(),
    }
    form |= {"most_a_minute": 100, "most_by_address": 10}
    for _ in range(2):
        assert browser.post("/p/mail/feedback-keys/create/", form).status_code == 302
    key = FeedbackKey.objects.get()
    assert key.origins == ["http://localhost:3000", SHOP]
    page = browser.get("/p/mail/feedback-keys/").content.decode()
    assert key.token in page and "&lt;option value=&quot;ham&quot;&gt;" in page
    faults: list[dict[str, Any]] = [{"origins": "*"}, {"kinds": []}, {"most_by_address": 101}, {"name": ""}]
    for wrong in faults:
        refused = browser.post("/p/mail/feedback-keys/create/", form | {"once": "2"} | wrong)
        assert refused.status_code == 422 and 'class="error"' in refused.content.decode(), wrong
    browser.post(f"/p/mail/feedback-keys/{key.pk}/revoke/")
    key.refresh_from_db()
    assert key.revoked_at and FeedbackKey.objects.count() == 1


SHA256 = {"1.0.0": "0d3d79bc3181d1d9ea7d1f213d2280366c65858654db4be502f8ddb8a1c5585d"}


def test_the_component_is_small_and_its_version_names_its_content() -> None:
    source = (settings.BASE_DIR / "static/js" / COMPONENT).read_bytes()
    assert len(source) <= 4_096, "as served, neither minified nor packed"
    assert f"{len(source):,} bytes" in (settings.BASE_DIR / "docs/feedback.md").read_text()
    assert hashlib.sha256(source).hexdigest() == SHA256[COMPONENT_VERSION], (
        "Browsers keep a version for a year: give what changed a new COMPONENT_VERSION, and its hash here."
    )
    assert f"feedback {COMPONENT_VERSION}:".encode() in source


def test_the_component_is_served_to_every_origin_and_kept_for_a_year() -> None:
    newest = Client().get(f"/feedback/{COMPONENT_VERSION}/{COMPONENT}")
    assert newest["Access-Control-Allow-Origin"] == "*" and newest["Content-Type"].startswith("text/javascript")
    assert newest["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert "max-age=31536000, immutable" in newest["Cache-Control"] and "Set-Cookie" not in newest
    former = Client().get(f"/feedback/1.9.9/{COMPONENT}")
    assert former.content == newest.content and "max-age=300" in former["Cache-Control"]
    assert Client().get(f"/feedback/2.0.0/{COMPONENT}").status_code == 404


def test_the_documentation_names_every_attribute_and_part() -> None:
    source = (settings.BASE_DIR / "static/js" / COMPONENT).read_text()
    words = (settings.BASE_DIR / "docs/feedback.md").read_text()
    texts = set(re.findall(r'this\.(?:text|thumb)\("(\w+)"', source)) | set(re.findall(r'field\("(\w+)"', source))
    assert texts and all(f"`text-{name}`" in words for name in texts)
    assert all(f"`{name}`" in words for name in re.findall(r"var\((--[\w-]+)", source))
    parts = {part for found in re.findall(r'part: "([\w ]+)"', source) for part in found.split()}
    assert parts and all(f"::part({part})" in words for part in parts)
