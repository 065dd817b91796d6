"""Model versions as predictions name them, trained here or only captured: which of them serves."""

from collections import Counter

from annotation.models import Prediction, Source
from projects.models import Project

UNNAMED = "unnamed"  # how a version is shown and asked for whose predictions carry no name
RECENT = 1000  # captured predictions that say which version answers elsewhere


def serving(project: Project) -> str:
    """Tag of what serves: the champion, else the version that is captured; "" where neither is."""
    return project.champion_version or captured(project)


def captured(project: Project) -> str:
    """Tag that most of the newest captured predictions carry; "" where no prediction was captured."""
    rows = Prediction.objects.filter(project=project, source=Source.CAPTURED).exclude(label="")
    newest = rows.order_by("-at", "-pk").values_list("model_version", flat=True)[:RECENT]
    counts = Counter(tag or UNNAMED for tag in newest)
    return counts.most_common(1)[0][0] if counts else ""


def stored_as(tag: str) -> list[str]:
    """The values of `Prediction.model_version` that this tag stands for."""
    return ["", UNNAMED] if tag == UNNAMED else [tag]
