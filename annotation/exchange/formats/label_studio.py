"""Label Studio's JSON: tasks with their annotations and predictions."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import IO, Any

from annotation.exchange.base import (
    BadRecord,
    ExchangeFormat,
    as_list,
    as_mapping,
    as_objects,
    compact,
    optional_number,
    optional_text,
    stable_key,
    without,
)
from annotation.exchange.json_records import array_parts, read_objects
from annotation.exchange.label_config import CONTROLS, shown_input, side_control
from annotation.exchange.label_studio_values import CONTROL, SHAPES, ValueShape
from annotation.exchange.list_items import to_list, to_turns
from annotation.exchange.rows import ExchangeLabel, ExchangePrediction, ExchangeRow, ProjectShape, UnusableFile
from inputs.files.delimited import Dialect
from validation.json_values import quote

KEY = "external_id"  # in `meta`, which Label Studio keeps and gives back
NONE_BESIDE = "also_none"  # in an annotation: side questions that nothing fits, which no result says
OTHERS = "other_results"  # in `extra`: results of other controls, written back
NAMES = "names"  # in `extra`: id, from_name and to_name of each result of ours


class LabelStudio(ExchangeFormat):
    """Tasks as exported or to be imported; results of another control than the project's are kept beside."""

    name = "label_studio"
    media_type = "application/json"
    ending = "json"

    def read_records(self, stream: IO[bytes], dialect: Dialect) -> Iterator[Mapping[str, Any]]:
        return read_objects(stream, dialect.encoding)

    def parse_record(self, record: Mapping[str, Any], project: ProjectShape) -> ExchangeRow:
        shape = value_shape(project)
        bare = not isinstance(record.get("data"), Mapping)  # a task may be its data alone
        data = record if bare else as_mapping(record["data"], "data")
        meta = as_mapping(None if bare else record.get("meta"), "meta")
        inputs = {name: data[name] for name in project.inputs if name in data}
        if not inputs:
            wanted = ", ".join(project.inputs)
            raise BadRecord(f"The task has none of the project's inputs ({wanted}); it has {quote(sorted(data))}.")
        text = str(inputs.get(shown_input(project), ""))
        inputs |= _listed(project, inputs, to_turns)
        task = {} if bare else record
        annotations = as_objects(task.get("annotations"), "annotations")
        predictions = as_objects(task.get("predictions"), "predictions")
        return ExchangeRow(
            key=_key(record, data, meta, bare=bare),
            inputs=inputs,
            labels=tuple(_parse_label(given, project, shape, text) for given in annotations),
            predictions=tuple(_parse_prediction(given, project, shape, text) for given in predictions),
            at=optional_text(task.get("created_at")),
            extra=_row_extra(record, data, inputs, bare=bare),
        )

    def file_parts(self, rows: Iterable[ExchangeRow], project: ProjectShape) -> Iterator[bytes]:
        shape = value_shape(project)
        return array_parts(_task(row, project, shape) for row in rows)


def value_shape(project: ProjectShape) -> ValueShape:
    """How values of the project's kind are written there. Raises UnusableFile where they cannot be."""
    if project.kind not in SHAPES:
        raise UnusableFile(f"Label Studio's results cannot carry values of kind {project.kind}.")
    return SHAPES[project.kind]


def _listed(project: ProjectShape, inputs: Mapping[str, Any], convert: Callable[[Any], Any]) -> dict[str, Any]:
    """The conversation whose turns are ranked, which Label Studio has as a list of items."""
    name = project.shown if project.kind == "ranking" else ""
    return {name: convert(inputs[name])} if name in inputs else {}


def _key(record: Mapping[str, Any], data: Mapping[str, Any], meta: Mapping[str, Any], *, bare: bool) -> str:
    """The caller's own key where one was written, else the task's id, else a hash of its data."""
    if KEY in meta:
        return stable_key(meta, KEY)
    return stable_key(data) if bare or record.get("id") is None else stable_key(record, "id")


def _row_extra(
    record: Mapping[str, Any], data: Mapping[str, Any], inputs: Mapping[str, Any], *, bare: bool
) -> dict[str, Any]:
    if bare:
        return {"bare": True, "data": without(data, *inputs)}
    kept = without(record, "data", "annotations", "predictions", "created_at")
    return {**kept, "data": without(data, *inputs)}


def _parse_label(given: Mapping[str, Any], project: ProjectShape, shape: ValueShape, text: str) -> ExchangeLabel:
    value, names, others = _parse_results(given.get("result"), project, shape, text)
    also, others = _side_answers(others, project, text)
    also |= {name: [] for name in as_list(given.get(NONE_BESIDE), NONE_BESIDE) if isinstance(name, str)}
    extra = without(
        given, "result", NONE_BESIDE, "completed_by", "was_cancelled", "ground_truth", "lead_time", "created_at"
    )
    skipped = given.get("was_cancelled") is True
    person = given.get("completed_by")
    name = person.get("email") or person.get("id") if isinstance(person, Mapping) else person
    return ExchangeLabel(
        value=None if skipped and value == [] else value,
        annotator="" if name is None else str(name),
        skipped=skipped,
        gold=given.get("ground_truth") is True,
        seconds=optional_number(given.get("lead_time")),
        at=optional_text(given.get("created_at")),
        extra=compact({**extra, "completed_by": person, NAMES: names or None, OTHERS: others or None}),
        also=also,
    )


def _parse_prediction(
    given: Mapping[str, Any], project: ProjectShape, shape: ValueShape, text: str
) -> ExchangePrediction:
    value, names, others = _parse_results(given.get("result"), project, shape, text)
    extra = without(given, "result", "model_version", "score", "created_at")
    return ExchangePrediction(
        value=value,
        model_version=str(given.get("model_version") or ""),
        score=given.get("score"),
        at=optional_text(given.get("created_at")),
        extra=compact({**extra, NAMES: names or None, OTHERS: others or None}),
    )


def parse_prediction(given: Mapping[str, Any], project: ProjectShape, data: Mapping[str, Any]) -> ExchangePrediction:
    """What one prediction of a task with this data says. Raises BadRecord, UnusableFile."""
    text = str(data.get(shown_input(project), ""))
    return _parse_prediction(given, project, value_shape(project), text)


def _side_answers(others: list[Any], project: ProjectShape, row_text: str) -> tuple[dict[str, Any], list[Any]]:
    """The side answers among results of other controls, and the rest of those."""
    found = {}
    for one in project.also:
        shape, control = SHAPES.get(one.kind), side_control(one.name)
        mine = [result for result in others if shape and result.get("from_name") == control]
        if shape and mine:
            values = [as_mapping(result.get("value"), "The value of a result") for result in mine]
            found[one.name] = shape.read_values(values, row_text)
            others = [result for result in others if result not in mine]
    return found, others


def _results_beside(also: Mapping[str, Any], project: ProjectShape, text: str) -> list[dict[str, Any]]:
    """The results of the side questions, each under a control of its own."""
    return [
        {
            "from_name": side_control(one.name),
            "to_name": one.shown or shown_input(project),
            "type": (*SHAPES[one.kind].types, CONTROLS[one.kind].result_type)[0],
            "value": part,
        }
        for one in project.also
        if one.name in also and one.kind in SHAPES
        for part in SHAPES[one.kind].write_values(also[one.name], text)
    ]


def _parse_results(
    given: Any, project: ProjectShape, shape: ValueShape, text: str
) -> tuple[Any, list[dict[str, Any]], list[Any]]:
    """The value, what else stands in the results that hold it, and the results of other controls."""
    results = [as_mapping(result, "A result") for result in as_list(given, "result")]
    wanted = shape.types or (CONTROLS[project.kind].result_type,)
    beside = {side_control(one.name) for one in project.also}
    ours = [result for result in results if result.get("type") in wanted and result.get("from_name") not in beside]
    first = ours[0].get("from_name") if ours else None
    ours = [result for result in ours if result.get("from_name") == first]
    others = [result for result in results if result not in ours]
    if not ours:
        empty = shape.empty if isinstance(given, list) else None
        return None if empty is None else list(empty), [], others
    values = [as_mapping(result.get("value"), "The value of a result") for result in ours]
    return shape.read_values(values, text), [without(result, "value", "type") for result in ours], others


def _task(row: ExchangeRow, project: ProjectShape, shape: ValueShape) -> dict[str, Any]:
    kept = dict(row.extra)
    data = {**row.inputs, **_listed(project, row.inputs, to_list), **kept.pop("data", {})}
    if kept.pop("bare", False) and not row.labels and not row.predictions:
        return data
    text = str(row.inputs.get(shown_input(project), ""))
    if "id" not in kept and KEY not in as_mapping(kept.get("meta"), "meta"):
        kept["meta"] = {**as_mapping(kept.get("meta"), "meta"), KEY: row.key}
    annotations = [_annotation(label, project, shape, text) for label in row.labels]
    if row.known is not None and all(label.value != row.known for label in row.labels):
        known = ExchangeLabel(value=row.known, gold=True, also=row.also)
        annotations.append(_annotation(known, project, shape, text))
    predictions = [_prediction(given, project, shape, text) for given in row.predictions]
    return compact({**kept, "data": data, "created_at": row.at}) | {
        "annotations": annotations,
        "predictions": predictions,
    }


def _annotation(label: ExchangeLabel, project: ProjectShape, shape: ValueShape, text: str) -> dict[str, Any]:
    kept = dict(label.extra)
    result = _results(label.value, kept, project, shape, text) + _results_beside(label.also, project, text)
    person = kept.pop("completed_by", None)
    return compact(
        {
            **kept,
            "completed_by": person if person is not None else label.annotator or None,
            "was_cancelled": label.skipped,
            "ground_truth": label.gold,
            "lead_time": label.seconds,
            "created_at": label.at,
            NONE_BESIDE: [name for name, said in label.also.items() if said == []] or None,
        }
    ) | {"result": result}


def _prediction(given: ExchangePrediction, project: ProjectShape, shape: ValueShape, text: str) -> dict[str, Any]:
    kept = dict(given.extra)
    result = _results(given.value, kept, project, shape, text)
    version = given.model_version or None
    return compact({**kept, "model_version": version, "score": given.score, "created_at": given.at}) | {
        "result": result
    }


def _results(
    value: Any, kept: dict[str, Any], project: ProjectShape, shape: ValueShape, text: str
) -> list[dict[str, Any]]:
    """The results that hold the value, with their former names, and those of other controls behind them."""
    names: Sequence[Mapping[str, Any]] = kept.pop(NAMES, ())
    others: list[dict[str, Any]] = list(kept.pop(OTHERS, ()))
    if value is None:
        return others
    values = shape.write_values(value, text)
    plain = {"from_name": CONTROL, "to_name": shown_input(project)}
    kind = (*shape.types, CONTROLS[project.kind].result_type)[0]
    found = [
        {**(names[place] if place < len(names) else plain), "type": kind, "value": part}
        for place, part in enumerate(values)
    ]
    return found + others
