"""Signals: what came back in a window, and how often each kind and each actor was right."""

import hashlib
import json

from django.db.models import Count, Q
from msgspec import Struct, structs

from analysis.evaluation_design import AS_SERVED, in_window
from analysis.reports.registry import Computation, ReportKind, ReportRows
from analysis.signal_reliability import RightShare, right_shares
from analysis.windows import WINDOWS
from annotation.models import Item, Signal


class SignalCount(Struct, frozen=True):
    """Signals of a kind about items of the window, and the items that they are about."""

    kind: str
    signals: int
    items: int


class SignalsBody(Struct, frozen=True, tag_field="version", tag=1):
    """What a report stores. waiting: signals of any time whose prediction has not come; labelled: items that judge."""

    counts: list[SignalCount] = []
    waiting: int = 0
    labelled: int = 0
    right: list[RightShare] = []


class SignalsReport(ReportKind[SignalsBody]):
    name = "signals"
    body = SignalsBody
    windows = tuple(WINDOWS.values())

    def prepare(self, rows: ReportRows, version: str, days: int) -> Computation[SignalsBody]:
        """Of what was served in the window, whatever serves now."""
        project = rows.project
        items = Item.objects.filter(in_window(days, at=rows.at), project=project)
        signals = Signal.objects.filter(project=project)
        about = signals.filter(item__in=items.values("pk")).values("kind").order_by("kind")
        counts = [
            SignalCount(row["kind"], row["n"], row["items"])
            for row in about.annotate(n=Count("pk"), items=Count("item", distinct=True))
        ]
        waiting = signals.filter(Q(item=None)).count()
        sample = rows.sample(AS_SERVED, days)
        seen = json.dumps([structs.astuple(one) for one in counts])

        def compute() -> SignalsBody:
            return SignalsBody(counts, waiting, len(sample), right_shares(project, sample))

        return Computation(hashlib.sha256(f"{sample.hash} {seen} {waiting}".encode()).hexdigest(), compute)


KIND = SignalsReport()
