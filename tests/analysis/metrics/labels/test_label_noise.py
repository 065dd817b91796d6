"""The model of wrong labels tells its two causes apart and how many labels each made wrong."""

import numpy as np
import pytest

from analysis.metrics.core.design import equal_parts
from analysis.metrics.labels import label_noise
from tests.analysis.metrics.labels.planted import copied, planted


@pytest.mark.parametrize("kind", ["at random", "by confusion"])
@pytest.mark.parametrize("rate", [0.05, 0.2])
def test_the_cause_and_its_share_are_found(kind, rate):
    labels, p, wrong = planted(kind, rate=rate, sharp=5.0, n=4000)
    noise = label_noise.fit(labels, p, np.ones(labels.size))
    found = {"at random": noise.at_random, "by confusion": noise.by_confusion}
    assert noise.evident
    assert found.pop(kind) == pytest.approx(wrong.mean(), abs=0.03)
    assert next(iter(found.values())) < 0.03
    assert f"wrong {kind}" in label_noise.describe(noise)


def test_clean_labels_are_no_evidence():
    labels, p, wrong = planted("at random", rate=0.0)
    assert not wrong.any()
    assert not label_noise.fit(labels, p, np.ones(labels.size)).evident


def test_copies_of_a_row_weigh_as_one():
    labels, p, _, groups = copied(10, seed=1, rate=0.1)
    noise = label_noise.fit(labels, p, equal_parts(groups, labels.size))
    once = label_noise.fit(labels[:300], p[:300], np.ones(300))
    assert (noise.gain, noise.at_random) == pytest.approx((once.gain, once.at_random), abs=1e-6)
