"""The job that asks a backend about the items that wait for people, and keeps what it says as predictions.

What is kept is a prediction of the version that the backend names, made again after capture, so that no figure about
live traffic counts it. Evaluation items are asked too: their predictions measure the backend, and no page and no lease
shows them before the label is given (annotation.blinding, annotation.leases.suggestions).
"""

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Exists, F, OuterRef, QuerySet

from annotation import kinds, media
from annotation.exchange.rows import ProjectShape, UnusableFile
from annotation.importing import project_shape
from annotation.item_display import is_image
from annotation.kinds import InvalidLabel
from annotation.ml_backends import calls
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
from annotation.models import Item, Media, MLBackend, Prediction, RoutedItem, RoutedState, Source
from jobs.execution import Attempt, PermanentFailure
from projects.bulk_insert import insert_new
from projects.models import Project
from validation.json_values import shorten

AT_ONCE = 20  # items of one call
MOST_ITEMS = 2_000  # of one job; the next one goes on
PAUSE = timedelta(minutes=10)  # after a failure, before it is asked again by itself
LONGEST_ERROR = 500


@dataclass(frozen=True)
class KeptSuggestion:
    """What is stored of one item; a value of None says that it was asked and said nothing that can be used."""

    item_id: int
    value: Any
    score: float | None


def waiting_items(backend: MLBackend) -> QuerySet[Item]:
    """Items that people are asked about in its queue, and of which its version has said nothing yet."""
    asked = RoutedItem.objects.filter(project=backend.project_id, state=RoutedState.OPEN)
    if backend.queue_slug:
        asked = asked.filter(queue__slug=backend.queue_slug)
    said = Prediction.objects.filter(item=OuterRef("pk"), model_version=backend.model_version, source=Source.RESCORED)
    return Item.objects.filter(~Exists(said), pk__in=asked.order_by().values("item"))


def is_due(backend: MLBackend, *, at: datetime) -> bool:
    """Whether something waits, and the last failure is some time ago."""
    rests = backend.failed_at is not None and backend.failed_at > at - PAUSE
    return backend.enabled and not rests and waiting_items(backend).exists()


def request_answers(attempt: Attempt, backend: MLBackend, *, clock: Callable[[], datetime]) -> None:
    """Ask about everything that waits, a few items a call; each call's answers are kept before the next.

    A failure is kept beside the backend. Raises PermanentFailure where trying again cannot help, else BackendFailed.
    """
    try:
        kept, unusable, problem = _ask_all(attempt, backend, clock=clock)
    except calls.BackendFailed as why:
        note_failure(backend, str(why), at=clock())
        if why.final:
            raise PermanentFailure(str(why)) from None
        raise
    with attempt.commit(kept=kept, unusable=unusable, version=backend.model_version, problem=problem):
        MLBackend.objects.filter(pk=backend.pk).update(error=problem, failed_at=None, answered_at=clock())


def note_failure(backend: MLBackend, why: str, *, at: datetime) -> None:
    MLBackend.objects.filter(pk=backend.pk).update(error=shorten(why, LONGEST_ERROR), failed_at=at)


def _ask_all(attempt: Attempt, backend: MLBackend, *, clock: Callable[[], datetime]) -> tuple[int, int, str]:
    """How many answers were kept, how many could not be used, and the first reason of those."""
    project = backend.project
    shape = _shape(project)
    name = f"{project.pk}.{int(backend.created_at.timestamp())}"
    calls.check_health(backend)
    _begin_version(backend, version_name(calls.set_up(backend, setup_body(shape, name)), backend.name))
    ids = list(waiting_items(backend).order_by("-pk").values_list("pk", flat=True)[:MOST_ITEMS])
    kept = unusable = 0
    problem = ""
    for start in range(0, len(ids), AT_ONCE):
        attempt.progress(start / len(ids), f"{start:,} of {len(ids):,} items asked")
        items = list(Item.objects.filter(pk__in=ids[start : start + AT_ONCE]).order_by("pk"))
        answers = _answers(backend, shape, name, items)
        usable = [_to_suggestion(project, item, answer) for item, answer in zip(items, answers, strict=True)]
        errors = [error for _, error in usable if error]
        problem = problem or (errors[0] if errors else "")
        with attempt.step((start + len(items)) / len(ids)):
            _store(backend, [one for one, _ in usable], unusable=len(errors), at=clock())
        kept, unusable = kept + len(items) - len(errors), unusable + len(errors)
    return kept, unusable, shorten(problem, LONGEST_ERROR)


def _shape(project: Project) -> ProjectShape:
    shape = project_shape(project)
    try:
        setup_body(shape, "")
    except UnusableFile as why:
        raise calls.BackendFailed(str(why), final=True) from None
    return shape


def _begin_version(backend: MLBackend, named: str) -> None:
    """Take over what /setup names where that is new; the answers of /predict may name it more exactly."""
    if backend.setup_version != named:
        backend.setup_version = backend.model_version = named
        MLBackend.objects.filter(pk=backend.pk).update(setup_version=named, model_version=named)


def _set_version(backend: MLBackend, version: str) -> None:
    if backend.model_version != version:
        backend.model_version = version
        MLBackend.objects.filter(pk=backend.pk).update(model_version=version)


def _answers(backend: MLBackend, shape: ProjectShape, name: str, items: Sequence[Item]) -> list[SuggestedAnswer]:
    asked = _asked_items(backend.project, items)
    answer = calls.predict(backend, predict_body(shape, name, asked))
    try:
        answers = parse_suggestions(answer, asked, shape)
    except BadAnswer as why:
        raise calls.BackendFailed(str(why), final=True) from None
    named = version_of_results(answer, answer["results"])
    if named.get("model_version"):
        _set_version(backend, version_name(named, backend.name))
    return answers


def _asked_items(project: Project, items: Sequence[Item]) -> list[AskedItem]:
    """The items as Label Studio has them: an image as a data URL."""
    images = {value["media"] for item in items for value in item.inputs.values() if is_image(value)}
    types = dict(Media.objects.filter(project=project, sha256__in=images).values_list("sha256", "content_type"))
    return [AskedItem(item.pk, _data(project, item, types)) for item in items]


def _data(project: Project, item: Item, types: Mapping[str, str]) -> dict[str, Any]:
    return {
        name: _data_url(project, value["media"], types) if is_image(value) else value
        for name, value in item.inputs.items()
        if value is not None
    }


def _data_url(project: Project, sha256: str, types: Mapping[str, str]) -> str:
    written = base64.b64encode(media.read_image(project, sha256)).decode()
    return f"data:{types[sha256]};base64,{written}"


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
