"""The three calls of the ML-backend protocol, to one address, with one clear sentence where one fails."""

import base64
import json
from typing import Any

from annotation.ml_backends import registration
from annotation.ml_backends.protocol import BadAnswer, parse_body
from annotation.models import MLBackend
from projects import outgoing

QUICK = 10.0  # seconds for /health and /setup
PATIENT = 100.0  # seconds for /predict, as Label Studio waits
LARGEST_ANSWER = 16 * 2**20
BUSY = (429, 502, 503, 504)  # statuses of a backend that is overloaded, or of what stands before one that is away


class BackendFailed(Exception):
    """A call failed; the message says how, in words fit for a user.

    `final`: trying again cannot help. `refuses_all`: any other call to this backend would fail for the same reason.
    `away`: it was not reached, did not end in time or is busy, which says nothing about what it was asked.
    """

    def __init__(self, words: str, *, final: bool = False, refuses_all: bool = False, away: bool = False) -> None:
        super().__init__(words)
        self.final, self.refuses_all, self.away = final, refuses_all, away


def check_health(backend: MLBackend) -> None:
    """Raises BackendFailed unless /health answers with a status of 200."""
    _answered(backend, "/health", None, QUICK)


def set_up(backend: MLBackend, body: dict[str, Any]) -> dict[str, Any]:
    """Raises BackendFailed."""
    return _object(backend, "/setup", body, QUICK)


def predict(backend: MLBackend, body: dict[str, Any]) -> dict[str, Any]:
    """Raises BackendFailed."""
    return _object(backend, "/predict", body, PATIENT)


def _object(backend: MLBackend, path: str, body: dict[str, Any], timeout: float) -> dict[str, Any]:
    answer = _answered(backend, path, json.dumps(body).encode(), timeout)
    try:
        return parse_body(answer.body, path)
    except BadAnswer as why:
        raise BackendFailed(str(why), final=True) from None


def _answered(backend: MLBackend, path: str, body: bytes | None, timeout: float) -> outgoing.OutgoingAnswer:
    url, headers = backend.url + path, _headers(backend)
    most = LARGEST_ANSWER + 1
    try:
        if body is None:
            answer = outgoing.get(url, headers=headers, timeout=timeout, largest=most)
        else:
            answer = outgoing.post(url, body=body, headers=headers, timeout=timeout, largest=most)
    except outgoing.AddressRefused as why:
        raise BackendFailed(str(why), final=True, refuses_all=True) from None
    except outgoing.NotReached as why:
        raise BackendFailed(f"{path} was not reached: {why}", away=True) from None
    if answer.is_cut:
        raise BackendFailed(f"The answer to {path} did not end within {timeout:.0f} s.", away=True)
    if answer.status != 200:
        denied = answer.status in (401, 403)
        words = f"{path} answered {answer.status}{_hint(answer.status)}."
        raise BackendFailed(words, final=denied, refuses_all=denied, away=answer.status in BUSY)
    if len(answer.body) > LARGEST_ANSWER:
        raise BackendFailed(f"The answer to {path} has more than {LARGEST_ANSWER >> 20} MiB.", final=True)
    return answer


def _headers(backend: MLBackend) -> dict[str, str]:
    given = f"{registration.USER_NAME}:{registration.password_of(backend)}"
    basic = base64.b64encode(given.encode()).decode()
    return {"Content-Type": "application/json", "User-Agent": "Plumbline", "Authorization": f"Basic {basic}"}


def _hint(status: int) -> str:
    if status in (401, 403):
        return ": give it the user name and password that this page shows"
    return ": redirects are not followed" if 300 <= status < 400 else ""
