"""Model versions as predictions name them, trained here or only captured: which there are, and which serves."""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime

from django.db import connection
from django.db.models import Q

from annotation.models import Prediction, Source
from projects.models import Project

COUNTED = 5_000  # answers of one version that are counted; the rest is "or more"
NEVER = datetime.min.replace(tzinfo=UTC)
UNNAMED = "unnamed"  # how a version is shown and asked for whose predictions carry no name
RECENT = 1000  # captured predictions that say which version answers elsewhere


def serving(project: Project) -> str:
    """Tag of what serves: the champion, else the version that is captured; "" where neither is."""
    return project.champion_version or captured(project)


def captured(project: Project) -> str:
    """Tag that most of the newest captured predictions carry; "" where no prediction was captured."""
    rows = Prediction.objects.filter(HAS_ANSWER, project=project, source=Source.CAPTURED)
    newest = rows.order_by("-at", "-pk").values_list("model_version", flat=True)[:RECENT]
    counts = Counter(tag or UNNAMED for tag in newest)
    return counts.most_common(1)[0][0] if counts else ""


def stored_as(tag: str) -> list[str]:
    """The values of `Prediction.model_version` that this tag stands for."""
    return ["", UNNAMED] if tag == UNNAMED else [tag]


def answers(tag: str) -> Q:
    """The condition on predictions that this version gave as its answer, not out of fold while it was trained."""
    return Q(model_version__in=stored_as(tag)) & ANSWERED


HAS_ANSWER = ~Q(label="") | Q(value__isnull=False)  # a label, or the value of a kind whose answer is not one label
AS_SERVED = Q(source__in=[Source.CAPTURED, Source.SERVED]) & HAS_ANSWER  # what was answered when it was asked
ANSWERED = ~Q(source=Source.OUT_OF_FOLD) & HAS_ANSWER


class UnknownVersion(LookupError):
    """No prediction names this version; the message says which there are."""


@dataclass(frozen=True)
class KnownVersion:
    """A version that predictions name: how many items it has answered, at most COUNTED, and when last."""

    tag: str
    items: int
    newest: datetime
    serves: bool

    @property
    def counted(self) -> str:
        """The number as pages show it."""
        return f"{self.items:,}" + (" or more" if self.items >= COUNTED else "")


@dataclass(frozen=True)
class Versions:
    """The versions of a project, what serves first and then the newest; `serves` is "" where nothing does."""

    serves: str
    all: tuple[KnownVersion, ...]

    def chosen(self, asked: str) -> str:
        """The version that an address asks for, what serves where it asks for none. Raises UnknownVersion."""
        if not asked or any(one.tag == asked for one in self.all):
            return asked or self.serves
        names = [one.tag for one in self.all]
        shown = ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
        there_are = f"There are {shown}." if names else "No version has answered yet."
        raise UnknownVersion(f"No prediction names the version {asked[:80]}. {there_are}")


def load(project: Project) -> Versions:
    """Every version that a prediction of this project names, and the champion. One query, whatever was captured."""
    with connection.cursor() as cursor:
        cursor.execute(ALL_VERSIONS, _parameters(project))
        rows = [
            (name or UNNAMED, items, _time(newest), captured) for name, items, newest, captured in cursor.fetchall()
        ]
    most = max(rows, key=lambda row: (row[3], row[2]), default=None)
    serves = project.champion_version or (most[0] if most and most[3] else "")
    found = {serves: KnownVersion(serves, 0, NEVER, True)} if serves else {}
    for tag, items, newest, _ in rows:
        before = found.get(tag, KnownVersion(tag, 0, NEVER, False))
        found[tag] = KnownVersion(tag, min(before.items + items, COUNTED), max(before.newest, newest), before.serves)
    return Versions(serves, tuple(sorted(found.values(), key=lambda one: (one.serves, one.newest), reverse=True)))


# One index search for each version, and counts that end: the list costs the same at any size.
ALL_VERSIONS = """
WITH RECURSIVE version(name) AS (
    SELECT min(model_version) FROM annotation_prediction WHERE project_id = %(project)s
    UNION ALL
    SELECT (SELECT min(model_version) FROM annotation_prediction
            WHERE project_id = %(project)s AND model_version > version.name)
    FROM version WHERE version.name IS NOT NULL
),
recent(name) AS (
    SELECT model_version FROM annotation_prediction
    WHERE project_id = %(project)s AND source = %(captured)s AND (label <> '' OR value IS NOT NULL)
    ORDER BY at DESC, id DESC LIMIT %(recent)s
)
SELECT version.name,
       (SELECT count(*) FROM (SELECT DISTINCT item_id FROM annotation_prediction
                              WHERE project_id = %(project)s AND model_version = version.name
                                AND source <> %(fold)s AND (label <> '' OR value IS NOT NULL)
                              LIMIT %(most)s) AS answered),
       (SELECT max(at) FROM annotation_prediction WHERE project_id = %(project)s AND model_version = version.name),
       (SELECT count(*) FROM recent WHERE recent.name = version.name)
FROM version WHERE version.name IS NOT NULL
"""


def _parameters(project: Project) -> dict[str, int | str]:
    return {
        "project": project.pk,
        "captured": Source.CAPTURED.value,
        "fold": Source.OUT_OF_FOLD.value,
        "most": COUNTED,
        "recent": 0 if project.champion_version else RECENT,
    }


def _time(stored: datetime | str) -> datetime:
    """PostgreSQL gives a time with its zone, SQLite the text of one in UTC."""
    moment = datetime.fromisoformat(stored) if isinstance(stored, str) else stored
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
