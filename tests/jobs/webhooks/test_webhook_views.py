"""Pages of webhooks: the secret is shown once, every change is an audit event, and bad input is refused in words."""

import re
from typing import Any

import pytest
from django.test import Client

from jobs.models import DeliveryState, EventType, WebhookEndpoint
from jobs.webhooks.secrets import secret_of
from projects import outgoing
from projects.models import AuditEvent, Project, Role
from tests.factories import make_delivery, make_endpoint, make_project, make_user

pytestmark = pytest.mark.django_db
URL = "https://203.0.113.7/hooks"
GIVEN = {"once": "one", "name": "Desk bot", "url": URL, "events": ["item.resolved", "run.finished"]}


@pytest.fixture
def project() -> Project:
    return make_project("mail")


@pytest.fixture
def browser(project: Project, settings: Any) -> Client:
    settings.OUTGOING_NETWORKS = ["203.0.113.0/24"]  # of documentation
    client = Client()
    client.force_login(make_user("ada", project, Role.ADMIN))
    return client


def test_a_form_that_is_sent_twice_makes_one_endpoint_and_shows_its_secret(project: Project, browser: Client) -> None:
    pages = [browser.post("/p/mail/webhooks/create/", GIVEN).content.decode() for _ in range(2)]

    endpoint = WebhookEndpoint.objects.get()
    secret = secret_of(endpoint.nonce, project.pk)
    assert all(secret in page for page in pages)
    assert secret not in browser.get("/p/mail/webhooks/").content.decode()
    assert endpoint.events == ["item.resolved", "run.finished"] and endpoint.url == URL
    event = AuditEvent.objects.get(action="webhook.create")
    assert event.actor == "user:ada" and event.target == endpoint.uid
    assert secret not in str(event.details) and endpoint.nonce not in secret


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("url", "http://127.0.0.1/", "private"),
        ("url", "https://10.0.0.1/", "OUTGOING_NETWORKS"),
        ("url", "https://169.254.169.254/latest/meta-data/", "never called"),
        ("url", "http://8.8.8.8/", "https alone"),
        ("url", "nonsense", "not an address"),
        ("url", "", "Enter an address"),
        ("name", "", "Say what receives"),
        ("events", [], "Choose at least one"),
        ("events", ["item.eaten"], "item.eaten"),
    ],
)
def test_what_cannot_be_is_refused_in_words_and_kept_in_the_form(
    browser: Client, field: str, value: Any, words: str
) -> None:
    page = browser.post("/p/mail/webhooks/create/", {**GIVEN, field: value})

    assert page.status_code == 422 and words in page.content.decode()
    assert not WebhookEndpoint.objects.exists()
    if field != "name":
        assert 'value="Desk bot"' in page.content.decode()


def test_a_name_that_does_not_resolve_is_refused(browser: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any, **__: Any) -> Any:
        raise OSError("no such name")

    monkeypatch.setattr(outgoing.socket, "getaddrinfo", fails)
    page = browser.post("/p/mail/webhooks/create/", {**GIVEN, "url": "https://no-such-name.example/"})
    assert page.status_code == 422 and "cannot be resolved" in page.content.decode()


def test_an_endpoint_is_changed_rotated_switched_and_removed_each_with_an_event(
    project: Project, browser: Client
) -> None:
    endpoint = make_endpoint(project)
    address = f"/p/mail/webhooks/{endpoint.uid}/"
    before = secret_of(endpoint.nonce, project.pk)

    assert browser.post(address + "change/", {**GIVEN, "events": ["drift.found"]}).status_code == 302
    rotated = browser.post(address + "rotate/", {"once": "two"}).content.decode()
    assert browser.post(address + "switch/", {"enabled": "0"}).status_code == 302
    assert browser.post(address + "switch/", {"enabled": "0"}).status_code == 302
    endpoint.refresh_from_db()
    assert not endpoint.enabled and endpoint.events == ["drift.found"] and endpoint.name == "Desk bot"
    after = secret_of(endpoint.nonce, project.pk)
    assert after in rotated and before not in rotated and "It is off" in browser.get(address).content.decode()
    browser.post(address + "switch/", {"enabled": "1"})
    assert browser.post(address + "remove/").status_code == 302

    assert not WebhookEndpoint.objects.exists()
    acts = list(AuditEvent.objects.filter(target=endpoint.uid).order_by("sequence").values_list("action", flat=True))
    assert acts == ["webhook.change", "webhook.rotate", "webhook.disable", "webhook.enable", "webhook.remove"]


def test_the_log_shows_every_try_and_a_delivery_can_be_sent_again(project: Project, browser: Client) -> None:
    failed = make_delivery(project, state=DeliveryState.FAILED, tries=8)
    failed.attempts.create(at=failed.due_at, error="It answered 500.", status=500, milliseconds=12)
    address = f"/p/mail/webhooks/{failed.endpoint.uid}/"
    page = browser.get(address).content.decode()
    assert "run.finished" in page and "It answered 500." in page and failed.event.uid in page

    assert browser.post(f"{address}{failed.pk}/replay/").status_code == 302
    failed.refresh_from_db()
    assert (failed.state, failed.tries) == (DeliveryState.WAITING, 0)


def test_nothing_is_sent_again_to_an_endpoint_that_is_off(project: Project, browser: Client) -> None:
    failed = make_delivery(project, endpoint=make_endpoint(project, enabled=False), state=DeliveryState.FAILED)
    page = browser.post(f"/p/mail/webhooks/{failed.endpoint.uid}/{failed.pk}/replay/", follow=True)

    failed.refresh_from_db()
    assert failed.state == DeliveryState.FAILED and "switch it on" in page.content.decode()


def test_a_delivery_of_another_endpoint_is_not_there(project: Project, browser: Client) -> None:
    mine, other = make_endpoint(project), make_delivery(project)
    assert browser.post(f"/p/mail/webhooks/{mine.uid}/{other.pk}/replay/").status_code == 404


def test_every_event_has_its_meaning_on_the_page(browser: Client) -> None:
    page = browser.get("/p/mail/webhooks/").content.decode()
    assert re.findall(r'name="events"\s+value="([\w.]+)"', page) == EventType.values
