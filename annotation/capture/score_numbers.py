"""The numbers that are stored of a prediction's scores, by which predictions are found and ordered."""

import numpy as np
from numpy.typing import NDArray

from annotation.sampling.uncertainty import confidence, entropy, margin

NUMBERS = ("confidence", "margin", "entropy")


def uncertainty_numbers(probabilities: NDArray[np.floating]) -> dict[str, list[float]]:
    """The stored numbers of each row of (n, k) probabilities, by name."""
    measured = zip(NUMBERS, (confidence, margin, entropy), strict=True)
    return {name: measure(probabilities).tolist() for name, measure in measured}
