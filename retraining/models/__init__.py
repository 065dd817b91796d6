"""Models of retraining: datasets, runs, versions, judgements and releases."""

from retraining.models.backtests import Backtest
from retraining.models.datasets import Dataset, DatasetRow
from retraining.models.judgements import DisagreementSample, EvaluatedItem, EvaluatedItemQuerySet, Judgement, Outcome
from retraining.models.releases import Release, ReleaseKind
from retraining.models.rollouts import Rollout, RolloutLook, RolloutMode, RolloutState
from retraining.models.rules import DecisionRule, RuleKind
from retraining.models.runs import RunState, TrainingRun, TriggerCheck
from retraining.models.versions import LoadFailure, ModelVersion

__all__ = [
    "Backtest",
    "Dataset",
    "DatasetRow",
    "DecisionRule",
    "DisagreementSample",
    "EvaluatedItem",
    "EvaluatedItemQuerySet",
    "Judgement",
    "LoadFailure",
    "ModelVersion",
    "Outcome",
    "Release",
    "ReleaseKind",
    "Rollout",
    "RolloutLook",
    "RolloutMode",
    "RolloutState",
    "RuleKind",
    "RunState",
    "TrainingRun",
    "TriggerCheck",
]
