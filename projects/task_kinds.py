"""Names of the task kinds that a project can have; the packages of annotation.kinds register theirs."""

_needs_labels: dict[str, bool] = {}


def register(name: str, *, needs_labels: bool) -> None:
    _needs_labels[name] = needs_labels


def unregister(name: str) -> None:
    _needs_labels.pop(name)


def names() -> list[str]:
    return sorted(_needs_labels)


def needs_labels(name: str) -> bool:
    """Whether a spec of this kind must name its labels. Raises KeyError for a name that there is not."""
    return _needs_labels[name]
