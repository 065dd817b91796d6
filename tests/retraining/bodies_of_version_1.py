"""An evaluation and a verdict as the first version of Plumbline stored them, with figures in sentences."""

from typing import Any

EVALUATION_1: dict[str, Any] = {
    "basis": "evaluation",
    "n": 60,
    "copies": 2,
    "accuracy": {"value": 0.8833, "low": 0.7789, "high": 0.9437, "n": 60, "effective_n": 60.0},
    "log_loss": {"value": 0.31, "low": 0.2, "high": 0.42, "n": 60, "effective_n": 60.0},
    "other": {"name": "v1", "accuracy": {"value": 0.85, "low": 0.74, "high": 0.92, "n": 60, "effective_n": 60.0}},
    "naive": {
        "label": "spam",
        "accuracy": {"value": 0.5, "low": 0.38, "high": 0.62, "n": 60, "effective_n": 60.0},
    },
    "counts": {"both_right": 50, "fixed": 3, "broken": 1, "both_wrong": 6},
    "labels": [{"label": "spam", "recall": {"value": 0.9, "low": 0.7, "high": 0.97, "n": 30, "effective_n": 30.0}}],
    "differences": [
        {"name": "Accuracy", "kind": "overall", "n": 60, "value": 3.33, "low": -2.26, "high": 9.1, "small": False},
        {
            "name": "Probability of the truth",
            "kind": "overall",
            "n": 60,
            "value": 1.2,
            "low": 0.1,
            "high": 2.4,
            "small": False,
        },
        {
            "name": "channel app",
            "kind": "segment",
            "segment": "channel=app",
            "n": 12,
            "value": 0.0,
            "low": -9.0,
            "high": 9.0,
            "small": True,
        },
        {
            "name": "spam",
            "kind": "label",
            "label": "spam",
            "n": 30,
            "value": 3.3,
            "low": -3.0,
            "high": 9.9,
            "small": False,
        },
    ],
    "against_champion": True,
    "captured_only": False,
    "latency": {"median_ms": 5.6, "slowest_ms": 9.1, "n": 20},
}

VERDICT_1: dict[str, Any] = {
    "decision": "hold",
    "words": "Held: +3.3 points (90 % interval -1.4 to +8.1) on 60 audit labels; not shown: better overall.",
    "against": "v1",
    "champion": "v1",
    "difference": {"value": 3.33, "low": -1.4, "high": 8.1, "level": 0.9, "n": 60, "n_effective": 60.0},
    "p": 0.121,
    "gates": [
        {
            "name": "better overall",
            "passed": False,
            "value": "+3.3 points (90 % interval -1.4 to +8.1), p = 0.121",
            "limit": "p at most 0.05",
        },
        {
            "name": "label=spam no worse",
            "passed": True,
            "value": "+3.3 points (90 % interval -3.0 to +9.9), n = 30, adjusted p = 0.004",
            "limit": "shown not to be worse by 1 points or more: adjusted p at most 0.05",
        },
    ],
    "needed": 340,
    "basis": "evaluation",
    "rule": {"alpha": 0.05, "power": 0.8, "margin": 0.01},
}
