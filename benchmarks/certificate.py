"""How often a certificate of automatic resolution is wrong, and how much of the traffic it lets a model answer alone.

    python -m benchmarks.certificate [--projects 1000] [--splits 50] [--seed 0] [--only projects sets]

`projects`: simulated projects of each kind with 150 to 1,500 audit labels. `violated`: the share whose items at or
above the certified confidence are wrong more often than 5 % in truth, which may be at most 10 %; `share`: of the
traffic that is resolved alone. plain: errors that fall with confidence; weighted: an audit by expected error beside
items that were asked for certain; copies: items that come up to 30 times; rare: about 1 % wrong; no_signal: errors that
have nothing to do with the confidence; few: 50 to 150 labels; edge: just above 5 % wrong everywhere, the worst case;
classes: a threshold for each of four classes; days: the log odds of an error wander from day to day (a first-order
autoregression, .3 wide with correlation .7; forty days of audit), and the truth is that of all days; edge_days: both.
`sets`: public sets of `benchmarks.data`: `labels` rows that the model did not learn from are the audit, the other such
rows say what is true; shares and errors are means over splits.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from scipy.special import expit
from sklearn.ensemble import HistGradientBoostingClassifier

from analysis.metrics.risk_control.certificate import AuditRows, CertificateRule, audit_rows, certify, may_resolve
from benchmarks.assisted import employment
from benchmarks.data import Absent, path_to, rows_of
from benchmarks.label_sets import SETS
from validation.arrays import Bools, Floats, Ints

RULE = CertificateRule()
ITEMS = 20_000
DAYS, WIDE, ALIKE = 40, 0.3, 0.7  # days of audit, spread of their log odds, correlation of neighbours
LABELS = (200, 500, 1000)
Rng = np.random.Generator


@dataclass(frozen=True)
class ProjectKind:
    """error: of all traffic, drawn between; slope: how steeply its chance falls with confidence; copies: at most."""

    labels: tuple[int, int] = (150, 1500)
    error: tuple[float, float] = (0.03, 0.25)
    slope: tuple[float, float] = (0.5, 2.0)
    by_error: bool = False
    copies: int = 1
    classes: int = 1
    days: bool = False


KINDS = {
    "plain": ProjectKind(),
    "weighted": ProjectKind(by_error=True),
    "copies": ProjectKind(copies=30),
    "rare": ProjectKind(error=(0.005, 0.02)),
    "no_signal": ProjectKind(slope=(0.0, 0.0)),
    "few": ProjectKind(labels=(50, 150)),
    "edge": ProjectKind(error=(0.0501, 0.055), slope=(0.0, 0.2)),
    "classes": ProjectKind(classes=4),
    "days": ProjectKind(days=True),
    "edge_days": ProjectKind(error=(0.0501, 0.055), slope=(0.0, 0.2), days=True),
}


@dataclass(frozen=True)
class SimulatedProject:
    """Items (n,): confidence and class of the answer, the chance that it is wrong, and whether it is."""

    confidence: Floats
    predicted: Ints
    chance: Floats
    wrong: Bools
    group: Ints


def main(arguments: Sequence[str] | None = None) -> None:
    options = _options(arguments)
    for part in options.only:
        for line in PARTS[part](options):
            print(json.dumps({"benchmark": "certificate", "part": part, **line}), flush=True)


def simulated_projects(options: argparse.Namespace) -> Iterator[dict[str, object]]:
    for name, kind in KINDS.items():
        rng, started = np.random.default_rng(options.seed), time.perf_counter()
        share, error = np.array([outcome(kind, rng) for _ in range(options.projects)]).T
        violated = float(np.mean(error > RULE.largest_error))
        yield {
            "kind": name,
            "violated": round(violated, 4),
            "error": round(float(np.sqrt(violated * (1 - violated) / options.projects)), 4),
            "resolves_any": round(float(np.mean(share > 0)), 3),
            "share": round(float(share.mean()), 3),
            "projects": options.projects,
            "reach": "violated <= 0.10",
            "seconds": round(time.perf_counter() - started, 1),
        }


def outcome(kind: ProjectKind, rng: Rng) -> tuple[float, float]:
    """Share of traffic resolved alone under a project's certificate, and how much of that is wrong in truth."""
    traffic = simulated_project(kind, rng)
    rows = audit_of(traffic, kind, rng)
    certificate = certify(rows, RULE, model_version="v1", monitor="", created=0.0)
    alone = may_resolve(certificate.thresholds, traffic.confidence, traffic.predicted if kind.classes > 1 else None)
    return float(alone.mean()), float(traffic.chance[alone].mean()) if alone.any() else 0.0


def simulated_project(kind: ProjectKind, rng: Rng) -> SimulatedProject:
    """Items of a window; copies of one item are right or wrong together, the chance is of traffic like theirs."""
    sizes = np.ones(ITEMS, dtype=np.int64) if kind.copies == 1 else rng.integers(1, kind.copies + 1, 600)
    logit, predicted = rng.normal(size=sizes.size), rng.integers(kind.classes, size=sizes.size)
    error, slope = rng.uniform(*kind.error), rng.uniform(*kind.slope)
    odds = intercept(logit, slope, error) - slope * logit
    chance = over_all_days(odds) if kind.days else expit(odds)
    seen = expit(odds + by_day(sizes.size, rng)) if kind.days else chance
    confidence, wrong, group = expit(1.5 + logit), rng.random(sizes.size) < seen, np.arange(sizes.size)
    columns = (np.repeat(column, sizes) for column in (confidence, predicted, chance, wrong, group))
    return SimulatedProject(*columns)


def by_day(n: int, rng: Rng) -> Floats:
    """What each of n items' day adds to the log odds of an error."""
    moved = np.empty(DAYS)
    moved[0] = rng.normal(scale=WIDE)
    for day in range(1, DAYS):
        moved[day] = ALIKE * moved[day - 1] + rng.normal(scale=WIDE * np.sqrt(1 - ALIKE**2))
    return np.asarray(moved[np.arange(n) * DAYS // n])


def over_all_days(odds: Floats) -> Floats:
    """The mean chance of an error over many days, by Gauss-Hermite quadrature."""
    place, weight = np.polynomial.hermite_e.hermegauss(9)
    return np.asarray(expit(odds[:, None] + WIDE * place) @ weight / weight.sum())


def intercept(logit: Floats, slope: float, error: float) -> float:
    """That with which errors have this share."""
    low, high = -20.0, 20.0
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if expit(middle - slope * logit).mean() < error else (low, middle)
    return low


def audit_of(traffic: SimulatedProject, kind: ProjectKind, rng: Rng) -> AuditRows:
    """Labels drawn uniformly; or by expected error, and the hundred least confident for certain."""
    n = traffic.confidence.size
    chance = np.full(n, min(1.0, rng.integers(*kind.labels) / n))
    if kind.by_error:
        spread = np.sqrt(traffic.confidence * (1 - traffic.confidence))
        chance = np.minimum(1.0, chance * np.maximum(0.3, spread / spread.mean()))
        chance[np.argsort(traffic.confidence)[:100]] = 1.0
    rows = np.flatnonzero(rng.random(n) < chance)
    return audit_rows(
        [str(row) for row in rows],
        traffic.confidence[rows],
        traffic.wrong[rows].astype(float),
        chance[rows],
        groups=traffic.group[rows],
        predicted=traffic.predicted[rows] if kind.classes > 1 else None,
    )


def public_sets(options: argparse.Namespace) -> Iterator[dict[str, object]]:
    for name, load in held_out_answers().items():
        try:
            confidence, wrong = load()
        except Absent as absent:
            yield {"set": name, "absent": str(absent)}
            continue
        for labels in (n for n in LABELS if 2 * n <= wrong.size):  # half of the rows say what is true
            yield split_figures(name, confidence, wrong, labels, options)


def split_figures(
    name: str, confidence: Floats, wrong: Bools, labels: int, options: argparse.Namespace
) -> dict[str, object]:
    rng, found = np.random.default_rng(options.seed), []
    for _ in range(options.splits):
        audit = rng.random(wrong.size) < labels / wrong.size
        rows = audit_rows(
            [str(row) for row in np.flatnonzero(audit)],
            confidence[audit],
            wrong[audit].astype(float),
            np.full(audit.sum(), labels / wrong.size),
        )
        certificate = certify(rows, RULE, model_version="v1", monitor="", created=0.0)
        alone = may_resolve(certificate.thresholds, confidence[~audit], None)
        found.append((alone.mean(), wrong[~audit][alone].mean() if alone.any() else 0.0))
    share, error = np.array(found).T
    return {
        "set": name,
        "labels": labels,
        "rows": wrong.size,
        "error_of_all": round(float(wrong.mean()), 4),
        "share": round(float(share.mean()), 3),
        "share_10_90": [round(float(one), 3) for one in np.quantile(share, (0.1, 0.9))],
        "error_of_resolved": round(float(np.mean(error[share > 0])), 4) if (share > 0).any() else None,
        "above_limit": round(float(np.mean(error > RULE.largest_error)), 3),
        "splits": options.splits,
    }


def held_out_answers() -> dict[str, Callable[[], tuple[Floats, Bools]]]:
    """Confidence (n,) of answers for rows that the model did not learn from, and whether each is wrong."""
    fitted = ("digits", "banking77", "banking77_encoded", "sms_spam", "sms_spam_encoded", "credit_default")
    return {name: partial(_fitted, name) for name in (*fitted, "telco_churn")} | {
        "employment_ma": _employment,
        "elec2": _electricity,
        "cifar10": partial(_published, "cifar10"),
        "mnist": partial(_published, "mnist"),
    }


def _fitted(name: str) -> tuple[Floats, Bools]:
    one = SETS[name]()
    model = one.model().fit(one.pool, one.pool_target)
    scores = model.predict_proba(one.test)
    return scores.max(axis=1), np.asarray(model.classes_[scores.argmax(axis=1)] != one.test_target)


def _employment() -> tuple[Floats, Bools]:
    """A live model's last year, its probabilities calibrated on half of the year before."""
    now = employment()[1](100_000, np.random.default_rng(0))
    return now.scores.max(axis=1), now.scores.argmax(axis=1) != now.truth


def _electricity() -> tuple[Floats, Bools]:
    """Learnt from the first half of the time, answers for the second: with drift."""
    frame = rows_of("elec2")
    inputs, half = frame.drop(columns=["id", "date", "label"]), len(frame) // 2
    model = HistGradientBoostingClassifier(random_state=0).fit(inputs[:half], frame["label"][:half])
    scores = model.predict_proba(inputs[half:])
    return scores.max(axis=1), model.classes_[scores.argmax(axis=1)] != frame["label"][half:].to_numpy()


def _published(name: str) -> tuple[Floats, Bools]:
    """The published out-of-sample probabilities of a set, against its given labels."""
    with np.load(path_to("label_errors_dev", f"{name}.npz")) as data:
        scores, given = data["pred_probs"], data["labels"]
    return scores.max(axis=1).astype(np.float64), scores.argmax(axis=1) != given


PARTS: dict[str, Callable[[argparse.Namespace], Iterator[dict[str, object]]]] = {
    "projects": simulated_projects,
    "sets": public_sets,
}


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.certificate", description="Certificates of automatic resolution."
    )
    parser.add_argument("--projects", type=int, default=1000)
    parser.add_argument("--splits", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="*", choices=list(PARTS), default=list(PARTS))
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
