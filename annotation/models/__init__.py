"""Models of annotation: capture, routing and labelling."""

from annotation.models.auditing import AuditSetting, MovedProbability
from annotation.models.capture import (
    DRAWN,
    Item,
    Media,
    Prediction,
    SearchText,
    SegmentText,
    Signal,
    SignalReliability,
    Source,
)
from annotation.models.encoding import EncodingProgress, TextVector
from annotation.models.exchange import ImportedRecord
from annotation.models.feedback import FeedbackCount, FeedbackKey
from annotation.models.file_jobs import DataExport, DataImport, RefusedImportRow, StoredUpload
from annotation.models.label_changes import LabelAct, LabelChange
from annotation.models.labelling import Guideline, Label, LabelRevision, LabelState, NoLabelDecision, Resolution
from annotation.models.ml_backends import MLBackend
from annotation.models.queue_breaches import QueueBreach
from annotation.models.routing import (
    ASKED_AT_ONCE,
    EVALUATION_CAUSES,
    IN_REVIEW,
    LONGEST_REASON,
    TO_LABEL,
    TO_REVIEW,
    Cause,
    Lease,
    Order,
    Queue,
    RoutedItem,
    RoutedState,
    Slot,
    SlotState,
    SupplyMark,
    cause_title,
    cause_titles,
    name_cause,
)
from annotation.models.streams import StreamProgress
from annotation.models.tags import LONGEST_TAG, ItemTag
from annotation.models.violations import ContractViolation, RefusedRowCount

__all__ = [
    "DRAWN",
    "ASKED_AT_ONCE",
    "EVALUATION_CAUSES",
    "IN_REVIEW",
    "LONGEST_REASON",
    "LONGEST_TAG",
    "ItemTag",
    "TO_LABEL",
    "TO_REVIEW",
    "AuditSetting",
    "QueueBreach",
    "Cause",
    "ContractViolation",
    "DataExport",
    "DataImport",
    "EncodingProgress",
    "FeedbackCount",
    "FeedbackKey",
    "Guideline",
    "ImportedRecord",
    "Item",
    "Label",
    "LabelAct",
    "LabelChange",
    "LabelRevision",
    "LabelState",
    "Lease",
    "MLBackend",
    "Media",
    "MovedProbability",
    "NoLabelDecision",
    "Order",
    "Prediction",
    "Queue",
    "RefusedImportRow",
    "RefusedRowCount",
    "Resolution",
    "RoutedItem",
    "RoutedState",
    "SearchText",
    "SegmentText",
    "Signal",
    "SignalReliability",
    "Slot",
    "SlotState",
    "Source",
    "StoredUpload",
    "StreamProgress",
    "SupplyMark",
    "TextVector",
    "cause_title",
    "cause_titles",
    "name_cause",
]
