"""A dry run over the whole file, before there is a project: how many rows would be kept, and why others would not."""

import json
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any

from django.utils import timezone
from scipy.stats import binomtest

from annotation import uploads
from annotation.import_options import ImportOptions
from annotation.importing import (
    image_sources,
    prepare_batch,
    read_batches,
)
from annotation.models import StoredUpload
from overview.new_project.source import ProjectSource
from projects.models import InputContract, LabelSchema, Project
from projects.specs import Spec, parse_spec

SHOWN = 20  # refused rows that are named


@dataclass
class DryRun:
    """What would become of the rows.

    known      kept rows with a label; waiting: those without
    compared   kept rows with a label and a predicted label, of which `agreeing` are the same
    refused    the first refused rows with their reason
    """

    kept: int = 0
    known: int = 0
    compared: int = 0
    agreeing: int = 0
    refused_rows: int = 0
    refused: list[tuple[int, str]] = field(default_factory=list)

    @property
    def waiting(self) -> int:
        return self.kept - self.known

    @property
    def agreement(self) -> float | None:
        return self.agreeing / self.compared if self.compared else None

    @property
    def agreement_limits(self) -> tuple[float, float] | None:
        """Wilson's 95 % interval of the share of rows where label and predicted label are the same."""
        if not self.compared:
            return None
        found = binomtest(self.agreeing, self.compared).proportion_ci(0.95, method="wilson")
        return float(found.low), float(found.high)


def try_rows(upload: StoredUpload, source: ProjectSource, spec: dict[str, Any], options: ImportOptions) -> DryRun:
    """Raises UnusableFile and BadSpec."""
    relevant = {name: spec[name] for name in ("kind", "labels", "inputs", "segments", "positive") if name in spec}
    parse_spec(spec)
    written = json.dumps([{"title": "a new project", **relevant}, options.to_json()], sort_keys=True)
    return _tried(upload.uid, source.format_name, written)


@lru_cache(maxsize=8)  # words of the decision change more often than the rows that it keeps
def _tried(uid: str, format_name: str, written: str) -> DryRun:
    spec, options = json.loads(written)
    project, trial = unsaved_project(parse_spec(spec)), DryRun()
    now = timezone.now()
    with uploads.opened(StoredUpload.objects.get(uid=uid)) as stream:
        for batch in read_batches(project, stream, format_name, ImportOptions.from_json(options)):
            _count(trial, project, batch, at=now)
    return trial


def unsaved_project(spec: Spec) -> Project:
    """A project of this spec that is in no database, for the checks of rows."""
    project = Project(title=spec.title, kind=spec.kind, answer=spec.answer, positive=spec.positive)
    project._schema = LabelSchema(labels=spec.labels)
    project._contract = InputContract(inputs=spec.inputs, segments=spec.segments)
    return project


def _count(trial: DryRun, project: Project, batch: Any, *, at: datetime) -> None:
    prepared = prepare_batch(project, batch, images=image_sources(project, folder=None, fetches=False), at=at)
    trial.kept += len(prepared.valid)
    known = [row for row in prepared.valid if row.known is not None]
    compared = [row for row in known if row.label]
    trial.known += len(known)
    trial.compared += len(compared)
    trial.agreeing += sum(row.label == row.known for row in compared)
    trial.refused_rows += len(prepared.refused)
    left = SHOWN - len(trial.refused)
    ordered = sorted(prepared.refused, key=lambda refusal: refusal.number)
    trial.refused += [(one.number, one.error) for one in ordered[: max(left, 0)]]
