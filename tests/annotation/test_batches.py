"""What every kind of row shares: the time at which something happened."""

from datetime import UTC, datetime, timedelta

import pytest

from annotation.batches import BadRow, parse_time
from tests.factories import NOW

AHEAD = [(timedelta(0), NOW), (timedelta(seconds=1), NOW), (timedelta(hours=14), NOW), (timedelta(days=1), NOW)]


@pytest.mark.parametrize(
    ("given", "moment"),
    [
        (None, NOW),
        ("2026-11-23T12:00:00Z", NOW),
        ("2026-11-23T13:30:00+02:00", datetime(2026, 11, 23, 11, 30, tzinfo=UTC)),
        ("1970-01-01T00:00:00Z", datetime(1970, 1, 1, tzinfo=UTC)),
    ],
)
def test_a_time_with_its_zone_is_taken(given: str | None, moment: datetime) -> None:
    assert parse_time(given, NOW) == moment


@pytest.mark.parametrize(("ahead", "moment"), AHEAD)
def test_a_clock_that_is_ahead_by_up_to_a_day_counts_as_now(ahead: timedelta, moment: datetime) -> None:
    assert parse_time((NOW + ahead).isoformat(), NOW) == moment


@pytest.mark.parametrize("given", ["2031-01-01T00:00:00Z", (NOW + timedelta(days=1, seconds=1)).isoformat()])
def test_a_time_further_ahead_is_refused_because_it_would_be_the_newest_for_ever(given: str) -> None:
    with pytest.raises(BadRow, match="more than a day ahead of this server's clock"):
        parse_time(given, NOW)


@pytest.mark.parametrize("given", ["", "now", "2026-11-23", "2026-11-23T12:00:00", "2026-13-01T00:00:00Z", "9" * 50])
def test_a_time_that_is_none_or_has_no_zone_is_refused(given: str) -> None:
    with pytest.raises(BadRow, match="a time such as 2026-11-23T14:00:00Z is expected"):
        parse_time(given, NOW)
