"""What a person asks of a backtest is checked before anything begins."""

from typing import Any

import pytest

from retraining.backtest.options import BadBacktest, parse_options

ASKED = {"file": "a.csv", "label": "label"}


def test_what_is_left_out_has_the_defaults_of_the_command() -> None:
    options = parse_options(ASKED)
    assert (options.strategy, options.batch, options.budget, options.seeds) == ("auto", 20, 400, 5)
    assert (options.test_share, options.metric, options.annotator_accuracy, options.overlap) == (0.3, "accuracy", 1, 1)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"strategy": "best"}, "no strategy 'best'; there are auto, margin"),
        ({"strategy": "committee"}, "no strategy 'committee'"),
        ({"metric": "f2"}, "no metric 'f2'; there are accuracy, macro_f1"),
        ({"text": "a", "inputs": "b,c"}, "Say one of --text, --inputs and --image"),
        ({"batch": 0}, "--batch is 0; it takes a whole number from 1"),
        ({"seeds": 0}, "--seeds is 0"),
        ({"batch": 20, "budget": 10}, "one round may not cost more"),
        ({"overlap": 3, "batch": 2}, "a round asks one item at least"),
        ({"test_share": 1.0}, "--test-share is 1; it takes a number between 0 and 1"),
        ({"test_share": float("nan")}, "--test-share is nan"),
        ({"annotator_accuracy": 0.0}, "--annotator-accuracy is 0"),
        ({"annotator_accuracy": 1.5}, "--annotator-accuracy is 1.5"),
        ({"test": "split"}, "it takes COLUMN=VALUE"),
        ({"budget": "many"}, "Expected `int`"),
    ],
)
def test_an_option_that_cannot_be_used_is_named(given: dict[str, Any], words: str) -> None:
    with pytest.raises(BadBacktest, match=words.replace("(", r"\(")):
        parse_options({**ASKED, **given})
