"""Which datasets hold an item, and which versions learnt from it or were measured on it."""

from collections.abc import Sequence
from dataclasses import dataclass

from annotation.models import Item
from retraining.models import DatasetRow, ModelVersion, TrainingRun

MOST_DATASETS = 50


@dataclass(frozen=True)
class DatasetUse:
    """An item in one dataset. row: its label there, and on which side it was; runs: those that were fitted on it, each
    with the version that it made, None where it made none."""

    row: DatasetRow
    runs: Sequence[tuple[TrainingRun, ModelVersion | None]]

    @property
    def learnt(self) -> bool:
        """Whether the runs learnt from it; else they were measured on it."""
        return self.row.split == DatasetRow.Split.TRAIN

    @property
    def outdated(self) -> bool:
        """Whether something else was agreed of the item since."""
        return self.row.resolution.superseded_at is not None


def item_lineage(item: Item) -> list[DatasetUse]:
    """The newest MOST_DATASETS datasets with this item, the newest first."""
    rows = DatasetRow.objects.filter(item=item).select_related("dataset", "resolution")
    newest = list(rows.order_by("-dataset__number")[:MOST_DATASETS])
    runs = TrainingRun.objects.filter(dataset__in=[row.dataset_id for row in newest]).order_by("number")
    known = list(runs)
    versions = {version.run_id: version for version in ModelVersion.objects.filter(run__in=known)}
    return [
        DatasetUse(row, [(run, versions.get(run.pk)) for run in known if run.dataset_id == row.dataset_id])
        for row in newest
    ]
