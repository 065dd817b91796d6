"""The row of a captured prediction, as services send it."""

from typing import Annotated, Any

from msgspec import Meta, Struct

from annotation.capture.decided import Entity, Latency, Stage, TakenDecision
from annotation.capture.segments import MOST_SEGMENTS
from annotation.row_fields import A_TEXT, Key, Time, Version


class PredictionRow(Struct, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """What a model said of one sample."""

    key: Annotated[Key, Meta(description=f"your own id of the sample, {A_TEXT}")]
    inputs: Annotated[dict[str, Any], Meta(description="an object with a value for each input of the project")]
    scores: (
        Annotated[
            dict[str, Any],
            Meta(
                description="an object of labels with their probabilities, which sum to 1",
                extra_json_schema={"additionalProperties": {"type": "number", "minimum": 0, "maximum": 1}},
            ),
        ]
        | None
    ) = None
    label: (
        Annotated[str, Meta(description="one of the project's labels; the one of the highest score where absent")]
        | None
    ) = None
    value: Annotated[Any, Meta(description="the predicted value, for kinds whose answer is not one label")] = None
    model_version: Version | None = None
    threshold_version: Version | None = None
    policy_version: Version | None = None
    stage: Stage | None = None
    latency_ms: Latency | None = None
    decision: TakenDecision | None = None
    entity: Entity | None = None
    at: Time | None = None
    segment: (
        Annotated[
            dict[str, Any],
            Meta(
                description=f"an object of at most {MOST_SEGMENTS} names with texts or numbers",
                extra_json_schema={"additionalProperties": {"type": ["string", "number"]}},
            ),
        ]
        | None
    ) = None
    label_known: Annotated[Any, Meta(description="the true value, where it is known already")] = None
    also_known: (
        Annotated[dict[str, Any], Meta(description="an object: side questions with their answers beside `label_known`")]
        | None
    ) = None
