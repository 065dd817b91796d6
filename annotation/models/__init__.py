"""Facts: what came in, what the model said, what people and the world said back."""

from annotation.models.capture import Item, Media, Prediction, Signal, Source
from annotation.models.labelling import Guideline, Label, LabelRevision, Resolution
from annotation.models.routing import EVALUATION_CAUSES, Cause, Lease, Queue, RoutedItem, Slot

__all__ = [
    "EVALUATION_CAUSES",
    "Cause",
    "Guideline",
    "Item",
    "Label",
    "LabelRevision",
    "Lease",
    "Media",
    "Prediction",
    "Queue",
    "Resolution",
    "RoutedItem",
    "Signal",
    "Slot",
    "Source",
]
