"""The job of labels where two versions differ: the window and its draw, what the labels decide, and what follows.

Under the policy that promotes by labels of disagreements it asks for more labels, and promotes, by itself.
"""

import secrets
from collections.abc import Callable
from datetime import datetime
from typing import Any

from annotation import capture
from annotation.models import Item, Prediction, Source
from annotation.routing.candidates import WINDOW
from jobs.execution import Attempt, PermanentFailure
from projects.chunks import CHUNK, chunks
from projects.models import Project
from retraining import artifacts, disagreements, judging, registry, release, rule_release
from retraining.bodies import DisagreementBody, dump
from retraining.disagreement_window import answers_of, answers_since, draw_window
from retraining.disagreement_words import reason_to_promote
from retraining.learning.gate.disagreement import SequentialDecision
from retraining.models import DisagreementSample, ModelVersion
from retraining.release_record import LONGEST_REASON
from retraining.rollout import CanaryRuns
from retraining.window_bodies import WindowBody


def perform(attempt: Attempt, *, clock: Callable[[], datetime]) -> None:
    """The window and the draw where there is none yet, then the verdict of the labels so far, then the policy."""
    project = attempt.job.project
    assert project is not None  # it is always enqueued for one
    version = registry.version_by_tag(project, attempt.payload["version"])
    incumbent = registry.incumbent(project)
    sample = disagreements.sample_of(version, incumbent)
    if sample is None and attempt.payload["draw"] and incumbent.tag and incumbent.version != version:
        at, seed = clock(), secrets.randbits(62)
        window = _window(attempt, version, incumbent, seed=seed, clock=clock)
        if window.disagreements < attempt.payload.get("least", 0):
            with attempt.commit(rows=window.rows, disagreements=window.disagreements):
                return
        sample = DisagreementSample(
            version=version, against=incumbent.tag, seed=seed, window=dump(window), made_at=at, judged_at=at
        )
    if sample is None:
        return
    at = clock()
    verdict = disagreements.judge(sample)
    policy = _acts_by_itself(version)
    if policy and verdict.decision == SequentialDecision.PROMOTE:
        _loaded(version)  # outside of the transaction; what cannot be loaded is not promoted
    with attempt.commit() as result:
        disagreements.store_verdict(sample, verdict, at=at)
        if policy:
            result |= _follow_policy(version, sample, verdict, at=clock())


def _acts_by_itself(version: ModelVersion) -> bool:
    settings = Project.objects.get(pk=version.project_id).retraining_settings()
    return settings.by_gate and settings.by_disagreement and version == disagreements.newest_candidate(version.project)


def _follow_policy(
    version: ModelVersion, sample: DisagreementSample, verdict: DisagreementBody, *, at: datetime
) -> dict[str, Any]:
    """Promote what the gate lets through, or ask for the labels that probably decide. Runs in the job's transaction."""
    version = ModelVersion.objects.select_related("project", "judgement").get(pk=version.pk)
    if version.stage != ModelVersion.Stage.CANDIDATE:
        return {}
    if judging.state_of(version, registry.incumbent(version.project)) == judging.VerdictState.PROMOTE:
        reason = reason_to_promote(verdict)[:LONGEST_REASON]
        try:
            release.promote(version, by=None, reason=reason, at=at, automatic=True, verified=True)
        except (release.VoidVerdict, CanaryRuns):  # something else serves since
            return {"promoted": False}
        return {"promoted": True}
    if verdict.decision == SequentialDecision.UNDECIDED:
        return {"asked": disagreements.ask_by_policy(sample, verdict, at=at)}
    return {}


def _window(
    attempt: Attempt,
    version: ModelVersion,
    incumbent: registry.Incumbent,
    *,
    seed: int,
    clock: Callable[[], datetime],
) -> WindowBody:
    """The traffic that both answered, with a new draw. Scores that a killed attempt kept stay."""
    theirs = answers_since(version.project, incumbent.tag, since=clock() - WINDOW)
    _score(attempt, version, list(theirs.labels), clock=clock)
    ours = answers_of(version.project, version.tag, list(theirs.labels))
    both = {pk: (said, ours[pk]) for pk, said in theirs.labels.items() if pk in ours}
    return draw_window(version, incumbent, both, seed=seed, limited=theirs.limited)


def _loaded(version: ModelVersion) -> registry.Loaded:
    """The version's model. Raises PermanentFailure where its artifact is refused."""
    try:
        return registry.load(version)
    except artifacts.ArtifactRefused as why:
        raise PermanentFailure(str(why)) from None


def _score(attempt: Attempt, version: ModelVersion, item_ids: list[int], *, clock: Callable[[], datetime]) -> None:
    """Let the version answer those of the items that it has not answered, as a release does for all."""
    project = version.project
    loaded, choose = _loaded(version), rule_release.choice_in_force(project)
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
                choose=choose,
            )
        done = min((place + 1) * CHUNK, len(item_ids))
        attempt.progress(0.9 * done / len(item_ids), f"{done:,} of {len(item_ids):,} items of recent traffic scored")
