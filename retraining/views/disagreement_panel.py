"""What Compare shows of the labels where two versions differ."""

from dataclasses import dataclass
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.html import format_html

from retraining import disagreement_words, disagreements, registry
from retraining.bodies import DifferenceBody, DisagreementBody, SliceGateBody
from retraining.disagreement_items import WindowPart
from retraining.disagreement_window import MOST_ROWS, labelled_draws
from retraining.learning.gate.disagreement import SequentialDecision
from retraining.models import DisagreementSample, ModelVersion
from retraining.window_bodies import load_window


@dataclass(frozen=True)
class Count:
    """A number of items and the list that it leads to; no address where the window was stored without their ids."""

    n: int
    url: str = ""

    @property
    def link(self) -> str:
        """As the page shows it."""
        return format_html('<a href="{}">{}</a>', self.url, f"{self.n:,}") if self.url else f"{self.n:,}"


@dataclass(frozen=True)
class SliceRow:
    """One protected slice: what is shown of it, and from which items. `state`: passed, failed or open."""

    name: str
    words: str
    state: str
    differ: Count
    rows: Count
    labels: Count


@dataclass(frozen=True)
class DisagreementPanel:
    """A section of the page. `found` is None before anybody looked for disagreements, or while a worker does.

    `opens`: whether this test opens the gate of the project. `tone`: good, bad or nothing. `wanted`: how many more
    items the button puts before people, 0 for no button. `by_itself`: whether the policy asks for more.
    """

    possible: bool
    finding: bool = False
    opens: bool = False
    by_itself: bool = False
    found: DisagreementBody | None = None
    headline: str = ""
    tone: str = ""
    needed: str = ""
    audit: str = ""
    limited: bool = False
    counts: dict[str, Count] | None = None
    cost: DifferenceBody | None = None
    slices: tuple[SliceRow, ...] = ()
    wanted: int = 0
    most_rows: int = MOST_ROWS
    most_by_itself: int = disagreements.MOST_BY_ITSELF
    fewest_by_itself: int = disagreements.FIRST_ASKED

    @property
    def rate(self) -> float:
        """The share of the window's items on which they differ."""
        return self.found.disagreements / self.found.rows if self.found and self.found.rows else 0.0


def differing(version: ModelVersion, incumbent: registry.Incumbent) -> DisagreementPanel:
    """The section of this version against what serves now."""
    possible = bool(incumbent.tag) and incumbent.version != version
    finding = disagreements.waiting(version) is not None
    sample = disagreements.sample_of(version, incumbent) if possible else None
    found = disagreements.verdict_of(sample)
    settings = version.project.retraining_settings()
    opens = settings.by_disagreement and possible
    by_itself = settings.by_gate and opens and version == disagreements.newest_candidate(version.project)
    if sample is None or found is None:
        return DisagreementPanel(possible, finding, opens, by_itself)
    return _panel(version, sample, found, opens=opens, by_itself=by_itself)


def _panel(
    version: ModelVersion, sample: DisagreementSample, found: DisagreementBody, *, opens: bool, by_itself: bool
) -> DisagreementPanel:
    window = load_window(sample.window)
    labelled = labelled_draws(window, asked=sample.asked)
    undecided = found.decision == SequentialDecision.UNDECIDED
    listed = window.alike_ids is not None
    numbers = {
        WindowPart.ALL: found.rows,
        WindowPart.DIFFER: found.disagreements,
        WindowPart.LABELLED: found.labels,
        WindowPart.FIXED: found.fixed,
        WindowPart.BROKEN: found.broken,
        WindowPart.NEITHER: found.labels - found.fixed - found.broken,
        WindowPart.WAITING: labelled.waiting,
        WindowPart.LATER: labelled.later,
        WindowPart.LEARNT: window.learnt,
        WindowPart.COPIES: window.copies,
    }
    passed = {gate.slice_name for gate in version.verdict.gates if gate.passed} if version.verdict else set()
    return DisagreementPanel(
        possible=True,
        opens=opens,
        by_itself=by_itself,
        found=found,
        headline=disagreement_words.headline(found, version.tag),
        tone={"promote": "good", "refuse": "bad"}.get(found.decision, ""),
        needed=disagreement_words.needed_words(found),
        audit=disagreement_words.audit_words(found, passed) if opens else "",
        limited=window.limited,
        counts={part.name.lower(): _count(version, part, n, listed=listed) for part, n in numbers.items()},
        cost=disagreement_words.cost_difference(found),
        slices=tuple(_slice_row(version, one, found, listed=listed) for one in found.slices),
        wanted=disagreements.next_count(found, sample) if undecided else 0,
    )


def _slice_row(version: ModelVersion, one: SliceGateBody, found: DisagreementBody, *, listed: bool) -> SliceRow:
    return SliceRow(
        one.name,
        disagreement_words.slice_words(one, costs=found.dearest is not None),
        "passed" if one.passed else "failed" if one.failed else "open",
        differ=_count(version, WindowPart.DIFFER, one.disagreements, listed=listed, slice_name=one.name),
        rows=_count(version, WindowPart.ALL, one.rows, listed=listed, slice_name=one.name),
        labels=_count(version, WindowPart.LABELLED, one.labels, listed=listed, slice_name=one.name),
    )


def _count(version: ModelVersion, part: WindowPart, n: int, *, listed: bool, slice_name: str = "") -> Count:
    if not listed:
        return Count(n)
    url = reverse("retraining:disagreement-items", args=[version.project.slug, version.number, part.value])
    return Count(n, f"{url}?{urlencode({'slice': slice_name})}" if slice_name else url)
