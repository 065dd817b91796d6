"""A trigger rule is one module: what it registers begins runs, takes settings and shows on Runs by itself."""

from collections.abc import Iterator
from typing import Annotated

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from msgspec import Meta

from annotation.models import Item
from jobs import execution
from jobs.models import Job
from projects.models import Project, Role
from projects.project_settings import BadSpec, RetrainingSettings, Settings, parse
from retraining import run_records
from retraining.models import TrainingRun, TriggerCheck
from retraining.run_records import TriggerEvidence
from retraining.triggers import checks, registry
from retraining.triggers.history import RunHistory
from retraining.triggers.registry import RuleFinding, TriggerRule
from tests.factories import make_user
from tests.retraining.scenarios import learn, make_numeric_project

pytestmark = pytest.mark.django_db


class TrafficSettings(Settings, frozen=True, kw_only=True):
    """A setting of this test's rule."""

    after_items: Annotated[int, Meta(ge=1, description="a whole number from 1 up")] = 100


def traffic(project: Project, history: RunHistory) -> RuleFinding:
    """A rule of this test: many items were captured."""
    count, needed = Item.objects.filter(project=project).count(), project.retraining_part(TrafficSettings).after_items
    lead = f"{count} of {needed} items"
    code, words = ("fires", f"{lead} came.") if count >= needed else ("quiet", f"{lead}; a run starts then.")
    return RuleFinding(count >= needed, code, lead, words, {"items": count}, have=count, needed=needed)


@pytest.fixture
def rule() -> Iterator[TriggerRule]:
    added = registry.register(TriggerRule("traffic", "Traffic", traffic, TrafficSettings))
    yield added
    registry.unregister(added)


@pytest.fixture
def project(artifact_home: object) -> Project:
    project = make_numeric_project("mail", retraining={"after_labels": 1000})
    learn(project, 12)
    return project


def test_every_module_of_the_package_is_found() -> None:
    assert [rule.name for rule in registry.rules()] == ["new_labels"]


def test_an_added_rule_begins_a_run_and_keeps_its_evidence(rule: TriggerRule, project: Project) -> None:
    Project.objects.update(retraining={"after_labels": 1000, "after_items": 12})
    checks.check_all_projects(at=timezone.now())
    execution.run(Job.objects.get(kind="retraining.check").pk)
    run = TrainingRun.objects.get()
    assert run.reason == "12 of 12 items came."
    assert run_records.load_evidence(run.evidence) == TriggerEvidence(code="fires", figures={"items": 12})
    assert TriggerCheck.objects.get(trigger="traffic").run == run
    assert not TriggerCheck.objects.get(trigger="new_labels").fired


def test_two_rules_that_fire_at_once_begin_one_run(rule: TriggerRule, project: Project) -> None:
    Project.objects.update(retraining={"after_labels": 10, "after_items": 10})
    project.refresh_from_db()
    fired = [check.fired for check in checks.run_if_due(project, at=timezone.now())]
    assert (fired, TrainingRun.objects.count()) == ([True, False], 1)


def test_its_settings_are_checked_with_the_others(rule: TriggerRule) -> None:
    with pytest.raises(BadSpec, match="retraining.after_items is 0; it takes a whole number from 1 up."):
        parse(RetrainingSettings, "retraining", {"after_items": 0})


def test_without_the_rule_its_settings_are_refused() -> None:
    with pytest.raises(BadSpec, match="it does not take after_items"):
        parse(RetrainingSettings, "retraining", {"after_items": 5})


def test_runs_shows_what_each_rule_says_and_its_history(rule: TriggerRule, project: Project) -> None:
    checks.check_all_projects(at=timezone.now())
    client = Client()
    client.force_login(make_user("ada", project, Role.ENGINEER))
    page = client.get(reverse("retraining:run-list", args=["mail"])).content.decode()
    assert "12 of 100 items; a run starts then." in page
    assert "12 of 1,000 new labels; a run starts at 1,000." in page
    assert "<h3>Traffic</h3>" in page and "<h3>New labels</h3>" in page
    assert "Traffic:" in page and "Traffic towards the next run" in page


def test_a_name_that_is_taken_is_refused(rule: TriggerRule) -> None:
    with pytest.raises(ValueError, match="another trigger rule traffic"):
        registry.register(TriggerRule("traffic", "Traffic", traffic))
