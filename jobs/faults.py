"""Fault points: named places where the crash test kills its own process group. They do nothing otherwise.

PLUMBLINE_FAULTS holds ``name=probability`` pairs, such as ``after_claim=0.2,before_commit=0.1``.
"""

import os
import random
import signal

FAULT_POINTS = (
    "after_claim",
    "before_work",
    "after_progress",
    "before_commit",
    "inside_commit",
    "after_commit",
    "inside_step",
    "after_step",
    "after_artifact",
    "after_enqueue",
)


def _plan() -> dict[str, float]:
    pairs = (part.split("=") for part in os.environ.get("PLUMBLINE_FAULTS", "").split(",") if "=" in part)
    return {name: float(probability) for name, probability in pairs}


_probabilities = _plan()
_chance = random.Random(os.environ.get("PLUMBLINE_FAULT_SEED", "") + str(os.getpid()))


def point(name: str) -> None:
    """Kill the whole worker here, if the crash test asked for it."""
    if _probabilities and _chance.random() < _probabilities.get(name, 0.0):
        os.killpg(os.getpgrp(), signal.SIGKILL)
