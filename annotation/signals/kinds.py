"""What each kind of signal means, in one table: the only place that says what follows from a signal.

A new kind is one call of `register`. It needs no migration; every part that asks what a signal means asks here.
"""

from dataclasses import dataclass
from enum import StrEnum

from validation.registry import Registry


class SignalOrigin(StrEnum):
    """Where a signal comes from, most reliable first. How often each is right is measured, not assumed here."""

    OUTCOME = "outcome"  # what happened in the world
    STATEMENT = "statement"  # a person gave another value
    REACTION = "reaction"  # a person's gesture or request
    BEHAVIOUR = "behaviour"  # inferred from use; says nothing of right or wrong alone


@dataclass(frozen=True)
class SignalKind:
    """One kind of signal.

    objection   it says or suggests that the prediction is wrong, so a person is asked about the item
    approval    it says that the prediction is right
    label       its `value` is required and is one of the project's labels
    outcome     its `value` says what really happened
    escalates   it asks for a person, whatever label the item has
    remark      its `value` is a text for people, who read it in Review
    public      anybody may send it with a publishable key (annotation.public_feedback)
    exposure    it says that somebody saw the prediction, so that silence after it means something
    """

    name: str
    meaning: str
    origin: SignalOrigin
    objection: bool = False
    approval: bool = False
    label: bool = False
    outcome: bool = False
    exposure: bool = False
    escalates: bool = False
    remark: bool = False
    public: bool = False

    @property
    def has_value(self) -> bool:
        """Whether it names a value itself."""
        return self.label or self.outcome

    @property
    def has_claim(self) -> bool:
        """Whether it names a value: its own or, as an approval, what was predicted."""
        return self.has_value or self.approval

    @property
    def is_for_people(self) -> bool:
        """Whether a reviewer reads it: a request, a remark, or a value."""
        return self.escalates or self.remark or self.has_value

    @property
    def title(self) -> str:
        """The name as pages show it."""
        return self.name.replace("_", " ").capitalize()


UNTRUSTED = "public:"
"""How the actor of a signal begins that came with a publishable key: nobody vouches for who sent it."""

_kinds: Registry[SignalKind] = Registry("signal kind")
register, unregister = _kinds.register, _kinds.unregister


def kind_named(name: object) -> SignalKind | None:
    return _kinds.get(name) if isinstance(name, str) else None


def names() -> list[str]:
    return [kind.name for kind in _kinds]


def objections() -> list[str]:
    """Names of the kinds that say or suggest that the prediction is wrong."""
    return [kind.name for kind in _kinds if kind.objection]


def escalations() -> list[str]:
    """Names of the kinds that ask for a person."""
    return [kind.name for kind in _kinds if kind.escalates]


def public() -> list[str]:
    """Names of the kinds that a publishable key may send."""
    return [kind.name for kind in _kinds if kind.public]


def outcomes() -> list[str]:
    """Names of the kinds whose value says what really happened."""
    return [kind.name for kind in _kinds if kind.outcome]


for kind in (
    SignalKind(
        "thumbs_up", "A user liked the prediction.", SignalOrigin.REACTION, approval=True, exposure=True, public=True
    ),
    SignalKind(
        "thumbs_down",
        "A user disliked the prediction.",
        SignalOrigin.REACTION,
        objection=True,
        exposure=True,
        public=True,
    ),
    SignalKind(
        "correction",
        "A user put another label in the prediction's place.",
        SignalOrigin.STATEMENT,
        objection=True,
        label=True,
        exposure=True,
        public=True,
    ),
    SignalKind(
        "override",
        "A person who decides went against the prediction.",
        SignalOrigin.STATEMENT,
        objection=True,
        label=True,
        exposure=True,
    ),
    SignalKind(
        "escalation",
        "A user asked for a person.",
        SignalOrigin.REACTION,
        objection=True,
        exposure=True,
        escalates=True,
        public=True,
    ),
    SignalKind(
        "comment",
        "A user wrote about the prediction.",
        SignalOrigin.REACTION,
        exposure=True,
        remark=True,
        public=True,
    ),
    SignalKind("action", "What the product did upon the prediction.", SignalOrigin.BEHAVIOUR),
    SignalKind("outcome", "What really happened, known later.", SignalOrigin.OUTCOME, outcome=True),
    SignalKind("exposure", "The prediction was shown to somebody.", SignalOrigin.BEHAVIOUR, exposure=True),
    SignalKind("click", "A user followed the prediction.", SignalOrigin.BEHAVIOUR, exposure=True),
    SignalKind("skip", "A user passed the prediction over.", SignalOrigin.BEHAVIOUR, exposure=True),
    SignalKind("dwell", "How long a user stayed at the prediction.", SignalOrigin.BEHAVIOUR, exposure=True),
):
    register(kind)
