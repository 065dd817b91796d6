"""The registry of trigger rules: when a training run begins by itself.

A rule is one module of `retraining.triggers.rules` that calls `register`; nothing else names it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from projects.models import Project
from projects.project_settings import RetrainingSettings, Settings, extend, withdraw
from retraining.run_records import Figure
from retraining.triggers.history import RunHistory
from validation.registry import Registry


@dataclass(frozen=True)
class RuleFinding:
    """What a rule says of a project now.

    due       a run should begin, as far as this rule is concerned
    code      names the answer: the history of a rule has a new row where it changes
    lead      the figures, as the beginning of a sentence
    words     the sentence: why a run begins, or what is missing
    evidence  the figures as data; equal evidence is not looked at closely twice
    have, needed  progress towards the next run, where there is one
    """

    due: bool
    code: str
    lead: str
    words: str
    evidence: Mapping[str, Figure] = field(default_factory=dict)
    have: float | None = None
    needed: float | None = None


@dataclass(frozen=True)
class TriggerRule:
    """When a run begins by itself.

    name      what is stored; title, what pages show
    find      a few indexed queries, fit for every few seconds
    settings  what a project's `retraining` may say of the rule; the description of a field says what it takes
    """

    name: str
    title: str
    find: Callable[[Project, RunHistory], RuleFinding]
    settings: type[Settings] | None = None


_rules: Registry[TriggerRule] = Registry("trigger rule")


def register(rule: TriggerRule) -> TriggerRule:
    """Add a rule to every project. Raises ValueError where its name or a setting of it is taken."""
    if rule.settings and rule.name not in _rules:
        extend(RetrainingSettings, rule.settings)
    return _rules.register(rule)


def unregister(rule: TriggerRule) -> None:
    """Remove a rule, as tests do that added one."""
    _rules.unregister(rule.name)
    if rule.settings:
        withdraw(RetrainingSettings, rule.settings)


def rules() -> list[TriggerRule]:
    return sorted(_rules, key=lambda rule: rule.name)


def title(name: str) -> str:
    """The title of a rule that was once registered."""
    return _rules[name].title if name in _rules else name.replace("_", " ").capitalize()
