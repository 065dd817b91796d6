"""The answer that is shown beside an item: which prediction it is, and which items have one that fits a filter."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.db.models import Case, CharField, Exists, F, OuterRef, Q, QuerySet, Value, When

from analysis import item_conditions
from analysis.item_filters import Filters, class_range, filter_values
from annotation import kinds, versions
from annotation.models import Prediction
from annotation.score_order import ScoreOrder
from projects.models import Project

ANSWER_FILTERS = ("says", "confidence", "margin", "scores")
MOST_LABELS = 500  # of a project, for which a search by score goes label by label, as the index lies


@dataclass(frozen=True)
class ShownAnswers:
    """Which of the predictions of an item is shown in a view of these filters.

    It is the newest of the version that is asked for. Without one it is the answer of what serves, which a release or a
    roll back changes; where that has not answered, what was served then, and last what another version said of it
    later. With `served` it is what was served when the item was asked.
    """

    project: Project
    filters: Filters

    @cached_property
    def base(self) -> Q:
        """The condition on predictions that can be shown."""
        if self.filters.served:
            return versions.AS_SERVED
        version = self.filters.judges or self.filters.version
        return versions.answers(version) if version else versions.ANSWERED

    @cached_property
    def rank(self) -> Any:
        """What decides first between predictions of one item, lower is shown."""
        if self.filters.served or self.filters.judges or self.filters.version:
            return Value(0)
        serves = versions.answers(versions.serving(self.project))
        return Case(When(serves, then=0), When(versions.AS_SERVED, then=1), default=2)

    def of_item(self) -> QuerySet[Prediction]:
        """Those of an outer query's item, the shown one first."""
        return Prediction.objects.filter(self.base, item=OuterRef("pk")).order_by(self.rank, "-at", "-pk")

    def fitting(self) -> QuerySet[Prediction] | None:
        """The shown predictions that the filters by answer and score leave; None where there are no such filters."""
        return self._shown(self.candidates()) if self.are_filtered else None

    def fitting_of(self, **item: Any) -> QuerySet[Prediction]:
        """Those of them that are of these items.

        Asked for their project and labels as well, SQLite would go through all answers with such a score for each item.
        """
        return self._shown(Prediction.objects.filter(self.base, self.condition(), **item))

    def are_many(self, most: int) -> bool:
        """Whether `most` predictions or more pass these filters, also where another one is shown. From the index."""
        found = Prediction.objects.filter(self.condition(), self._by_label(), project=self.project)
        return found.values("item")[:most].count() == most

    @property
    def are_filtered(self) -> bool:
        """Whether there are filters by answer and score."""
        return any(getattr(self.filters, name) for name in ANSWER_FILTERS)

    def _shown(self, rows: QuerySet[Prediction]) -> QuerySet[Prediction]:
        return rows.alias(rank=self.rank).filter(~Exists(self._shown_instead()))

    def candidates(self) -> QuerySet[Prediction]:
        """The predictions that these filters leave, also of items that show another one."""
        return Prediction.objects.filter(self.base, self.condition(), self._by_label(), project=self.project)

    def _shown_instead(self) -> QuerySet[Prediction]:
        """Predictions of an outer prediction's item that are shown in its place."""
        newer = Q(at__gt=OuterRef("at")) | Q(at=OuterRef("at"), pk__gt=OuterRef("pk"))
        others = Prediction.objects.filter(self.base, item=OuterRef("item")).alias(other_rank=self.rank)
        return others.filter(Q(other_rank__lt=OuterRef("rank")) | (Q(other_rank=OuterRef("rank")) & newer))

    def condition(self) -> Q:
        """The condition of the filters on a prediction itself."""
        found = Q()
        if self.filters.says:
            value = filter_values(self.project)[self.filters.says]
            found &= Q(label__in=self._order.said_as(value)) if self._labels else Q(value=value)
        for name in ("confidence", "margin"):
            if text := getattr(self.filters, name):
                found &= item_conditions.parse_range(text).condition(F(name))
        for text in self.filters.scores:
            label, wanted = class_range(self.project, text)
            found &= item_conditions.score_condition(item_conditions.class_score(self._places(label)), wanted)
        return found

    @cached_property
    def _labels(self) -> tuple[str, ...]:
        return kinds.class_names(self.project)

    @cached_property
    def _schemas(self) -> Mapping[int, list[str]]:
        return {schema.version: schema.values() for schema in self.project.label_schemas.all()}

    def _places(self, label: str) -> dict[int, int]:
        """Scores are searched as they were stored: those of labels that were merged are not added up."""
        return {version: values.index(label) for version, values in self._schemas.items() if label in values}

    @cached_property
    def _order(self) -> ScoreOrder:
        return ScoreOrder(self.project)

    def counted_label(self) -> Case | F:
        """The label of a prediction as what it counts as now."""
        merged = self._order.successors.items()
        whens = [When(label=said, then=Value(now)) for said, now in merged]
        return Case(*whens, default=F("label"), output_field=CharField()) if whens else F("label")

    def _by_label(self) -> Q:
        """Every label that a prediction can have, where a search by score names none: the index begins with it."""
        known = {value for values in self._schemas.values() for value in values}
        if self.filters.says or not self.filters.confidence or not self._labels or len(known) > MOST_LABELS:
            return Q()
        return Q(label__in=sorted(known))
