"""What answers mean, and how long the client waits after a failure."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest
from plumbline_client import DeliveryOptions
from plumbline_client.delivery import LONGEST_RETRY_AFTER, Meaning, judge, retry_after, wait_after


def response(status: int, **headers: str) -> httpx.Response:
    return httpx.Response(status, headers=headers, json={"detail": "why"})


@pytest.mark.parametrize(
    ("status", "meaning"),
    [(400, Meaning.SPLIT), (413, Meaning.SPLIT), (401, Meaning.LATER), (429, Meaning.LATER), (500, Meaning.LATER)],
)
def test_a_status_says_whether_the_rows_or_the_moment_are_at_fault(status: int, meaning: Meaning) -> None:
    assert judge(response(status), 1).meaning is meaning
    assert judge(response(status), 1).why == f"{status}: why"


@pytest.mark.parametrize(
    "answer", [{}, {"refused": 3}, {"refused": [{"index": 1, "error": "why"}]}, {"refused": [{"index": 0}]}, []]
)
def test_an_answer_that_does_not_fit_the_rows_is_none(answer: object) -> None:
    assert judge(httpx.Response(200, json=answer), 1).meaning is Meaning.LATER


def test_retry_after_is_a_number_or_a_date_and_bounded() -> None:
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=100))
    assert retry_after(response(503, **{"Retry-After": "7"})) == 7
    assert 90 < retry_after(response(503, **{"Retry-After": soon})) <= 100
    assert retry_after(response(503, **{"Retry-After": "99999"})) == LONGEST_RETRY_AFTER
    assert retry_after(response(503, **{"Retry-After": "soon"})) is None
    assert retry_after(response(503)) is None


def test_waits_double_up_to_the_longest() -> None:
    options = DeliveryOptions(first_wait=1, longest_wait=10)
    waits = [wait_after(failures, options) for failures in (1, 2, 3, 4, 5, 1_000)]
    for wait, longest in zip(waits, (1, 2, 4, 8, 10, 10), strict=True):
        assert longest / 2 <= wait <= longest
