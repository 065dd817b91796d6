"""What Compare shows of the labels where two versions differ."""

from dataclasses import dataclass

from retraining import bodies, disagreement_words, disagreements, registry
from retraining.bodies import DisagreementBody
from retraining.disagreement_window import labelled_draws
from retraining.learning.gate.disagreement import SequentialDecision
from retraining.models import DisagreementSample, ModelVersion


@dataclass(frozen=True)
class DisagreementPanel:
    """A section of the page. `found` is None before anybody looked for disagreements, or while a worker does.

    `tone`: good, bad or nothing. `wanted`: how many more items the button puts before people, 0 for no button.
    """

    possible: bool
    finding: bool = False
    found: DisagreementBody | None = None
    headline: str = ""
    tone: str = ""
    needed: str = ""
    waiting: int = 0
    later: int = 0
    neither: int = 0
    learnt: int = 0
    copies: int = 0
    slices: tuple[tuple[str, str, bool], ...] = ()
    wanted: int = 0

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
    if sample is None or found is None:
        return DisagreementPanel(possible, finding)
    return _panel(version, sample, found)


def _panel(version: ModelVersion, sample: DisagreementSample, found: DisagreementBody) -> DisagreementPanel:
    window = bodies.load_window(sample.window)
    labelled = labelled_draws(window, asked=sample.asked)
    undecided = found.decision == SequentialDecision.UNDECIDED
    return DisagreementPanel(
        possible=True,
        found=found,
        headline=disagreement_words.headline(found, version.tag),
        tone={"promote": "good", "refuse": "bad"}.get(found.decision, ""),
        needed=disagreement_words.needed_words(found),
        waiting=labelled.waiting,
        later=labelled.later,
        neither=found.labels - found.fixed - found.broken,
        learnt=window.learnt,
        copies=window.copies,
        slices=tuple((one.name, disagreement_words.slice_words(one), one.passed) for one in found.slices),
        wanted=disagreements.next_count(found, sample) if undecided else 0,
    )
