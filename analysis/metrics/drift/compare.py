"""Two-sample drift tests column by column, model scores first, with corrected p values and an effect-size floor."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from analysis.metrics.core.design import one_of_each
from analysis.metrics.core.multiple_tests import benjamini_hochberg
from analysis.metrics.drift import reference as reference_windows
from analysis.metrics.drift.column_tests import (
    JENSEN_SHANNON,
    SCALED_WASSERSTEIN,
    ColumnTest,
    is_clock,
    is_identifier,
)
from analysis.metrics.drift.feature_drift import FeatureDrift, with_their_vectors
from analysis.metrics.drift.tests_by_type import column_test
from inputs.columns import as_numbers, guess_type
from validation import arrays

Array = npt.NDArray[Any]
Columns = Mapping[str, npt.ArrayLike]
Season = tuple[npt.ArrayLike, npt.ArrayLike]
Groups = tuple[npt.ArrayLike, npt.ArrayLike]

# A tenth of a standard deviation, or five points of a coin: less than this is seldom worth anybody's morning.
EFFECT_FLOOR: Mapping[str, float] = {SCALED_WASSERSTEIN: 0.1, JENSEN_SHANNON: 0.05}
# Alarms are promised for at most one stable window in twenty; the tests' p values are close, not exact.
LEVEL = 0.04
THIN = 200
SCORES_SHARE = 0.5


@dataclass(frozen=True)
class Drift:
    """The verdict over all columns: model scores first, then the rest by how clearly they moved."""

    drifted: bool
    features: tuple[FeatureDrift, ...]
    why: str
    level: float
    weighted_share: float
    n_reference: int
    n_current: int


@dataclass(frozen=True)
class DriftCriteria:
    """What counts as drift. A column drifts when its adjusted p < `level` and its effect reaches its floor.

    `scores_first`: the model's score columns; together they get half of the error budget (weighted Benjamini–Hochberg)
    and lead the list. `importance` weighs the columns of `weighted_share`. ValueError: a level outside 0 to 1.
    """

    scores_first: str | Sequence[str] = ()
    importance: Mapping[str, float] | None = None
    level: float = LEVEL
    effect_floor: Mapping[str, float] = field(default_factory=lambda: EFFECT_FLOOR)

    def __post_init__(self) -> None:
        arrays.level(self.level)

    @property
    def scores(self) -> frozenset[str]:
        return frozenset([self.scores_first] if isinstance(self.scores_first, str) else self.scores_first)


def compare(
    reference: Columns,
    current: Columns,
    *,
    types: Mapping[str, str] | None = None,
    criteria: DriftCriteria | None = None,
    season: Season | None = None,
    ordered: bool | None = None,
    groups: Groups | None = None,
    seed: int = 0,
) -> Drift:
    """Hold a current window against a reference, column by column.

    `reference`, `current`: columns by name, (n,) and (m,), rows in time order where there is one; NaN, None and ""
    are missing values. `types`: the input type of each column, guessed where not given. `criteria`: what counts as
    drift. `season`: one value per row of each side (hour, weekday, month); only like seasons are compared.
    `ordered`: None finds out whether rows depend on each other and, if so, judges by past windows (`past_p`); False
    declares rows exchangeable. `groups`: one value per row of each side; copies of a row share one, and one of them
    takes part, so that rows sent twice are not more evidence. A text with its vectors beside it (`with_vectors`) is one
    column, tested by its terms and by its vectors. At most `criteria.level` of stable windows alarm. At
    least 30 rows a side; under 200 `why` calls the window thin.
    ValueError: an empty side, no shared column, columns of unequal length, infinite numbers.
    """
    criteria = criteria or DriftCriteria()
    names = _shared(reference, current)
    before, now = ({name: np.asarray(side[name]) for name in names} for side in (reference, current))
    n, m = _rows(before, "reference"), _rows(now, "current window")
    if missing := criteria.scores - set(names):
        raise ValueError(f"scores_first names columns that are not on both sides: {', '.join(sorted(missing))}")
    season = _checked(season, n, m)
    if groups is not None:
        kept = tuple(one_of_each(of_side, size, seed=seed) for of_side, size in zip(groups, (n, m), strict=True))
        judge = partial(compare, types=types, criteria=criteria, ordered=ordered, seed=seed)
        return _without_copies((before, now), season, kept, judge)
    rows = None if season is None else reference_windows.match(season[0], season[1], seed=seed)
    features = [
        _feature(before[name], now[name], name, (types or {}).get(name), rows, season, ordered, name in criteria.scores)
        for name in names
    ]
    return _verdict(_judged(with_their_vectors(features), criteria), criteria, n, m)


def _without_copies(
    sides: tuple[dict[str, Array], dict[str, Array]],
    season: tuple[Array, Array] | None,
    kept: tuple[Array, ...],
    judge: Callable[..., Drift],
) -> Drift:
    """The verdict on the rows kept (booleans) of each side."""
    parts = ({name: column[rows] for name, column in side.items()} for side, rows in zip(sides, kept, strict=True))
    found = judge(*parts, season=season and (season[0][kept[0]], season[1][kept[1]]))
    copies = sum(int((~rows).sum()) for rows in kept)
    return replace(found, why=f"{found.why} Copies count once: {copies:,} rows left out.") if copies else found


def persists(history: Sequence[Drift], *, windows: int = 2) -> tuple[str, ...]:
    """Names of the columns that drifted in each of the last `windows` verdicts (oldest first): () = no alarm yet.

    One window in twenty may alarm by chance; the same column in two running windows of a stable stream seldom does.
    """
    if windows < 1:
        raise ValueError("persistence needs at least one window")
    if len(history) < windows:
        return ()
    drifted = [{feature.name for feature in drift.features if feature.drifted} for drift in history[-windows:]]
    lasting = set.intersection(*drifted)
    return tuple(feature.name for feature in history[-1].features if feature.name in lasting)


def weighted_share(features: Sequence[FeatureDrift], importance: Mapping[str, float] | None = None) -> float:
    """Share of importance that drifted, 0 to 1: a drifted column that the model hardly uses counts hardly.

    `importance` per column, >= 0; columns not named weigh 0; without it all weigh the same. NaN where undefined:
    no column, or all weights zero. ValueError for negative or non-finite weights.
    """
    weights = np.array([1.0 if importance is None else float(importance.get(f.name, 0.0)) for f in features])
    if not np.isfinite(weights).all() or (weights < 0).any():
        raise ValueError("importance weights are finite and not negative")
    if weights.sum() == 0:
        return float("nan")
    return float(weights @ np.array([f.drifted for f in features], dtype=float) / weights.sum())


def _shared(reference: Columns, current: Columns) -> list[str]:
    names = [name for name in reference if name in current]
    if not names:
        raise ValueError("the reference and the current window share no column")
    return names


def _rows(columns: Mapping[str, Array], side: str) -> int:
    sizes = {name: len(column) for name, column in columns.items()}
    if len(set(sizes.values())) > 1:
        raise ValueError(f"columns of the {side} differ in length: {sizes}")
    size = next(iter(sizes.values()))
    if size == 0:
        raise ValueError(f"the {side} is empty")
    return size


def _checked(season: Season | None, n: int, m: int) -> tuple[Array, Array] | None:
    if season is None:
        return None
    before, now = np.asarray(season[0]), np.asarray(season[1])
    if (len(before), len(now)) != (n, m):
        raise ValueError("season needs one value per row on both sides")
    return before, now


def _feature(
    before: Array,
    now: Array,
    name: str,
    kind: str | None,
    rows: tuple[Array, Array] | None,
    season: Season | None,
    ordered: bool | None,
    score: bool,
) -> FeatureDrift:
    kind = kind or guess_type(before)
    alike = (before, now) if rows is None else (before[rows[0]], now[rows[1]])
    test = column_test(kind, *alike, name=name)
    past = None
    if test.p is not None and kind == "number" and (why := _no_quantity(before, now, name, ordered)):
        test = replace(test, p=None, effect=None, words=f"{name}: undefined, {why}")
    if test.p is not None:
        past = reference_windows.past_p(before, now, kind, season=season, ordered=ordered, name=name)
    return _row(name, kind, test, past, score)


def _no_quantity(before: Array, now: Array, name: str, ordered: bool | None) -> str:
    """Why these numbers measure nothing; empty where they do."""
    numbers = as_numbers(before, name), as_numbers(now, name)
    if ordered is not False and is_clock(*numbers):
        return "it runs with time (a clock or a counter)"
    return "an identifier: whole numbers of which none occurs twice" if is_identifier(*numbers) else ""


def _row(name: str, kind: str, test: ColumnTest, past: float | None, score: bool) -> FeatureDrift:
    p = None if test.p is None else max(test.p, past or 0.0)
    return FeatureDrift(
        name,
        kind,
        p,
        None,
        test.effect,
        test.effect_name,
        False,
        test.n_reference,
        test.n_current,
        test.words,
        dependent=past is not None,
        score=score,
    )


def _judged(features: list[FeatureDrift], criteria: DriftCriteria) -> list[FeatureDrift]:
    tested = [feature for feature in features if feature.p is not None]
    scores = sum(feature.score for feature in tested)
    others = len(tested) - scores
    weights = (
        [SCORES_SHARE / scores if f.score else (1 - SCORES_SHARE) / others if scores else 1.0 for f in tested]
        if others
        else None
    )
    values = benjamini_hochberg(np.array([feature.p for feature in tested], dtype=float), weights=weights)
    found = {feature.name: float(value) for feature, value in zip(tested, values, strict=True)}
    return [_decided(feature, found.get(feature.name), criteria) for feature in features]


def _decided(feature: FeatureDrift, p_adjusted: float | None, criteria: DriftCriteria) -> FeatureDrift:
    if p_adjusted is None or feature.effect is None:
        return feature
    floor = criteria.effect_floor.get(feature.effect_name, 0.0)
    drifted = p_adjusted < criteria.level and feature.effect >= floor
    return replace(feature, p_adjusted=p_adjusted, drifted=drifted)


def _verdict(features: list[FeatureDrift], criteria: DriftCriteria, n: int, m: int) -> Drift:
    key = {f.name: (not f.score, not f.drifted, 1.0 if f.p is None else f.p, -(f.effect or 0.0)) for f in features}
    ranked = tuple(sorted(features, key=lambda feature: key[feature.name]))
    drifted = [feature for feature in ranked if feature.drifted]
    share = weighted_share(ranked, criteria.importance)
    return Drift(bool(drifted), ranked, _why(ranked, drifted, m), criteria.level, share, n, m)


def _why(features: Sequence[FeatureDrift], drifted: Sequence[FeatureDrift], m: int) -> str:
    tested = [feature for feature in features if feature.p is not None]
    thin = f" The window is thin: {m} rows, under {THIN} only large changes show." if m < THIN else ""
    past = " Rows depend on each other, so past windows set the level." if any(f.dependent for f in tested) else ""
    if not tested:
        return "Undefined: no column could be tested." + thin
    if not drifted:
        return f"None of {len(tested)} columns moved beyond chance and its effect floor.{past}{thin}"
    words = "; ".join(feature.words for feature in drifted[:3])
    return f"{len(drifted)} of {len(tested)} columns moved: {words}.{past}{thin}"
