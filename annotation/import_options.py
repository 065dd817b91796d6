"""How a file is read into a project: what a person says of its columns, and what formats know of the project."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from annotation import kinds, side_answers
from annotation.exchange.rows import ColumnNames, ProjectShape, SideShape
from inputs.files.delimited import Dialect
from projects.models import Project


@dataclass(frozen=True)
class ImportOptions:
    """How a person says that a file is to be read."""

    columns: ColumnNames = ColumnNames()
    dialect: Dialect = Dialect()

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, given: Mapping[str, Any]) -> "ImportOptions":
        """The options as `to_json` gave them, also those of a former version."""
        return cls(ColumnNames(**given.get("columns", {})), Dialect(**given.get("dialect", {})))


def project_shape(project: Project, options: ImportOptions | None = None, *, raw_cells: bool = False) -> ProjectShape:
    """What formats know of the project."""
    kind = kinds.of_project(project)
    return ProjectShape(
        kind=project.kind,
        labels=project.schema().labels,
        inputs=project.contract().types(),
        positive=project.positive,
        shown=kind.asked_input,
        highest=getattr(kind.options, "highest", ProjectShape.highest),
        columns=options.columns if options else ColumnNames(),
        raw_cells=raw_cells,
        dialect=options.dialect if options else Dialect(),
        also=[_side_shape(one) for one in side_answers.of_project(project)],
    )


def _side_shape(one: side_answers.SideQuestion) -> SideShape:
    return SideShape(
        name=one.name,
        kind=one.kind.name,
        labels=one.labels,
        required=one.required,
        when=one.when,
        shown=one.kind.asked_input,
        highest=getattr(one.kind.options, "highest", SideShape.highest),
    )
