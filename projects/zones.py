"""Time zones of people: the one they chose, else their browser's, else UTC. Times are stored in UTC."""

from datetime import datetime, time
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from django.http import HttpRequest
from django.utils import timezone

COOKIE = "zone"  # written by static/js/shell.js: a name such as Europe/Berlin
UTC = ZoneInfo("UTC")


@cache
def names() -> tuple[str, ...]:
    """Zones to choose from: those of places, and UTC."""
    elsewhere = ("Etc/", "posix/", "right/", "SystemV/")
    places = (name for name in available_timezones() if "/" in name and not name.startswith(elsewhere))
    return ("UTC", *sorted(places))


def zone_named(name: str) -> ZoneInfo | None:
    """The zone of this name, or None where there is none."""
    return ZoneInfo(name) if name in names() else None


def of_browser(request: HttpRequest) -> ZoneInfo | None:
    return zone_named(request.COOKIES.get(COOKIE, ""))


def of_request(request: HttpRequest) -> ZoneInfo:
    """In which zone the person who asks is shown times."""
    chosen = request.user.timezone if request.user.is_authenticated else ""
    return zone_named(chosen) or of_browser(request) or UTC


def current_name() -> str:
    """The zone in which times are shown now, such as Europe/Berlin."""
    return timezone.get_current_timezone_name()


def start_of_day(at: datetime) -> datetime:
    """When the day of `at` began for the person who is shown times now."""
    zone = timezone.get_current_timezone()
    return datetime.combine(at.astimezone(zone).date(), time.min, tzinfo=zone)
