"""What is missing or wrong in this installation, and how to repair it: every check that there is."""

from collections.abc import Callable
from datetime import datetime, timedelta
from importlib import metadata
from pathlib import Path

from django.conf import settings
from django.core.management.base import CommandError
from django.db import connection

from annotation import text_vectors
from config import startup
from config.home import list_exposed
from config.stored_files import artifact_faults, media_faults
from inputs.encoders.base import EncoderUnavailable
from jobs import health
from jobs.health import Check
from jobs.models import Job, JobState
from projects import append_only, audit
from projects.models import AuditEvent

RECENTLY = timedelta(days=7)
NEWEST_EVENTS = 3  # none of them fits under a key that is not the one they were written with


def examine(*, at: datetime) -> list[Check]:
    """All checks; where the database or its tables are not there, those that do without."""
    found = [check_environment(), check_home()]
    if connection.vendor == "sqlite" and not Path(connection.settings_dict["NAME"]).is_file():
        return [*found, Check("database", False, f"There is no database in {settings.HOME}.", "./plumbline migrate")]
    found += health.checks(at=at)
    if not all(check.ok for check in found if check.name in ("database", "migrations")):
        return found
    return found + [check() for check in WITH_DATABASE] + [check_dead_jobs(at=at)]


def check_environment() -> Check:
    """The packages that requirements.txt pins."""
    for line in (settings.BASE_DIR / "requirements.txt").read_text().splitlines():
        pinned, _, _ = line.partition("#")
        if "==" not in pinned:
            continue
        name, _, wanted = pinned.strip().partition("==")
        name = name.partition("[")[0]
        if (installed := _version_of(name)) != wanted:
            has = f"has {name} {installed}" if installed else f"lacks {name}"
            return Check("environment", False, f"The environment {has}; {wanted} is needed.", "make environment")
    return Check("environment", True, "All packages are installed in their pinned versions.")


def _version_of(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


def check_home() -> Check:
    """Nobody else may read the home, and no restore was cut off in it."""
    if exposed := list_exposed(settings.HOME):
        words = f"{exposed[0]} can be read by others and belongs to somebody else."
        return Check("home", False, words, f"As its owner: chmod go= {exposed[0]}")
    if left := sorted(settings.HOME.glob("*.restoring")):
        return Check("home", False, f"A restore was cut off: {left[0]} is left.", "./plumbline restore DIR, again")
    return Check("home", True, f"{settings.HOME} can be read by its owner only.")


def check_sqlite() -> Check:
    try:
        startup.check_database()
    except CommandError as why:
        return Check("database settings", False, str(why), "Look at config/environment.py: SQLITE_OPTIONS.")
    return Check("database settings", True, f"{connection.vendor} has the settings that keep labels safe.")


def check_triggers() -> Check:
    wanted = {f"{table}_no_{verb.lower()}" for table in append_only.TABLES for verb in append_only.VERBS}
    if lacking := sorted(wanted - append_only.protected(connection)):
        words = f"Rows that must stay can be changed: the trigger {lacking[0]} is missing."
        return Check("append-only tables", False, words, "Restore a backup, or make the triggers anew by a migration.")
    return Check("append-only tables", True, "The database refuses changes of what was said, released and done.")


def check_signing_key() -> Check:
    newest = AuditEvent.objects.order_by("-sequence")[:NEWEST_EVENTS]
    if newest and not any(audit.is_as_written(event) for event in newest):
        words = "The signing key is not the one that the audit trail and the models were signed with."
        return Check("signing key", False, words, "Put back the former secret_key file, or SECRET_KEY.")
    return Check("signing key", True, "The signing key is the one that the audit trail was signed with.")


def check_audit_trail() -> Check:
    if not check_signing_key().ok:
        return Check("audit trail", False, "The audit trail cannot be verified without its key.", "See signing key.")
    if broken := audit.first_break():
        words = f"The audit trail is broken: {broken[1]}."
        return Check("audit trail", False, words, "Compare with a backup: who could write to the database?")
    return Check("audit trail", True, f"{AuditEvent.objects.count():,} events; the chain is complete.")


def check_media() -> Check:
    return _check_files("images", media_faults())


def check_artifacts() -> Check:
    return _check_files("artifacts", artifact_faults())


def _check_files(noun: str, faults: list[str]) -> Check:
    if not faults:
        return Check(noun, True, f"All {noun} that rows name are there.")
    more = f", and {len(faults) - 1:,} more" if len(faults) > 1 else ""
    return Check(noun, False, f"{faults[0]}{more}.", "Copy the file from a backup into the same place.")


def check_encoder() -> Check:
    try:
        chosen = text_vectors.configured_encoder()
    except EncoderUnavailable as why:
        return Check("text encoder", False, str(why), "Look at TEXT_ENCODER, or: make environment")
    return Check("text encoder", True, chosen.why)


def check_dead_jobs(*, at: datetime) -> Check:
    """Older ones were seen, or nobody misses them."""
    dead = Job.objects.filter(state=JobState.DEAD, finished_at__gte=at - RECENTLY).order_by("-finished_at")
    if newest := dead.first():
        why = next(iter(newest.error.strip().splitlines()[-1:]), "no reason")
        n = dead.count()
        noun = "job" if n == 1 else "jobs"
        words = f"{n:,} {noun} died in the last {RECENTLY.days} days, the last one {newest.kind}: {why}"
        return Check("dead jobs", False, words, "Requeue them on the Jobs page once the reason is gone.")
    return Check("dead jobs", True, f"No job died in the last {RECENTLY.days} days.")


WITH_DATABASE: tuple[Callable[[], Check], ...] = (
    check_sqlite,
    health.check_broker_settings,
    check_triggers,
    check_signing_key,
    check_audit_trail,
    check_media,
    check_artifacts,
    check_encoder,
)
