"""How far the consumers of a project's streams are, for the checks of an installation."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Literal

from annotation.models import StreamProgress
from annotation.streams.base import Stream
from jobs.exposition import MetricFamily, MetricSample
from projects.models import Project

SILENT_AFTER = timedelta(minutes=2)
LAG_OF_A_SLOW_ONE = 10_000  # messages


def note(project: Project, stream: Stream, *, consumed: int, dead: int, at: datetime, stopped: bool = False) -> None:
    """Write down where this consumer is; `consumed` and `dead` count since it began."""
    lag = stream.measure_lag()
    found = {
        "seen_at": at,
        "stopped_at": at if stopped else None,
        "waiting": lag.waiting,
        "unsettled": lag.unsettled,
        "consumed": consumed,
        "dead": dead,
    }
    StreamProgress.objects.update_or_create(project=project, stream=stream.name, defaults=found)


def find_troubled(projects: Iterable[Project], *, at: datetime) -> Iterator[tuple[Project, str]]:
    """Streams whose consumer fell silent without a stop, or has far to go."""
    known = {project.pk: project for project in projects}
    for one in StreamProgress.objects.filter(project__in=known, stopped_at=None).order_by("pk"):
        project = known[one.project_id]
        if one.seen_at < at - SILENT_AFTER:
            ago = int((at - one.seen_at).total_seconds() // 60)
            yield (
                project,
                (
                    f"No consumer of the stream {one.stream} was seen for {ago} minutes; {one.waiting:,} wait. "
                    f"Start one: ./plumbline consume {project.slug} {one.stream}"
                ),
            )
        elif one.waiting >= LAG_OF_A_SLOW_ONE:
            yield (
                project,
                (
                    f"{one.waiting:,} messages or more wait in the stream {one.stream}. "
                    "Start a second consumer beside the first."
                ),
            )


def find_figures(at: datetime) -> Iterator[MetricFamily]:
    """Lag and counts of each stream's consumer, as it last wrote them down."""
    rows = list(StreamProgress.objects.select_related("project").order_by("project__slug", "stream"))

    def family(name: str, words: str, field: str, kind: Literal["gauge", "counter"] = "gauge") -> MetricFamily:
        samples = (
            MetricSample({"project": row.project.slug, "stream": row.stream}, float(getattr(row, field)))
            for row in rows
        )
        return MetricFamily(f"plumbline_stream_{name}", words, tuple(samples), kind)

    yield family("waiting", "Messages that no consumer has received (its lag).", "waiting")
    yield family("unsettled", "Messages that were received and are not settled.", "unsettled")
    yield family("consumed_total", "Messages settled since the consumer began.", "consumed", "counter")
    yield family("refused_total", "Messages put into the dead-letter stream since then.", "dead", "counter")
