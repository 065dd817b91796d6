"""What models said, under the label schema in force: answers, and scores in its order.

A model goes on saying a label that was merged into another. What it said stays as it was stored. Compared with what
people say, it counts as the label that it was merged into, and its score is added to that label's.
"""

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from annotation import kinds
from projects.models import Project


class ScoreOrder:
    """Reads answers and scores that were stored under any schema version of one project."""

    def __init__(self, project: Project) -> None:
        schema = project.schema()
        self._project, self._kind = project, kinds.of_project(project)
        self.names = kinds.class_names(project)
        self.successors = kinds.successors(schema.labels)
        self._offered = set(schema.offered_values())
        self._values = {schema.version: schema.values()}
        self._places: dict[int, NDArray[np.intp] | None] = {}

    def counted(self, said: Any) -> Any:
        """The value that an answer counts as."""
        return self._kind.replace_labels(said, self.successors)

    def said_as(self, counted: str) -> list[str]:
        """The labels that count as this one, itself included."""
        return [counted, *(value for value, now in self.successors.items() if now == counted)]

    def scores(self, stored: bytes | memoryview | None, version: int) -> bytes | None:
        """Scores in the order of the labels in force, as they are stored; None where the row has none of use.

        That is so of scores from before a label that is offered now, which they say nothing about.
        """
        if stored is None or not self.names:
            return None
        if version not in self._places:
            self._places[version] = self._places_of(version)
        places = self._places[version]
        if places is None or len(stored) != 4 * places.size:
            return None
        if places.size == len(self.names) and (places == np.arange(places.size)).all():
            return bytes(stored)
        found = np.zeros(len(self.names), dtype=np.float64)
        np.add.at(found, places, np.frombuffer(bytes(stored), dtype="<f4"))
        return found.astype("<f4").tobytes()

    def row(self, stored: bytes | memoryview | None, version: int) -> NDArray[np.float32]:
        """(k,) the same scores as numbers, empty where there are none."""
        return np.frombuffer(self.scores(stored, version) or b"", dtype="<f4")

    def _places_of(self, version: int) -> NDArray[np.intp] | None:
        """The place in the schema in force of each score of this version; None where a label is offered without one."""
        values = self._values.get(version) or self._all.get(version)
        if values is None:
            return None
        now = {name: place for place, name in enumerate(self.names)}
        counted = [self.successors.get(value, value) for value in values]
        if self._offered - set(counted) or not set(counted) <= set(now):
            return None
        return np.array([now[name] for name in counted], dtype=np.intp)

    @cached_property
    def _all(self) -> dict[int, list[str]]:
        return {schema.version: schema.values() for schema in self._project.label_schemas.all()}
