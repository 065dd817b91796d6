"""Explain a model selection in sentences: what was tried, and why one was taken."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from retraining.learning.fitted import Candidate
from retraining.learning.model_selection.cross_validation import Skipped, TrainingRows, Trial


def describe_candidate(outcome: Trial | Skipped) -> Candidate:
    """The row that people read of one thing tried."""
    family = outcome.config["family"]
    if isinstance(outcome, Skipped):
        return Candidate(family, outcome.config, None, None, outcome.work, outcome.note)
    note = f"{outcome.unconverged} of its fits did not converge." if outcome.unconverged else ""
    return Candidate(family, outcome.config, outcome.calibration.method, outcome.log_loss, outcome.work, note)


def explain_choice(
    best: Trial, tried: tuple[Candidate, ...], rows: TrainingRows, classes: tuple[str, ...], alike: Sequence[str] = ()
) -> str:
    """One paragraph for people: the choice with its figures, and what the model cannot know.

    `alike` names the image inputs whose pictures cannot be distinguished.
    """
    sentences = [_choice(best, tried), _calibration(best), _unseen(rows, classes), _lone(rows, classes)]
    if best.config["left_out"]:
        sentences.append(f"Left out, because nearly all rows are alike: {', '.join(best.config['left_out'])}.")
    sentences += [f"All pictures of {name} look alike to the model, which sees them in grey." for name in alike]
    return " ".join(sentence for sentence in sentences if sentence)


def _choice(best: Trial, tried: tuple[Candidate, ...]) -> str:
    finished = [row for row in tried if row.log_loss is not None]
    reads = best.config.get("reads")
    name = best.config["family"] + (f" on {reads}" if reads else "")
    if len(finished) == 1:
        return f"{name} is the only model that was finished (held-out log loss {best.log_loss:.3f})."
    others = sorted(row.log_loss for row in finished if row.config != best.config and row.log_loss is not None)
    return f"{name} had the lowest held-out log loss of {len(finished)}: {best.log_loss:.3f}, next {others[0]:.3f}."


def _calibration(best: Trial) -> str:
    losses = dict(best.calibration.losses)
    method = best.calibration.method
    if method == "none":
        return "Its own probabilities were best left as they are."
    if "none" in losses:
        return f"{method.capitalize()} calibration lowered that loss from {losses['none']:.3f}."
    return f"{method.capitalize()} calibration turns its scores into probabilities."


def _unseen(rows: TrainingRows, classes: tuple[str, ...]) -> str:
    unseen = [name for code, name in enumerate(classes) if code not in set(rows.known.tolist())]
    return f"No label yet for {_listed(unseen)}: never predicted, probability 0." if unseen else ""


def _lone(rows: TrainingRows, classes: tuple[str, ...]) -> str:
    counts = ((rows.targets * rows.weights[:, None]) > 0).sum(axis=0)
    lone = [classes[rows.known[i]] for i in np.flatnonzero(counts == 1)]
    return f"Only one label for {_listed(lone)}: learnt, but never tested on a held-out row." if lone else ""


def _listed(names: list[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
