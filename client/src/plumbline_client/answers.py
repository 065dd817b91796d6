"""Bodies of the API as typed dictionaries. What a newer server adds is there too, only not named."""

from typing import Any, NotRequired, TypedDict


class PredictionFields(TypedDict, total=False):
    """A prediction beside its inputs; see the API's own page for each field."""

    key: str
    scores: dict[str, float]
    label: str
    value: Any
    model_version: str
    threshold_version: str
    policy_version: str
    stage: str
    latency_ms: float
    decision: str
    entity: str
    at: Any
    segment: dict[str, Any]
    label_known: Any
    also_known: dict[str, Any]


class SignalFields(TypedDict, total=False):
    """A signal beside its key and kind."""

    id: str
    value: Any
    at: Any
    actor: str


class SuggestedValue(TypedDict):
    value: Any
    confidence: float | None
    model_version: str


class ReleaseAnswer(TypedDict):
    """The versions to apply; `model_version` is None and `stage` none before the first release."""

    model_version: str | None
    threshold_version: str
    policy_version: str
    stage: str
    thresholds: dict[str, float]


class LeaseAnswer(TypedDict):
    """The right to label one item until `expires_at`."""

    lease: str
    item: str
    inputs: dict[str, Any]
    cause: str
    reason: str
    guideline_version: int
    suggestion: SuggestedValue | None
    expires_at: str | None


class LeasedQuestion(TypedDict):
    """A side question, whose answer a label takes under `also`, beside the answers that `when` names."""

    name: str
    kind: str
    title: str
    labels: list[dict[str, Any]]
    answer: dict[str, Any]
    required: bool
    when: list[Any]


class LeasesAnswer(TypedDict):
    leases: list[LeaseAnswer]
    also_ask: list[LeasedQuestion]


class SubmittedLabel(TypedDict):
    """One value for one leased item; without a value it says `skip`."""

    lease: str
    value: NotRequired[Any]
    also: NotRequired[dict[str, Any]]
    seconds: NotRequired[float]
    comment: NotRequired[str]
    skip: NotRequired[bool]
    flagged: NotRequired[bool]


class SubmittedResult(TypedDict):
    lease: str | None
    status: str
    error: NotRequired[str]
    field: NotRequired[str]


class LabelsAnswer(TypedDict):
    results: list[SubmittedResult]


class UndoAnswer(TypedDict):
    lease: str
    status: str
    expires_at: str | None


class PredictedRow(TypedDict):
    key: str
    label: str
    scores: dict[str, float]
    decision: str


class PredictionsAnswer(TypedDict):
    model_version: str
    stage: str
    degraded: bool
    predictions: list[PredictedRow]


class ListedItem(TypedDict):
    """An item with what was said of it last and what was agreed."""

    id: str
    key: str
    at: str
    inputs: dict[str, Any]
    segment: dict[str, Any]
    label: str | None
    confidence: float | None
    model_version: str | None
    resolution: Any
    cause: str | None
    blind: bool
    value: Any
    also: dict[str, Any]


class ItemsAnswer(TypedDict):
    items: list[ListedItem]
    next: str | None
    previous: str | None


class ItemAnswer(TypedDict):
    """One item with everything that is known of it."""

    id: str
    key: str
    at: str
    inputs: dict[str, Any]
    segment: dict[str, Any]
    predictions: list[dict[str, Any]]
    signals: list[dict[str, Any]]
    signals_in_all: int
    routing: list[dict[str, Any]]
    labels: list[dict[str, Any]]
    resolution: Any
    also: dict[str, dict[str, Any]]
    blind: bool
    violations: list[dict[str, Any]]


class IntervalAnswer(TypedDict):
    """An estimate with the ends of its interval; None where it is undefined."""

    value: float | None
    low: float | None
    high: float | None


class MetricsAnswer(TypedDict):
    """Live metrics of one version; those that are undefined are None."""

    window: str
    model_version: str
    n: int
    audit_labels: int | None
    items: int | None
    scored_items: int | None
    computed_at: str | None
    segment: str | None
    score: IntervalAnswer | None
    accuracy: IntervalAnswer | None
    macro_f1: IntervalAnswer | None
    log_loss: IntervalAnswer | None
    brier: IntervalAnswer | None
    roc_auc: IntervalAnswer | None
    pr_auc: IntervalAnswer | None
    estimate_without_labels: dict[str, Any] | None


class RefusedRecordAnswer(TypedDict):
    """A row of the file, counted from 1, that was not kept, or not whole."""

    row: int
    error: str


class ImportAnswer(TypedDict):
    """An import; its state is waiting, running, finished, failed or stopped."""

    id: str
    state: str
    file: str
    format: str
    dry_run: bool
    size: int
    bytes_read: int
    rows: int | None
    rows_read: int
    created: int
    existing: int
    known: int
    signals: int
    refused: int
    refused_rows: list[RefusedRecordAnswer]
    error: str | None
    created_at: str
    finished_at: str | None


class ExportAnswer(TypedDict):
    """An export; its file is there once the state is finished."""

    id: str
    state: str
    format: str
    items: int
    size: int | None
    error: str | None
    created_at: str
    finished_at: str | None
    expires_at: str | None
    file: str | None
