"""Looks at a rollout: score what the shadow has not seen, compare the arms of a canary, and roll it back by a rule."""

from collections.abc import Callable
from datetime import datetime

import msgspec
import numpy as np
from django.db.models import Exists, F, OuterRef, QuerySet, Subquery

from analysis.metrics.monitoring.guardrails import Guardrail, GuardrailRule, GuardrailState, guardrail, sample_ratio
from annotation import capture
from annotation.models import Item, Prediction, Source
from jobs import queue
from jobs.execution import Attempt, PermanentFailure
from projects.chunks import CHUNK
from projects.models import Project
from retraining import artifacts, registry, rollout, rollout_arms, rule_release
from retraining.models import Rollout, RolloutLook, RolloutState
from retraining.release_record import CannotRelease, ReleaseAct
from retraining.rollout_bodies import LookBody, RatioLook, RuleLook

MOST_AT_ONCE = 20 * CHUNK  # items that the shadow scores in one job
WORDS = {
    GuardrailRule.OVERRIDES: "override rate",
    GuardrailRule.ERRORS: "error on audited items",
    GuardrailRule.SLOW: "share of slow answers",
    GuardrailRule.EXCEPTIONS: "share of failed answers",
}


def watch(at: datetime) -> None:
    """Have every running rollout looked at."""
    open_to_work = Project.objects.filter(archived_at=None)
    for one in Rollout.objects.filter(state=RolloutState.RUNNING, project__in=open_to_work).select_related("project"):
        queue.enqueue(
            "retraining.rollout",
            key=f"rollout:{one.pk}",
            project=one.project,
            at=at,
            payload={"rollout": one.pk},
        )


def perform(attempt: Attempt, *, clock: Callable[[], datetime]) -> None:
    found = Rollout.objects.select_related("project", "version").filter(pk=attempt.payload["rollout"]).first()
    if found is None or found.state != RolloutState.RUNNING:
        with attempt.commit():
            return
    if found.answers:
        body = compare_arms(found)
        with attempt.commit() as result:
            result |= {"rolled_back": act_on(found, body, at=clock())}
        return
    scored = score_shadow(attempt, found, clock=clock)
    with attempt.commit(scored=scored):
        pass


def compare_arms(found: Rollout) -> LookBody:
    """What the guardrails say now; nothing is written."""
    units, known = rollout_arms.units(found), rollout_arms.outcomes(found)
    by_rule = rollout_arms.counts(found, units, known)
    rules = [guardrail(rule, by_rule[rule], float(found.limits[rule])) for rule in GuardrailRule]
    ratio = sample_ratio(by_rule[GuardrailRule.OVERRIDES])
    seen = RatioLook(ratio.canary, ratio.expected, ratio.units, ratio.held)
    return LookBody(tuple(_stored(one) for one in rules), seen)


def act_on(found: Rollout, body: LookBody, *, at: datetime) -> str:
    """Keep the look where it is new, and roll back by the first rule that is broken; its name, "" for none.

    Where the sample ratio failed, the arms cannot be compared, so only failed answers roll back.
    """
    newest = RolloutLook.objects.filter(rollout=found).order_by("-at", "-pk").first()
    stored = msgspec.json.decode(msgspec.json.encode(body))  # as the database gives it back
    if newest is None or newest.body != stored:
        RolloutLook.objects.create(rollout=found, at=at, body=stored)
    acting = [one for one in body.rules if not body.ratio.held or one.rule == GuardrailRule.EXCEPTIONS]
    broken = next((one for one in acting if one.state == GuardrailState.BROKEN), None)
    if broken is None:
        return ""
    reason = (
        f"{WORDS[GuardrailRule(broken.rule)].capitalize()} at least {100 * broken.low:.1f} points above {found.against}"
    )
    made = ReleaseAct(None, f"{reason}; {100 * broken.limit:.1f} are allowed.", at, automatic=True)
    try:
        rollout.end(found, made, rule=broken.rule)
    except CannotRelease:  # a person promoted or ended it meanwhile
        return ""
    return broken.rule


def _stored(one: Guardrail) -> RuleLook:
    counted, gap = one.counts, one.difference
    return RuleLook(
        rule=one.rule.value,
        limit=one.limit,
        canary=counted.canary,
        champion=counted.champion,
        canary_events=counted.canary_events,
        champion_events=counted.champion_events,
        value=None if np.isnan(gap.value) else gap.value,
        low=gap.low,
        high=gap.high,
        state=one.state.value,
    )


def score_shadow(attempt: Attempt, found: Rollout, *, clock: Callable[[], datetime]) -> int:
    """Let the shadow answer what has been answered since it began; a captured version answers at its own service."""
    if found.version is None:
        return 0
    try:
        loaded = registry.load(found.version)
    except artifacts.ArtifactRefused as why:
        raise PermanentFailure(str(why)) from None
    choose, unseen, done, last = rule_release.choice_in_force(found.project), _unseen(found).order_by("pk"), 0, 0
    while done < MOST_AT_ONCE and (rows := list(unseen.filter(pk__gt=last).values_list("pk", "inputs")[:CHUNK])):
        ids, last = [pk for pk, _ in rows], rows[-1][0]
        capture.record_scores(
            found.project,
            item_ids=ids,
            probabilities=loaded.score(found.project, [inputs for _, inputs in rows]),
            model_version=found.tag,
            schema_version=found.version.schema_version,
            source=Source.RESCORED,
            out_of_sample=registry.out_of_sample(found.version, ids),
            at=clock(),
            choose=choose,
        )
        done += len(ids)
        attempt.progress(done / (done + CHUNK), f"{done:,} answers scored in the shadow")
    return done


def _unseen(found: Rollout) -> QuerySet[Item]:
    """What was captured and answered since it began, and not by the shadow."""
    said = Prediction.objects.filter(item=OuterRef("pk"))
    own = said.filter(model_version=found.tag).exclude(source=Source.OUT_OF_FOLD)
    items = Item.objects.filter(project=found.project, captured_at__gte=found.started_at)
    return items.filter(Exists(_answers(found, said)), ~Exists(own))


def _answers(found: Rollout, said: QuerySet[Prediction]) -> QuerySet[Prediction]:
    """Of these predictions, what served since the rollout began."""
    return said.filter(
        model_version=found.against, source__in=[Source.SERVED, Source.CAPTURED], at__gte=found.started_at
    )


def disagreements(found: Rollout) -> QuerySet[Item]:
    """The items that the shadow answers otherwise than what served, in one query."""
    said = Prediction.objects.filter(item=OuterRef("pk"))
    own = said.filter(model_version=found.tag).exclude(source=Source.OUT_OF_FOLD).order_by("at", "pk")
    served = _answers(found, said).order_by("at", "pk")
    items = Item.objects.filter(project=found.project, captured_at__gte=found.started_at)
    both = items.annotate(served=Subquery(served.values("label")[:1]), said=Subquery(own.values("label")[:1]))
    return both.filter(served__isnull=False, said__isnull=False).exclude(served=F("said"))


def compared(found: Rollout) -> int:
    """How many items both have answered since it began."""
    said = Prediction.objects.filter(item=OuterRef("pk"))
    own = said.filter(model_version=found.tag).exclude(source=Source.OUT_OF_FOLD)
    items = Item.objects.filter(project=found.project, captured_at__gte=found.started_at)
    return items.filter(Exists(own), Exists(_answers(found, said))).count()
