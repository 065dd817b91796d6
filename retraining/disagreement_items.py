"""The items behind each count of the labels where two versions differ."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from annotation.models import Item
from projects.chunks import chunks
from retraining.bodies import DisagreementBody
from retraining.disagreement_window import labelled_draws
from retraining.models import DisagreementSample
from retraining.sides import in_segment
from retraining.window_bodies import DrawnBody, WindowBody, load_window


class WindowPart(StrEnum):
    """A set of items of the window that has a count on Compare."""

    ALL = "all"
    DIFFER = "differ"
    LABELLED = "labelled"
    FIXED = "only-candidate"
    BROKEN = "only-champion"
    NEITHER = "neither"
    WAITING = "waiting"
    LATER = "later"
    LEARNT = "learnt"
    COPIES = "copies"


# Parts whose items have a label each, so that asking once more tells nobody what was not asked yet.
ASKED_AGAIN = (WindowPart.LABELLED, WindowPart.FIXED, WindowPart.BROKEN, WindowPart.NEITHER)


@dataclass(frozen=True)
class WindowItem:
    """One item of a part: both answers where it was drawn, and its label where it has one that counts."""

    pk: int
    drawn: DrawnBody | None = None
    truth: str = ""


def items_of(
    sample: DisagreementSample, found: DisagreementBody, part: WindowPart, *, slice_name: str = ""
) -> list[WindowItem]:
    """The items of a part, those of the draw first and in its order; of one slice by segment where it is named.

    Labels are those that the verdict `found` counts.
    """
    window = load_window(sample.window)
    items = _of_part(sample, window, found, part)
    if not slice_name:
        return items
    drawn = {one.item for one in window.drawn}
    segments = _segments([one.pk for one in items if one.pk not in drawn])
    return [
        one
        for one in items
        if (slice_name in one.drawn.slices if one.drawn else in_segment(segments.get(one.pk, {}), slice_name))
    ]


def _of_part(
    sample: DisagreementSample, window: WindowBody, found: DisagreementBody, part: WindowPart
) -> list[WindowItem]:
    if part in (WindowPart.LEARNT, WindowPart.COPIES):
        return _plain(window.learnt_ids if part == WindowPart.LEARNT else window.copy_ids)
    labelled = labelled_draws(window, asked=sample.asked)
    counted = dict(zip(labelled.places[: found.labels], labelled.truth, strict=False))
    drawn = [WindowItem(one.item, one, counted.get(place, "")) for place, one in enumerate(window.drawn)]
    if part == WindowPart.WAITING:
        return [drawn[place] for place in labelled.waiting_places]
    if part == WindowPart.LATER:
        return [drawn[place] for place in labelled.later_places]
    if part in (WindowPart.ALL, WindowPart.DIFFER):
        rest = _plain(window.alike_ids) if part == WindowPart.ALL else []
        return [*drawn, *_plain(window.not_drawn_ids), *rest]
    return [one for one in drawn if one.truth and _came_out(one, part)]


def _came_out(one: WindowItem, part: WindowPart) -> bool:
    """Whether a labelled disagreement is of this part."""
    assert one.drawn is not None
    fixed, broken = one.truth == one.drawn.candidate, one.truth == one.drawn.champion
    return {
        WindowPart.LABELLED: True,
        WindowPart.FIXED: fixed,
        WindowPart.BROKEN: broken,
        WindowPart.NEITHER: not fixed and not broken,
    }[part]


def _plain(ids: list[int] | None) -> list[WindowItem]:
    return [WindowItem(pk) for pk in ids or []]


def _segments(ids: list[int]) -> Mapping[int, dict[str, object]]:
    found: dict[int, dict[str, object]] = {}
    for chunk in chunks(ids):
        found |= dict(Item.objects.filter(pk__in=chunk).values_list("pk", "segment"))
    return found
