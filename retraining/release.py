"""Releases of a model: promote and roll back in one transaction, each with a row and an audit event."""

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
from projects import audit
from projects.chunks import CHUNK
from projects.models import Project
from retraining import artifacts, disagreements, judging, registry, rollout, rule_release
from retraining.models import ModelVersion, Release, ReleaseKind, Rollout, RolloutState
from retraining.models.releases import ReleaseQuerySet
from retraining.release_record import (
    CannotRelease,
    ReleaseAct,
    Stale,
    Target,
    lock_project,
    record_release,
    valid_reason,
)

Stage, Act = ModelVersion.Stage, Release.Act
EVENTS = {Act.PROMOTE: EventType.VERSION_PROMOTED, Act.ROLL_BACK: EventType.VERSION_ROLLED_BACK}


class VoidVerdict(CannotRelease):
    """The version was not judged against what serves now; the message says against what it was."""


@dataclass(frozen=True)
class ReleaseStatus:
    """What is live, and what a roll back would bring back: versions trained here, and the tags of both, "" for none."""

    champion: ModelVersion | None
    previous: ModelVersion | None
    live: str
    before: str


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
    reason = valid_reason(reason)
    if not verified:
        registry.load(version)
    with transaction.atomic():
        project, live = _locked(version.project_id)
        if live.version == version:
            _name_champion(project, version, by=by, at=at)
            return _newest(project)
        _expect(live, expected, "promote")
        version = ModelVersion.objects.select_related("judgement", "project").get(pk=version.pk)
        incumbent = registry.incumbent(project)
        if judging.state_of(version, incumbent) == judging.VerdictState.VOID:
            raise VoidVerdict(judging.why_void(version, incumbent))
        made = ReleaseAct(by, reason, at, automatic, _verdict_now(version, incumbent))
        return _switch(project, live, Target(version), Act.PROMOTE, made)


def promote_captured(
    project: Project, tag: str, *, by: audit.Actor, reason: str, at: datetime, expected: str | None = None
) -> Release:
    """Release a version that runs elsewhere, so that its services learn to use it. No gate judges it here.

    Raises CannotRelease where no captured prediction names it, or where a version trained here has this name; Stale as
    `promote` does.
    """
    reason = valid_reason(reason)
    with transaction.atomic():
        project, live = _locked(project.pk)
        if ModelVersion.objects.filter(project=project, number=registry.number_of(tag) or 0).exists():
            raise CannotRelease(f"{tag} was trained here; promote it as such.")
        if not Prediction.objects.filter(project=project, model_version=tag, source=Source.CAPTURED).exists():
            raise CannotRelease(f"There is no version {tag} in {project.title}, trained here or captured.")
        if live == Target(name=tag):
            return _newest(project)
        _expect(live, expected, "promote")
        return _switch(project, live, Target(name=tag), Act.PROMOTE, ReleaseAct(by, reason, at))


def promote_canary(found: Rollout, made: ReleaseAct) -> Release:
    """Release the captured version that answers as this canary; a second call gives back the first one's release.

    Raises Stale where the canary ended in another way, or something else is live than what it ran beside.
    """
    with transaction.atomic():
        project = lock_project(found.project_id)
        found = Rollout.objects.select_related("project", "version").get(pk=found.pk)
        if found.state != RolloutState.RUNNING and project.champion_version != found.tag:
            raise Stale(f"{found.tag} does not run beside {found.against} any more. Look again before you promote.")
        return promote_captured(project, found.tag, by=made.by, reason=made.reason, at=made.at, expected=found.against)


def roll_back(project: Project, *, by: audit.Actor, reason: str, at: datetime, expected: str | None = None) -> Release:
    """Bring back the version that was live before the champion was promoted; while a canary answers, end the canary.

    Rolling back twice from the same `expected` champion is once: the second call gives back the first one's release.
    """
    reason = valid_reason(reason)
    beside = rollout.running(project)
    if beside and beside.answers and expected in (None, beside.tag):
        return rollout.end(beside, ReleaseAct(by, reason, at))
    ready = _before(project, _live(project))
    if ready.version:
        registry.load(ready.version)
    with transaction.atomic():
        project, live = _locked(project.pk)
        if expected is not None and expected != live.tag:
            return _already_rolled_back(project, live, expected)
        before = _before(project, live)
        if not before.tag or before != ready:
            raise CannotRelease("There is no earlier version to go back to.")
        return _switch(project, live, before, Act.ROLL_BACK, ReleaseAct(by, reason, at))


def release_status(project: Project) -> ReleaseStatus:
    live = _live(project)
    before = _before(project, live)
    return ReleaseStatus(live.version, before.version, live.tag, before.tag)


def previous_of(live: ModelVersion | None) -> ModelVersion | None:
    """What was live when this champion was last promoted; None where nothing was that was trained here."""
    return _before(live.project, Target(live)).version if live else None


def _live(project: Project) -> Target:
    """The champion, or the captured version that was released."""
    version = registry.champion(project)
    return Target(version) if version else Target(name=registry.captured_release(project))


def _before(project: Project, live: Target) -> Target:
    """What was live when this was last promoted."""
    if not live.tag:
        return Target()
    promoted = Release.objects.filter(project=project, act=Act.PROMOTE, kind=ReleaseKind.MODEL)
    own = promoted.filter(version=live.version, name="" if live.version else live.name)
    newest = own.select_related("previous__project", "previous__judgement").order_by("-at", "-pk").first()
    return Target(newest.previous, newest.previous_name) if newest else Target()


def live_since(project: Project) -> datetime | None:
    """When what is live was released; None where nothing was."""
    newest = _model_acts(project).of_what_serves().values_list("at", flat=True).first()
    return newest if project.champion_version else None


def serves_since(version: ModelVersion) -> datetime | None:
    """When the version that serves was last released; None where no release of it is kept."""
    releases = Release.objects.filter(version=version).of_what_serves()
    return releases.order_by("-at", "-pk").values_list("at", flat=True).first()


def _expect(live: Target, expected: str | None, verb: str) -> None:
    """Raise Stale where something else is live than what the person saw."""
    if expected is not None and expected != live.tag:
        raise Stale(f"{live.tag or 'Nothing'} is live now, not {expected or 'nothing'}. Look again before you {verb}.")


def _locked(project_id: int) -> tuple[Project, Target]:
    """The project under a lock, and what is live."""
    project = lock_project(project_id)
    return project, _live(project)


def _newest(project: Project) -> Release:
    newest: Release = _model_acts(project).of_what_serves()[0]
    return newest


def _model_acts(project: Project) -> ReleaseQuerySet:
    """Promotions and roll backs of models, the newest first."""
    acts = Release.objects.filter(project=project, kind=ReleaseKind.MODEL, act__in=EVENTS)
    return acts.order_by("-at", "-pk")


def _name_champion(project: Project, live: ModelVersion, *, by: audit.Actor, at: datetime) -> None:
    """Make the project name its champion again where something else was written there."""
    named = project.champion_version
    if named != live.tag:
        Project.objects.filter(pk=project.pk).update(champion_version=live.tag)
        details = {"named": named, "version": live.tag}
        audit.record("release.repair", by=by, at=at, project=project, target=live.tag, details=details)


def _already_rolled_back(project: Project, live: Target, expected: str) -> Release:
    newest = _model_acts(project).first() if live.tag else None
    if newest and newest.act == Act.ROLL_BACK and newest.previous_tag == expected:
        return newest
    raise Stale(f"{live.tag or 'Nothing'} is live now, not {expected}. Look again before you roll back.")


def _switch(project: Project, live: Target, target: Target, act: Release.Act, made: ReleaseAct) -> Release:
    """The old champion steps down, the new one up, and everything that depends on it follows. One transaction."""
    beside = rollout.running(project)
    if beside and beside.tag == target.tag:
        if act == Act.PROMOTE:
            rollout.refuse_unplanned_arms(beside)
        rollout.close(beside, RolloutState.PROMOTED, at=made.at)
    else:
        rollout.refuse_beside_canary(project)
    if live.version:
        ModelVersion.objects.filter(pk=live.version.pk).update(stage=Stage.RETIRED)
    if target.version:
        ModelVersion.objects.filter(pk=target.version.pk).update(stage=Stage.CHAMPION)
    Project.objects.filter(pk=project.pk).update(champion_version=target.tag)
    release = record_release(
        project, ReleaseKind.MODEL, act, now=target, before=live, made=made, event=EVENTS[Act(act)]
    )
    if target.version:
        queue.enqueue(
            "retraining.rescore",
            key=f"rescore:{project.pk}:{target.tag}",
            project=project,
            at=made.at,
            payload={"version": target.tag},
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
    waiting, choose = _unscored(project, version), rule_release.choice_in_force(project)
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
            choose=choose,
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
