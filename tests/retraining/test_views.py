"""Runs, comparison and releases as a browser without JavaScript meets them, and as htmx asks for their parts."""

import csv
import re
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from jobs.models import Job, JobState
from projects.models import AuditEvent, InputContract, Project, Role
from retraining import artifacts, release, training
from retraining.bodies import DifferenceBody
from retraining.models import ModelVersion, Release, RunState, TrainingRun
from retraining.triggers import checks
from retraining.verdict_words import gate_name
from retraining.views import runs
from tests.factories import NOW, make_item, make_prediction, make_user
from tests.retraining.bodies_of_version_1 import EVALUATION_1, VERDICT_1
from tests.retraining.scenarios import (
    do,
    learn,
    make_champion,
    make_numeric_project,
    make_version,
    open_run,
    resolve,
    train,
)

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def project(artifact_home: Any) -> Project:
    return make_numeric_project("mail", title="Mail", retraining={"after_labels": 50})


@pytest.fixture
def ada(client: Client, project: Project) -> Client:
    """An engineer's browser."""
    client.force_login(make_user("ada", project, Role.ENGINEER, first_name="Ada"))
    return client


@pytest.fixture
def bob(project: Project) -> Client:
    """A reviewer's browser: sees, but changes nothing here."""
    client = Client()
    client.force_login(make_user("bob", project, Role.REVIEWER))
    return client


def url(name: str, *arguments: Any) -> str:
    return reverse(f"retraining:{name}", args=["mail", *arguments])


def text(response: Any) -> str:
    """What the page says, without markup and runs of blanks."""
    body = re.sub(r"<(script|style|dialog|noscript).*?</\1>", "", response.content.decode(), flags=re.S)
    return re.sub(r"[\s\u00a0]+", " ", re.sub(r"<[^>]+>", " ", body)).replace("&#x27;", "'").replace("&quot;", '"')


class TestRuns:
    def test_says_what_to_do_before_the_first_run(self, ada: Client, project: Project) -> None:
        page = text(ada.get(url("run-list")))
        assert "No run yet. 0 of 50 new labels; a run starts at 50." in page
        assert "Nothing has been captured yet. How predictions come in" in page and "Label some" not in page
        make_item(project)
        page = text(ada.get(url("run-list")))
        assert "The first one begins by itself when enough labels are resolved. Label some" in page

    def test_counts_towards_the_next_run(self, ada: Client, project: Project) -> None:
        learn(project, 28)
        learn(project, 3, evaluation=True)
        page = text(ada.get(url("run-list")))
        assert "31 of 50 new labels; a run starts at 50." in page
        assert "28 resolved labels" in page and "3 resolved labels , never trained on" in page

    def test_says_why_it_began_and_why_not(self, ada: Client, project: Project) -> None:
        Project.objects.update(retraining={"after_labels": 30})
        project.refresh_from_db()
        learn(project, 28)
        checks.run_if_due(project, at=timezone.now())
        learn(project, 2)
        checks.run_if_due(project, at=timezone.now())
        page = text(ada.get(url("run-list")))
        assert "Began run 1 . 30 new labels; a run starts at 30." in page
        assert "28 of 30 new labels; a run starts at 30." in page

    def test_the_history_pairs_its_figures_with_their_own_time(self, ada: Client, project: Project) -> None:
        learn(project, 2)
        checks.run_if_due(project, at=NOW)
        assert "23 Nov 12:00 UTC 2 of 50 new labels" in text(ada.get(url("run-list")))
        learn(project, 3)
        checks.run_if_due(project, at=NOW + timedelta(minutes=31))
        assert "23 Nov 12:00 to 23 Nov 12:31 UTC 5 of 50 new labels" in text(ada.get(url("run-list")))

    def test_lists_each_run_with_what_it_brought(self, ada: Client, project: Project) -> None:
        learn(project, 40)
        train(project)
        do(open_run(project))
        page = text(ada.get(url("run-list")))
        assert "Run 2 found that nothing had changed" in page
        assert re.search(r"Run 1 succeeded 31 new labels trained on 40 measured with 0 v1 champion gate passed", page)

    def test_shows_a_run_in_flight_with_its_share(self, ada: Client, project: Project) -> None:
        run = open_run(project)
        Job.objects.filter(pk=run.job_id).update(state=JobState.RUNNING, progress=0.46, stage="Trying svm")
        TrainingRun.objects.update(state=RunState.RUNNING)
        answer = ada.get(url("run-list"))
        assert "Run 1 is running: Trying svm, 46 %." in text(answer)
        assert b'hx-trigger="every 2s"' in answer.content

    def test_pages_back_through_many_runs(self, ada: Client, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(runs, "SHOWN", 2)
        for number in range(1, 6):
            TrainingRun.objects.create(
                project=project, number=number, state="failed", reason="r", created_at=NOW, finished_at=NOW
            )
        assert "Run 5" in text(ada.get(url("run-list"))) and "?before=4" in ada.get(url("run-list")).content.decode()
        older = text(ada.get(url("run-list") + "?before=4"))
        assert "Run 3" in older and "Run 2" in older and "Run 5 failed r" not in older

    def test_the_fragment_carries_the_sentence_too(self, ada: Client) -> None:
        body = ada.get(url("run-list"), headers=HTMX).content.decode()
        assert "<html" not in body and 'id="said" hx-swap-oob="morph"' in body and 'id="state"' in body

    def test_costs_few_queries(self, ada: Client, project: Project, django_assert_max_num_queries: Any) -> None:
        learn(project, 6)
        for _ in range(3):
            make_version(project)
        with django_assert_max_num_queries(15):
            ada.get(url("run-list"))


class TestRetrainNow:
    def test_begins_a_run_in_the_persons_name(self, ada: Client) -> None:
        answer = ada.post(url("run-start"))
        run = TrainingRun.objects.get()
        assert (answer.status_code, answer["Location"]) == (302, url("run", 1))
        assert run.reason == "Asked for by Ada." and run.created_by is not None

    def test_a_second_click_leads_to_the_run_in_flight(self, ada: Client) -> None:
        ada.post(url("run-start"))
        answer = ada.post(url("run-start"), follow=True)
        assert answer.redirect_chain == [(url("run", 1), 302)]
        assert "Run 1 is in flight already; one run at a time." in text(answer)
        assert TrainingRun.objects.count() == 1

    def test_is_not_for_a_reviewer(self, bob: Client) -> None:
        assert bob.post(url("run-start")).status_code == 403
        assert b"Retrain now" not in bob.get(url("run-list")).content


class TestRun:
    def test_polls_while_it_runs_and_stops_by_itself(self, ada: Client, project: Project) -> None:
        learn(project, 40)
        run = open_run(project)
        flying = ada.get(url("run", 1), headers=HTMX).content.decode()
        assert 'hx-trigger="every 2s"' in flying and "Waiting for a worker" in flying
        do(run)
        ended = ada.get(url("run", 1), headers=HTMX).content.decode()
        assert "hx-trigger" not in ended and "hx-get" not in ended

    def test_the_stage_and_the_share_follow_the_log_where_the_job_lags_behind(
        self, ada: Client, project: Project
    ) -> None:
        run = open_run(project)
        log = [{"stage": name, "attempt": 1, "at": NOW.isoformat()} for name in list(training.STAGES)[:4]]
        Job.objects.filter(pk=run.job_id).update(state=JobState.RUNNING, progress=0.0, stage="Freeze the dataset")
        TrainingRun.objects.update(state=RunState.RUNNING, stages=log, started_at=NOW)
        page = text(ada.get(url("run", 1)))
        assert "Write the artifact , 80 %" in page
        assert "Write the artifact now, " in page

    def test_tells_the_whole_story_of_a_run(self, ada: Client, project: Project) -> None:
        learn(project, 40)
        learn(project, 35, evaluation=True, seed=1)
        version = train(project)
        page = text(ada.get(url("run", 1)))
        assert "What did run 1 bring?" in page and "v1 , linear" in page and "it is live." in page
        for words in (
            "Trained on 40 items",
            "Measured with 35 items , none trained on",
            "attempt 1 of 3",
            "Keep the version",
        ):
            assert words in page
        stages = version.run.load_stages().entries
        log = page.partition("What happened when?")[2]
        assert stages and all(f"{entry.at:%H:%M:%S} UTC {entry.attempt} {entry.stage}" in log for entry in stages)
        report = version.run.load_report()
        why = report.why
        assert why[0].upper() + why[1:] in page
        out_of_fold = report.out_of_fold.accuracy
        assert f"{out_of_fold.value:.3f} [{out_of_fold.low:.3f}, {out_of_fold.high:.3f}], n 40" in page

    def test_says_why_it_failed(self, ada: Client, project: Project) -> None:
        for item in learn(project, 3):
            item.resolutions.update(value="ham")
        do(open_run(project))
        page = text(ada.get(url("run", 1)))
        assert "It failed. A model needs labels of at least two classes, but every label so far is 'ham'." in page
        assert "Write the artifact not reached" in page

    def test_its_numbers_link_to_exactly_these_items(self, ada: Client, project: Project) -> None:
        learn(project, 40)
        learn(project, 31, evaluation=True, seed=1)
        train(project)
        page = ada.get(url("run", 1)).content.decode()
        for split, count in (("train", 40), ("evaluation", 31)):
            assert url(f"run-{split}", 1) in page
            answer = text(ada.get(url(f"run-{split}", 1)))
            assert f"{count} items , each with the value that was agreed." in answer

    def test_the_items_of_the_next_run_are_those_counted(self, ada: Client, project: Project) -> None:
        learn(project, 40)
        train(project)
        learn(project, 3, at=timezone.now())
        assert "3 items" in text(ada.get(url("new-train")))
        assert "No item here" in text(ada.get(url("new-evaluation")))

    def test_pages_through_its_items(self, ada: Client, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(runs, "ITEMS_SHOWN", 2)
        learn(project, 5)
        make_version(project)
        pages = [ada.get(url("run-train", 1), {"page": page}).content.decode() for page in (1, 2, 3)]
        assert [page.count('<li class="card">') for page in pages] == [2, 2, 1]
        assert "?page=2" in pages[0] and "?page=4" not in pages[2]

    def test_can_be_stopped(self, ada: Client, project: Project) -> None:
        open_run(project)
        answer = ada.post(url("run-stop", 1), follow=True)
        assert "Run 1 is stopped." in text(answer) and "It was stopped. Stopped by Ada." in text(answer)
        assert "Run 1 had ended already." in text(ada.post(url("run-stop", 1), follow=True))

    def test_a_stop_by_htmx_answers_with_the_part(self, ada: Client, project: Project) -> None:
        open_run(project)
        body = ada.post(url("run-stop", 1), headers=HTMX).content.decode()
        assert "<html" not in body and "It was stopped." in body and "hx-trigger" not in body

    @pytest.mark.parametrize(
        "path", ["9/", f"{10**30}/", "1/trained-on/", "9/measured-with/", "new-to-learn-from/?page=0"]
    )
    def test_is_404_where_there_is_none(self, ada: Client, project: Project, path: str) -> None:
        open_run(project)
        assert ada.get(f"/p/mail/runs/{path}").status_code == 404


@pytest.fixture
def compared(project: Project) -> ModelVersion:
    """v1 is live; v2 was compared with it on 60 items and is held."""
    learn(project, 40)
    make_champion(project)
    learn(project, 60, evaluation=True, seed=1, noise=0.1)
    resolve(make_item(project, inputs={"x": 0.4, "y": 0.1}), "ham")
    return train(project)


class TestCompare:
    def test_gives_the_verdict_with_its_rule_and_numbers(self, ada: Client, compared: ModelVersion) -> None:
        page = text(ada.get(url("compare", 2)))
        row = compared.evaluation.rows[0].difference
        assert "Is the candidate better?" in page and ", n 60 that neither was trained on." in page
        assert f"[{row.low:.1f}, {row.high:.1f}]".replace("-", "\u2212") in page
        assert "Hold: 1 of 2 conditions is not shown" in page and "at most 5 % of cases" in page
        for gate in compared.verdict.gates:
            assert gate_name(gate).capitalize() in page

    def test_counts_link_to_exactly_these_items(self, ada: Client, compared: ModelVersion) -> None:
        page = ada.get(url("compare", 2)).content.decode()
        for outcome, count in msgspec.structs.asdict(compared.evaluation.counts).items():
            assert re.search(rf'href="{url("compare-cases", 2, outcome)}"\s*>{count}</a>', page)
            answer = text(ada.get(url("compare-cases", 2, outcome)))
            assert f"{count} {'item' if count == 1 else 'items'} of the comparison of v2 with v1." in answer

    def test_a_row_of_the_differences_links_to_its_items(self, ada: Client, compared: ModelVersion) -> None:
        row = next(row for row in compared.evaluation.rows if row.label)
        address = f"{url('compare-cases', 2, 'all')}?label={row.label}"
        assert address in ada.get(url("compare", 2)).content.decode()
        assert f"{row.difference.n} items of the comparison" in text(ada.get(address))

    def test_a_segment_is_never_read_as_a_path_through_tables(self, ada: Client, compared: ModelVersion) -> None:
        for name in ("project__memberships__user__password", "__", "'"):
            answer = ada.get(url("compare-cases", 2, "all"), {"segment": f"{name}=x"})
            assert answer.status_code == 200 and "0 items of the comparison" in text(answer)

    def test_gives_the_table_as_csv_without_formulas(self, ada: Client, compared: ModelVersion) -> None:
        compared.judgement.evaluation["rows"][0]["label"] = "=HYPERLINK(1)"
        compared.judgement.save()
        answer = ada.get(url("compare-csv", 2))
        assert answer["Content-Type"] == "text/csv; charset=utf-8"
        rows = list(csv.reader(answer.content.decode().splitlines()))
        assert rows[0][:3] == ["measure", "kind", "n"] and rows[1][:3] == ["'=HYPERLINK(1)", "label", "60"]

    def test_says_what_is_missing_without_evaluation_items(self, ada: Client, project: Project) -> None:
        learn(project, 40)
        make_champion(project)
        resolve(make_item(project, inputs={"x": 0.4, "y": 0.1}), "ham")
        train(project)
        page = text(ada.get(url("compare", 2)))
        assert "Not known: there is no labelled item yet that neither was trained on." in page
        assert "Hold: nothing could be compared" in page and "None has been labelled so far." in page

    def test_a_verdict_against_a_former_champion_offers_only_to_judge_again(
        self, ada: Client, project: Project, compared: ModelVersion
    ) -> None:
        assert compared.judgement
        compared.judgement.verdict["decision"] = "promote"
        compared.judgement.save()
        assert 'id="promote"' in ada.get(url("compare", 2)).content.decode()
        release.promote(make_version(project), by=None, reason="other", at=timezone.now())
        answer = ada.get(url("compare", 2))
        page, body = text(answer), answer.content.decode()
        assert "v2 was judged against v1, but v3 serves now: that verdict is void." in page
        assert "Void: judged against v1" in page and "Judge v2 against v3" in page
        assert "Promote:" not in page and 'id="promote"' not in body and "Promote v2" not in body
        alone = ada.get(url("promote", 2)).content.decode()
        assert "that verdict is void" in alone and 'name="expected"' not in alone
        assert "the gate would promote it" not in text(ada.get(url("release-list")))

    def test_judging_again_is_a_job_that_gives_a_verdict_against_what_serves(
        self, ada: Client, project: Project, compared: ModelVersion, run_jobs: Any
    ) -> None:
        before = compared.judgement
        assert before
        release.promote(make_version(project), by=None, reason="other", at=timezone.now())
        Job.objects.all().delete()
        assert [ada.post(url("judge", 2)).status_code for _ in range(2)] == [302, 302]
        assert "v2 is being judged against v3." in text(ada.get(url("compare", 2)))
        assert run_jobs() == 1
        page = text(ada.get(url("compare", 2)))
        assert "v2 against v3:" in page and "void" not in page
        before.refresh_from_db()
        assert (before.against, before.evaluated.count()) == ("v1", 60)  # what was measured stays

    def test_judging_is_not_for_a_reviewer(self, bob: Client, compared: ModelVersion) -> None:
        assert bob.post(url("judge", 2)).status_code == 403

    @pytest.mark.parametrize("number", [1, 2], ids=["the first version", "a promoted version"])
    def test_of_the_version_that_serves_it_says_since_when_and_offers_no_act(
        self, ada: Client, project: Project, compared: ModelVersion, number: int
    ) -> None:
        if number == 2:
            release.promote(compared, by=None, reason="it is better", at=timezone.now(), automatic=True)
        body = ada.get(url("compare", number)).content.decode()
        page = text(ada.get(url("compare", number)))
        since = Release.objects.order_by("-at").first()
        assert since and f"v{number} serves since {since.at:%-d %b %Y %H:%M} UTC" in page
        verdict = page.partition(" serves since ")[2].partition("Where does it gain")[0]
        assert not re.search(r"Promote|Hold:|would (decide|probably)", verdict)
        assert "Promote v" not in body and "<form" not in body.partition("<main")[2].partition("</main")[0]

    def test_says_what_a_captured_version_is_compared_by(self, ada: Client, project: Project) -> None:
        learn(project, 40)
        for item in learn(project, 60, evaluation=True, seed=1):
            make_prediction(item, label="ham", model_version="router-7")
        train(project)
        page = text(ada.get(url("compare", 1)))
        assert "router-7 is captured and was not trained here" in page and "Captured router-7" in page
        assert "v1 against router-7:" in page
        assert ada.get(url("compare-cases", 1, "fixed")).status_code == 200

    def test_offers_a_reviewer_nothing_to_press(self, bob: Client, compared: ModelVersion) -> None:
        body = bob.get(url("compare", 2)).content.decode()
        assert (
            "An engineer of this project can promote it." in body
            and "<form" not in body.partition("<main")[2].partition("</main")[0]
        )

    def test_costs_few_queries(self, ada: Client, compared: ModelVersion, django_assert_max_num_queries: Any) -> None:
        for name in (url("compare", 2), url("compare-cases", 2, "both_right"), url("run", 1), url("release-list")):
            with django_assert_max_num_queries(15):
                assert ada.get(name).status_code == 200

    @pytest.mark.parametrize(
        "path", ["compare/9/", "compare/2/none/", "compare/2/fixed/?page=0", "compare/2/fixed/?page=x"]
    )
    def test_is_404_where_there_is_none(self, ada: Client, compared: ModelVersion, path: str) -> None:
        assert ada.get(f"/p/mail/{path}").status_code == 404


class TestPromote:
    def post(self, client: Client, **given: str) -> Any:
        return client.post(url("promote", 2), {"version": "v2", "reason": "better", "expected": "v1", **given})

    def test_asks_for_the_version_to_be_typed(self, ada: Client, compared: ModelVersion) -> None:
        answer = self.post(ada, version="v1")
        page = text(answer)
        assert answer.status_code == 422 and "Type v2 to say which version you mean." in page
        assert not Release.objects.filter(version=compared).exists()
        assert "Nothing was changed: v1 still serves." in page

    def test_says_promoted_of_nothing_that_was_not(self, ada: Client, project: Project) -> None:
        learn(project, 40)
        make_champion(project)
        better = DifferenceBody(value=5.6, low=1.8, high=9.6, level=0.9, n=214)
        make_version(project, verdict={"decision": "promote", "difference": better})
        for answer in (ada.get(url("promote", 2)), self.post(ada, version="v1")):
            assert "Passed: +5.6 points" in text(answer) and "Promoted" not in text(answer)

    def test_asks_for_a_reason(self, ada: Client, compared: ModelVersion) -> None:
        answer = self.post(ada, reason=" ")
        assert answer.status_code == 422 and "Say why; it stays in the audit trail." in text(answer)

    def test_has_a_page_of_its_own_without_javascript(self, ada: Client, compared: ModelVersion) -> None:
        page = ada.get(url("promote", 2))
        assert "The gate holds it." in text(page) and 'name="expected" value="v1"' in page.content.decode()

    def test_promotes_and_says_so(self, ada: Client, compared: ModelVersion) -> None:
        answer = self.post(ada)
        assert answer["Location"] == url("release-list")
        page = text(ada.get(url("release-list")))
        assert "Promoted v2. It answers from the next request on." in page and "v2 answers" in page
        assert AuditEvent.objects.get(action="release.promote", target="v2").actor == "user:ada"

    def test_a_double_click_is_one_release(self, ada: Client, compared: ModelVersion) -> None:
        assert [self.post(ada).status_code for _ in range(2)] == [302, 302]
        assert Release.objects.filter(version=compared).count() == 1

    def test_a_stale_form_is_refused_with_a_sentence(
        self, ada: Client, project: Project, compared: ModelVersion
    ) -> None:
        release.promote(make_version(project), by=None, reason="other", at=timezone.now())
        answer = self.post(ada)
        assert answer.status_code == 409
        assert "v3 is live now, not v1. Look again before you promote." in text(answer)

    def test_a_broken_artifact_is_refused_with_a_sentence(self, ada: Client, compared: ModelVersion) -> None:
        artifacts.path_of(compared.artifact_sha256).unlink()
        answer = self.post(ada)
        assert answer.status_code == 409 and "v2 cannot be loaded. Its file cannot be read" in text(answer)

    def test_is_not_for_a_reviewer(self, bob: Client, compared: ModelVersion) -> None:
        assert self.post(bob).status_code == 403


class TestAsk:
    def test_adds_audit_items_and_says_how_many(self, ada: Client, project: Project, compared: ModelVersion) -> None:
        for _ in range(5):
            make_item(project, inputs={"x": 0.1, "y": 0.0})
        answer = ada.post(url("ask", 2), {"count": "3"}, follow=True)
        assert "3 items added to Audit; the next run is judged with them." in text(answer)
        assert project.routed_items.filter(state="open").count() == 3

    @pytest.mark.parametrize(
        ("count", "words"), [("0", "At least one item"), ("x", "a whole number"), ("", "Say how many")]
    )
    def test_says_what_is_wrong_with_the_number(
        self, ada: Client, compared: ModelVersion, count: str, words: str
    ) -> None:
        answer = ada.post(url("ask", 2), {"count": count})
        assert answer.status_code == 422 and words in text(answer)

    def test_says_when_nothing_is_left_to_draw(self, ada: Client, compared: ModelVersion) -> None:
        answer = ada.post(url("ask", 2), {"count": "3"})
        assert answer.status_code == 409 and "No unlabelled item is left to draw from" in text(answer)

    def test_a_selection_becomes_a_queue(self, ada: Client, project: Project, compared: ModelVersion) -> None:
        row = next(row for row in compared.evaluation.rows if row.label)
        ada.post(url("compare-ask", 2, "all"), {"label": row.label})
        queue = project.queues.get(title="v2 against v1: compared")
        assert queue.routed_items.count() == row.difference.n


class TestReleases:
    def test_says_what_answers_before_the_first_release(self, ada: Client, project: Project) -> None:
        assert "Nothing is live. Requests are refused." in text(ada.get(url("release-list")))
        Project.objects.update(safe_default="ham")
        assert "Nothing is live. Requests get the safe default, ham." in text(ada.get(url("release-list")))

    def test_says_that_a_captured_version_answers_elsewhere(self, ada: Client, project: Project) -> None:
        make_prediction(make_item(project), [0.9, 0.1], model_version="router-7")
        page = text(ada.get(url("release-list")))
        assert "router-7 is captured and answers elsewhere; no version trained here serves." in page
        assert "Nothing is live" not in page

    def test_rolls_back_with_a_reason(self, ada: Client, project: Project, compared: ModelVersion) -> None:
        release.promote(compared, by=None, reason="better", at=timezone.now())
        assert "You can go back to v1 ." in text(ada.get(url("release-list")))
        answer = ada.post(url("roll-back"), {"reason": "complaints", "expected": "v2"}, follow=True)
        page = text(answer)
        assert "Rolled back to v1. It answers from the next request on." in page
        assert re.search(r"Rolled back v1 instead of v2 by Ada complaints", page)

    def test_a_double_click_goes_back_once(self, ada: Client, project: Project, compared: ModelVersion) -> None:
        release.promote(compared, by=None, reason="better", at=timezone.now())
        release.promote(make_version(project), by=None, reason="better", at=timezone.now())
        for _ in range(2):
            assert ada.post(url("roll-back"), {"reason": "complaints", "expected": "v3"}).status_code == 302
        project.refresh_from_db()
        assert project.champion_version == "v2"

    def test_a_stale_form_is_refused_with_a_sentence(
        self, ada: Client, project: Project, compared: ModelVersion
    ) -> None:
        answer = ada.post(url("roll-back"), {"reason": "complaints", "expected": "v7"})
        assert answer.status_code == 409 and "v1 is live now, not v7. Look again before you roll back." in text(answer)

    def test_asks_for_a_reason(self, ada: Client, compared: ModelVersion) -> None:
        release.promote(compared, by=None, reason="better", at=timezone.now())
        answer = ada.post(url("roll-back"), {"reason": "", "expected": "v2"})
        assert answer.status_code == 422 and b'aria-invalid="true"' in answer.content

    def test_is_not_for_a_reviewer(self, bob: Client, compared: ModelVersion) -> None:
        assert bob.post(url("roll-back"), {"reason": "x", "expected": "v1"}).status_code == 403


class TestStoredByAnEarlierVersion:
    def test_a_comparison_of_version_1_still_opens(self, ada: Client, compared: ModelVersion) -> None:
        compared.judgement.evaluation, compared.judgement.verdict = EVALUATION_1, VERDICT_1
        compared.judgement.save()
        page = text(ada.get(url("compare", 2)))
        assert "v2 against v1: +3.3 points [\u22122.3, 9.1] , n 60" in page
        assert "Hold: 1 of 2 conditions is not shown" in page and "0.883" in page and "0.850" in page
        assert "+3.3 points (90 % interval -1.4 to +8.1), p = 0.121, p at most 0.05" in page
        assert "Held: +3.3 points" in text(ada.get(url("promote", 2)))
        for name in ("release-list", "run-list"):
            assert ada.get(url(name)).status_code == 200
        assert ada.get(url("run", 2)).status_code == 200
        file = ada.get(url("compare-csv", 2)).content.decode()
        assert list(csv.reader(file.splitlines()))[1] == ["Accuracy", "overall", "60", "3.33", "-2.26", "9.1"]

    @pytest.mark.parametrize("stored", [{"version": 99}, {"version": 2, "decision": "perhaps"}, {"decision": 7}, {}])
    def test_what_cannot_be_loaded_is_said_and_opens_no_gate(
        self, ada: Client, compared: ModelVersion, stored: dict[str, Any]
    ) -> None:
        compared.judgement.evaluation = compared.judgement.verdict = stored
        compared.judgement.save()
        page = text(ada.get(url("compare", 2)))
        assert "was stored in a form that this version cannot load" in page and "Judge v2 against v1" in page
        form = {"version": "v2", "reason": "better", "expected": "v1"}
        assert ada.post(url("promote", 2), form).status_code == 409
        assert Release.objects.count() == 1
        for path in [url("promote", 2), url("release-list"), url("run-list"), url("run", 2), url("compare-csv", 2)]:
            assert ada.get(path).status_code == 200
        for outcome in ("all", "fixed"):
            assert ada.get(url("compare-cases", 2, outcome)).status_code == 200


def test_user_text_is_escaped_everywhere(ada: Client, project: Project) -> None:
    evil = "<img src=x onerror=alert(1)>"
    InputContract.objects.create(
        project=project, version=2, inputs={"text": {"type": "text"}, "x": {"type": "number"}}, created_at=NOW
    )
    learn(project, 5)
    make_champion(project)
    version = make_version(project)
    item = make_item(project, inputs={"text": evil, "x": 1}, segment={evil: evil})
    version.judgement.evaluated.create(
        item=item,
        truth=evil,
        label="b",
        confidence=1,
        champion_label=evil,
        champion_confidence=1,
        inclusion_probability=1,
    )
    row = {"name": evil, "kind": "label", "label": evil, "n": 30, "value": 1, "low": 0, "high": 2, "small": False}
    version.judgement.verdict = {**VERDICT_1, "against": evil, "words": evil}
    version.judgement.evaluation = {**EVALUATION_1, "differences": [row]}
    version.judgement.save()
    TrainingRun.objects.update(reason=evil, error=evil)
    release.promote(version, by=None, reason=evil, at=timezone.now())
    pages = ("compare/2/", "compare/2/all/", "compare/2/broken/", "compare/2/promote/", "runs/", "runs/1/", "releases/")
    for path in pages:
        body = ada.get(f"/p/mail/{path}").content.decode()
        assert "<img src=x" not in body and "&lt;img src=x" in body, path
