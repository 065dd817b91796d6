"""What Releases shows of a version that runs beside the one that serves: its steps, and a tile for each guardrail."""

from dataclasses import dataclass

from django.utils.safestring import SafeString, mark_safe

from analysis.metrics.monitoring.guardrails import GuardrailState
from projects.models import Project
from retraining import rollout, rollout_looks
from retraining.guardrail_charts import DifferencePoint, guardrail_chart
from retraining.models import Rollout, RolloutLook
from retraining.rollout_bodies import LookBody, RuleLook, load_look

TITLES = {
    "overrides": "Override rate",
    "errors": "Error on audited items",
    "slow": "Slow answers",
    "exceptions": "Failed answers",
}
MOST_LOOKS, MOST_POINTS = 2000, 60


@dataclass(frozen=True)
class RuleTile:
    """One guardrail; rates, difference, limits and limit in points."""

    title: str
    champion: float | None
    canary: float | None
    n: int
    verdict: str
    words: str
    state: str
    chart: SafeString


@dataclass(frozen=True)
class RolloutPanel:
    """A running rollout. `headline` says whether it may grow; compared and differ are those of a shadow."""

    rollout: Rollout
    headline: str
    tiles: tuple[RuleTile, ...] = ()
    share: float = 0.0
    next_share: float | None = None
    step: int = 0
    steps: int = 0
    ratio: str = ""
    compared: int = 0
    differ: int = 0


def rollout_panel(project: Project) -> RolloutPanel | None:
    found = rollout.running(project)
    if found is None:
        return None
    if not found.answers:
        compared, differ = rollout_looks.compared(found), rollout_looks.disagreements(found).count()
        headline = f"{found.tag} runs in the shadow of {found.against}"
        return RolloutPanel(found, headline, compared=compared, differ=differ)
    rows = RolloutLook.objects.filter(rollout=found).order_by("-at", "-pk").values_list("at", "body")[:MOST_LOOKS]
    looks = [(at.timestamp(), load_look(body)) for at, body in reversed(list(rows))]
    newest = looks[-1][1] if looks else None
    after = found.next_share
    return RolloutPanel(
        found,
        _headline(found, newest),
        tuple(_tile(newest, number, looks) for number in range(len(newest.rules))) if newest else (),
        100 * found.share,
        100 * after if after else None,
        len(found.begun),
        len(found.shares),
        _ratio_words(newest) if newest else "",
    )


def _headline(found: Rollout, newest: LookBody | None) -> str:
    if newest is None:
        return f"{found.tag} answers {100 * found.share:g} %; nothing was looked at yet"
    if newest.ratio.held:
        return f"Hold: the arms of {found.tag} and {found.against} are not as planned"
    known = [one for one in newest.rules if one.canary + one.champion]
    if not known:
        return f"Hold {found.tag} at {100 * found.share:g} %: no decision counts yet"
    undecided = [TITLES[one.rule].lower() for one in known if one.state != GuardrailState.HOLDS]
    if undecided:
        return f"Hold {found.tag} at {100 * found.share:g} %: {', '.join(undecided)} not decided"
    unknown = [TITLES[one.rule].lower() for one in newest.rules if one not in known]
    but = f", {' and '.join(unknown)} not known" if unknown else ""
    return f"{found.tag} may have more: every guardrail with decisions holds{but}"


def _ratio_words(newest: LookBody) -> str:
    ratio = newest.ratio
    planned = f"{ratio.canary:,} of {ratio.units:,} entities, planned {ratio.expected:,.0f}."
    held = "The arms are not as planned, so nothing can be read of the rest; look at how services ask which version."
    return f"{planned} {held if ratio.held else 'As planned: the rest can be read.'}"


def _tile(newest: LookBody, number: int, looks: list[tuple[float, LookBody]]) -> RuleTile:
    one = newest.rules[number]
    series = [(at, body.rules[number]) for at, body in looks if body.rules[number].value is not None]
    every = max(1, len(series) // MOST_POINTS)
    kept = [*series[:-1:every], series[-1]] if series else []
    points = [DifferencePoint(at, 100 * (rule.value or 0.0), 100 * rule.low, 100 * rule.high) for at, rule in kept]
    title = TITLES[one.rule]
    chart = guardrail_chart(points, limit=100 * one.limit, label=f"{title}: canary minus champion, in points")
    return RuleTile(
        title,
        _rate(one.champion_events, one.champion),
        _rate(one.canary_events, one.canary),
        one.canary + one.champion,
        *_verdict(one),
        one.state,
        mark_safe(chart),
    )


def _rate(events: int, units: int) -> float | None:
    return 100 * events / units if units else None


def _verdict(one: RuleLook) -> tuple[str, str]:
    """The verdict and the number that makes it."""
    if not one.canary + one.champion:
        return "Not known.", "No decision counts for it yet."
    if one.state == GuardrailState.BROKEN:
        return "Broken.", f"Lower end {100 * one.low:.1f}, limit {100 * one.limit:.1f}."
    verdict = "Holds." if one.state == GuardrailState.HOLDS else "Not decided."
    return verdict, f"Upper end {100 * one.high:.1f}, limit {100 * one.limit:.1f}."
