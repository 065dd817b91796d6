"""Backtest from the page: a file, how it is replayed, the job, and what it would have cost and brought."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from jobs.models import Job, JobState
from overview.backtest_figures import LabelPrice, describe, half_width, parse_price
from overview.backtest_views import columns_in_words
from projects.models import Role, User
from retraining.backtest import supervision
from retraining.backtest.options import BacktestOptions, BadBacktest
from retraining.models import Backtest
from tests.factories import make_project, make_user

TABLE = "opened,length,team\n" + "".join(f"2026-01-{n % 28 + 1:02},{n},{'ab'[n % 2]}\n" for n in range(60))
CURVE = [{"labels": n, "accuracy": 0.5 + n / 100, "macro_f1": 0.5, "sd": 0.01} for n in (10, 20)]
RANDOM = {"strategy": "random", "metric": "accuracy", "seeds": 5, "full_data_score": 0.72, "curve": CURVE}
RANDOM |= {"labels_to_95": None, "seeds_to_95": 0, "area": 0.8, "seconds_per_round": 1.0}
EVENT = {"at": "2026-01-05T00:00:00Z", "trigger": "new_labels", "promoted": True, "words": "50 new labels."}
EVENT |= {"version": "v1", "verdict": "Better than the baseline.", "labels": 20, "rows": 30}
FIGURES: dict[str, Any] = {**RANDOM, "strategy": "auto", "labels_to_95": 20.0, "seeds_to_95": 4, "rows": 42}
FIGURES |= {"test_rows": 18, "left_out": 0, "random": RANDOM, "events": [EVENT]}


@pytest.fixture
def engineer(client: Client, db: None) -> User:
    user = make_user("emil", project=make_project("tickets"), role=Role.ENGINEER)
    client.force_login(user)
    return user


@pytest.fixture
def replayed(monkeypatch: pytest.MonkeyPatch) -> list[BacktestOptions]:
    """What would have been replayed; the figures come at once."""
    asked: list[BacktestOptions] = []

    def replay(options: BacktestOptions, *, progress: Callable[[float, str], None]) -> dict[str, Any]:
        asked.append(options)
        progress(0.5, "auto: 10 labels")
        if options.label == "length":
            raise BadBacktest("Column 'length' holds 60 different numbers: a quantity, and no classes.")
        return FIGURES

    monkeypatch.setattr(supervision, "replay", replay)
    return asked


def upload(client: Client) -> str:
    answer = client.post("/backtests/file", {"file": SimpleUploadedFile("tickets.csv", TABLE.encode())})
    assert answer.status_code == 302
    return str(answer.headers["Location"])


def form(**changed: Any) -> dict[str, Any]:
    return {
        **{"label": "team", "reads": "", "time": "opened", "metric": "accuracy", "strategy": "auto", "budget": 20},
        **{"batch": 10, "seeds": 5, "overlap": 1, "accuracy": "95", "test_percent": "30", **changed},
    }


def test_a_file_is_replayed_by_a_job_and_its_page_says_what_it_would_have_cost(
    client: Client, engineer: User, replayed: list[BacktestOptions], run_jobs: Callable[[], int]
) -> None:
    address = upload(client)
    page = client.get(address).content.decode()
    assert "What looks like an input: length" in page
    detail = client.post(address, form()).headers["Location"]
    assert "Waiting for a worker" in client.get(detail).content.decode()
    assert Job.objects.get(kind="retraining.backtest").queue == "train"
    run_jobs()
    options = replayed[0]
    assert (options.label, options.time, options.budget, options.annotator_accuracy) == ("team", "opened", 20, 0.95)
    assert options.file.endswith("/tickets.csv")
    shown = client.get(detail, {"seconds": "18", "hourly": "40"}).content.decode()
    words = " ".join(shown.split())
    assert "<b>20 labels</b> reach 95 % of what all 42 give (0.720), in 4 of 5 repetitions" in words
    assert "drawn at random it is not reached" in words
    assert "50 new labels." in shown and "promoted" in shown
    assert '<td class="num">0.1</td> <td class="num">4.00</td>' in words  # 20 labels of 18 s, at 40 an hour


def test_the_same_form_sent_twice_is_one_backtest(client: Client, engineer: User) -> None:
    address = upload(client)
    first, second = (client.post(address, form()).headers["Location"] for _ in range(2))
    assert first == second and Backtest.objects.count() == 1


def test_what_cannot_be_replayed_is_said_in_the_form_or_on_the_page(
    client: Client, engineer: User, replayed: list[BacktestOptions], run_jobs: Callable[[], int]
) -> None:
    address = upload(client)
    answer = client.post(address, form(batch=50))
    assert answer.status_code == 422 and "one round may not cost more" in answer.content.decode()
    detail = client.post(address, form(label="length")).headers["Location"]
    run_jobs()
    assert "a quantity, and no classes" in client.get(detail).content.decode()


def test_a_backtest_can_be_stopped(client: Client, engineer: User) -> None:
    detail = client.post(upload(client), form()).headers["Location"]
    client.post(f"{detail}stop")
    assert Job.objects.get(kind="retraining.backtest").state == JobState.CANCELLED
    assert "It was stopped" in client.get(detail).content.decode()


def test_another_persons_backtest_and_file_are_not_there(client: Client, engineer: User) -> None:
    address = upload(client)
    detail = client.post(address, form()).headers["Location"]
    client.force_login(make_user("other", project=make_project("mails"), role=Role.ENGINEER))
    assert [client.get(one).status_code for one in (address, detail)] == [404, 404]
    assert client.post(f"{detail}stop").status_code == 404


@pytest.mark.parametrize("text", ["", 'not,a\n"file'])
def test_a_file_that_cannot_be_read_is_refused_and_not_kept(client: Client, engineer: User, text: str) -> None:
    answer = client.post("/backtests/file", {"file": SimpleUploadedFile("tickets.csv", text.encode())})
    assert answer.status_code == 422


def test_many_columns_are_named_in_few_words() -> None:
    assert columns_in_words([]) == "nothing"
    assert columns_in_words(["a", "b"]) == "a, b"
    assert columns_in_words(["a", "b" * 40, "c", "d"]) == f"a, {'b' * 30}… and 2 more"


def test_a_price_that_is_none_is_the_usual_one() -> None:
    assert parse_price({"seconds": "-1", "hourly": "nan"}) == LabelPrice()
    assert parse_price({"seconds": "2,5", "hourly": "60"}) == LabelPrice(2.5, 60)
    assert LabelPrice(36, 50).cost(100) == pytest.approx(50)


def test_intervals_are_those_of_a_mean_over_repetitions() -> None:
    assert half_width(0.1, 1) is None
    assert half_width(0.1, 5) == pytest.approx(2.776 * 0.1 / 5**0.5, rel=1e-3)
    assert len(describe({**FIGURES, "seeds": 1}, LabelPrice()).charts) == 2
