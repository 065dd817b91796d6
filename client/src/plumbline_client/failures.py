"""What a call of the client can raise. Logging never raises."""


class ApiError(Exception):
    """The server refused a call; `status` is HTTP's, `detail` its sentence."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(f"{status}: {detail}")
        self.status = status
        self.detail = detail


class NoAnswer(Exception):
    """The server did not answer, or not in the words of this API."""


class TransferFailed(Exception):
    """An import or export did not come to its end; the message says why."""
