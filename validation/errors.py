"""The base class of refusals."""


class InvalidInput(ValueError):
    """Something given cannot be used; the message says what and why, in words fit for a user.

    `row` is the index of the first bad row and `field` the name of the bad field, where there are such. An app catches
    this class at its edge: whatever a deeper function raises for one row becomes that row's refusal.
    """

    def __init__(self, message: str, row: int | None = None, field: str | None = None) -> None:
        super().__init__(message)
        self.row = row
        self.field = field
