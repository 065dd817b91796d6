"""Which tables an archive holds: all of a project's, or a reason why not."""

from django.contrib.admin.models import LogEntry
from django.db import models

from overview.project_archive.tables import ARCHIVED, LEFT_OUT, TO_NULL, models_of_a_project
from overview.project_archive.values import from_archive
from projects.models import Project, User

HELP = (
    "{} belongs to a project and is in neither list of overview/project_archive/tables.py. Put it into ARCHIVED, so "
    "that a project which moves takes it along, and say in `adjust` where a JSON value or text of it holds the id of a "
    "row; then add a row of it to tests/overview/project_archive/rich_project.py. Or put it into LEFT_OUT with the "
    "reason."
)


def test_every_model_of_a_project_is_archived_or_left_out_for_a_reason() -> None:
    archived = {model.model for model in ARCHIVED}
    for model in sorted(models_of_a_project(), key=lambda model: model._meta.label):
        assert model in archived or model in LEFT_OUT, HELP.format(model._meta.label)
    assert not archived & set(LEFT_OUT)
    assert archived | set(LEFT_OUT) == models_of_a_project()
    assert all(len(reason) > 10 for reason in LEFT_OUT.values())


def test_every_foreign_key_leads_to_what_the_archive_holds() -> None:
    known = {model.model for model in ARCHIVED} | {User, Project, *TO_NULL}
    for model in ARCHIVED:
        for field in model.model._meta.concrete_fields:
            assert field.related_model is None or field.related_model in known, f"{model.name}.{field.name}"
            assert field.related_model not in TO_NULL or field.null, f"{model.name}.{field.name}"


def test_every_column_has_a_reader() -> None:
    for model in ARCHIVED:
        for field in model.fields:
            if field.related_model is None and not field.primary_key:
                from_archive(field)  # raises TypeError, with the name of the type, where there is none


def test_the_path_of_each_model_leads_to_a_project() -> None:
    for model in ARCHIVED:
        assert not model.model._default_manager.filter(**{model.path: Project(pk=0)}).query.is_empty()


def test_every_name_that_is_unique_in_an_installation_is_declared_public() -> None:
    """Else a project could not be imported beside the one that it was exported from."""
    for model in ARCHIVED:
        unique = {field.name for field in model.fields if field.unique and not field.primary_key}
        relations = {field.name for field in model.fields if field.is_relation}
        assert unique - relations <= {model.public[0] if model.public else ""}, model.name


def test_people_and_consoles_are_of_no_project() -> None:
    found: set[type[models.Model]] = models_of_a_project()
    assert not {User, LogEntry} & found
