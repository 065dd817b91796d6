"""retrain, promote, roll_back: one clear line each, and --json for scripts."""

import io
import json
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from projects.models import AuditEvent, Project
from retraining.management.commands import retrain
from retraining.models import ModelVersion, RunState, TrainingRun
from tests.retraining.scenarios import learn, make_champion, make_numeric_project, make_version, open_run

pytestmark = pytest.mark.django_db


@pytest.fixture
def project(artifact_home: Any, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.setattr(retrain, "PATIENCE", -1.0)
    monkeypatch.setattr(retrain, "POLL", 0.0)
    project = make_numeric_project("mail")
    learn(project, 40)
    return project


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue().strip()


class TestRetrain:
    def test_begins_a_run(self, project: Project) -> None:
        assert run("retrain", "mail") == "Run 1 is waiting."
        assert TrainingRun.objects.get().reason == "Asked for on the command line."

    def test_waits_for_its_end_and_does_it_where_no_worker_does(self, project: Project) -> None:
        result = json.loads(run("retrain", "mail", "--wait", "--json"))
        assert (result["run"], result["state"], result["version"], result["stage"]) == (
            1,
            "succeeded",
            "v1",
            "champion",
        )
        assert run("retrain", "mail", "--wait") == "Run 2 is unchanged."

    def test_says_which_version_it_left(self, project: Project) -> None:
        assert run("retrain", "mail", "--wait").startswith("Run 1 succeeded with v1 (champion). Passed: +")

    def test_fails_with_the_runs_own_reason(self, project: Project) -> None:
        project.resolutions.update(value="ham")
        with pytest.raises(CommandError, match="Run 1 failed: A model needs labels of at least two classes"):
            run("retrain", "mail", "--wait")

    def test_refuses_a_second_run_in_flight(self, project: Project) -> None:
        open_run(project)
        with pytest.raises(CommandError, match="Run 1 is in flight already"):
            run("retrain", "mail")

    def test_ends_when_the_run_is_cancelled_from_elsewhere(self, project: Project) -> None:
        flying = open_run(project)
        assert flying.job is not None
        flying.job.state = "cancelled"
        flying.job.save()
        assert retrain.ended(flying).state == RunState.STOPPED

    def test_names_a_project_that_is_not_there(self, db: None) -> None:
        with pytest.raises(CommandError, match="There is no project nowhere."):
            run("retrain", "nowhere")


class TestPromoteAndRollBack:
    @pytest.fixture(autouse=True)
    def versions(self, project: Project) -> None:
        make_champion(project)
        make_version(project)

    def test_promotes_and_rolls_back(self, project: Project) -> None:
        assert run("promote", "mail", "v2", "--reason", "better") == "v2 is live in mail."
        assert json.loads(run("roll_back", "mail", "--reason", "worse", "--json")) == {
            "champion": "v1",
            "previous": "v2",
        }
        project.refresh_from_db()
        assert project.champion_version == "v1"
        actions = (
            AuditEvent.objects.filter(action__startswith="release.").order_by("sequence").values_list("action", "actor")
        )
        assert list(actions)[1:] == [("release.promote", "system"), ("release.roll_back", "system")]

    def test_judges_a_version_again_whose_verdict_is_void_and_keeps_to_the_new_one(self, project: Project) -> None:
        make_version(project)
        run("promote", "mail", "v3", "--reason", "better")
        with pytest.raises(CommandError, match="v2 was judged against v1, but v3 serves now.* judged again now. Held"):
            run("promote", "mail", "v2", "--reason", "better")
        assert ModelVersion.objects.get(number=3).stage == "champion"
        assert ModelVersion.objects.get(number=2).judgement.against == "v3"
        assert run("promote", "mail", "v2", "--reason", "I know better") == "v2 is live in mail."

    def test_promotes_the_champion_again_without_harm(self, project: Project) -> None:
        assert json.loads(run("promote", "mail", "v1", "--reason", "again", "--json")) == {
            "champion": "v1",
            "previous": None,
        }

    @pytest.mark.parametrize("version", ["v9", "9x", "vv", "", "v٣", "v99999999999999999999"])
    def test_names_a_version_that_is_not_there(self, version: str) -> None:
        with pytest.raises(CommandError, match="There is no version"):
            run("promote", "mail", version, "--reason", "better")

    def test_says_when_there_is_nothing_to_go_back_to(self) -> None:
        with pytest.raises(CommandError, match="There is no earlier version to go back to."):
            run("roll_back", "mail", "--reason", "worse")

    def test_names_a_project_that_is_not_there(self) -> None:
        for command in (("promote", "nowhere", "v1"), ("roll_back", "nowhere")):
            with pytest.raises(CommandError, match="There is no project nowhere."):
                run(*command, "--reason", "better")
        assert ModelVersion.objects.get(number=1).stage == "champion"
