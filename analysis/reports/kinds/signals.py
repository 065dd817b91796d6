"""Signals: what came back in a window, and how often each kind was right."""

import hashlib
import json

from django.db.models import Count, Q
from msgspec import Struct, structs

from analysis.evaluation_design import AS_SERVED, in_window
from analysis.reports.registry import Computation, ReportKind, ReportRows
from analysis.signal_reliability import RightShare, judged_signals, right_shares
from analysis.windows import WINDOWS
from annotation.models import Item, Signal


class SignalCount(Struct, frozen=True):
    """Signals of a kind about items of the window, and the items that they are about."""

    kind: str
    signals: int
    items: int


class SignalsBody(Struct, frozen=True, tag_field="version", tag=2):
    """What a report stores. waiting: signals of any time whose prediction has not come; labelled: audit items that
    judge."""

    counts: list[SignalCount]
    waiting: int
    labelled: int
    right: list[RightShare]


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
        judged = judged_signals(project, sample, at=rows.at)
        seen = json.dumps([structs.astuple(one) for one in counts])
        inputs = hashlib.sha256(f"{sample.hash} {seen} {waiting} {judged}".encode()).hexdigest()
        labelled = int(sample.audit.sum())
        return Computation(inputs, lambda: SignalsBody(counts, waiting, labelled, right_shares(judged, sample)))


KIND = SignalsReport()
