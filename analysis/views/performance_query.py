"""The address of a performance page, and those of the items behind its numbers."""

from dataclasses import dataclass
from urllib.parse import urlencode

from django.urls import reverse

from projects.models import Project


@dataclass(frozen=True)
class PerformanceQuery:
    """What the URL says: window, class, version, and one value of a segment as name=value."""

    window: str
    label: str
    version: str
    segment: str = ""

    def url(self, project: Project, **changes: str) -> str:
        parts = {
            "window": self.window,
            "label": self.label,
            "version": self.version,
            "segment": self.segment,
            **changes,
        }
        wanted = {name: value for name, value in parts.items() if value and (name, value) != ("window", "all")}
        return reverse("analysis:performance", args=[project.slug]) + (f"?{urlencode(wanted)}" if wanted else "")


def items_url(project: Project, state: PerformanceQuery, **filters: str) -> str:
    """The items that judge the version in the window, and of them those that these filters leave."""
    wanted = {"resolved": "yes", "judges": state.version}
    if state.segment:
        wanted["segment"] = state.segment
    wanted |= filters
    if state.window != "all":
        wanted["window"] = state.window
    return reverse("analysis:item-list", args=[project.slug]) + "?" + urlencode(wanted)
