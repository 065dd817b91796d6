"""How does the error fall as the least confident items are left to people?"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from analysis.metrics.core import intervals, ranking
from analysis.metrics.core.design import Design
from analysis.metrics.core.running import RunningSums, running_sums
from analysis.metrics.core.weighted import Estimate, linearised
from analysis.metrics.performance.threshold_curve import ScoreBand
from validation import InvalidInput, arrays
from validation.arrays import Floats, Ints


@dataclass(frozen=True)
class RiskCoverage:
    """Mean loss of the part of traffic that is decided alone when the least confident rest is not.

    coverage, confidence (m,): share decided alone, and the confidence it needs, from the most confident down.
    risk: mean loss of that part with pointwise limits. aurc: area under it, lower is better; all: risk at coverage 1.
    """

    n: int
    coverage: Floats
    confidence: Floats
    risk: ScoreBand
    aurc: Estimate
    all: Estimate


def risk_coverage(
    losses: ArrayLike,
    confidence: ArrayLike,
    drawn: Design,
    *,
    at_most: int | None = None,
    level: float = 0.95,
) -> RiskCoverage:
    """The risk–coverage curve of losses (n,), 0 or 1 for mistakes or any unit, ranked by confidence (n,).

    AURC as in Geifman and El-Yaniv (2017), over the distinct confidences. Raises InvalidInput for no items.
    """
    loss = arrays.vector("losses", losses, drawn.n)
    sure = arrays.vector("confidence", confidence, drawn.n)
    arrays.level(level)
    if not drawn.n:
        raise InvalidInput("No labelled items: a risk–coverage curve needs at least one.")
    ranked = ranking.rank(np.zeros(drawn.n, dtype=bool), sure, drawn.weight)
    lost, weight = loss[ranked.order], ranked.weight
    covered, risked = ranked.at_or_above(weight), ranked.at_or_above(weight * lost)
    risk, total = risked / covered, float(covered[-1])
    band = _risk_band(risk, covered, running_sums(ranked, drawn), lost, drawn, level)
    kept = _thinned(covered, at_most)
    part = np.diff(covered, prepend=0.0) / total
    area = float(part @ risk)
    # An item adds its own step to the area and shifts the risk at every coverage that includes it.
    pull, drag = (np.cumsum(v[::-1])[::-1] for v in (part / covered, part * risk / covered))
    influence = ranked.per_item((risk - area) / total - drag) + ranked.per_item(pull) * lost
    whole = (loss - risk[-1]) / total
    return RiskCoverage(
        n=drawn.n,
        coverage=(covered / total)[kept],
        confidence=ranked.scores[ranked.last][kept],
        risk=ScoreBand(band.value[kept], band.low[kept], band.high[kept]),
        aurc=linearised(area, ranked.as_given(influence), drawn, level=level),
        all=linearised(float(risk[-1]), whole, drawn, level=level),
    )


def _risk_band(
    risk: Floats, covered: Floats, running: RunningSums, lost: Floats, drawn: Design, level: float
) -> ScoreBand:
    one = np.ones_like(lost)
    square, cross, plain = (running.product(a, b)[1:] for a, b in ((lost, lost), (lost, one), (one, one)))
    spread = np.maximum(square - 2 * risk * cross + risk * risk * plain, 0.0)
    reach = intervals.t_quantile(level, drawn.freedom) * np.sqrt(spread) / covered
    return ScoreBand(risk, risk - reach, risk + reach)


def _thinned(covered: Floats, at_most: int | None) -> Ints:
    if at_most is None or covered.size <= at_most:
        return np.arange(covered.size)
    wanted = np.linspace(0, covered[-1], at_most)
    return np.unique(np.append(np.searchsorted(covered, wanted[:-1]), covered.size - 1))
