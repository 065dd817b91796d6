"""Does the interval of the share of wrong labels hold, from no signal to a strong one?

    python -m benchmarks.label_shares [--times 20] [--seed 0] [--only none weak fair strong]

One JSON line for each strength of the signal and each prevalence: `held` is the share of draws whose interval held the
share that is wrong, over all rates of flipped labels, `least_held` that at the rate where it held least, `width` the
interval's mean width, `flagged` the flagged rows of all draws and `wrong` the share of them that are. Truth follows a
logistic law of two of three normal columns (600 rows), or of none; labels are flipped at each rate, and probabilities
are those of `out_of_sample`.
"""

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import expit

from analysis.metrics.labels.label_errors import suspected
from analysis.metrics.labels.out_of_sample import out_of_sample
from benchmarks.cases import Case, Line, run_cases

ROWS = 600
SLOPES = np.array([1.0, 0.5, 0.0])
PREVALENCES = (0.01, 0.05, 0.2, 0.5)
RATES = (0.0, 0.02, 0.05, 0.1, 0.2)
STRENGTHS = {"none": 0.0, "weak": 1.0, "fair": 3.0, "strong": 10.0}

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def flipped_labels(
    rng: np.random.Generator, strength: float, prevalence: float, rate: float
) -> tuple[Floats, Ints, Ints]:
    """Inputs (n, 3), true labels of two classes, and the same with a share of them flipped."""
    inputs = rng.normal(size=(ROWS, SLOPES.size))
    score = strength * inputs @ SLOPES
    level = brentq(lambda at: float(expit(score + at).mean()) - prevalence, -200, 200)
    truth = (rng.random(ROWS) < expit(score + level)).astype(np.int64)
    return inputs, truth, np.where(rng.random(ROWS) < rate, 1 - truth, truth)


def shares(times: int, seed: int, strength: float) -> Iterator[Line]:
    for prevalence in PREVALENCES:
        held: dict[float, list[bool]] = {rate: [] for rate in RATES}
        widths, flagged, wrong, silent = [], 0, 0, 0
        for rate in RATES:
            for at in range(times):
                rng = np.random.default_rng([seed, at, round(100 * rate), round(100 * prevalence)])
                inputs, truth, given = flipped_labels(rng, strength, prevalence, rate)
                if np.unique(given).size < 2:
                    continue
                columns = {f"x{column}": values for column, values in enumerate(inputs.T)}
                made = out_of_sample(columns, dict.fromkeys(columns, "number"), given, classes=2)
                found = suspected(given, made.probabilities)
                share, real = found.estimated_share, float((given != truth).mean())
                held[rate].append(share.low <= real <= share.high)
                widths.append(share.high - share.low)
                silent += not found.signal
                flagged += int(found.flagged.sum())
                wrong += int((found.flagged & (given != truth)).sum())
        each = [one for values in held.values() for one in values]
        yield {
            "strength": strength,
            "prevalence": prevalence,
            "draws": len(each),
            "held": float(np.mean(each)),
            "least_held": min(float(np.mean(values)) for values in held.values() if values),
            "width": float(np.mean(widths)),
            "no_signal": silent,
            "flagged": flagged,
            "wrong": wrong / flagged if flagged else None,
        }


CASES: dict[str, Case] = {name: partial(shares, strength=strength) for name, strength in STRENGTHS.items()}


def main(arguments: Sequence[str] | None = None) -> None:
    run_cases("label_shares", CASES, arguments, about=__doc__, times=20)


if __name__ == "__main__":
    main()
