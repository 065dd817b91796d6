"""Numbers, times and words as pages write them: a real minus, thousands with a comma, intervals in brackets."""

from datetime import UTC, datetime, timedelta
from typing import Any

from django.utils import timezone
from django.utils.dateformat import format as date_format
from django.utils.html import format_html

MINUS, NO_BREAK = "\u2212", "\u00a0"
DUST = 1e-9  # what rounding leaves of a sum that is none or all


def unknown(value: Any) -> bool:
    """None, or the empty text that a template puts where it finds no value."""
    return value is None or isinstance(value, str) and not value


def number(value: float | int | None, places: int = 0) -> str:
    """1240 is 1,240; what is not known is an en dash."""
    if unknown(value):
        return "\u2013"
    text = f"{value:,.{places}f}"
    return text.replace("-", MINUS) if text.strip("-0.") else text.lstrip("-")  # nothing is not less than nothing


def percent(value: float | None, digits: int = 1) -> str:
    """A share in percent; one that is short of none or of all is never written as none or all."""
    if value is None or unknown(value):
        return "\u2013"
    least = 10**-digits
    if DUST < value < 1 - DUST and not least / 2 <= 100 * value < 100 - least / 2:
        sign, bound = ("<", least) if 100 * value < 50 else (">", 100 - least)
        return f"{sign}{NO_BREAK}{number(bound, digits)}{NO_BREAK}%"
    return f"{number(100 * value, digits)}{NO_BREAK}%"


def points(value: float | None, digits: int = 1) -> str:
    """A difference of shares in points of a hundred, with its sign: 0.014 is +1.4."""
    return number(None) if value is None or unknown(value) else signed(100 * value, digits)


def signed(value: float | None, digits: int = 1) -> str:
    """+1.4, −0.3: a difference always carries its sign."""
    text = number(value, digits)
    return f"+{text}" if value is not None and not unknown(value) and value > 0 and text.strip("0.") else text


def interval(estimate: Any, digits: int = 2) -> str:
    """[0.71, 0.84]: the `low` and `high` of an estimate or a dictionary; nothing where they are not known."""
    low, high = (
        estimate.get(end) if isinstance(estimate, dict) else getattr(estimate, end, None) for end in ("low", "high")
    )
    return "" if unknown(low) or unknown(high) else f"[{number(low, digits)}, {number(high, digits)}]"


def span(length: timedelta) -> str:
    """5 d 7 h, 14 min, 12 s: the two largest units at most."""
    seconds = max(int(length.total_seconds()), 0)
    days, rest = divmod(seconds, 86_400)
    hours, rest = divmod(rest, 3_600)
    minutes, seconds = divmod(rest, 60)
    if days:
        text = f"{days} d {hours} h" if hours else f"{days} d"
    elif hours:
        text = f"{hours} h {minutes} min" if minutes else f"{hours} h"
    else:
        text = f"{minutes} min" if minutes else f"{seconds} s"
    return text.replace(" ", NO_BREAK)


def span_of_hours(hours: float) -> str:
    """30 min for 0.5, 1 d for 24."""
    return span(timedelta(hours=hours))


def age(value: datetime | None, now: datetime | None = None) -> str:
    """How long ago, or a dash."""
    return "\u2013" if value is None or unknown(value) else span((now or timezone.now()) - value)


def moment(value: datetime | str | None, form: str = "j M Y H:i") -> str:
    """27 Nov 2026 14:05 CET: in the zone of who reads, and saying which; `form` is that of Django's date filter.

    A text is read as ISO 8601.
    """
    if value is None or unknown(value):
        return "\u2013"
    value = datetime.fromisoformat(value) if isinstance(value, str) else value
    stamp = value.astimezone(UTC).isoformat(timespec="seconds")
    return format_html('<time datetime="{}">{}</time>', stamp, plain_moment(value, form))


def plain_moment(value: datetime, form: str = "j M Y H:i") -> str:
    """The words of `moment`."""
    local = timezone.localtime(value)
    return f"{date_format(local, form)}{NO_BREAK}{zone_sign(local)}"


def zone_sign(local: datetime) -> str:
    """CET, or UTC+05:45 where the zone has no letters of its own."""
    sign = local.tzname() or "UTC"
    if sign[0] not in "+-":
        return sign
    hours, minutes = sign[:3].replace("-", MINUS), sign[3:]
    return f"UTC{hours}:{minutes}" if minutes else f"UTC{hours}"


def zone_name() -> str:
    """The zone in which times stand on this page, such as Europe/Berlin."""
    return timezone.get_current_timezone_name()


def plural(count: int, forms: str) -> str:
    """{{ n|plural:"item,items" }} gives the number with its word."""
    one, many = forms.split(",")
    return f"{number(count)}{NO_BREAK}{one if count == 1 else many}"
