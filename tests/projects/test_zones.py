"""Times in a person's own zone: how they are written, and when a day begins."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from projects import zones
from projects.formatting import moment, plain_moment

AT = datetime(2026, 11, 27, 22, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "words"),
    [
        ("UTC", "27 Nov 2026 22:05\u00a0UTC"),
        ("Europe/Berlin", "27 Nov 2026 23:05\u00a0CET"),
        ("Asia/Tokyo", "28 Nov 2026 07:05\u00a0JST"),
        ("America/Sao_Paulo", "27 Nov 2026 19:05\u00a0UTC\u221203"),
        ("Asia/Kathmandu", "28 Nov 2026 03:50\u00a0UTC+05:45"),
    ],
)
def test_a_moment_says_its_zone(zone: str, words: str) -> None:
    with timezone.override(ZoneInfo(zone)):
        assert plain_moment(AT) == words
        assert moment(AT) == f'<time datetime="2026-11-27T22:05:00+00:00">{words}</time>'


def test_a_moment_that_is_text_is_read_and_one_that_is_none_is_a_dash() -> None:
    assert moment(AT.isoformat(), "H:i") == moment(AT, "H:i")
    assert moment(None) == moment("") == "\u2013"


@pytest.mark.parametrize(
    ("zone", "at", "begins"),
    [
        ("UTC", AT, datetime(2026, 11, 27, tzinfo=UTC)),
        ("Asia/Tokyo", AT, datetime(2026, 11, 27, 15, tzinfo=UTC)),
        ("America/Los_Angeles", AT, datetime(2026, 11, 27, 8, tzinfo=UTC)),
        (
            "Europe/Berlin",
            datetime(2026, 3, 29, 10, tzinfo=UTC),
            datetime(2026, 3, 28, 23, tzinfo=UTC),
        ),  # a day of 23 h
    ],
)
def test_a_day_begins_at_midnight_where_the_person_is(zone: str, at: datetime, begins: datetime) -> None:
    with timezone.override(ZoneInfo(zone)):
        assert zones.start_of_day(at) == begins


def test_zones_to_choose_from_are_places_and_utc() -> None:
    assert {"UTC", "Europe/Berlin", "Asia/Kolkata", "America/Argentina/Buenos_Aires"} <= set(zones.names())
    assert not [name for name in zones.names() if name.startswith(("Etc/", "posix/"))]
    assert zones.zone_named("Mars/Olympus") is None
