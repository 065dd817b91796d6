"""Versions: made once with their artifact's hash and signature, loaded only after both are checked."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from django.db.models import Max
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin

from annotation import encoding_progress, media, text_vectors, versions
from inputs.encoders.base import EncoderUnavailable, TextEncoder
from inputs.encoders.columns import EncodedTexts
from inputs.images import Grey
from projects.models import Project
from retraining import artifacts, datasets
from retraining.learning import predict
from retraining.learning.families import artifact
from retraining.learning.fitted import Fitted
from retraining.models import Dataset, ModelVersion, Release, ReleaseKind, TrainingRun
from validation import InvalidInput
from validation.numbers import whole_number


class UnknownModelVersion(InvalidInput):
    """There is no such version in this project."""


class Unclear(RuntimeError):
    """What serves is recorded in two ways that contradict each other; the message names both."""


@dataclass(frozen=True)
class Loaded:
    """A version that is ready to predict."""

    tag: str
    estimator: ClassifierMixin
    classes: tuple[str, ...]
    types: Mapping[str, str]
    frame_parameters: Mapping[str, Any]
    schema_version: int
    project: Project | None = None  # whose stored vectors of texts may be used
    encoder: TextEncoder | None = None  # of the texts that it reads as vectors

    def probabilities(self, columns: Mapping[str, Sequence[Any]]) -> NDArray[Any]:
        """(n, k) in the order of the version's own classes."""
        return predict.probabilities(
            *(self.estimator, columns, self.types, self.frame_parameters, self.classes), texts=self._texts(columns)
        )

    def _texts(self, columns: Mapping[str, Sequence[Any]]) -> EncodedTexts | None:
        """Vectors of the texts that the version reads so."""
        read = predict.encoder_of(self.frame_parameters)
        if read is None or self.encoder is None:
            return None
        return text_vectors.encode_with(self.encoder, self.project, columns, read.inputs)

    def score(
        self, project: Project, rows: Sequence[Mapping[str, Any]], decoded: Mapping[str, Grey] | None = None
    ) -> NDArray[Any]:
        """(n, k) probabilities of n stored inputs; `decoded` as `media.columns` takes it."""
        return self.probabilities(media.columns(project, rows, self.types, decoded))


@dataclass(frozen=True)
class Packed:
    """A fitted model whose artifact is on disk, with everything that its row will say of it."""

    stored: artifacts.Stored
    family: str
    parameters: dict[str, Any]
    signature: str


@dataclass(frozen=True)
class Incumbent:
    """What serves now and is the one to beat: `version` where it was trained here, "" as tag where nothing serves."""

    tag: str = ""
    version: ModelVersion | None = None

    def __str__(self) -> str:
        return self.tag or "the naive baseline"


def incumbent(project: Project) -> Incumbent:
    """The champion, else the captured version that was released, else the one that is captured, else nothing."""
    if live := champion(project):
        return Incumbent(live.tag, live)
    tag = captured_release(project) or versions.captured(project)
    try:
        return Incumbent(tag, version_by_tag(project, tag) if tag else None)
    except UnknownModelVersion:
        return Incumbent(tag)


def champion(project: Project) -> ModelVersion | None:
    return (
        ModelVersion.objects.filter(project=project, stage=ModelVersion.Stage.CHAMPION)
        .select_related("judgement", "project")
        .first()
    )


def live(project: Project) -> ModelVersion | None:
    """The champion that may answer now; None where none is, or where a version that only is captured was released.

    Raises Unclear where the project names another version than its champion.
    """
    why = ""
    for _ in range(2):  # the first release may come between the two looks
        version = champion(project)
        named = version.project if version else Project.objects.get(pk=project.pk)
        why = why_unclear(named, version)
        if not why:
            return version
    raise Unclear(why)


def version_by_tag(project: Project, tag: str) -> ModelVersion:
    """The version that predictions call by this tag, such as v3."""
    number, found = number_of(tag), None
    if number is not None:
        found = ModelVersion.objects.filter(project=project, number=number).select_related("run").first()
    if found is None:
        raise UnknownModelVersion(f"There is no version {tag} in {project.title}.")
    return found


def number_of(tag: str) -> int | None:
    """The number of the version that this tag would name; None where it names none that could be trained here."""
    number = whole_number(tag.removeprefix("v"))
    return number if number is not None and tag == f"v{number}" else None


def pack(fitted: Fitted, types: Mapping[str, str], *, project: Project) -> Packed:
    """Write and sign the artifact of a fitted model."""
    stored = artifacts.write(artifact.dump(fitted.estimator))
    parameters = {
        "classes": list(fitted.classes),
        "types": dict(types),
        "frame": dict(fitted.frame_parameters),
        "calibrator": fitted.calibrator,
        "config": dict(fitted.config),
    }
    parameters = json.loads(json.dumps(parameters))  # as the database will give it back: the signature covers it
    signature = artifacts.sign(stored.sha256, project_id=project.pk, family=fitted.family, parameters=parameters)
    return Packed(stored, fitted.family, parameters, signature)


def create(
    run: TrainingRun,
    dataset: Dataset,
    packed: Packed,
    *,
    at: datetime,
) -> ModelVersion:
    """The row of a packed model. Runs in the transaction of the run's end."""
    newest = ModelVersion.objects.filter(project=run.project).aggregate(number=Max("number"))["number"] or 0
    return ModelVersion.objects.create(
        project=run.project,
        number=newest + 1,
        run=run,
        family=packed.family,
        parameters=packed.parameters,
        artifact_sha256=packed.stored.sha256,
        artifact_size=packed.stored.size,
        signature=packed.signature,
        schema_version=dataset.schema_version,
        contract_version=dataset.contract_version,
        created_at=at,
    )


def load(version: ModelVersion) -> Loaded:
    """The version, its artifact verified first. Raises ArtifactRefused with a sentence that names the version."""
    packed = Packed(
        artifacts.Stored(version.artifact_sha256, version.artifact_size),
        version.family,
        version.parameters,
        version.signature,
    )
    try:
        return unpack(packed, project=version.project, tag=version.tag, schema_version=version.schema_version)
    except artifacts.ArtifactRefused as why:
        raise artifacts.ArtifactRefused(f"{version.tag} cannot be loaded. {why}") from None


def unpack(packed: Packed, *, project: Project, tag: str, schema_version: int) -> Loaded:
    """Read a packed artifact back through every check."""
    data = artifacts.read_artifact(
        packed.stored.sha256,
        size=packed.stored.size,
        signature=packed.signature,
        project_id=project.pk,
        family=packed.family,
        parameters=packed.parameters,
    )
    try:
        estimator = artifact.load(data, family=packed.family)
    except artifact.UntrustedArtifact as why:
        raise artifacts.ArtifactRefused(str(why)) from None
    given = packed.parameters
    return Loaded(
        tag=tag,
        estimator=estimator,
        classes=tuple(given["classes"]),
        types=given["types"],
        frame_parameters=given["frame"],
        schema_version=schema_version,
        project=project,
        encoder=_encoder_of(given),
    )


def _encoder_of(parameters: Mapping[str, Any]) -> TextEncoder | None:
    """The encoder of the texts that a version reads as vectors. Raises ArtifactRefused where it is gone."""
    read = predict.encoder_of(parameters["frame"])
    if read is None:
        return None
    try:
        return text_vectors.encoder_of_digest(read.name, read.digest)
    except EncoderUnavailable as why:
        raise artifacts.ArtifactRefused(str(why)) from None


@encoding_progress.reads_vectors
def encoder_digests(project: Project) -> set[str]:
    """Digests of the encoders whose vectors the champion or a later version reads."""
    known = ModelVersion.objects.filter(project=project)
    live = known.filter(stage=ModelVersion.Stage.CHAMPION).values_list("number", flat=True).first()
    frames = known.filter(number__gte=live or 0).values_list("parameters__frame", flat=True)
    return {read.digest for frame in frames if (read := predict.encoder_of(frame))}


def verify(version: ModelVersion, files: artifacts.VerifiedFiles) -> None:
    """Check signature, file and hash without loading the model. Raises ArtifactRefused.

    A file that `files` has read in its present state is not read again.
    """
    try:
        artifacts.check_signature(
            version.artifact_sha256,
            signature=version.signature,
            project_id=version.project_id,
            family=version.family,
            parameters=version.parameters,
        )
        files.verify(version.artifact_sha256, version.artifact_size)
    except artifacts.ArtifactRefused as why:
        raise artifacts.ArtifactRefused(f"{version.tag} cannot be loaded. {why}") from None


def why_retired(tag: str, classes: Iterable[str], project: Project) -> str:
    """Why a version with these classes may not answer: one of them is no label any more; "" where all are."""
    values = project.schema().values()
    retired = next((name for name in classes if name not in values), None)
    return "" if retired is None else f"{tag} answers with {retired!r}, which is no label any more."


def captured_release(project: Project) -> str:
    """Tag of the version that was released though it is only captured; "" where none is in force."""
    named = project.champion_version
    if not named:
        return ""
    acts = [Release.Act.PROMOTE, Release.Act.ROLL_BACK]
    newest = Release.objects.filter(project=project, kind=ReleaseKind.MODEL, act__in=acts).order_by("-at", "-pk")
    return named if newest.values_list("version", "name").first() == (None, named) else ""


def why_unclear(project: Project, version: ModelVersion | None) -> str:
    """Why it is unclear what serves: the project names something else than its champion; "" where both agree."""
    named = project.champion_version
    if named == (version.tag if version else "") or (version is None and captured_release(project)):
        return ""
    return (
        f"The project names {named or 'nothing'} as what serves, but its champion is {version or 'no version'}. "
        "Nothing is answered until a version is promoted again."
    )


def out_of_sample(version: ModelVersion, item_ids: list[int]) -> NDArray[np.bool_]:
    """(n,): False where the version has learnt from the item."""
    seen = datasets.trained_on(version.run.dataset, item_ids) if version.run.dataset else set()
    return np.array([item_id not in seen for item_id in item_ids], dtype=bool)


def sweep(*, at: datetime) -> int:
    """Remove artifacts that no version of any project names. Returns how many."""
    return artifacts.sweep(named=ModelVersion.objects.values_list("artifact_sha256", flat=True), at=at)
