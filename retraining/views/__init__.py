"""Pages of retraining: runs, the comparison of versions, releases."""

from django.http import Http404
from django.shortcuts import get_object_or_404

from projects.guards import ProjectRequest
from projects.models import Project
from retraining.models import ModelVersion, TrainingRun
from validation.numbers import whole_number


def page_of(request: ProjectRequest) -> int:
    """The page that the address asks for, the first where it asks for none."""
    number = whole_number(request.GET.get("page", "1"), least=1, most=1_000_000)
    if number is None:
        raise Http404("There is no such page.")
    return number


def run_of(project: Project, number: int) -> TrainingRun:
    runs = TrainingRun.objects.select_related("job", "dataset", "created_by", "version__judgement", "version__project")
    return get_object_or_404(runs, project=project, number=number)


def version_of(project: Project, number: int) -> ModelVersion:
    versions = ModelVersion.objects.select_related("project", "run__dataset", "judgement")
    return get_object_or_404(versions, project=project, number=number)
