"""Labels where a candidate and what serves differ: who asks for them, the questions, and what the labels decide.

The candidate scores recent traffic once; the rate of disagreement is counted; disagreements are drawn in a random order
and put before people as evaluation items. After each label the job (`retraining.disagreement_job`) judges again.
"""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

import msgspec
from django.db import transaction
from django.db.models import Max

from annotation.models import NoLabelDecision, Resolution
from annotation.routing.causes import disagreement as cause
from annotation.routing.registry import Pick
from jobs import queue
from jobs.models import OPEN, Job
from projects import audit
from projects.chunks import chunks
from projects.models import Project, User
from retraining import bodies, registry
from retraining.bodies import DisagreementBody
from retraining.disagreement_window import judge_draws, labelled_draws
from retraining.evaluation import RULE
from retraining.models import DisagreementSample, ModelVersion
from retraining.window_bodies import WindowBody, load_window
from validation import InvalidInput

KIND = "retraining.disagreement"
FIRST_ASKED = 30  # while it can't be known how many labels decide
MOST_ASKED = 300  # at once
MOST_BY_ITSELF = 300  # labels without a person who asks for them; one better by a point is decided by then in 3 of 4
TRIED_AGAIN = timedelta(hours=1)
WRITTEN_WITHIN = timedelta(minutes=1)  # a label's time is taken before its transaction ends


class NoDisagreement(InvalidInput):
    """There is nothing to ask about; the message says why."""


def sample_of(version: ModelVersion, incumbent: registry.Incumbent) -> DisagreementSample | None:
    """That of the version against what serves now."""
    return version.disagreement_samples.filter(against=incumbent.tag).first()


def verdict_of(sample: DisagreementSample | None) -> DisagreementBody | None:
    """What its labels decide by now; None where there is none that can be loaded."""
    return _loaded(sample.verdict) if sample else None


def verdicts_of(versions: Sequence[ModelVersion]) -> dict[tuple[int, str], DisagreementBody]:
    """The same of many versions, by version and the tag of what it differs from."""
    if not versions:
        return {}
    rows = DisagreementSample.objects.filter(version__in=versions).values_list("version_id", "against", "verdict")
    found = {(version, against): _loaded(verdict) for version, against, verdict in rows}
    return {pair: body for pair, body in found.items() if body is not None}


def _loaded(verdict: dict[str, Any]) -> DisagreementBody | None:
    try:
        return bodies.load_disagreement(verdict) if verdict else None
    except bodies.UnknownBody:
        return None


def request(version: ModelVersion, *, by: User, at: datetime) -> Job:
    """Have a worker find where the version and what serves differ; asking twice is one job.

    Raises NoDisagreement where nothing serves, or the version itself.
    """
    incumbent = registry.incumbent(version.project)
    if not incumbent.tag or incumbent.version == version:
        raise NoDisagreement("There is no other version that serves, so nothing to differ from.")
    return _request_draw(version, by=by, least=0, at=at)


@transaction.atomic
def _request_draw(version: ModelVersion, *, by: User | None, least: int, at: datetime) -> Job:
    """`least`: with fewer disagreements nothing is drawn, for a pair is drawn once."""
    job, made = _enqueue(version, {"draw": True, "least": least}, by=by, at=at)
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
        window = load_window(held.window)
        if held.asked >= len(window.drawn):
            raise NoDisagreement("Every disagreement that was drawn is with people or labelled already.")
        put = ask_next(held, window, count, at=at)
        details = {"version": sample.version.tag, "asked": count, "put": put}
        audit.record("queue.ask", by=by, at=at, project=project, target="disagreement", details=details)
    return put


def watch(at: datetime) -> None:
    """Have every pair judged again whose items got a label since, and drawn what the policy of a project draws."""
    open_to_work = Project.objects.filter(archived_at=None)
    undecided = DisagreementSample.objects.filter(
        version__stage=ModelVersion.Stage.CANDIDATE, version__project__in=open_to_work, asked__gt=0
    )
    for sample in undecided.defer("window").select_related("version__project"):
        serves = registry.incumbent(sample.version.project).tag == sample.against
        if serves and _is_due(sample, at):
            _enqueue(sample.version, {"draw": False}, by=None, at=at)
    for project in open_to_work.filter(retraining__gate="disagreement", retraining__promote="by_gate"):
        version = newest_candidate(project)
        if version is not None and _draws_by_policy(version, at):
            _request_draw(version, by=None, least=FIRST_ASKED, at=at)


def newest_candidate(project: Project) -> ModelVersion | None:
    """The one for which labels are asked without a person who wants them: a newer one replaces it."""
    candidates = ModelVersion.objects.filter(project=project, stage=ModelVersion.Stage.CANDIDATE)
    return candidates.select_related("project", "judgement").order_by("-number").first()


def _draws_by_policy(version: ModelVersion, at: datetime) -> bool:
    """Whether this pair is still to be drawn; where there was too little traffic an hour ago, it is tried again."""
    incumbent = registry.incumbent(version.project)
    judged = version.judgement is not None and version.judgement.against == incumbent.tag
    if not incumbent.tag or not judged or sample_of(version, incumbent) is not None:
        return False
    jobs = Job.objects.filter(project=version.project_id, key=_key(version, draw=True))
    last = jobs.order_by("-pk").values_list("state", "finished_at").first()
    return last is None or (last[0] not in OPEN and (last[1] is None or last[1] <= at - TRIED_AGAIN))


def _is_due(sample: DisagreementSample, at: datetime) -> bool:
    """Labels came since; or just before, and one that was being written then may have been missed."""
    newest, judged = _newest_label(sample), sample.judged_at
    return newest > judged or (newest > judged - WRITTEN_WITHIN and at > judged + WRITTEN_WITHIN)


def _enqueue(version: ModelVersion, payload: dict[str, Any], *, by: User | None, at: datetime) -> tuple[Job, bool]:
    given = {"version": version.tag, **payload}
    key = _key(version, draw=payload["draw"])
    return queue.enqueue(KIND, key=key, project=version.project, payload=given, by=by, at=at)


def _key(version: ModelVersion, *, draw: bool) -> str:
    return f"disagreement:{version.project_id}:{version.tag}:{'draw' if draw else 'judge'}"


def ask_by_policy(sample: DisagreementSample, verdict: DisagreementBody, *, at: datetime) -> int:
    """Once all that were asked are answered, ask about as many more as probably decide; how many were put.

    Never more than `MOST_BY_ITSELF` in all: what is not decided by then, a person goes on with. Runs in the caller's
    transaction.
    """
    held = DisagreementSample.objects.select_for_update().select_related("version__project").get(pk=sample.pk)
    window = load_window(held.window)
    left = MOST_BY_ITSELF - held.asked
    if left <= 0 or labelled_draws(window, asked=held.asked).waiting:
        return 0
    wanted = min(next_count(verdict, held), left)
    return ask_next(held, window, wanted, at=at) if wanted else 0


def ask_next(sample: DisagreementSample, window: WindowBody, count: int, *, at: datetime) -> int:
    """Ask about the next drawn items; how many are new questions. Runs in the caller's transaction."""
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


def judge(sample: DisagreementSample) -> DisagreementBody:
    """What the labels so far decide; slices by true label keep the audit (`judging.state_of`)."""
    window = load_window(sample.window)
    labelled = labelled_draws(window, asked=sample.asked)
    found = judge_draws(window, labelled, rule=RULE, seed=sample.seed % 2**32)
    dearest = window.costs.dearest if window.costs else None
    own = {"against": sample.against, "not_asked": window.not_asked, "dearest": dearest}
    return msgspec.convert(asdict(found) | own, DisagreementBody)


def store_verdict(sample: DisagreementSample, verdict: DisagreementBody, *, at: datetime) -> None:
    """Write what the labels decided at this time; of a new sample, with the first questions."""
    window = load_window(sample.window)
    new = sample.pk is None
    if new:
        sample.save()
    sample.verdict, sample.judged_at = bodies.dump(verdict), at
    sample.save(update_fields=["verdict", "judged_at"])
    if new and window.drawn:
        ask_next(sample, window, FIRST_ASKED, at=at)


def next_count(verdict: DisagreementBody, sample: DisagreementSample) -> int:
    """How many more items to ask: what probably decides, less what waits already."""
    window = load_window(sample.window)
    labelled = labelled_draws(window, asked=sample.asked)
    wanted = FIRST_ASKED if verdict.needed is None else verdict.needed
    wanted -= labelled.waiting + labelled.later
    return max(min(wanted, len(window.drawn) - sample.asked, MOST_ASKED), 0)


def _newest_label(sample: DisagreementSample) -> datetime:
    """When the newest of its items was settled, from shortly before it was judged on; that time where none was."""
    since = sample.judged_at - WRITTEN_WITHIN
    newest = [since]
    resolved = Resolution.objects.filter(project=sample.version.project_id, resolved_at__gt=since)
    closed = NoLabelDecision.objects.filter(project=sample.version.project_id, decided_at__gt=since)
    if not resolved.exists() and not closed.exists():
        return since
    ids = [drawn.item for drawn in load_window(sample.window).drawn[: sample.asked]]
    for chunk in chunks(ids):
        newest.append(resolved.filter(item__in=chunk).aggregate(newest=Max("resolved_at"))["newest"] or since)
        newest.append(closed.filter(item__in=chunk).aggregate(newest=Max("decided_at"))["newest"] or since)
    return max(newest)
