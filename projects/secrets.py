"""Secrets: made at random or derived from this installation's own, and stored as a hash."""

import hashlib
import secrets

from django.utils.crypto import salted_hmac


def new_secret() -> str:
    """256 random bits as text."""
    return secrets.token_urlsafe(32)


def derived_secret(*parts: object) -> str:
    """A secret that this installation alone can make from these parts, the same each time.

    A form that carries a random part of its own makes one thing however often it is sent, and can show its secret again
    though only the hash is stored.
    """
    return salted_hmac("projects.derived_secret", repr(parts), algorithm="sha256").hexdigest()


def hashed(secret: str) -> str:
    """SHA-256 of a random secret; enough because the secrets are 256 random bits, not passwords."""
    return hashlib.sha256(secret.encode()).hexdigest()
