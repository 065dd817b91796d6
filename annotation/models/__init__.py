"""Facts: what came in, what the model said, what people and the world said back."""

from annotation.models.capture import DRAWN, Item, Media, Prediction, Signal, Source
from annotation.models.labelling import Guideline, Label, LabelRevision, Resolution
from annotation.models.routing import (
    EVALUATION_CAUSES,
    Cause,
    Lease,
    Order,
    Queue,
    RoutedItem,
    Slot,
    SupplyMark,
    cause_title,
    cause_titles,
    name_cause,
)

__all__ = [
    "DRAWN",
    "EVALUATION_CAUSES",
    "Cause",
    "Guideline",
    "Item",
    "Label",
    "LabelRevision",
    "Lease",
    "Media",
    "Order",
    "Prediction",
    "Queue",
    "Resolution",
    "RoutedItem",
    "Signal",
    "Slot",
    "Source",
    "SupplyMark",
    "cause_title",
    "cause_titles",
    "name_cause",
]
