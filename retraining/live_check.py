"""Whether the champion can be loaded: a check cheap enough for every page and for /readyz."""

import logging
from collections.abc import Iterable, Iterator

from projects.models import Project
from retraining import artifacts, registry, release
from retraining.models import LoadFailure, ModelVersion

log = logging.getLogger(__name__)
files = artifacts.VerifiedFiles()


def problems(projects: Iterable[Project]) -> Iterator[tuple[Project, str]]:
    """Each project whose champion cannot answer, with why."""
    found = {project.pk: project for project in projects}
    champions = ModelVersion.objects.filter(project__in=found, stage=ModelVersion.Stage.CHAMPION)
    by_project = {version.project_id: version for version in champions.select_related("project", "load_failure")}
    for pk, project in found.items():
        version = by_project.get(pk)
        try:
            if why := problem(project, version):
                yield project, f"{why} {instead(project, version)}"
        except Exception as error:  # one project's broken rows hide no other's
            log.exception("What serves in %s could not be checked", project.slug)
            yield project, f"What serves could not be checked: {type(error).__name__}."


def problem(project: Project, version: ModelVersion | None) -> str:
    """Why this champion cannot answer, "" where nothing is known against it."""
    if why := registry.why_unclear(project, version):
        return why
    return (why_not(project, version) or last_failure(version)) if version else ""


def last_failure(version: ModelVersion) -> str:
    """What the last try to load it said; "" where it loaded."""
    failure: LoadFailure | None = getattr(version, "load_failure", None)
    return failure.words if failure else ""


def why_not(project: Project, version: ModelVersion) -> str:
    """Why this version cannot answer, by its row and its file."""
    try:
        registry.verify(version, files)
    except artifacts.ArtifactRefused as refused:
        return str(refused)
    return registry.why_retired(version.tag, version.parameters.get("classes", []), project)


def instead(project: Project, version: ModelVersion | None) -> str:
    """What answers while the champion cannot."""
    before = release.previous_of(version) if version and project.champion_version == version.tag else None
    if before and not why_not(project, before):
        return f"{before} answers instead, marked as degraded."
    if project.safe_default:
        return f"Requests get the safe default, {project.safe_default}, marked as degraded."
    return "Every request to predict is refused."
