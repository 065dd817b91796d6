"""Judgements of versions: against what serves now, kept for good, and void once something else serves."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

import msgspec
import numpy as np
from django.db import transaction

from annotation import capture
from annotation.models import Source
from jobs import queue
from jobs.execution import Attempt, PermanentFailure
from jobs.models import OPEN, Job
from projects import audit
from projects.chunks import CHUNK
from projects.models import Project, User
from retraining import artifacts, bodies, datasets, disagreement_words, disagreements, evaluation, registry
from retraining.bodies import DisagreementBody, VerdictBody
from retraining.evaluation import Judged
from retraining.learning.gate.disagreement import SequentialDecision
from retraining.models import EvaluatedItem, Judgement, ModelVersion
from retraining.verdict_words import audit_figures, side_name, verdict_words

KIND = "retraining.judge"


class VerdictState(StrEnum):
    """What the newest verdict of a version is worth now."""

    PROMOTE = "promote"
    HOLD = "hold"
    VOID = "void"
    SERVES = "serves"


def state_of(version: ModelVersion, incumbent: registry.Incumbent) -> VerdictState:
    """What decides whether the gate is open. A verdict counts only against what serves now; that of the champion has
    done its work.

    Where something serves, one test opens the gate, the one that the project names: on audit items, or on
    disagreements. Two that each might open it would be wrong twice as often.
    """
    judgement = version.judgement
    if version == incumbent.version:
        return VerdictState.SERVES
    verdict = version.verdict
    if judgement is None or verdict is None or judgement.against != incumbent.tag:
        return VerdictState.VOID
    return VerdictState.PROMOTE if gate_verdicts([version])[version.pk].passed else VerdictState.HOLD


@dataclass(frozen=True)
class GateResult:
    """A verdict of audit items, with what labels of disagreements decide where those open the gate of the project."""

    audit: VerdictBody
    by_disagreement: bool
    disagreement: DisagreementBody | None

    @property
    def passed(self) -> bool:
        """Labels of disagreements promote, and audit items show what only they can: slices by true label."""
        if not self.by_disagreement:
            return self.audit.decision == "promote"
        found = self.disagreement
        if found is None or found.decision != SequentialDecision.PROMOTE:
            return False
        return {gate.slice_name for gate in self.audit.gates if gate.passed}.issuperset(found.not_asked)

    @property
    def figures(self) -> str:
        """What the decision rests on."""
        return disagreement_words.figures(self.disagreement) if self.by_disagreement else audit_figures(self.audit)

    @property
    def words(self) -> str:
        """The decision with its figures, in sentences."""
        audit = verdict_words(self.audit)
        if not self.by_disagreement:
            return audit
        return f"{'Passed' if self.passed else 'Held'}: {self.figures}. Audit items, beside it: {audit}"


def gate_verdicts(versions: Sequence[ModelVersion]) -> dict[int, GateResult]:
    """Of each of these versions by its id, against what served when it was judged; none of one without a verdict.

    Against nothing audit items alone can tell.
    """
    judged = [(version, version.verdict) for version in versions]
    by_labels = [one for one, verdict in judged if verdict and verdict.champion and _by_disagreement(one)]
    beside = disagreements.verdicts_of(by_labels)
    return {
        one.pk: GateResult(verdict, one in by_labels, beside.get((one.pk, verdict.champion)))
        for one, verdict in judged
        if verdict is not None
    }


def _by_disagreement(version: ModelVersion) -> bool:
    return version.project.retraining_settings().by_disagreement


def why_void(version: ModelVersion, incumbent: registry.Incumbent) -> str:
    """One sentence for a version whose verdict is void."""
    now = f"{incumbent.tag} serves now" if incumbent.tag else "nothing serves now"
    if version.judgement is None:
        return f"{version} was never judged, and {now}. Judge it first."
    if version.verdict is None:
        return f"The verdict on {version} was stored in a form that this version cannot load. Judge it again first."
    against = side_name(version.judgement.against)
    return f"{version} was judged against {against}, but {now}: that verdict is void. Judge {version} again first."


@transaction.atomic
def store_judgement(version: ModelVersion, judged: Judged, *, schema_version: int, at: datetime) -> Judgement:
    """Add a judgement with its items and make it the one that counts.

    What both sides said of these items is kept as their predictions, so that every page can say how good the version is
    before it serves, and Compare compares on the same items. `schema_version` gives the order of the scores.
    """
    made = Judgement.objects.create(
        version=version,
        against=judged.verdict.champion,
        evaluation=bodies.dump(judged.evaluation),
        verdict=bodies.dump(judged.verdict),
        judged_at=at,
    )
    for row in judged.rows:
        row.judgement = made
    EvaluatedItem.objects.bulk_create(judged.rows, batch_size=CHUNK)
    for tag, scores in ((version.tag, judged.scores), (judged.verdict.champion, judged.scores_against)):
        if scores is not None and judged.rows:
            capture.record_scores(
                version.project,
                item_ids=[row.item_id for row in judged.rows],
                probabilities=scores,
                model_version=tag,
                schema_version=schema_version,
                source=Source.RESCORED,
                out_of_sample=np.ones(len(judged.rows), dtype=bool),
                at=at,
            )
    ModelVersion.objects.filter(pk=version.pk).update(judgement=made)
    version.judgement = made
    return made


def judge_version(version: ModelVersion, *, at: datetime) -> Judged:
    """Compare the version with what serves now, on all that is held out by now. Raises ArtifactRefused."""
    project = version.project
    loaded = registry.load(version)
    held_out = datasets.held_out(project, at=at)
    held_out = held_out.only(registry.out_of_sample(version, held_out.item_ids))
    assert version.run.dataset is not None  # a version is made of one
    train = datasets.examples(version.run.dataset, datasets.Split.TRAIN)
    incumbent = registry.incumbent(project)
    judged = evaluation.compare_with_incumbent(project, held_out, loaded, train, None, incumbent)
    beside = disagreements.verdict_of(disagreements.sample_of(version, incumbent))
    return replace(judged, verdict=msgspec.structs.replace(judged.verdict, disagreement=beside))


def judge_again(version: ModelVersion, *, by: User | None, at: datetime) -> Judgement:
    """Judge here and now, for callers that may wait. Raises ArtifactRefused."""
    schema_version, judged = version.project.schema().version, judge_version(version, at=at)
    audit.record("version.judge", by=by, at=at, project=version.project, target=version.tag)
    return store_judgement(version, judged, schema_version=schema_version, at=at)


def request(version: ModelVersion, *, by: User, at: datetime) -> Job:
    """Have the version judged by a worker; asking twice is one job."""
    project = version.project
    with transaction.atomic():
        job, made = queue.enqueue(
            KIND, key=_key(version), project=project, payload={"version": version.tag}, by=by, at=at
        )
        if made:
            audit.record("version.judge", by=by, at=at, project=project, target=version.tag)
    return job


def waiting(version: ModelVersion) -> Job | None:
    """The open job that judges this version."""
    return Job.objects.filter(project=version.project_id, key=_key(version), state__in=OPEN).first()


def _key(version: ModelVersion) -> str:
    return f"judge:{version.project_id}:{version.tag}"


def perform(attempt: Attempt, *, clock: Callable[[], datetime]) -> None:
    """The job of `request`. It never promotes: a person, or the next run, does."""
    project: Project | None = attempt.job.project
    assert project is not None  # it is always enqueued for one
    version = registry.version_by_tag(project, attempt.payload["version"])
    attempt.progress(0.1, f"Comparing {version} with what serves")
    schema_version = version.project.schema().version
    try:
        judged = judge_version(version, at=clock())
    except artifacts.ArtifactRefused as why:
        raise PermanentFailure(str(why)) from None
    with attempt.commit(decision=judged.verdict.decision, against=judged.verdict.champion):
        store_judgement(version, judged, schema_version=schema_version, at=clock())
