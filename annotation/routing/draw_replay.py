"""Replay of audit draws: number and probability of an item computed again from its key and the stored settings."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from annotation.models import AuditSetting, Item, MovedProbability
from annotation.routing import audit_draw, audit_settings
from projects.chunks import chunks
from projects.models import Project

ROUNDING = 1e-9
"""Relative: factors of thinning were multiplied in one after another."""


@dataclass(frozen=True)
class DrawReplay:
    """What the draw of one item must have been; probability None where its setting was not kept.

    number: of its key. probability: that of its setting and score, or what it was raised to, times what thinning took.
    """

    number: float
    probability: float | None

    def agrees(self, item: Item) -> bool:
        """Whether the item holds this number and this probability."""
        if item.audit_number != self.number:
            return False
        stored = item.audit_probability
        if self.probability is None or stored is None:
            return self.probability is None and (stored is None or item.audit_setting is None)
        return abs(stored - self.probability) <= ROUNDING * self.probability


def replay(project: Project, items: Sequence[Item]) -> list[DrawReplay]:
    """The draw of each item computed again, whatever it holds as its number and probability."""
    numbers = audit_draw.draw_numbers(project, [item.key for item in items])
    versions = {item.audit_setting for item in items if item.audit_setting is not None}
    settings = {one.version: one for one in AuditSetting.objects.filter(project=project, version__in=versions)}
    moved = {pk: one for chunk in chunks([item.pk for item in items]) for pk, one in _moved(chunk).items()}
    return [
        DrawReplay(number, _probability(item, settings.get(item.audit_setting or 0), moved.get(item.pk)))
        for item, (number, _) in zip(items, numbers, strict=True)
    ]


def _moved(item_ids: Sequence[int]) -> dict[int, MovedProbability]:
    return MovedProbability.objects.in_bulk(item_ids)


def _probability(item: Item, setting: AuditSetting | None, moved: MovedProbability | None) -> float | None:
    if setting is None:
        return None
    if moved and moved.raised_to is not None:
        return moved.raised_to * moved.thinned_by
    confidence = np.array([np.nan if item.audit_confidence is None else item.audit_confidence])
    captured = float(audit_settings.probabilities(setting, confidence)[0])
    return captured * moved.thinned_by if moved else captured
