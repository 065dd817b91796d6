"""Labels where a candidate and what serves differ: the window, the draw, the questions and what the labels decide.

The candidate scores recent traffic once; the rate of disagreement is counted; disagreements are drawn in a random order
and put before people as evaluation items. After each label the job judges again, by `retraining.learning.gate`.
"""

import secrets
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime

import msgspec
from django.db import transaction
from django.db.models import Max

from annotation import capture
from annotation.models import Item, NoLabelDecision, Prediction, Resolution, Source
from annotation.routing.candidates import WINDOW
from annotation.routing.causes import disagreement as cause
from annotation.routing.registry import Pick
from jobs import queue
from jobs.execution import Attempt, PermanentFailure
from jobs.models import OPEN, Job
from projects import audit
from projects.chunks import CHUNK, chunks
from projects.models import User
from retraining import artifacts, bodies, registry
from retraining.bodies import DisagreementBody, WindowBody
from retraining.disagreement_window import answers_since, draw_window, labelled_draws, paired_traffic
from retraining.evaluation import RULE
from retraining.learning.gate.disagreement import SequentialDecision, judge_disagreements
from retraining.models import DisagreementSample, ModelVersion
from validation import InvalidInput

KIND = "retraining.disagreement"
FIRST_ASKED = 30  # while it can't be known how many labels decide
MOST_ASKED = 300  # at once


class NoDisagreement(InvalidInput):
    """There is nothing to ask about; the message says why."""


def sample_of(version: ModelVersion, incumbent: registry.Incumbent) -> DisagreementSample | None:
    """That of the version against what serves now."""
    return version.disagreement_samples.filter(against=incumbent.tag).first()


def verdict_of(sample: DisagreementSample | None) -> DisagreementBody | None:
    """What its labels decide by now; None where there is none that can be loaded."""
    try:
        return bodies.load_disagreement(sample.verdict) if sample and sample.verdict else None
    except bodies.UnknownBody:
        return None


def request(version: ModelVersion, *, by: User, at: datetime) -> Job:
    """Have a worker find where the version and what serves differ; asking twice is one job.

    Raises NoDisagreement where nothing serves, or the version itself.
    """
    incumbent = registry.incumbent(version.project)
    if not incumbent.tag or incumbent.version == version:
        raise NoDisagreement("There is no other version that serves, so nothing to differ from.")
    with transaction.atomic():
        job, made = _enqueue(version, draw=True, by=by, at=at)
        if made:
            audit.record("version.disagreement", by=by, at=at, project=version.project, target=version.tag)
    return job


def waiting(version: ModelVersion) -> Job | None:
    """The open job that draws for this version."""
    return Job.objects.filter(project=version.project_id, key=_key(version, draw=True), state__in=OPEN).first()


def request_more(sample: DisagreementSample, *, count: int, by: User, at: datetime) -> int:
    """Put `count` more of the drawn items before people; how many are new questions. Raises NoDisagreement."""
    project = sample.version.project
    with transaction.atomic():
        held = DisagreementSample.objects.select_for_update().get(pk=sample.pk)
        window = bodies.load_window(held.window)
        if held.asked >= len(window.drawn):
            raise NoDisagreement("Every disagreement that was drawn is with people or labelled already.")
        put = _ask_next(held, window, count, at=at)
        details = {"version": sample.version.tag, "asked": count, "put": put}
        audit.record("queue.ask", by=by, at=at, project=project, target="disagreement", details=details)
    return put


def watch(at: datetime) -> None:
    """Have every pair judged again whose items got a label since."""
    undecided = DisagreementSample.objects.filter(version__stage=ModelVersion.Stage.CANDIDATE, asked__gt=0)
    for sample in undecided.select_related("version__project"):
        serves = registry.incumbent(sample.version.project).tag == sample.against
        if serves and _newest_label(sample) > sample.judged_at:
            _enqueue(sample.version, draw=False, by=None, at=at)


def perform(attempt: Attempt, *, clock: Callable[[], datetime]) -> None:
    """The job: the window and the draw where there is none yet, then the verdict of the labels so far."""
    project = attempt.job.project
    assert project is not None  # it is always enqueued for one
    version = registry.version_by_tag(project, attempt.payload["version"])
    incumbent = registry.incumbent(project)
    sample = sample_of(version, incumbent)
    if sample is None and attempt.payload["draw"] and incumbent.tag and incumbent.version != version:
        sample = _drawn_sample(attempt, version, incumbent, clock=clock)
    with attempt.commit():
        if sample is not None:
            _store_verdict(sample, at=clock())


def _enqueue(version: ModelVersion, *, draw: bool, by: User | None, at: datetime) -> tuple[Job, bool]:
    """Only what a person asked for may `draw`: it puts items before people."""
    payload = {"version": version.tag, "draw": draw}
    return queue.enqueue(KIND, key=_key(version, draw=draw), project=version.project, payload=payload, by=by, at=at)


def _key(version: ModelVersion, *, draw: bool) -> str:
    return f"disagreement:{version.project_id}:{version.tag}:{'draw' if draw else 'judge'}"


def _drawn_sample(
    attempt: Attempt, version: ModelVersion, incumbent: registry.Incumbent, *, clock: Callable[[], datetime]
) -> DisagreementSample:
    """A new sample, not kept yet. Scores that a killed attempt kept stay."""
    project, at = version.project, clock()
    theirs = answers_since(project, incumbent.tag, since=at - WINDOW)
    _score(attempt, version, list(theirs), clock=clock)
    ours = answers_since(project, version.tag, since=at - WINDOW)
    seed = secrets.randbits(62)
    window = draw_window(version, incumbent, {pk: (theirs[pk], ours[pk]) for pk in theirs if pk in ours}, seed)
    return DisagreementSample(
        version=version, against=incumbent.tag, seed=seed, window=bodies.dump(window), made_at=at, judged_at=at
    )


def _score(attempt: Attempt, version: ModelVersion, item_ids: list[int], *, clock: Callable[[], datetime]) -> None:
    """Let the version answer those of the items that it has not answered, as a release does for all."""
    project = version.project
    try:
        loaded = registry.load(version)
    except artifacts.ArtifactRefused as why:
        raise PermanentFailure(str(why)) from None
    for place, chunk in enumerate(chunks(item_ids)):
        said = Prediction.objects.filter(model_version=version.tag, item__in=chunk).exclude(source=Source.OUT_OF_FOLD)
        known = set(said.values_list("item_id", flat=True))
        rows = Item.objects.filter(pk__in=[pk for pk in chunk if pk not in known]).values_list("pk", "inputs")
        ids, inputs = [pk for pk, _ in rows], [own for _, own in rows]
        if ids:
            capture.record_scores(
                project,
                item_ids=ids,
                probabilities=loaded.score(project, inputs),
                model_version=version.tag,
                schema_version=version.schema_version,
                source=Source.RESCORED,
                out_of_sample=registry.out_of_sample(version, ids),
                at=clock(),
            )
        done = min((place + 1) * CHUNK, len(item_ids))
        attempt.progress(0.9 * done / len(item_ids), f"{done:,} of {len(item_ids):,} items of recent traffic scored")


def _ask_next(sample: DisagreementSample, window: WindowBody, count: int, *, at: datetime) -> int:
    """Ask about the next drawn items. Runs in the caller's transaction."""
    version, upto = sample.version, min(sample.asked + count, len(window.drawn))
    reason = f"{sample.against} and {version.tag} answer differently"
    picks = [
        Pick(
            drawn.item,
            reason,
            {"rank": rank + 1, "disagreements": window.disagreements, "version": version.tag},
            "uniform",
            scored_by=version.tag,
            chance=upto / window.disagreements,
        )
        for rank, drawn in enumerate(window.drawn[sample.asked : upto], start=sample.asked)
    ]
    put = cause.request_draws(version.project, picks, at=at)
    sample.asked = upto
    sample.save(update_fields=["asked"])
    return put


def _store_verdict(sample: DisagreementSample, *, at: datetime) -> None:
    """Write what the labels so far decide; of a new sample, with the first questions."""
    window = bodies.load_window(sample.window)
    new = sample.pk is None
    if new:
        sample.save()
    sample.verdict, sample.judged_at = bodies.dump(_verdict(sample, window)), at
    sample.save(update_fields=["verdict", "judged_at"])
    if new and window.drawn:
        _ask_next(sample, window, FIRST_ASKED, at=at)


def _verdict(sample: DisagreementSample, window: WindowBody) -> DisagreementBody:
    labelled = labelled_draws(window, asked=sample.asked)
    paired = paired_traffic(window)
    found = judge_disagreements(paired, labelled.places, labelled.truth, rule=RULE, seed=sample.seed % 2**32)
    decision = found.decision
    if decision == SequentialDecision.PROMOTE and window.not_asked:
        decision = SequentialDecision.UNDECIDED  # those slices keep the audit
    stored = asdict(found) | {"decision": decision, "against": sample.against, "not_asked": window.not_asked}
    return msgspec.convert(stored, DisagreementBody)


def next_count(verdict: DisagreementBody, sample: DisagreementSample) -> int:
    """How many more items to ask: what probably decides, less what waits already."""
    window = bodies.load_window(sample.window)
    labelled = labelled_draws(window, asked=sample.asked)
    wanted = FIRST_ASKED if verdict.needed is None else verdict.needed
    wanted -= labelled.waiting + labelled.later
    return max(min(wanted, len(window.drawn) - sample.asked, MOST_ASKED), 0)


def _newest_label(sample: DisagreementSample) -> datetime:
    """When the newest of its items was settled; when it was judged where none was since."""
    since, newest = sample.judged_at, [sample.judged_at]
    resolved = Resolution.objects.filter(project=sample.version.project_id, resolved_at__gt=since)
    closed = NoLabelDecision.objects.filter(project=sample.version.project_id, decided_at__gt=since)
    if not resolved.exists() and not closed.exists():
        return since
    ids = [drawn.item for drawn in bodies.load_window(sample.window).drawn[: sample.asked]]
    for chunk in chunks(ids):
        newest.append(resolved.filter(item__in=chunk).aggregate(newest=Max("resolved_at"))["newest"] or since)
        newest.append(closed.filter(item__in=chunk).aggregate(newest=Max("decided_at"))["newest"] or since)
    return max(newest)
