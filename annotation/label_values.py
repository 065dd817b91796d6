"""Conditions on values that are stored: whether one is a label, or holds it beside others."""

from collections.abc import Sequence
from typing import Any

from django.db.models import BooleanField, F, Func, Q, Value

from annotation import kinds
from projects.models import Project


class _HoldsText(Func):
    """Whether a JSON value is one of some texts, or has one as a part: choices, or the label of a span."""

    output_field = BooleanField()
    conditional = True

    def as_sqlite(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        return self._sql(compiler, "EXISTS(SELECT 1 FROM json_tree({}) WHERE type = 'text' AND atom IN ({}))", "%s")

    def as_postgresql(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        query = "EXISTS(SELECT 1 FROM jsonb_path_query({}, '$.**') AS part WHERE part IN ({}))"
        return self._sql(compiler, query, "to_jsonb(%s::text)")

    def _sql(self, compiler: Any, query: str, one: str) -> tuple[str, list[Any]]:
        value, *texts = self.get_source_expressions()
        sql, params = compiler.compile(value)
        return query.format(sql, ", ".join([one] * len(texts))), [*params, *(text.value for text in texts)]


def is_made_of_labels(project: Project) -> bool:
    """Whether the answers of the project are labels, so that these can be merged, split and renamed."""
    return kinds.of_project(project).needs_labels


def holds_label(project: Project, values: Sequence[str], *, field: str = "value") -> Any:
    """The condition that a stored answer of the project is one of these labels, or holds one among others."""
    if not values:
        return Q(pk__in=[])
    if kinds.class_names(project):
        return Q(**{f"{field}__in": list(values)})
    return _HoldsText(F(field), *map(Value, values))
