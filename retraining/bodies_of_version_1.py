"""Conversion of stored evaluations and verdicts of version 1 to version 2, as plain JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from retraining.learning.gate.decision import GateCondition

VERSION = 2
NAIVE = "the naive baseline"  # how version 1 wrote what is "" now


def evaluation_of_version_1(stored: Mapping[str, Any]) -> dict[str, Any]:
    other, naive = stored["other"], stored["naive"]
    return {
        **stored,
        "version": VERSION,
        "copies": stored.get("copies", 0),
        "against": _tag(other["name"]),
        "against_champion": stored.get("against_champion", False),
        "captured_only": stored.get("captured_only", False),
        "accuracy_against": other["accuracy"],
        "accuracy_naive": naive["accuracy"],
        "naive_label": naive["label"],
        "log_loss": stored.get("log_loss"),
        "labels": stored.get("labels", []),
        "rows": [_row_of_version_1(row) for row in stored.get("differences", [])],
        "latency": _latency_of_version_1(stored.get("latency")),
    }


def _row_of_version_1(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "difference": {name: row[name] for name in ("value", "low", "high", "n")},
        "measure": "truth_probability" if row["name"] == "Probability of the truth" else "accuracy",
        "label": row.get("label"),
        "segment": row.get("segment"),
    }


def _latency_of_version_1(latency: Any) -> Any:
    return latency if latency and latency.get("n") else None


def verdict_of_version_1(stored: Mapping[str, Any]) -> dict[str, Any]:
    rule = {"alpha": 0.05, "power": 0.8, "margin": 0.01, **stored.get("rule", {})}
    return {
        "version": VERSION,
        "decision": stored["decision"],
        "champion": stored.get("champion", _tag(stored["against"])),
        "against": _tag(stored["against"]),
        "basis": stored.get("basis", "evaluation"),
        "rule": rule,
        "difference": stored.get("difference"),
        "p": stored.get("p"),
        "gates": [_gate_of_version_1(gate, rule["alpha"]) for gate in stored.get("gates", [])],
        "needed": stored.get("needed"),
        "sentence": stored.get("words", "") if stored["decision"] == "hold" else "",  # it said Promoted of a candidate
    }


def _gate_of_version_1(gate: Mapping[str, Any], alpha: float) -> dict[str, Any]:
    """Its figures stand in sentences, which are kept as they are."""
    names = {"better overall": GateCondition.BETTER, "better than the naive baseline": GateCondition.BEATS_NAIVE}
    condition = names.get(gate["name"], GateCondition.NOT_WORSE)
    return {
        "condition": condition,
        "passed": gate["passed"],
        "alpha": alpha,
        "slice_name": gate["name"].removesuffix(" no worse") if condition == GateCondition.NOT_WORSE else "",
        "sentence": f"{gate['value']}, {gate['limit']}",
    }


def _tag(name: str) -> str:
    return "" if name == NAIVE else name
