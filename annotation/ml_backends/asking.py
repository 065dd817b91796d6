"""The job that asks a backend about the items that wait for people, and keeps what it says as predictions.

What is kept is a prediction of the version that the backend names, made again after capture, so that no figure about
live traffic counts it. Evaluation items are asked too: their predictions measure the backend, and no page and no lease
shows them before the label is given (annotation.blinding, annotation.leases.suggestions).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F

from annotation import kinds
from annotation.exchange.rows import ProjectShape, UnusableFile
from annotation.import_options import project_shape
from annotation.kinds import InvalidLabel
from annotation.ml_backends import calls
from annotation.ml_backends.asked_items import MISSING, to_asked_items, waiting_items
from annotation.ml_backends.protocol import (
    AskedItem,
    BadAnswer,
    SuggestedAnswer,
    parse_suggestions,
    predict_body,
    setup_body,
    version_name,
    version_of_results,
)
from annotation.models import Item, MLBackend, Prediction, Source
from jobs.execution import Attempt, PermanentFailure
from projects.bulk_insert import insert_new
from projects.members import lock
from projects.models import Project
from validation.json_values import shorten

AT_ONCE = 20  # items of one call
MOST_ITEMS = 2_000  # of one job; the next one goes on
MOST_FAILURES = 3  # calls in a row that fail before the job ends
ALONE_FOR = timedelta(minutes=5)  # for items that are asked about one by one
PAUSE = timedelta(minutes=10)  # after a failure, before it is asked again by itself
LONGEST_ERROR = 500


@dataclass(frozen=True)
class KeptSuggestion:
    """What is stored of one item; a value of None says that it was asked and said nothing that can be used."""

    item_id: int
    value: Any
    score: float | None


@dataclass
class AskedTotals:
    """What became of the items of one job.

    problem   why the first unusable answer could not be used
    rests     something was left for later, because calls failed or took long
    """

    kept: int = 0
    unusable: int = 0
    problem: str = ""
    rests: bool = False


def is_due(backend: MLBackend, *, at: datetime) -> bool:
    """Whether something waits, and the last failure is some time ago."""
    rests = backend.failed_at is not None and backend.failed_at > at - PAUSE
    return backend.enabled and not rests and waiting_items(backend).exists()


def request_answers(attempt: Attempt, backend: MLBackend, *, clock: Callable[[], datetime]) -> None:
    """Ask about everything that waits, a few items a call; each call's answers are kept before the next.

    A failure is kept beside the backend. Raises PermanentFailure where trying again cannot help, else BackendFailed.
    """
    try:
        totals = _ask_all(attempt, backend, clock=clock)
    except calls.BackendFailed as why:
        note_failure(backend, str(why), at=clock())
        if why.final:
            raise PermanentFailure(str(why)) from None
        raise
    problem = shorten(totals.problem, LONGEST_ERROR)
    said = {"kept": totals.kept, "unusable": totals.unusable, "version": backend.model_version, "problem": problem}
    with attempt.commit(**said):
        rests_from = clock() if totals.rests else None
        MLBackend.objects.filter(pk=backend.pk).update(error=problem, failed_at=rests_from, answered_at=clock())


def note_failure(backend: MLBackend, why: str, *, at: datetime) -> None:
    MLBackend.objects.filter(pk=backend.pk).update(error=shorten(why, LONGEST_ERROR), failed_at=at)


def _ask_all(attempt: Attempt, backend: MLBackend, *, clock: Callable[[], datetime]) -> AskedTotals:
    """Raises BackendFailed."""
    shape = _shape(backend.project)
    asking = _Asking(attempt, backend, shape, clock)
    calls.check_health(backend)
    _begin_version(backend, calls.set_up(backend, setup_body(shape, asking.name)))
    asking.ask_all(list(waiting_items(backend).order_by("-pk").values_list("pk", flat=True)[:MOST_ITEMS]))
    return asking.totals


class _Asking:
    """The calls of one job about items, and what became of these."""

    def __init__(
        self, attempt: Attempt, backend: MLBackend, shape: ProjectShape, clock: Callable[[], datetime]
    ) -> None:
        self._attempt, self._backend, self._shape, self._clock = attempt, backend, shape, clock
        self.name = f"{backend.project_id}.{int(backend.created_at.timestamp())}"
        self.totals = AskedTotals()
        self._answered = False

    def ask_all(self, ids: Sequence[int]) -> None:
        """Ask about parts, then about the items of those that failed one by one, so that none keeps others waiting.

        Raises BackendFailed where no call was answered.
        """
        failed = self._ask_each([ids[start : start + AT_ONCE] for start in range(0, len(ids), AT_ONCE)])
        if any(len(part) > 1 for part, _ in failed) or self._answered:
            failed = self._ask_each([[pk] for part, _ in failed for pk in part], until=self._clock() + ALONE_FOR)
        if failed and not self._answered:
            raise failed[-1][1]
        refused = [(KeptSuggestion(pk, None, None), str(why)) for part, why in failed for pk in part]
        if refused:
            self._keep_said(refused, share=1.0)

    def _ask_each(
        self, parts: Sequence[Sequence[int]], until: datetime | None = None
    ) -> list[tuple[Sequence[int], calls.BackendFailed]]:
        """Ask about each part; returns those that failed, with their reason.

        It ends after MOST_FAILURES in a row where nothing was answered yet, and after `until`: `rests` says so.
        """
        failed: list[tuple[Sequence[int], calls.BackendFailed]] = []
        for number, ids in enumerate(parts):
            if (until and self._clock() > until) or (len(failed) == MOST_FAILURES and not self._answered):
                self.totals.rests = True
                break
            self._attempt.progress(number / len(parts), f"{number:,} of {len(parts):,} calls made")
            try:
                self._ask_part(ids, share=(number + 1) / len(parts))
            except calls.BackendFailed as why:
                if why.refuses_all:
                    raise
                failed.append((ids, why))
        return failed

    def _ask_part(self, ids: Sequence[int], *, share: float) -> None:
        project = self._backend.project
        items = list(Item.objects.filter(pk__in=ids).order_by("pk"))
        bodies = dict(zip(items, to_asked_items(project, items), strict=True))
        sent = {item: body for item, body in bodies.items() if body}
        answers = self._answers(list(sent.values())) if sent else []
        said = [_to_suggestion(project, item, answer) for item, answer in zip(sent, answers, strict=True)]
        said += [(KeptSuggestion(item.pk, None, None), MISSING) for item, body in bodies.items() if not body]
        self._keep_said(said, share=share)
        self._answered = self._answered or bool(sent)

    def _answers(self, asked: Sequence[AskedItem]) -> list[SuggestedAnswer]:
        answer = calls.predict(self._backend, predict_body(self._shape, self.name, asked))
        try:
            answers = parse_suggestions(answer, asked, self._shape)
        except BadAnswer as why:
            raise calls.BackendFailed(str(why), final=True) from None
        named = version_of_results(answer, answer["results"])
        if named.get("model_version"):
            _set_version(self._backend, named)
        return answers

    def _keep_said(self, said: Sequence[tuple[KeptSuggestion, str]], *, share: float) -> None:
        """Store what was said of items, each with why it cannot be used, "" where it can."""
        errors = [why for _, why in said if why]
        with self._attempt.step(share):
            _store(self._backend, [one for one, _ in said], unusable=len(errors), at=self._clock())
        self.totals.problem = self.totals.problem or next(iter(errors), "")
        self.totals.kept += len(said) - len(errors)
        self.totals.unusable += len(errors)


def _shape(project: Project) -> ProjectShape:
    shape = project_shape(project)
    try:
        setup_body(shape, "")
    except UnusableFile as why:
        raise calls.BackendFailed(str(why), final=True) from None
    return shape


@transaction.atomic
def _begin_version(backend: MLBackend, answer: Mapping[str, Any]) -> None:
    """Take over what /setup names where that is new; the answers of /predict may name it more exactly."""
    lock(backend.project)
    named = _own_version(backend, answer)
    if backend.setup_version != named:
        backend.setup_version = backend.model_version = named
        MLBackend.objects.filter(pk=backend.pk).update(setup_version=named, model_version=named)


@transaction.atomic
def _set_version(backend: MLBackend, answer: Mapping[str, Any]) -> None:
    lock(backend.project)
    named = _own_version(backend, answer)
    if backend.model_version != named:
        backend.model_version = named
        MLBackend.objects.filter(pk=backend.pk).update(model_version=named)


def _own_version(backend: MLBackend, answer: Mapping[str, Any]) -> str:
    """The version as this backend's predictions carry it. Under the lock of the project.

    No two backends of a project share one, since an item is asked about once of each version.
    """
    others = MLBackend.objects.filter(project=backend.project_id).exclude(pk=backend.pk)
    taken = {name for names in others.values_list("model_version", "setup_version") for name in names}
    prefixed = version_name(answer, backend.name, {*taken, version_name(answer, backend.name)})
    if prefixed in (backend.model_version, backend.setup_version):  # also where the other backend is removed
        return prefixed
    return version_name(answer, backend.name, taken)


def _to_suggestion(project: Project, item: Item, answer: SuggestedAnswer) -> tuple[KeptSuggestion, str]:
    """What is stored, and why the answer cannot be used where it cannot."""
    if answer.error:
        return KeptSuggestion(item.pk, None, None), answer.error
    schema = project.schema().labels
    try:
        value = kinds.of_project(project).validate_for(answer.value, schema, item.inputs)
    except InvalidLabel as why:
        return KeptSuggestion(item.pk, None, None), str(why)
    return KeptSuggestion(item.pk, value, answer.score), ""


def _store(backend: MLBackend, said: Sequence[KeptSuggestion], *, unusable: int, at: datetime) -> None:
    project = backend.project
    is_label = bool(kinds.class_names(project))
    columns: dict[str, list[Any]] = {
        "item_id": [one.item_id for one in said],
        "label": [one.value if is_label and one.value is not None else "" for one in said],
        "value": [None if is_label else one.value for one in said],
        "confidence": [one.score for one in said],
    }
    insert_new(
        Prediction,
        columns,
        project_id=project.pk,
        source=Source.RESCORED,
        model_version=backend.model_version,
        schema_version=project.schema().version,
        at=at,
    )
    counted = {"suggested": F("suggested") + len(said) - unusable, "unusable": F("unusable") + unusable}
    MLBackend.objects.filter(pk=backend.pk).update(**counted)
