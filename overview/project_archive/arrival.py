"""What rows of some models take from here, and what of them has a shape that pages and models rely on."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from annotation.models import LabelChange, Media, Prediction
from inputs.registry import INPUT_TYPES
from overview.project_archive.arriving_files import Kind
from overview.project_archive.values import BadArchive
from projects.models import InputContract, LabelSchema, Project
from retraining import artifacts
from retraining.models import ModelVersion, RunState, TrainingRun

IN_FLIGHT = (RunState.WAITING, RunState.RUNNING)


class Arrival:
    """What rows of some models take from here: files that were verified, signatures, the time."""

    def __init__(
        self, project: Project, pictures: dict[str, tuple[Kind, int]], sizes: dict[str, int], at: datetime
    ) -> None:
        self.project, self.at = project, at
        self._pictures, self._sizes = pictures, sizes
        self._labels: dict[int, int] = {}

    def prepare(self, rows: list[Any]) -> None:
        """Before they are stored. Raises BadArchive."""
        acts: dict[type[Any], Callable[[Any], None]] = {
            LabelSchema: self._label_schema,
            LabelChange: self._label_change,
            InputContract: self._contract,
            Media: self._media,
            Prediction: self._prediction,
            TrainingRun: self._run,
            ModelVersion: self._version,
        }
        for row in rows:
            if act := acts.get(type(row)):
                act(row)

    def _label_schema(self, schema: LabelSchema) -> None:
        labels = schema.labels
        if not isinstance(labels, list) or not all(isinstance(label, dict) for label in labels):
            raise BadArchive("Its labels are no list of labels.")
        if not all(isinstance(label.get("value"), str) for label in labels):
            raise BadArchive("A label of it has no value.")
        if not all(isinstance(label.get("merged_into", ""), str) for label in labels):
            raise BadArchive("A label of it was merged into what is no label.")
        self._labels[schema.version] = len(schema.labels)

    def _label_change(self, change: LabelChange) -> None:
        if not all(_is_texts(values) and values for values in (change.sources, change.targets)):
            raise BadArchive("A change of its labels names none.")

    def _contract(self, contract: InputContract) -> None:
        rules = contract.inputs.values() if isinstance(contract.inputs, dict) else [None]
        if not all(isinstance(rule, dict) and rule.get("type") in INPUT_TYPES for rule in rules):
            raise BadArchive("An input of it has no type that is known here.")
        if not _is_texts(contract.segments):
            raise BadArchive("Its segments are no list of names.")

    def _media(self, row: Media) -> None:
        """Media type and size are those of the bytes, whatever the row says: browsers act on them."""
        if known := self._pictures.get(row.sha256):
            (row.content_type, row.width, row.height), row.size = known
        elif not row.content_type.startswith("image/"):
            raise BadArchive(f"Its image {row.sha256[:12]}… is of the type {row.content_type!r}.")

    def _prediction(self, row: Prediction) -> None:
        if row.scores is not None and len(row.scores) != 4 * self._labels.get(row.schema_version, 0):
            raise BadArchive("A prediction has not one score for each label of its version.")

    def _run(self, run: TrainingRun) -> None:
        if run.state in IN_FLIGHT:
            run.state, run.finished_at = RunState.STOPPED, self.at
            run.error = "It had not ended when its project was exported."

    def _version(self, version: ModelVersion) -> None:
        """Signed for this project where the artifact is here and was tried, else unsigned: then it is never loaded."""
        size = self._sizes.get(version.artifact_sha256)
        version.signature = ""
        if size is not None:
            if not _is_readable(version.parameters):
                raise BadArchive(f"The parameters of {version.tag} are not those of a version.")
            version.artifact_size = size
            version.signature = artifacts.sign(
                version.artifact_sha256,
                project_id=self.project.pk,
                family=version.family,
                parameters=version.parameters,
            )


def _is_readable(parameters: Any) -> bool:
    """Whether a version can be loaded by them: its classes, its inputs and how they become columns."""
    if not isinstance(parameters, dict) or not isinstance(parameters.get("frame"), dict):
        return False
    types = parameters.get("types")
    known = isinstance(types, dict) and all(isinstance(kind, str) and kind in INPUT_TYPES for kind in types.values())
    return known and _is_texts(parameters.get("classes"))


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(part, str) for part in value)
