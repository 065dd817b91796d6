"""The comparison of an uploaded file of features as a job."""

from dataclasses import asdict
from datetime import datetime

from django.db import transaction

from analysis.feature_files import FLAT
from analysis.skew_reports import FeatureColumns, compute_body, store_body
from annotation import uploads
from annotation.exchange.rows import UnusableFile
from annotation.importing import format_of_name
from annotation.models import StoredUpload
from jobs import queue
from jobs.execution import Attempt, PermanentFailure
from jobs.models import Job
from projects import audit
from projects.models import Project, User

KIND = "analysis.compare_features"
LONGEST_COLUMN = 200


def check_request(columns: FeatureColumns, name: str) -> None:
    """Raises UnusableFile where the file or a column cannot be used, as far as their names tell."""
    if format_of_name(name) not in FLAT:
        raise UnusableFile(f"Features are compared from {', '.join(FLAT)}; {name} is none of them by its name.")
    for part, text in asdict(columns).items():
        if len(text) > LONGEST_COLUMN or not text.isprintable():
            raise UnusableFile(f"{part} takes at most {LONGEST_COLUMN} printable characters.")


@transaction.atomic
def request_comparison(
    project: Project, upload: StoredUpload, columns: FeatureColumns, *, by: User, at: datetime
) -> Job:
    """Let a job compare the file; one at a time of a project, a second request gives the open one."""
    payload = {"upload": upload.uid, "name": upload.name, **asdict(columns)}
    job, is_new = queue.enqueue(KIND, key=f"skew:{project.pk}", project=project, payload=payload, by=by, at=at)
    if is_new:
        audit.record("features.compare", by=by, at=at, project=project, target=upload.name, details=asdict(columns))
    return job


def run_comparison(attempt: Attempt, project: Project, *, at: datetime) -> None:
    """Compare the file and store the report. Raises PermanentFailure where the file cannot be used."""
    given = attempt.payload
    columns = FeatureColumns(given["key"], given["time"], given["entity"])
    upload = StoredUpload.objects.filter(uid=given["upload"]).first()
    if upload is None:
        raise PermanentFailure(f"{given['name']} is no longer here; upload it again.")
    attempt.progress(0.1, f"Reading {upload.name}")
    try:
        with uploads.opened(upload) as stream:
            name = format_of_name(upload.name)
            body = compute_body(project, stream, name, file=upload.name, columns=columns)
    except (UnusableFile, uploads.UploadGone) as why:
        raise PermanentFailure(str(why)) from None
    with attempt.commit(items=body.items, matched=body.matched):
        store_body(project, body, at=at)


def newest_job(project: Project) -> Job | None:
    """The last comparison that was asked for on the page, whatever became of it."""
    return Job.objects.filter(project=project, kind=KIND).order_by("-pk").first()
