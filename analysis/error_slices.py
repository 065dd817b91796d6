"""Where the errors of what was served gather: slices in words, with what a list of items needs to show each."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import numpy as np
from django.http import QueryDict
from msgspec import Struct
from numpy.typing import NDArray

from analysis.item_filters import BadFilter, parse_filters
from analysis.items import ItemSelection
from analysis.metrics.core.stored import StoredEstimate, stored_estimate
from analysis.metrics.core.weighted import share
from analysis.metrics.performance.unpaired import independent_difference
from analysis.metrics.slices import scan
from analysis.metrics.slices.scan import ScanSettings, Slice
from analysis.samples import EvaluationSample
from analysis.slice_filters import SliceColumns, filters_of, slice_columns
from analysis.windows import WINDOWS
from projects.models import Project

MOST = 12  # slices of a report


class ErrorSlice(Struct, frozen=True):
    """One slice. n and errors are items as labelled; error_rate, lift and share_of_errors stand for all items.

    filters: names and values that list exactly its items, none where no list can. before, after: its error rate until
    and since the date of the report, None without one; is_new: it rose since then, or was not there before.
    confirmed: the half of the labels that was not searched agrees (None: not asked); held_out: the error rate there.
    """

    rule: str
    filters: list[tuple[str, str]]
    n: int
    errors: int
    error_rate: StoredEstimate
    lift: StoredEstimate
    share_of_errors: float
    p_adjusted: float
    confirmed: bool | None
    held_out: StoredEstimate | None
    before: StoredEstimate | None = None
    after: StoredEstimate | None = None
    is_new: bool = False


class ErrorSlices(Struct, frozen=True):
    """The slices of a sample, the surest first. tested: rules with enough labels; note: why there is none."""

    error_rate: StoredEstimate
    errors: int
    tested: int
    note: str
    slices: list[ErrorSlice]


def find_error_slices(
    project: Project,
    sample: EvaluationSample,
    segments: Mapping[str, Sequence[str]],
    *,
    days: int,
    since: float | None,
    at: datetime,
) -> ErrorSlices | None:
    """The slices of what was served in a window; None for a kind whose answers are not classes.

    since: seconds since the epoch; labels of items from then on are compared with those before.
    """
    if sample.codes is None:
        return None
    wrong = sample.codes.truth != sample.codes.predicted
    columns = slice_columns(project, sample, segments)
    found = scan.scan(
        columns.values,
        wrong,
        types=columns.types,
        inclusion_probability=sample.inclusion_probability,
        groups=sample.groups,
        settings=ScanSettings(at_most=MOST),
    )
    late = None if since is None else np.array([moment.timestamp() >= since for moment in sample.at], dtype=bool)
    listing = _Listing(project, sample, columns, days, at)
    slices = [_stored(one, listing, wrong, late) for one in found.slices]
    return ErrorSlices(stored_estimate(found.error_rate), int(wrong.sum()), found.tested, found.note, slices)


class _Listing(Struct, frozen=True):
    """What it takes to find a slice in the list of items."""

    project: Project
    sample: EvaluationSample
    columns: SliceColumns
    days: int
    at: datetime

    def filters(self, one: Slice, inside: NDArray[np.bool_]) -> list[tuple[str, str]]:
        """The filters that list exactly these rows (n,) of the sample; none where none do."""
        pairs = filters_of(one.conditions, self.columns.source)
        if pairs is None:
            return []
        given = QueryDict(mutable=True)
        for name, value in [*judged_filters(self.days), *pairs]:
            given.appendlist(name, value)
        try:
            listed = ItemSelection(self.project, parse_filters(given, self.project), self.at).matching()
        except BadFilter:
            return []
        return pairs if set(listed.values_list("pk", flat=True)) == set(self.sample.item_ids[inside].tolist()) else []


def judged_filters(days: int) -> list[tuple[str, str]]:
    """The filters that leave the labelled items that judge what was served in a window."""
    window = next(name for name, length in WINDOWS.items() if length == days)
    return [("served", "yes"), ("resolved", "yes"), *([("window", window)] if days else [])]


def _stored(one: Slice, listing: _Listing, wrong: NDArray[np.bool_], late: NDArray[np.bool_] | None) -> ErrorSlice:
    inside = scan.members(listing.columns.values, one.conditions)
    before, after, is_new = _over_time(listing.sample, wrong, inside, late)
    return ErrorSlice(
        rule=one.rule,
        filters=listing.filters(one, inside),
        n=one.n,
        errors=one.errors,
        error_rate=stored_estimate(one.error_rate),
        lift=StoredEstimate(one.lift.value, one.lift.low, one.lift.high, one.n),
        share_of_errors=one.share_of_errors,
        p_adjusted=one.p_adjusted,
        confirmed=one.confirmed,
        held_out=None if one.held_out is None else stored_estimate(one.held_out),
        before=before,
        after=after,
        is_new=is_new,
    )


def _over_time(
    sample: EvaluationSample, wrong: NDArray[np.bool_], inside: NDArray[np.bool_], late: NDArray[np.bool_] | None
) -> tuple[StoredEstimate | None, StoredEstimate | None, bool]:
    """The error rate of a slice before and since the date, and whether it is higher since, or is new altogether."""
    if late is None:
        return None, None, False
    drawn = sample.design()
    before, after = share(wrong, inside & ~late, drawn), share(wrong, inside & late, drawn)
    rise = independent_difference(before, after)
    is_new = not before.n or (rise.low is not None and rise.low > 0)
    return stored_estimate(before), stored_estimate(after), bool(is_new and after.n)
