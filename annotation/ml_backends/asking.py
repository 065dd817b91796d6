"""The job that asks a backend about the items that wait for people, and keeps what it says as predictions.

What is kept is a prediction of the version that the backend names, made again after capture, so that no figure about
live traffic counts it. Evaluation items are asked too: their predictions measure the backend, and no page and no lease
shows them before the label is given (annotation.blinding, annotation.leases.suggestions).
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F

from annotation import kinds
from annotation.exchange.rows import ProjectShape, UnusableFile
from annotation.import_options import project_shape
from annotation.kinds import InvalidLabel
from annotation.ml_backends import answer_versions, calls
from annotation.ml_backends.asked_items import MISSING, to_asked_items, waiting_items
from annotation.ml_backends.protocol import (
    AskedItem,
    BadAnswer,
    SuggestedAnswer,
    parse_suggestions,
    predict_body,
    setup_body,
    version_of_results,
)
from annotation.models import Item, MLBackend, Prediction, Source
from jobs.execution import Attempt, PermanentFailure
from projects.bulk_insert import insert_new
from projects.models import Project
from validation.json_values import shorten

AT_ONCE = 20  # items of one call
MOST_ITEMS = 2_000  # of one job; the next one goes on
MOST_FAILURES = 3  # calls in a row that fail before the job ends
TOGETHER_FOR = timedelta(minutes=40)  # for calls about several items
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
    answer_versions.begin(backend, calls.set_up(backend, setup_body(shape, asking.name)))
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
        self._known: AskedItem | None = None  # about which a call was answered
        self._is_answering = False  # whether the last call was answered

    def ask_all(self, ids: Sequence[int]) -> None:
        """Ask about parts, then about the items of those that failed one by one, so that none keeps others waiting.

        Raises BackendFailed where no call was answered.
        """
        parts = [ids[start : start + AT_ONCE] for start in range(0, len(ids), AT_ONCE)]
        failed = self._ask_each(parts, until=self._clock() + TOGETHER_FOR)
        several = [pk for part, _ in failed if len(part) > 1 for pk in part]
        until = self._clock() + ALONE_FOR
        if several and (self._known is None or self._still_answers()):
            # In an order of each attempt's own, so that neighbours that all fail do not keep others waiting for ever.
            random.Random(f"{self._attempt.job.pk}.{self._attempt.number}").shuffle(several)
            alone = [(part, why) for part, why in failed if len(part) == 1]
            failed = alone + self._ask_each([[pk] for pk in several], until=until)
        if failed and self._known is None:
            raise failed[-1][1]
        self._confirm(failed, until=until)

    def _ask_each(
        self, parts: Sequence[Sequence[int]], *, until: datetime
    ) -> list[tuple[Sequence[int], calls.BackendFailed]]:
        """Ask about each part; returns those that failed, with their reason.

        It ends after MOST_FAILURES in a row, and after `until`: `rests` says so.
        """
        failed: list[tuple[Sequence[int], calls.BackendFailed]] = []
        in_a_row = 0
        for number, ids in enumerate(parts):
            if self._clock() > until or in_a_row == MOST_FAILURES:
                self.totals.rests = True
                break
            self._attempt.progress(number / len(parts), f"{number:,} of {len(parts):,} calls made")
            why = self._failure_of(ids, share=(number + 1) / len(parts))
            in_a_row = in_a_row + 1 if why else 0
            if why:
                failed.append((ids, why))
        return failed

    def _confirm(self, failed: Sequence[tuple[Sequence[int], calls.BackendFailed]], *, until: datetime) -> None:
        """Ask again about what failed, each between two calls that are answered.

        What fails then, though the backend is there, is unusable; everything else is left for a later job.
        """
        for ids, why in failed:
            if len(ids) > 1 or self._clock() > until or not self._still_answers():
                return self._leave(failed[-1][1])
            again = why if why.away else self._failure_of(ids, share=1.0)
            if again is None:
                continue
            if again.away or not self._still_answers():
                self._leave(again)
            else:
                self._keep_said([(KeptSuggestion(pk, None, None), str(again)) for pk in ids], share=1.0)

    def _leave(self, why: calls.BackendFailed) -> None:
        self.totals.rests = True
        self.totals.problem = self.totals.problem or str(why)

    def _failure_of(self, ids: Sequence[int], *, share: float) -> calls.BackendFailed | None:
        """Ask about these items; why that failed. Raises BackendFailed where every other call would fail too."""
        try:
            self._ask_part(ids, share=share)
        except calls.BackendFailed as why:
            if why.refuses_all:
                raise
            return why
        return None

    def _still_answers(self) -> bool:
        """Whether the last call was answered, or else one about an item for which it was answered before."""
        if not self._is_answering and self._known is not None:
            try:
                self._answers([self._known])
            except calls.BackendFailed as why:
                if why.refuses_all:
                    raise
        return self._is_answering

    def _ask_part(self, ids: Sequence[int], *, share: float) -> None:
        project = self._backend.project
        items = list(Item.objects.filter(pk__in=ids).order_by("pk"))
        bodies = dict(zip(items, to_asked_items(project, items), strict=True))
        sent = {item: body for item, body in bodies.items() if body}
        answers = self._answers(list(sent.values())) if sent else []
        said = [_to_suggestion(project, item, answer) for item, answer in zip(sent, answers, strict=True)]
        said += [(KeptSuggestion(item.pk, None, None), MISSING) for item, body in bodies.items() if not body]
        self._keep_said(said, share=share)

    def _answers(self, asked: Sequence[AskedItem]) -> list[SuggestedAnswer]:
        self._is_answering = False
        answer = calls.predict(self._backend, predict_body(self._shape, self.name, asked))
        try:
            answers = parse_suggestions(answer, asked, self._shape)
        except BadAnswer as why:
            raise calls.BackendFailed(str(why), final=True) from None
        named = version_of_results(answer, answer["results"])
        if named.get("model_version"):
            answer_versions.take_over(self._backend, named)
        self._known, self._is_answering = asked[-1], True
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
