"""POST predict: bodies into inputs, one domain call, an answer that says who gave it."""

from typing import Annotated, Any

from django.http import HttpResponse
from django.utils import timezone
from msgspec import Meta, Struct
from ninja import Router

from projects import json_body, openapi
from projects.api_auth import KeyRequest, keyed
from projects.json_body import BadBody
from projects.models import Scope
from projects.problems import problem
from retraining import serving

router = Router(tags=["serving"])

MOST_INPUTS = 1_000
RETRY_AFTER = "30"  # seconds: a version that failed to load is tried again then


class PredictRequest(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """Samples to predict."""

    inputs: Annotated[
        list[Any],
        Meta(
            min_length=1,
            description="a list with one object of named inputs for each prediction",
            extra_json_schema={"items": {"type": "object"}, "maxItems": MOST_INPUTS},
        ),
    ]
    keys: (
        Annotated[list[str], Meta(description="a list with one key for each of the inputs; made here where absent")]
        | None
    ) = None


class ServedPrediction(Struct):
    """What was said of one sample; without scores no model could answer, and a person decides."""

    key: str
    label: str
    scores: dict[str, float]
    decision: str


class PredictAnswer(Struct):
    """A prediction for each of the inputs, in order; degraded where another version than the champion answered."""

    model_version: str
    stage: str
    degraded: bool
    predictions: list[ServedPrediction]


@router.post(
    "/projects/{slug}/predict",
    summary="Predict with the live version",
    openapi_extra=openapi.operation(
        takes=PredictRequest(inputs=[{"text": "Where is my card?"}], keys=["message-1"]),
        answers=PredictAnswer(
            model_version="v3",
            stage="champion",
            degraded=False,
            predictions=[
                ServedPrediction(
                    "message-1", "card_arrival", {"card_arrival": 0.93, "exchange_rate": 0.07}, serving.APPROVE
                )
            ],
        ),
        description="Captures what it served. The same keys with the same inputs get the stored predictions again.",
        errors={
            400: "The body is not JSON.",
            409: "A key was captured before with other inputs.",
            413: "Too large or too many inputs.",
            422: "Inputs that do not fit the contract, each named in `errors`.",
            503: "No version can answer and there is no safe default.",
        },
    ),
)
@keyed(Scope.INGEST)
def predict(request: KeyRequest, slug: str) -> HttpResponse:
    try:
        asked = json_body.read_struct(request, PredictRequest)
        if len(asked.inputs) > MOST_INPUTS:
            raise BadBody(f"There are {len(asked.inputs):,} inputs; at most {MOST_INPUTS:,} are answered at once.", 413)
        answered = serving.predict(request.project, inputs=asked.inputs, keys=asked.keys, at=timezone.now())
    except BadBody as why:
        return problem(why.status, str(why), field=why.field)
    except serving.BadRequest as why:
        return problem(422, str(why), errors=why.errors)
    except serving.KeyTaken as why:
        return problem(409, str(why))
    except serving.NothingToServe as why:
        refused = problem(503, str(why))
        refused["Retry-After"] = RETRY_AFTER
        return refused
    return json_body.json_response(to_answer(answered))


def to_answer(answered: serving.PredictionResult) -> PredictAnswer:
    return PredictAnswer(
        model_version=answered.model_version,
        stage="champion",
        degraded=answered.degraded,
        predictions=[
            ServedPrediction(key=one.key, label=one.label, scores=one.scores, decision=one.decision)
            for one in answered.answers
        ],
    )
