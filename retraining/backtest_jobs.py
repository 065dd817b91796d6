"""Backtests as jobs: an uploaded file is replayed by a worker for training, in a process and a database of its own."""

import tempfile
from datetime import datetime
from pathlib import Path, PurePath
from shutil import copyfileobj
from typing import Any

import msgspec
from django.db import transaction

from annotation import uploads
from annotation.models import StoredUpload
from jobs import queue
from jobs.execution import Attempt, PermanentFailure
from jobs.models import Job
from projects import audit
from projects.models import User
from retraining.backtest import supervision
from retraining.backtest.options import BadBacktest, parse_options
from retraining.models import Backtest

KIND = "retraining.backtest"


@transaction.atomic
def start_backtest(upload: StoredUpload, given: dict[str, Any], *, by: User, at: datetime) -> Backtest:
    """Let a job replay the uploaded file; the same options of the same file while one is open give that one.

    `given` are the options by name, without the file. Raises BadBacktest.
    """
    options = msgspec.to_builtins(parse_options({**given, "file": upload.name}))
    open_ones = Backtest.objects.filter(owner=by, upload=upload, finished_at=None).select_related("job").order_by("-pk")
    for found in open_ones:
        if found.is_open and found.options == options:
            return found
    made = Backtest.objects.create(owner=by, upload=upload, name=upload.name, options=options, created_at=at)
    made.job, _ = queue.enqueue(KIND, key=f"backtest:{made.uid}", payload={"backtest": made.pk}, by=by, at=at)
    made.save(update_fields=["job"])
    audit.record("backtest.start", by=by, at=at, target=made.uid, details={"file": made.name})
    return made


def stop_backtest(backtest: Backtest, *, by: User, at: datetime) -> bool:
    """Stop one that has not ended; its worker ends the process at the next sign of progress."""
    return backtest.job is not None and queue.cancel(backtest.job, by=by, at=at)


def run_backtest(attempt: Attempt, *, at: datetime) -> None:
    """Replay the file of this job and keep its figures. A killed attempt begins again."""
    backtest = Backtest.objects.select_related("upload").get(pk=attempt.payload["backtest"])
    try:
        if backtest.upload is None:
            raise uploads.UploadGone(f"{backtest.name} is no longer here; upload it again.")
        with tempfile.TemporaryDirectory(prefix="plumbline-backtest-file-") as folder:
            path = _copy(backtest.upload, Path(folder))
            options = parse_options({**backtest.options, "file": str(path)})
            figures = supervision.replay(options, progress=attempt.progress)
    except (BadBacktest, uploads.UploadGone) as why:
        raise PermanentFailure(str(why)) from None
    with attempt.commit(area=figures["area"]):
        Backtest.objects.filter(pk=backtest.pk).update(figures=figures, finished_at=at, error="")


def _copy(upload: StoredUpload, folder: Path) -> Path:
    """The file under its sender's name, whose ending says the format."""
    path = folder / (PurePath(upload.name).name or "file")
    with uploads.opened(upload) as stream, path.open("wb") as file:
        copyfileobj(stream, file)
    return path


def note_failure(job: Job, why: str) -> None:
    """Keep the reason, also for when the job is forgotten."""
    Backtest.objects.filter(pk=job.payload.get("backtest"), finished_at=None).update(error=why)
