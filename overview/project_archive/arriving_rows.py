"""Rows of an archive as rows of this installation: ids moved as a block, people by name, every value checked."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import models

from overview.project_archive.container import ArchiveManifest, ArchiveReader, TableOfRows
from overview.project_archive.tables import ARCHIVED, TO_NULL, ArchivedModel
from overview.project_archive.values import BadArchive, BadValue, from_archive
from projects.id_blocks import reserve_ids
from projects.ids import new_id
from projects.models import Project, User

WIDEST = 2**40  # ids between the first and the last row of a table
Reader = Callable[[Any], Any]


@dataclass(frozen=True)
class MovedBlock:
    """The ids of a table in the archive, and by how much they are moved."""

    first: int
    last: int
    shift: int


class MovedIds:
    """Which id here a row of the archive gets: all of a table are moved by the same number, so their order stays."""

    def __init__(self, manifest: ArchiveManifest) -> None:
        """Reserves a block of ids for each table."""
        self.project = reserve_ids(Project, 1)
        self._blocks: dict[type[models.Model], MovedBlock] = {}
        for model in ARCHIVED:
            table = manifest.tables.get(model.name)
            if table and table.first is not None and table.last is not None and not _by_parent(model.model):
                self._blocks[model.model] = _reserve(model, table.first, table.last)

    def new_id(self, model: type[models.Model], old: Any) -> int:
        """Raises BadValue for an id that is none of the archive's."""
        block = self._blocks.get(model)
        if block is None or type(old) is not int or not block.first <= old <= block.last:
            raise BadValue(f"it names a row of {model._meta.label_lower} that the archive does not hold")
        return old + block.shift


def _by_parent(model: type[models.Model]) -> bool:
    """Whether a row has the id of the row that it belongs to."""
    return bool(model._meta.pk and model._meta.pk.is_relation)


def _reserve(model: ArchivedModel, first: int, last: int) -> MovedBlock:
    if not 0 < first <= last <= first + WIDEST:
        raise BadArchive(f"Its ids of {model.name} cannot be.")
    return MovedBlock(first, last, reserve_ids(model.model, last - first + 1) - first)


def check_tables(manifest: ArchiveManifest) -> None:
    """Every table and column is known here. Raises BadArchive."""
    known = {model.name: model for model in ARCHIVED}
    for name, table in manifest.tables.items():
        if name not in known:
            raise BadArchive(f"It was made by a newer version of Plumbline: this one has no {name}.")
        fields = {field.attname for field in known[name].fields}
        if odd := sorted(set(table.fields) - fields):
            raise BadArchive(f"It was made by a newer version of Plumbline: {name} has no {odd[0]} here.")
        if len(set(table.fields)) < len(table.fields) or f"rows/{name}.jsonl" not in manifest.parts:
            raise BadArchive(f"Its table {name} is not as a table is written.")


class RowBuilder:
    """Makes instances of one model from the lines of its table."""

    def __init__(self, model: ArchivedModel, table: TableOfRows, ids: MovedIds, people: Mapping[int, int]) -> None:
        self._model, self._table, self._ids, self._people = model, table, ids, people
        by_name = {field.attname: field for field in model.fields}
        self._readers = [(name, self._reader(by_name[name])) for name in table.fields]
        self._owner = {
            field.attname: ids.project for field in model.model._meta.concrete_fields if field.related_model is Project
        }

    def _reader(self, field: Any) -> Reader:
        if field.related_model is not None:
            return self._reference(field)
        if field.primary_key:
            return lambda value: self._ids.new_id(self._model.model, value)
        return from_archive(field)

    def _reference(self, field: Any) -> Reader:
        def take(value: Any) -> int | None:
            if value is None or field.related_model in TO_NULL:
                if not field.null:
                    raise BadValue("it is empty")
                return None
            if field.related_model is not User:
                return self._ids.new_id(field.related_model, value)
            if value not in self._people:
                raise BadValue("it names a person that the archive does not hold")
            return self._people[value]

        return take

    def build(self, line: Any) -> Any:
        """Raises BadArchive with the name of the column that does not fit."""
        if not isinstance(line, list) or len(line) != len(self._readers):
            raise BadArchive(f"A row of {self._model.name} has not as many values as its table has columns.")
        values = dict(self._owner)
        for (name, take), value in zip(self._readers, line, strict=True):
            try:
                values[name] = take(value)
            except (BadValue, TypeError) as why:
                raise BadArchive(f"A row of {self._model.name} cannot be taken: its {name}: {why}.") from None
        row = self._model.model(**values)
        try:
            self._model.adjust(row, self._ids.new_id)
        except (KeyError, TypeError, ValueError, AttributeError):
            raise BadArchive(f"A row of {self._model.name} names another row in a way that cannot be read.") from None
        return row

    def chunks(self, archive: ArchiveReader, size: int) -> Iterator[list[Any]]:
        """All rows of the table, some at a time. Raises BadArchive where there are more or fewer than it says."""
        chunk: list[Any] = []
        count = 0
        for line in archive.lines(f"rows/{self._model.name}.jsonl"):
            chunk.append(self.build(line))
            count += 1
            if len(chunk) == size:
                yield self._with_free_names(chunk)
                chunk = []
        if chunk:
            yield self._with_free_names(chunk)
        if count != self._table.rows:
            raise BadArchive(f"It has {count:,} rows of {self._model.name} where {self._table.rows:,} were written.")

    def _with_free_names(self, rows: list[Any]) -> list[Any]:
        """Public names stay, but for those that a row here has already, as that of a project which was copied."""
        if self._model.public is None:
            return rows
        field, prefix = self._model.public
        shape = re.compile(rf"{prefix}_[0-9A-Za-z_-]{{8,35}}")
        names = [getattr(row, field) for row in rows]
        if odd := [name for name in names if not shape.fullmatch(name)]:
            raise BadArchive(f"A row of {self._model.name} cannot be taken: its {field} is {odd[0]!r}.")
        taken = set(self._model.model._default_manager.filter(**{f"{field}__in": names}).values_list(field, flat=True))
        for row, name in zip(rows, names, strict=True):
            if name in taken:
                setattr(row, field, new_id(prefix))
        return rows
