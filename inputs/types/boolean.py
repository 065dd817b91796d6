"""Boolean: true or false."""

from typing import Any, ClassVar

from inputs.columns import Values, as_texts
from inputs.images import PixelBudget
from inputs.types.base import Column, InvalidValue, Rule, Shape, shortened
from inputs.types.category import Category
from inputs.values import MISSING, is_missing


class Boolean(Category):
    """True or false, encoded as a category of two levels; missing is a third."""

    name = "boolean"
    options: ClassVar[tuple[str, ...]] = ()

    def example(self, rule: Rule) -> Any:
        return True

    def validate(self, name: str, value: Any, rule: Rule, budget: PixelBudget) -> bool:
        if not isinstance(value, bool):
            raise InvalidValue(f"`{name}` is {shortened(value)}; true or false is expected.")
        return value

    def frame_columns(self, name: str, values: Values, shape: Shape | None) -> dict[str, Column]:
        return {f"{self.name}:{name}": as_texts([_level(value) for value in values], MISSING)}

    def format(self, value: Any) -> str:
        return "yes" if value else "no"


def _level(value: Any) -> Any:
    """true and false, however the column spells them: True, 1, 1.0, "True"."""
    if is_missing(value):
        return None
    text = str(value).strip().lower()
    return {"1": "true", "1.0": "true", "0": "false", "0.0": "false"}.get(text, text)
