"""Read settings from the environment, and name each value that cannot be used."""

import ipaddress
import os
import secrets
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

from validation.numbers import whole_number

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
ADDRESS_FILE = "address"
SECRET_FILE = "secret_key"
TRUE, FALSE = {"1", "true", "yes", "on"}, {"0", "false", "no", "off", ""}


def boolean(name: str, default: bool = False) -> bool:
    value = os.environ.get(name)
    if value is None:
        return default
    if value.lower() in TRUE | FALSE:
        return value.lower() in TRUE
    raise ImproperlyConfigured(f"{name} is {value!r}; it takes one of 1, true, yes, on, 0, false, no, off.")


def integer(name: str, default: int, *, least: int = 0) -> int:
    value = os.environ.get(name)
    if value is None:
        return default
    if (number := whole_number(value, least=least)) is not None:
        return number
    raise ImproperlyConfigured(f"{name} is {value!r}; it takes a whole number of at least {least}.")


def words(name: str, default: list[str]) -> list[str]:
    value = os.environ.get(name)
    return default if value is None else [word.strip() for word in value.split(",") if word.strip()]


def networks(name: str) -> list[str]:
    """Networks such as 10.0.0.0/8, with commas between."""
    found = words(name, [])
    for one in found:
        try:
            ipaddress.ip_network(one)
        except ValueError:
            raise ImproperlyConfigured(f"{name} has {one!r}; it takes networks such as 10.0.0.0/8.") from None
    return found


def log_level() -> str:
    """LOG_LEVEL, a name that the logging module knows."""
    value = os.environ.get("LOG_LEVEL", "WARNING").upper()
    if value not in LEVELS:
        raise ImproperlyConfigured(f"LOG_LEVEL is {value!r}; it takes one of {', '.join(LEVELS)}.")
    return value


def public_address(home: Path) -> str:
    """Where people reach this installation: PUBLIC_ADDRESS, or where `up` last started it."""
    if value := os.environ.get("PUBLIC_ADDRESS"):
        return value
    try:
        return (home / ADDRESS_FILE).read_text().strip()
    except OSError:
        return f"http://127.0.0.1:{os.environ.get('PORT') or 8000}"


def secret_file(home: Path) -> Path | None:
    """The file that holds the signing key; None where SECRET_KEY gives it."""
    return None if os.environ.get("SECRET_KEY") else home / SECRET_FILE


def secret(home: Path) -> str:
    """The signing key: SECRET_KEY, or the file that the first start makes, readable by its owner only."""
    if value := os.environ.get("SECRET_KEY"):
        if len(value) < 50:
            raise ImproperlyConfigured(f"SECRET_KEY has {len(value)} characters; at least 50 are needed.")
        return value
    path = home / SECRET_FILE
    try:
        # O_EXCL: of two processes that start at once, one makes the key and the other reads it.
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return _read_secret(path)
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_urlsafe(64))
        file.flush()
        os.fsync(file.fileno())
    return _read_secret(path)


def _read_secret(path: Path) -> str:
    value = path.read_text().strip()
    if path.stat().st_mode & 0o077:
        raise ImproperlyConfigured(f"{path} can be read by others; run: chmod 600 {path}")
    if len(value) < 50:
        raise ImproperlyConfigured(f"{path} holds no usable key; remove it and start again.")
    return value


SQLITE_OPTIONS = {
    # IMMEDIATE takes the write lock at BEGIN: without it read-then-write transactions fail under WAL whatever the
    # timeout is. FULL keeps an acknowledged label through a power cut.
    "transaction_mode": "IMMEDIATE",
    "timeout": 20,
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;",
}


def sqlite(name: Path | str) -> dict[str, Any]:
    return {"ENGINE": "config.sqlite", "NAME": name, "OPTIONS": SQLITE_OPTIONS, "TEST": {"NAME": ":memory:"}}


def database(home: Path) -> dict[str, Any]:
    """The default database: DATABASE_URL (postgres://…), or SQLite in `home`."""
    url = os.environ.get("DATABASE_URL")
    if not url:
        return sqlite(home / "plumbline.sqlite3")
    parts = urlsplit(url)
    if parts.scheme == "sqlite":
        return sqlite(unquote(parts.path))
    if parts.scheme not in {"postgres", "postgresql"}:
        raise ImproperlyConfigured(f"DATABASE_URL begins with {parts.scheme!r}; it takes postgres://… or sqlite://….")
    query = dict(parse_qsl(parts.query))
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": query.pop("host", None) or parts.hostname or "",
        "PORT": str(parts.port or ""),
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {"connect_timeout": "5", **query},
    }
