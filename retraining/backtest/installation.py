"""The throw-away installation's project: made from a file, captured once, and copied for each repetition."""

import hashlib
import math
import os
import shutil
import stat
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.db import connection, connections, models
from django.db.backends.signals import connection_created
from django.db.models import Value
from django.db.models.functions import Cast, Concat, LPad

from annotation import capture, media, queues, text_vectors
from annotation.models import Cause, Item, Queue
from inputs.encoders.columns import text_inputs
from jobs import broker
from projects import members, specs
from projects.chunks import chunks
from projects.models import Project, Role
from retraining.backtest.options import BacktestOptions
from retraining.backtest.source import EPOCH, LabelledFile

SLUG = "backtest"
ENGINEER, REVIEWER = "engineer", "reviewer"
NUMBERED = "item_0000000000"  # an id of the present begins with its time
AUDIT_SHARE = 1e-6  # a file's test part measures, so that no label is spent on an audit


def prepare() -> None:
    """The empty database of this process: migrated, quick because it is thrown away, and without a broker."""
    connection_created.connect(_without_waiting_for_the_disk)
    broker.Pause.until = math.inf  # jobs are done here, by whoever enqueues them
    template = _template()
    if _is_own_file(template):
        shutil.copyfile(template, _database())
        return
    call_command("migrate", verbosity=0)
    _close()
    beside = template.with_name(f"{template.name}.{os.getpid()}")
    shutil.copyfile(_database(), beside)
    beside.chmod(stat.S_IRUSR | stat.S_IWUSR)
    beside.replace(template)
    for older in template.parent.glob(f"{_template_prefix()}*.sqlite3"):
        if older != template and _is_own_file(older):
            older.unlink(missing_ok=True)


def _template() -> Path:
    """Where a database with these migrations is kept for the next backtest: migrating takes longer than a small one."""
    digest = hashlib.sha256()
    for one in apps.get_app_configs():
        for path in sorted(Path(one.path).glob("migrations/*.py")):
            digest.update(path.name.encode() + path.read_bytes())
    beside = Path(settings.HOME).parent
    return beside / f"{_template_prefix()}{digest.hexdigest()[:16]}.sqlite3"


def _template_prefix() -> str:
    return f"plumbline-migrated-{os.geteuid()}-"


def _is_own_file(path: Path) -> bool:
    """Whether this user made the file and nobody else can write to it."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        return False
    return stat.S_ISREG(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o077


def _database() -> Path:
    return Path(str(connection.settings_dict["NAME"]))


def _close() -> None:
    """Write all into the one file and close it."""
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connections.close_all()


def _without_waiting_for_the_disk(connection: Any, **_: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA synchronous=OFF")


def make_project(file: LabelledFile, options: BacktestOptions, *, retraining: dict[str, Any], audit: float) -> Project:
    """The project of the file, with as many annotators as its overlap, an engineer and a reviewer."""
    spec = {
        "title": "Backtest",
        "kind": "choice",
        "labels": list(file.classes),
        "inputs": file.contract,
        "overlap": options.overlap,
        "retraining": retraining,
        "routing": {"audit_share": audit},
    }
    at = EPOCH - timedelta(days=1)
    project = specs.create_project(SLUG, spec, by=None, at=at)
    roles = dict.fromkeys(annotators(options), Role.ANNOTATOR) | {ENGINEER: Role.ADMIN, REVIEWER: Role.REVIEWER}
    for name, role in roles.items():
        members.set_role(project, members.create_user(name, by=None, at=at), role, by=None, at=at)
    queues.ensure(project, Cause.UNCERTAIN, at=at)
    return project


def annotators(options: BacktestOptions) -> list[str]:
    return [f"annotator-{number}" for number in range(1, options.overlap + 1)]


def choose_strategy(project: Project, strategy: str) -> None:
    """Let routing choose by this strategy."""
    Queue.objects.filter(project=project, cause=Cause.UNCERTAIN).update(strategy=strategy)


def capture_rows(project: Project, file: LabelledFile, places: Sequence[int], *, at: Any, known: bool = False) -> None:
    """Capture these rows of the file; with their labels where they are `known`. What the contract refuses is missing.

    Public ids are given in the order of the file: folds follow them, so that the same file gives the same figures.
    """
    for part in chunks(list(places)):
        rows = [
            {"key": file.rows[place].key, "inputs": file.rows[place].inputs}
            | ({"label_known": file.classes[file.rows[place].label]} if known else {})
            for place in part
        ]
        capture.capture_rows(project, rows, at=at)
    number_items(project)


def number_items(project: Project) -> None:
    """Give each item a public id that says nothing but its place."""
    number = LPad(Cast("pk", models.CharField()), 26, Value("0"))
    items = Item.objects.filter(project=project)
    items.exclude(uid__startswith=NUMBERED).update(uid=Concat(Value("item_"), number))


def encode_texts(project: Project, rows: Sequence[dict[str, Any]], say: Callable[[float], None]) -> None:
    """Store the vectors of all texts of these stored inputs, where a text encoder is in use, so that none is encoded
    twice."""
    types = {name: kind for name, kind in project.contract().types().items() if name in text_inputs({name: kind})}
    if not types or not text_vectors.encoder_in_use().encoder.per_text:
        return
    part = max(text_vectors.AT_ONCE // len(types), 1)
    for start in range(0, len(rows), part):
        text_vectors.available_vectors(project, media.columns(project, rows[start : start + part], types), types)
        say(start / len(rows))


def store_inputs(project: Project, file: LabelledFile, places: Sequence[int]) -> dict[int, dict[str, Any]]:
    """The inputs of rows that are no items as the database would hold them, by place; without those it would refuse."""
    found: dict[int, dict[str, Any]] = {}
    for part in chunks(list(places)):
        valid, refused = capture.validate_inputs(project, [file.rows[place].inputs for place in part])
        media.write_files(project, [picture for one in valid for picture in one.pictures])
        left_out = {one.index for one in refused}
        kept = [place for index, place in enumerate(part) if index not in left_out]
        found |= {place: one.stored for place, one in zip(kept, valid, strict=True)}
    return found


class Snapshot:
    """A copy of the database as it is now, which can be put back."""

    def __init__(self, name: str) -> None:
        self._database = _database()
        self._copy = self._database.with_name(f"{name}.sqlite3")
        _close()
        shutil.copyfile(self._database, self._copy)

    def restore(self) -> None:
        """The database as it was, and no artifact of what came since."""
        connections.close_all()
        for ending in ("-wal", "-shm"):
            with suppress(FileNotFoundError):
                self._database.with_name(self._database.name + ending).unlink()
        shutil.copyfile(self._copy, self._database)
        shutil.rmtree(settings.ARTIFACT_HOME, ignore_errors=True)
        Path(settings.ARTIFACT_HOME).mkdir(exist_ok=True)
