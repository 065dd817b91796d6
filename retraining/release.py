"""Releases: promote and roll back in one transaction, each with a row and an audit event."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from annotation import capture
from annotation.models import Item, Prediction, Source
from jobs import queue
from jobs.execution import Attempt, PermanentFailure
from jobs.models import EventType
from jobs.webhooks import outbox
from projects import audit
from projects.chunks import CHUNK
from projects.models import ApiKey, Project
from retraining import artifacts, disagreements, judging, registry
from retraining.models import ModelVersion, Release, ReleaseKind
from validation import InvalidInput

Stage, Act = ModelVersion.Stage, Release.Act
EVENTS = {Act.PROMOTE: EventType.VERSION_PROMOTED, Act.ROLL_BACK: EventType.VERSION_ROLLED_BACK}
LONGEST_REASON = 500


class CannotRelease(InvalidInput):
    """This release cannot be made; the message says why, in words fit for a user."""


class Stale(CannotRelease):
    """What is live is no longer what the person saw when they decided."""


class VoidVerdict(CannotRelease):
    """The version was not judged against what serves now; the message says against what it was."""


@dataclass(frozen=True)
class ReleaseStatus:
    """What is live, and what a roll back would bring back."""

    champion: ModelVersion | None
    previous: ModelVersion | None


def promote(
    version: ModelVersion,
    *,
    by: audit.Actor,
    reason: str,
    at: datetime,
    automatic: bool = False,
    expected: str | None = None,
    verified: bool = False,
) -> Release:
    """Make this version the champion. Promoting the champion again gives back its release and changes nothing, unless
    the project names another version as its champion: that is put right.

    Raises VoidVerdict unless its newest verdict is against what serves now: a person may overrule such a verdict, and
    the release keeps both. `expected` is the tag that was live when the person decided ("" for none); another one now
    raises Stale. `verified` says that the caller has just loaded the artifact. Raises ArtifactRefused where it cannot
    be loaded.
    """
    reason = _reason(reason)
    if not verified:
        registry.load(version)
    with transaction.atomic():
        project, live = _locked(version.project_id)
        if live == version:
            _name_champion(project, live, by=by, at=at)
            return _newest(project)
        if expected is not None and expected != (live.tag if live else ""):
            raise Stale(f"{live or 'Nothing'} is live now, not {expected or 'nothing'}. Look again before you promote.")
        version = ModelVersion.objects.select_related("judgement", "project").get(pk=version.pk)
        incumbent = registry.incumbent(project)
        if judging.state_of(version, incumbent) == judging.VerdictState.VOID:
            raise VoidVerdict(judging.why_void(version, incumbent))
        verdict = _verdict_now(version, incumbent)
        return _switch(
            project, live, version, Act.PROMOTE, by=by, reason=reason, at=at, automatic=automatic, verdict=verdict
        )


def roll_back(project: Project, *, by: audit.Actor, reason: str, at: datetime, expected: str | None = None) -> Release:
    """Bring back the version that was live before the champion was promoted.

    Rolling back twice from the same `expected` champion is once: the second call gives back the first one's release.
    """
    reason = _reason(reason)
    ready = previous_of(registry.champion(project))
    if ready:
        registry.load(ready)
    with transaction.atomic():
        project, live = _locked(project.pk)
        if expected is not None and expected != (live.tag if live else ""):
            return _already_rolled_back(project, live, expected)
        version = previous_of(live)
        if live is None or version is None or version != ready:
            raise CannotRelease("There is no earlier version to go back to.")
        return _switch(project, live, version, Act.ROLL_BACK, by=by, reason=reason, at=at, automatic=False, verdict={})


def release_status(project: Project) -> ReleaseStatus:
    live = registry.champion(project)
    return ReleaseStatus(live, previous_of(live))


def previous_of(live: ModelVersion | None) -> ModelVersion | None:
    """What was live when this champion was last promoted; None where nothing was."""
    if live is None:
        return None
    promoted = Release.objects.filter(version=live, act=Act.PROMOTE, kind=ReleaseKind.MODEL)
    newest = promoted.select_related("previous__project", "previous__judgement").order_by("-at", "-pk").first()
    return newest.previous if newest else None


def serves_since(version: ModelVersion) -> datetime | None:
    """When the version that serves was last released; None where no release of it is kept."""
    releases = Release.objects.filter(version=version, kind=ReleaseKind.MODEL)
    return releases.order_by("-at", "-pk").values_list("at", flat=True).first()


def _reason(given: str) -> str:
    reason = given.strip()
    if not 1 <= len(reason) <= LONGEST_REASON:
        raise CannotRelease(f"Say why, in 1 to {LONGEST_REASON} characters; it stays in the audit trail.")
    return reason


def _locked(project_id: int) -> tuple[Project, ModelVersion | None]:
    """The project under a lock, so that two releases at once happen one after the other, and its champion."""
    project = Project.objects.select_for_update(no_key=True).get(pk=project_id)
    return project, registry.champion(project)


def _newest(project: Project) -> Release:
    return Release.objects.filter(project=project, kind=ReleaseKind.MODEL).order_by("-at", "-pk")[0]


def _name_champion(project: Project, live: ModelVersion, *, by: audit.Actor, at: datetime) -> None:
    """Make the project name its champion again where something else was written there."""
    named = project.champion_version
    if named != live.tag:
        Project.objects.filter(pk=project.pk).update(champion_version=live.tag)
        details = {"named": named, "version": live.tag}
        audit.record("release.repair", by=by, at=at, project=project, target=live.tag, details=details)


def _already_rolled_back(project: Project, live: ModelVersion | None, expected: str) -> Release:
    newest = _newest(project) if live else None
    if newest and newest.act == Act.ROLL_BACK and newest.previous and newest.previous.tag == expected:
        return newest
    raise Stale(f"{live or 'Nothing'} is live now, not {expected}. Look again before you roll back.")


def _switch(
    project: Project,
    live: ModelVersion | None,
    version: ModelVersion,
    act: str,
    *,
    by: audit.Actor,
    reason: str,
    at: datetime,
    automatic: bool,
    verdict: dict[str, Any],
) -> Release:
    """The old champion steps down, the new one up, and everything that depends on it follows. One transaction."""
    if live:
        ModelVersion.objects.filter(pk=live.pk).update(stage=Stage.RETIRED)
    ModelVersion.objects.filter(pk=version.pk).update(stage=Stage.CHAMPION)
    Project.objects.filter(pk=project.pk).update(champion_version=version.tag)
    person = by.user if isinstance(by, ApiKey) else by
    release = Release.objects.create(
        project=project,
        act=act,
        version=version,
        previous=live,
        by=person,
        automatic=automatic,
        reason=reason,
        verdict=verdict,
        at=at,
    )
    details = {"version": version.tag, "previous": live.tag if live else "", "automatic": automatic, "reason": reason}
    audit.record(f"release.{act}", by=by, at=at, project=project, target=version.tag, details=details)
    outbox.add_event(
        EVENTS[Act(act)],
        project=project,
        subject=f"release {release.pk}",
        data=details,
        at=at,
    )
    queue.enqueue(
        "retraining.rescore",
        key=f"rescore:{project.pk}:{version.tag}",
        project=project,
        at=at,
        payload={"version": version.tag},
    )
    return release


def _verdict_now(version: ModelVersion, incumbent: registry.Incumbent) -> dict[str, Any]:
    """The verdict with what labels of disagreements decide by now, as the release keeps it."""
    if version.judgement is None:
        return {}
    sample = disagreements.sample_of(version, incumbent)
    beside = {"disagreement": sample.verdict} if sample and sample.verdict else {}
    return {**version.judgement.verdict, **beside}


def rescore(attempt: Attempt, *, clock: Callable[[], datetime]) -> None:
    """Score the project's items with the version that went live, then have them routed and reported again.

    What has been scored stays scored, so a killed attempt goes on where it was; another release ends it early.
    """
    project = attempt.job.project
    assert project is not None  # a rescore is always enqueued for one
    version = registry.version_by_tag(project, attempt.payload["version"])
    try:
        loaded = registry.load(version)
    except artifacts.ArtifactRefused as why:
        raise PermanentFailure(str(why)) from None
    waiting = _unscored(project, version)
    total, done, last = waiting.count(), 0, 0
    while rows := list(waiting.filter(pk__gt=last).order_by("pk").values_list("pk", "inputs")[:CHUNK]):
        if not _is_live(version):
            break
        ids, last = [row[0] for row in rows], rows[-1][0]
        capture.record_scores(
            project,
            item_ids=ids,
            probabilities=loaded.score(project, [row[1] for row in rows]),
            model_version=version.tag,
            schema_version=version.schema_version,
            source=Source.RESCORED,
            out_of_sample=registry.out_of_sample(version, ids),
            at=clock(),
        )
        done += len(rows)
        attempt.progress(done / max(total, done), f"{done:,} of {total:,} items scored")
    at = clock()
    with attempt.commit(scored=done):
        queue.enqueue("annotation.route", key=f"route:{project.pk}", project=project, at=at)
        queue.enqueue("analysis.report", key=f"report:{project.pk}", project=project, at=at)


def _unscored(project: Project, version: ModelVersion) -> QuerySet[Item]:
    """Items of which this version has said nothing yet but out of fold."""
    said = Prediction.objects.filter(item=OuterRef("pk"), model_version=version.tag)
    return Item.objects.filter(~Exists(said.exclude(source=Source.OUT_OF_FOLD)), project=project)


def _is_live(version: ModelVersion) -> bool:
    return ModelVersion.objects.filter(pk=version.pk, stage=Stage.CHAMPION).exists()
