"""POST predict and GET release: bodies into inputs, one domain call, an answer that says who gave it."""

import math
from typing import Annotated, Any

from django.http import HttpResponse
from django.utils import timezone
from django.utils.cache import get_conditional_response
from django.utils.http import parse_etags
from msgspec import Meta, Struct
from ninja import Router

from projects import json_body, openapi
from projects.api_auth import KeyRequest, keyed
from projects.json_body import BadBody
from projects.models import Scope
from projects.problems import problem
from retraining import registry, released, serving
from validation import InvalidInput

router = Router(tags=["serving"])

MOST_INPUTS = 1_000
RETRY_AFTER = "30"  # seconds: a version that failed to load is tried again then
ASK_AGAIN = "5"  # seconds, where too many wait for a release already


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
    entity: (
        Annotated[
            str,
            Meta(
                max_length=released.LONGEST_ENTITY,
                description="whom or what is decided about; the same one is answered by the same version",
            ),
        ]
        | None
    ) = None


class ServedPrediction(Struct):
    """What was said of one sample; without scores no model could answer, and a person decides."""

    key: str
    label: str
    scores: dict[str, float]
    decision: str


class PredictAnswer(Struct):
    """A prediction for each of the inputs, in order; degraded where another version answered than the one drawn."""

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
        entity = released.valid_entity(asked.entity or "")
        answered = serving.predict(
            request.project, inputs=asked.inputs, keys=asked.keys, at=timezone.now(), entity=entity
        )
    except BadBody as why:
        return problem(why.status, str(why), field=why.field)
    except serving.BadRequest as why:
        return problem(422, str(why), errors=why.errors)
    except serving.KeyTaken as why:
        return problem(409, str(why))
    except released.BadEntity as why:
        return problem(422, str(why), field="entity")
    except serving.NothingToServe as why:
        refused = problem(503, str(why))
        refused["Retry-After"] = RETRY_AFTER
        return refused
    return json_body.json_response(to_answer(answered))


def to_answer(answered: serving.PredictionResult) -> PredictAnswer:
    return PredictAnswer(
        model_version=answered.model_version,
        stage=answered.stage,
        degraded=answered.degraded,
        predictions=[
            ServedPrediction(key=one.key, label=one.label, scores=one.scores, decision=one.decision)
            for one in answered.answers
        ],
    )


class ReleasedVersions(Struct):
    """The versions to apply to an entity; `model_version` is null and the stage none before the first release."""

    model_version: str | None
    threshold_version: str
    policy_version: str
    stage: str
    thresholds: dict[str, float]


@router.get(
    "/projects/{slug}/release",
    summary="Show what is released for an entity",
    openapi_extra=openapi.operation(
        answers=ReleasedVersions(
            model_version="v3", threshold_version="", policy_version="", stage="champion", thresholds={}
        ),
        description=(
            "For services that run the model themselves. The answer has an ETag: with it in If-None-Match an unchanged "
            "release is 304, and with `wait` that answer comes when something is released, or after the wait. Where "
            "too many wait already it comes at once, with Retry-After."
        ),
        query={
            "entity": "What is decided about, such as a customer; the same one gets the same version.",
            "wait": f"Seconds to wait for a change of what If-None-Match knows, at most {released.LONGEST_WAIT:.0f}.",
        },
        errors={
            304: "As If-None-Match knows it; without a body.",
            422: "An entity or a wait that cannot be used.",
            503: "It is unclear what is released; an engineer has to release again.",
        },
    ),
)
@keyed(Scope.READ)
def show_release(request: KeyRequest, slug: str) -> HttpResponse:
    known = parse_etags(request.headers.get("If-None-Match", ""))
    try:
        waited = released.wait_for_change(
            request.project,
            released.valid_entity(request.GET.get("entity", "")),
            is_known=lambda found: _etag(found) in known,
            seconds=_seconds(request.GET.get("wait", "0")),
        )
    except InvalidInput as why:
        return problem(422, str(why))
    except registry.Unclear as why:
        refused = problem(503, str(why))
        refused["Retry-After"] = RETRY_AFTER
        return refused
    return _release_response(request, waited)


def _seconds(given: str) -> float:
    """Raises InvalidInput."""
    try:
        seconds = float(given)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds <= released.LONGEST_WAIT:
        raise InvalidInput(f"wait takes 0 to {released.LONGEST_WAIT:.0f} seconds.")
    return seconds


def _etag(found: released.Released) -> str:
    return f'"{found.digest}"'


def _release_response(request: KeyRequest, waited: released.Waited) -> HttpResponse:
    found = waited.released
    full = json_body.json_response(
        ReleasedVersions(
            found.model_version, found.threshold_version, found.policy_version, found.stage, found.thresholds
        )
    )
    full["Cache-Control"], full["ETag"] = "private, no-cache", _etag(found)
    answered = get_conditional_response(request, etag=_etag(found), response=full) or full
    if waited.turned_away:
        answered["Retry-After"] = ASK_AGAIN
    return answered
