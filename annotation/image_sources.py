"""Images that rows of a file name in place of holding them: by a path below the file's folder, or by an address."""

import base64
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

from annotation.exchange.rows import ExchangeRow, RefusedRecord
from inputs.types.image import ONE_PIXEL, address_of
from projects import outgoing
from projects.outgoing import AddressRefused, NotReached
from validation import InvalidInput
from validation.json_values import quote

LONGEST_PATH = 1000  # characters; what is longer is an image itself
LARGEST_PICTURE = 32 << 20
LONGEST_ADDRESS = 2_000  # characters; signed addresses of a storage are long
TIMEOUT = 20.0  # seconds for one image
FETCHED_AT_ONCE = 8
MOST_FAILURES = 5  # calls in a row that did not reach a host, after which none of its images is fetched

Numbered = tuple[int, ExchangeRow]


class ImageUnavailable(InvalidInput):
    """An image that a row names and that cannot be had; the message is one sentence or two."""


class ImageSources:
    """Puts the images themselves, in base 64, into the rows of one file.

    inputs   which of a row's inputs are images
    folder   where paths begin; None where the file was uploaded and has no folder
    fetches  False: addresses are only looked at, and a picture of one pixel stands for theirs
    """

    def __init__(self, inputs: Sequence[str], *, folder: Path | None, fetches: bool) -> None:
        self._inputs, self._folder, self._fetches = inputs, folder, fetches
        self._failures: Counter[str] = Counter()

    def fill(self, rows: Sequence[Numbered]) -> tuple[list[Numbered], list[RefusedRecord]]:
        """The rows with their images, and the refusal of each whose image cannot be had."""
        if not self._inputs:
            return list(rows), []
        with ThreadPoolExecutor(FETCHED_AT_ONCE) as pool:
            found = list(pool.map(self._filled, rows))
        refused = [one for one in found if isinstance(one, RefusedRecord)]
        return [one for one in found if not isinstance(one, RefusedRecord)], refused

    def _filled(self, numbered: Numbered) -> Numbered | RefusedRecord:
        number, row = numbered
        try:
            found = {name: self._image(name, row.inputs[name]) for name in self._inputs if name in row.inputs}
        except ImageUnavailable as why:
            return RefusedRecord(number, str(why))
        return number, replace(row, inputs={**row.inputs, **found})

    def _image(self, name: str, value: Any) -> Any:
        """The image in base 64. What names none is left for capture to take or to refuse."""
        if (address := address_of(value)) is not None:
            return self._fetched(name, address)
        if not isinstance(value, str) or not 0 < len(value) <= LONGEST_PATH or "\0" in value:
            return value
        if self._folder is not None and _is_file(self._folder / value):
            try:
                return self._opened(name, self._folder, value)
            except OSError as why:
                words = f"`{name}` names {quote(value)}, which cannot be read: {why.strerror}."
                raise ImageUnavailable(words) from None
        if "." not in value or value.startswith("data:"):  # base 64 has no dot
            return value
        if self._folder is not None:
            raise ImageUnavailable(f"`{name}` names {quote(value)}; there is no such file below the file's folder.")
        raise ImageUnavailable(
            f"`{name}` names the file {quote(value)}, and an uploaded file has no folder beside it. Give the image's "
            "address or the image in base 64, or run ./plumbline import_data where the images are."
        )

    def _opened(self, name: str, folder: Path, value: str) -> str:
        path = (folder / value).resolve()
        if not path.is_relative_to(folder.resolve()):
            raise ImageUnavailable(f"`{name}` names {quote(value)}, which is not below the file's folder.")
        if path.stat().st_size > LARGEST_PICTURE:
            raise ImageUnavailable(f"`{name}` names {quote(value)}, which has more than {LARGEST_PICTURE >> 20} MiB.")
        return base64.b64encode(path.read_bytes()).decode()

    def _fetched(self, name: str, address: str) -> str:
        try:
            host = str(outgoing.parse_url(address, longest=LONGEST_ADDRESS).hostname)
            if not self._fetches:
                return ONE_PIXEL
            if self._failures[host] >= MOST_FAILURES:
                raise NotReached(f"{host} was not reached {MOST_FAILURES} times before.")
            answer = self._get_counting(host, address)
        except (AddressRefused, NotReached) as why:
            raise ImageUnavailable(f"`{name}` is not fetched from {quote(address)}. {why}") from None
        if answer.status != 200:
            redirects = "; redirects are not followed" if 300 <= answer.status < 400 else ""
            raise ImageUnavailable(f"`{name}`: {quote(address)} answers with status {answer.status}{redirects}.")
        if len(answer.body) > LARGEST_PICTURE:
            raise ImageUnavailable(f"`{name}`: {quote(address)} has more than {LARGEST_PICTURE >> 20} MiB.")
        return base64.b64encode(answer.body).decode()

    def _get_counting(self, host: str, address: str) -> outgoing.OutgoingAnswer:
        try:
            answer = outgoing.get(
                address,
                headers={"Accept": "image/*"},
                timeout=TIMEOUT,
                largest=LARGEST_PICTURE + 1,
                longest=LONGEST_ADDRESS,
            )
            if answer.is_cut:
                raise NotReached(f"It did not send the whole image within {TIMEOUT:.0f} s.")
        except NotReached:
            self._failures[host] += 1
            raise
        self._failures[host] = 0
        return answer


def _is_file(path: Path) -> bool:
    """Whether the path names a file; no path of the system is as long as an image in base 64."""
    try:
        return path.is_file()
    except OSError:
        return False
