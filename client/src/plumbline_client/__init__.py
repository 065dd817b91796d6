"""The Python client of Plumbline: logs predictions and signals in the background, and calls the rest of the API."""

from plumbline_client.async_client import AsyncClient
from plumbline_client.client import Client
from plumbline_client.estimators import LoggedEstimator
from plumbline_client.failures import ApiError, NoAnswer, TransferFailed
from plumbline_client.options import DeliveryOptions
from plumbline_client.reports import Delivered, RefusedRow

__all__ = [
    "ApiError",
    "AsyncClient",
    "Client",
    "Delivered",
    "DeliveryOptions",
    "LoggedEstimator",
    "NoAnswer",
    "RefusedRow",
    "TransferFailed",
]
