"""The base class of refusals."""


class InvalidInput(ValueError):
    """Something given cannot be used; the message says what and why, in words fit for a user.

    `row` is the index of the first bad row, where the input has rows. An app catches this class at its edge: whatever a
    deeper function raises for one row becomes that row's refusal.
    """

    def __init__(self, message: str, row: int | None = None) -> None:
        super().__init__(message)
        self.row = row
