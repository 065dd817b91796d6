"""Figures for monitoring and autoscaling as text that Prometheus reads (its exposition format, version 0.0.4)."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from django.db.models import Count, Max, Min

from jobs import registry
from jobs.models import Beat, Job, JobState

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})
NAMING = ("project", "stream")  # labels that name what belongs to somebody


@dataclass(frozen=True)
class MetricSample:
    """One number with its labels."""

    labels: Mapping[str, str]
    value: float


@dataclass(frozen=True)
class MetricFamily:
    """Samples of one name; `words` say what they count and in which unit. Samples of equal labels are added up."""

    name: str
    words: str
    samples: tuple[MetricSample, ...]
    kind: Literal["gauge", "counter"] = "gauge"


def write_figures(*, at: datetime, names: bool) -> str:
    """Every figure. Without `names` nothing names a project or a stream: those are added up."""
    families = [*_families(at), *(family for source in registry.figure_sources() for family in source.find(at))]
    return "".join(line for family in families for line in _lines(family, names=names))


def _families(at: datetime) -> Iterator[MetricFamily]:
    waiting = list(Job.objects.waiting(at).order_by().values("queue").annotate(n=Count("pk"), since=Min("due_at")))
    running = Job.objects.filter(state=JobState.RUNNING).order_by().values("queue").annotate(n=Count("pk"))
    counts = {row["queue"]: float(row["n"]) for row in waiting}
    ages = {row["queue"]: (at - row["since"]).total_seconds() for row in waiting}
    doing = {row["queue"]: float(row["n"]) for row in running}
    yield _by("queue", "plumbline_jobs_waiting", "Jobs that are due and begun by nobody.", _every_queue(counts))
    yield _by("queue", "plumbline_jobs_running", "Jobs that a worker does now.", _every_queue(doing))
    yield _by(
        "queue", "plumbline_jobs_oldest_seconds", "Seconds since the oldest waiting job became due.", _every_queue(ages)
    )
    dead = Job.objects.filter(state=JobState.DEAD).count()
    yield MetricFamily("plumbline_jobs_dead", "Jobs that failed for good.", (MetricSample({}, dead),))
    beats = Beat.objects.order_by().values("role").annotate(last=Max("at"))
    seen = {str(row["role"]): (at - row["last"]).total_seconds() for row in beats}
    yield _by(
        "role", "plumbline_process_seen_seconds", "Seconds since the last heartbeat of each kind of process.", seen
    )


def _every_queue(found: Mapping[str, float]) -> dict[str, float]:
    """With zeros for queues in which nothing is, so that a rule of scaling finds its series."""
    return {**dict.fromkeys(registry.queues(), 0.0), **found}


def _by(label: str, name: str, words: str, values: Mapping[str, float]) -> MetricFamily:
    return MetricFamily(name, words, tuple(MetricSample({label: key}, value) for key, value in sorted(values.items())))


def _lines(family: MetricFamily, *, names: bool) -> Iterator[str]:
    sums: dict[tuple[tuple[str, str], ...], float] = defaultdict(float)
    for sample in family.samples:
        sums[tuple((key, value) for key, value in sample.labels.items() if names or key not in NAMING)] += sample.value
    yield f"# HELP {family.name} {family.words}\n# TYPE {family.name} {family.kind}\n"
    for labels, value in sums.items():
        written = ",".join(f'{key}="{text.translate(ESCAPES)}"' for key, text in labels)
        yield f"{family.name}{{{written}}} {value:.10g}\n" if labels else f"{family.name} {value:.10g}\n"
