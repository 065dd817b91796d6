"""The address of a sign-in link, as commands print it."""

from django.conf import settings
from django.urls import reverse


def sign_in_address(secret: str, address: str = "") -> str:
    """The whole link: at `address`, or where this installation answers."""
    return (address or settings.PUBLIC_ADDRESS).rstrip("/") + reverse("projects:sign-in-link", args=[secret])
