"""Pages of retraining: runs, the comparison of versions, releases."""

from django.http import Http404
from django.shortcuts import get_object_or_404

from projects.guards import ProjectRequest
from projects.models import Project
from retraining.models import ModelVersion, TrainingRun


def page_of(request: ProjectRequest) -> int:
    """The page that the address asks for, the first where it asks for none."""
    given = request.GET.get("page", "1")
    if not (given.isascii() and given.isdigit() and 0 < int(given) < 1_000_000):
        raise Http404("There is no such page.")
    return int(given)


def run_of(project: Project, number: int) -> TrainingRun:
    runs = TrainingRun.objects.select_related("job", "dataset", "created_by", "version__judgement")
    return get_object_or_404(runs, project=project, number=number)


def version_of(project: Project, number: int) -> ModelVersion:
    versions = ModelVersion.objects.select_related("project", "run__dataset", "judgement")
    return get_object_or_404(versions, project=project, number=number)
