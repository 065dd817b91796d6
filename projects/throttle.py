"""The throttle of sign-ins by address: django-axes pauses one name from one address, this pauses an address.

A name alone is never paused: whoever knows the password gets in from an address that has not failed too often.
"""

from datetime import datetime, timedelta
from ipaddress import IPv6Address, IPv6Network, ip_address

from axes.models import AccessAttempt
from django.conf import settings
from django.db.models import Sum
from django.http import HttpRequest

ADDRESS_LIMIT = 30  # wrong passwords from one address within the pause, whatever the names: an office shares one


def client_address(request: HttpRequest) -> str | None:
    """The address that asks; behind a proxy the one that the proxy itself saw. Of IPv6 the network of 64 bits.

    Earlier entries of X-Forwarded-For are the client's own words.
    """
    seen = request.META.get("REMOTE_ADDR", "")
    if settings.BEHIND_PROXY:
        seen = request.headers.get("X-Forwarded-For", seen).rpartition(",")[2].strip()
    try:
        address = ip_address(seen)
    except ValueError:
        return None
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped:
            return str(address.ipv4_mapped)
        return str(IPv6Network((address, 64), strict=False).network_address)
    return str(address)


def is_address_paused(request: HttpRequest, *, at: datetime) -> bool:
    """Whether this address has failed too often of late, by any names."""
    since = at - timedelta(hours=settings.AXES_COOLOFF_TIME)
    recent = AccessAttempt.objects.filter(ip_address=client_address(request), attempt_time__gte=since)
    return (recent.aggregate(failures=Sum("failures_since_start"))["failures"] or 0) >= ADDRESS_LIMIT
