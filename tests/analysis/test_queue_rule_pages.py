"""The pages of rules: tried before it is saved, saved as a queue, filled up by a job, and followed in its log."""

from dataclasses import replace
from unittest.mock import Mock, patch

import pytest
from django.test import Client
from django.urls import reverse

from analysis import queue_rules
from analysis.models import QueueRule, QueueRuleAction
from annotation import queues
from annotation.models import Cause, RoutedItem
from jobs.models import Job
from projects.models import Project, Role
from tests.analysis.test_queue_rules import APP, capture
from tests.factories import NOW, make_project, make_user

pytestmark = pytest.mark.django_db
FORM = {
    "title": "From the app",
    "cause": "slice",
    "query": "segment=channel%3Dapp",
    "rate": "100",
    "overlap": "1",
    "order": "priority",
}


@pytest.fixture
def project() -> Project:
    made = make_project()
    made.input_contracts.update(segments=["channel"])
    return made


@pytest.fixture
def client(project: Project) -> Client:
    client = Client()
    client.force_login(make_user("eva", project, Role.ENGINEER))
    return client


def test_a_rule_is_tried_and_then_makes_its_queue(
    project: Project, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("analysis.views.queue_rules.timezone.now", lambda: NOW)
    capture(project, "before", 6, at=NOW - queue_rules.A_DAY)
    address = reverse("analysis:queue-rule-new", args=[project.slug])

    tried = client.post(address, {**FORM, "act": "try"}).content.decode()

    words = " ".join(tried.replace("\u00a0", " ").split())
    assert "It would have asked about <b>3 items</b> of the last 7 days" in words
    assert "before-1" in words and tried.count('<li class="card">') == 3 and not QueueRule.objects.exists()
    assert ": 1 min of work, at 20 seconds an answer" in words, "not 0.0 hours"
    assert "0 over the daily limit" in words

    made = client.post(address, {**FORM, "act": "save"})

    rule = QueueRule.objects.get()
    assert made.headers["Location"] == reverse("analysis:queue-rule", args=[project.slug, rule.queue.slug])
    assert client.get(made.headers["Location"]).status_code == 200
    assert "From the app" in client.get(reverse("analysis:queue-rules", args=[project.slug])).content.decode()


def test_a_rule_that_cannot_be_keeps_what_was_entered_and_says_why(project: Project, client: Client) -> None:
    address = reverse("analysis:queue-rule-new", args=[project.slug])

    refused = client.post(address, {**FORM, "query": "state=nowhere", "act": "save"})
    incomplete = client.post(address, {**FORM, "title": "", "act": "save"})

    assert refused.status_code == incomplete.status_code == 422
    assert "State is" in refused.content.decode() and 'value="From the app"' in refused.content.decode()
    assert "Enter a title." in incomplete.content.decode() and not QueueRule.objects.exists()


def test_a_backfill_is_a_job_and_its_log_says_what_became_of_it(project: Project, client: Client) -> None:
    eva = make_user("evi", project, Role.ENGINEER)
    capture(project, "before", 6, at=NOW - queue_rules.A_DAY)
    rule = queue_rules.create_rule(project, APP, by=eva, at=NOW)
    address = reverse("analysis:queue-rule", args=[project.slug, rule.queue.slug])

    assert client.post(address, {"act": "backfill", "days": "many"}).status_code == 422
    assert client.post(address, {"act": "backfill", "days": "7"}).status_code == 302
    assert Job.objects.filter(kind="analysis.queue_rule").count() == 1
    queue_rules.apply_rule(rule, since=NOW - queue_rules.A_WEEK, at=NOW)

    page = client.get(address).content.decode()
    assert "looked back" in page and RoutedItem.objects.filter(queue=rule.queue).count() == 3


def test_the_routing_page_says_that_a_rule_chooses_for_its_queue(project: Project, client: Client) -> None:
    queue_rules.create_rule(project, APP, by=make_user("evi", project, Role.ENGINEER), at=NOW)
    queues.ensure(project, Cause.AUDIT, at=NOW)

    page = client.get(reverse("annotation:routing", args=[project.slug])).content.decode()

    assert [words.split()[0] for words in page.split('<span class="phone">chosen by</span>')[1:]] == ["rule", "auto"]


def test_a_second_backfill_says_which_one_is_under_way(project: Project, client: Client) -> None:
    rule = queue_rules.create_rule(project, APP, by=make_user("evi", project, Role.ENGINEER), at=NOW)
    address = reverse("analysis:queue-rule", args=[project.slug, rule.queue.slug])

    first = client.post(address, {"act": "backfill", "days": "7"}, follow=True).content.decode()
    second = client.post(address, {"act": "backfill", "days": "90"}, follow=True).content.decode()

    assert "A job looks 7 days back" in first
    assert "A job that looks 7 days back is under way already; ask for 90 days after it." in second
    assert Job.objects.get(kind="analysis.queue_rule").payload["days"] == 7


def test_the_list_reads_one_row_of_the_log_of_each_rule(project: Project, client: Client) -> None:
    eva = make_user("evi", project, Role.ENGINEER)
    rules = [queue_rules.create_rule(project, replace(APP, title=title), by=eva, at=NOW) for title in ("One", "Two")]
    QueueRuleAction.objects.bulk_create(
        [QueueRuleAction(rule=rules[0], at=NOW, matched=1000 + place) for place in range(20)]
    )
    made = Mock(wraps=QueueRuleAction.from_db)

    with patch.object(QueueRuleAction, "from_db", made):
        page = client.get(reverse("analysis:queue-rules", args=[project.slug])).content.decode()

    assert made.call_count == 1 and "not yet" in page
    assert "1,019" in page.replace("\u202f", ",").replace("\u00a0", ",") and "1,018" not in page


def test_an_annotator_sees_no_rules_and_a_reviewer_changes_none(project: Project) -> None:
    for role, listed in ((Role.ANNOTATOR, 403), (Role.REVIEWER, 200)):
        client = Client()
        client.force_login(make_user(role.value, project, role))
        assert client.get(reverse("analysis:queue-rules", args=[project.slug])).status_code == listed
        assert client.get(reverse("analysis:queue-rule-new", args=[project.slug])).status_code == 403
