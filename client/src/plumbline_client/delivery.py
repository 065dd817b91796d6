"""Send the lines of a segment: what an answer of the server means for them, and how long to wait after a failure."""

import gzip
import hashlib
import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import Enum, auto
from typing import Any

import httpx

from plumbline_client.memory_spool import Segment
from plumbline_client.options import DeliveryOptions
from plumbline_client.reports import Reporter

LONGEST_RETRY_AFTER = 600.0
WHOLE = {400, 413, 415, 422}  # refuses the batch as a whole: its rows are sent in halves, until one row stands alone
LATER = {408, 409, 425, 429}


class Meaning(Enum):
    """What an answer means for the rows that were sent."""

    KEPT = auto()
    SPLIT = auto()
    LATER = auto()


@dataclass(frozen=True)
class Verdict:
    """What an answer means, in what words, and how long the server asks to wait."""

    meaning: Meaning
    why: str = ""
    retry_after: float | None = None
    answer: dict[str, Any] | None = None


def judge(response: httpx.Response, rows: int) -> Verdict:
    """What the answer to so many rows means. A refused key, or an address that is wrong, costs none: they wait."""
    if response.status_code == 200:
        answer = _json(response)
        if _is_capture(answer, rows):
            return Verdict(Meaning.KEPT, answer=answer)
        return Verdict(Meaning.LATER, "the answer is not one of this API")
    why = describe(response)
    if response.status_code in WHOLE:
        return Verdict(Meaning.SPLIT, why)
    return Verdict(Meaning.LATER, why, retry_after(response))


def describe(response: httpx.Response) -> str:
    """The status with the sentence of the problem body."""
    detail = _json(response).get("detail")
    return f"{response.status_code}: {detail}" if isinstance(detail, str) else f"{response.status_code}"


def retry_after(response: httpx.Response) -> float | None:
    """Seconds of the Retry-After header, which is a number or a date."""
    given = response.headers.get("Retry-After", "")
    try:
        seconds = (
            float(given) if given.isdigit() else (parsedate_to_datetime(given) - datetime.now(UTC)).total_seconds()
        )
    except (ValueError, TypeError):
        return None
    return min(max(seconds, 0.0), LONGEST_RETRY_AFTER)


def wait_after(failures: int, options: DeliveryOptions) -> float:
    """Seconds after so many failures in a row: doubled each time, and drawn so that clients do not come together."""
    longest = min(options.first_wait * 2.0 ** min(failures - 1, 30), options.longest_wait)
    return longest * random.uniform(0.5, 1.0)


class Courier:
    """Sends segments over HTTP."""

    def __init__(self, http: Callable[[], httpx.Client], path: str, reporter: Reporter) -> None:
        self._http, self._path, self._reporter = http, path, reporter

    def deliver(self, segment: Segment) -> Verdict:
        """Send all lines, in halves where the server refuses them together. LATER: none counts as finished."""
        parts = [segment.lines()]
        while parts:
            lines = parts.pop()
            if not lines:
                continue
            judgement = self._send(segment, lines)
            if judgement.meaning is Meaning.LATER:
                return judgement
            if judgement.meaning is Meaning.SPLIT and len(lines) > 1:
                middle = len(lines) // 2
                parts += [lines[middle:], lines[:middle]]
            elif judgement.meaning is Meaning.SPLIT:
                self._reporter.refuse_line(segment.kind, lines[0], judgement.why)
            else:
                self._note(segment.kind, lines, judgement.answer or {})
        return Verdict(Meaning.KEPT)

    def _send(self, segment: Segment, lines: Sequence[bytes]) -> Verdict:
        body = gzip.compress(b"\n".join(lines), compresslevel=1, mtime=0)
        headers = {
            "Content-Type": "application/x-ndjson",
            "Content-Encoding": "gzip",
            # Another program may compress the same lines otherwise, and a name may stand for one body only.
            "Idempotency-Key": f"{segment.id}-{hashlib.sha256(body).hexdigest()[:32]}",
        }
        try:
            response = self._http().post(f"{self._path}/{segment.kind}", content=body, headers=headers)
            return judge(response, len(lines))
        except httpx.HTTPError as why:
            return Verdict(Meaning.LATER, f"{type(why).__name__}: {why}")

    def _note(self, kind: str, lines: Sequence[bytes], answer: dict[str, Any]) -> None:
        self._reporter.add_answer(answer)
        for refusal in answer["refused"]:
            self._reporter.refuse_line(kind, lines[refusal["index"]], refusal["error"], refusal.get("field"))


def _is_capture(answer: dict[str, Any], rows: int) -> bool:
    """Whether the answer says what became of each of so many rows, and not that of another program."""
    refused = answer.get("refused")
    return isinstance(refused, list) and all(
        isinstance(one, dict) and one.get("index") in range(rows) and isinstance(one.get("error"), str)
        for one in refused
    )


def _json(response: httpx.Response) -> dict[str, Any]:
    try:
        found = json.loads(response.content)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
