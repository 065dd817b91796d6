"""Image: a picture, seen in grey."""

import base64
import binascii
import hashlib
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.decomposition import PCA
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline

from inputs import images
from inputs.columns import Values
from inputs.images import BadImage, Decoded, PixelBudget
from inputs.types.base import (
    Column,
    Display,
    EncoderSettings,
    Features,
    InputType,
    InvalidValue,
    Likeness,
    Purpose,
    Rule,
    Shape,
    Transformer,
)
from inputs.values import InvalidColumns

REFERENCE_PIXELS = 256  # vectors of pictures lie as far apart as if each picture had this many pixels
SUMMARY_COMPONENTS = 8

Floats = NDArray[np.floating]


@dataclass(frozen=True)
class CheckedImage:
    """The bytes of one image, their SHA-256, and what was read from them."""

    data: bytes
    sha256: str
    decoded: Decoded

    def as_input(self) -> dict[str, object]:
        """What an item's inputs hold in its place."""
        return {"media": self.sha256, "width": self.decoded.width, "height": self.decoded.height}


ONE_PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg=="  # a PNG


class ImageInput(InputType):
    """A picture, seen in grey and scaled down; a missing one is blank."""

    name = "image"
    features = Features.PIXELS
    likeness: ClassVar[Likeness] = Likeness.PIXELS
    display: ClassVar[Display] = Display.IMAGE
    in_media = True

    def example(self, rule: Rule) -> Any:
        return ONE_PIXEL

    def validate(self, name: str, value: Any, rule: Rule, budget: PixelBudget) -> CheckedImage:
        try:
            return decode_base64(value, budget)
        except BadImage as why:
            raise InvalidValue(f"`{name}` is no image: {why}.") from None

    def shape(self, values: Values, largest_side: int) -> Shape | None:
        sizes = [np.shape(picture)[:2] for picture in values if picture is not None and np.ndim(picture) >= 2]
        return images.common_size([(int(h), int(w)) for h, w in sizes], largest_side=largest_side)

    def part_names(self, name: str, shape: Shape | None) -> list[str]:
        height, width = shape or (1, 1)
        return [f"image:{name}:{i}" for i in range(height * width)]

    def frame_columns(self, name: str, values: Values, shape: Shape | None) -> dict[str, Column]:
        """Grey values between 0 and 1; a missing picture is NaN throughout."""
        height, width = shape or (1, 1)
        pixels = np.full((len(values), height * width), np.nan)
        for row, picture in enumerate(values):
            if picture is not None:
                grey = _grey_table(name, row, picture)
                pixels[row] = images.resized(grey, (height, width)).ravel() / 255
        return {part: pixels[:, i] for i, part in enumerate(self.part_names(name, shape))}

    def search_text(self, value: Any) -> str:
        return ""

    def encoder(self, purpose: Purpose, settings: EncoderSettings) -> BaseEstimator | None:
        match purpose:
            case Purpose.LINEAR | Purpose.TREES:
                return blank_filled()
            case Purpose.VECTORS:
                return Pipeline(
                    [("fill", blank_filled()), ("reduce", PixelVectors(settings.dimensions, settings.seed))]
                )
            case Purpose.DOMAIN:
                return Pipeline([("fill", blank_filled()), ("summary", PixelSummary())])
            case Purpose.LABEL_ERRORS:
                return Pipeline([("fill", blank_filled()), ("brightness", Brightness())])
        return super().encoder(purpose, settings)


def address_of(value: Any) -> str | None:
    """The address that a value gives in place of an image: a text, or an object with `url` alone."""
    if isinstance(value, dict) and value.keys() == {"url"}:
        value = value["url"]
    return value if isinstance(value, str) and value.lower().startswith(("http://", "https://")) else None


def decode_base64(value: Any, budget: PixelBudget) -> CheckedImage:
    """An image from base64 text, with or without a ``data:`` head. The bytes decide the format, not the head.

    `budget` is shared by all images of one request. Raises BadImage.
    """
    if address_of(value) is not None:
        raise BadImage("an address is fetched by an import alone; send the image itself, as base64 text")
    if not isinstance(value, str):
        raise BadImage("an image is given as base64 text or a data: address")
    text = value.partition(",")[2] if value.startswith("data:") else value
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise BadImage("its text is not base64") from None
    return check_image(data, budget)


def check_image(data: bytes, budget: PixelBudget) -> CheckedImage:
    """An image from its bytes, as `decode_base64`. Raises BadImage."""
    return CheckedImage(data, hashlib.sha256(data).hexdigest(), images.decode(data, budget))


def _grey_table(name: str, row: int, picture: Any) -> NDArray[np.number]:
    grey = np.asarray(picture)
    if grey.ndim != 2 or 0 in grey.shape or not np.issubdtype(grey.dtype, np.number):
        raise InvalidColumns(
            f"Input {name!r}, row {row}: an image must be a table of grey values, not shape {grey.shape}.", row
        )
    if not np.isfinite(grey).all():
        raise InvalidColumns(f"Input {name!r}, row {row}: grey values must be finite.", row)
    return grey


def blank_filled() -> SimpleImputer:
    return SimpleImputer(strategy="constant", fill_value=0.0, keep_empty_features=True)


class PixelVectors(Transformer):
    """Pixels reduced by PCA to at most `dimensions`, as far apart as pictures of REFERENCE_PIXELS pixels would be."""

    def __init__(self, dimensions: int, seed: int) -> None:
        self.dimensions, self.seed = dimensions, seed

    def fit(self, given: Any, y: Any = None) -> "PixelVectors":
        self.fit_transform(given)
        return self

    def fit_transform(self, given: Any, y: Any = None) -> Floats:
        pixels = self._scaled(given)
        self.pca_: PCA | None = None
        self.alike_ = not np.ptp(pixels, axis=0).any()  # there is no direction to keep
        if self.alike_ or pixels.shape[1] <= self.dimensions:
            return self.transform(given)
        most = min(self.dimensions, *pixels.shape)
        self.pca_ = PCA(most, random_state=self.seed, svd_solver="randomized")
        return np.asarray(self.pca_.fit_transform(pixels))

    def transform(self, given: Any) -> Floats:
        pixels = self._scaled(given)
        if self.alike_:
            return np.zeros((len(pixels), 1), dtype=np.float32)
        return pixels if self.pca_ is None else np.asarray(self.pca_.transform(pixels))

    def _scaled(self, given: Any) -> NDArray[np.float32]:
        pixels = np.asarray(given, dtype=np.float32)
        return pixels * np.float32(np.sqrt(REFERENCE_PIXELS / pixels.shape[1]))


class PixelSummary(Transformer):
    """Brightness, contrast, and the first principal components of the fitted pictures."""

    def fit(self, given: Any, y: Any = None) -> "PixelSummary":
        pixels = np.asarray(given, dtype=np.float64)
        self.pca_: PCA | None = None
        if np.ptp(pixels, axis=0).any():
            self.pca_ = PCA(min(SUMMARY_COMPONENTS, *pixels.shape), random_state=0, svd_solver="randomized").fit(pixels)
        return self

    def transform(self, given: Any) -> Floats:
        pixels = np.asarray(given, dtype=np.float64)
        summary = np.column_stack([pixels.mean(axis=1), pixels.std(axis=1)])
        return summary if self.pca_ is None else np.hstack([summary, self.pca_.transform(pixels)])


class Brightness(Transformer):
    """Pixels brought to 0..1 by the brightest one fitted: unlike standardising, it keeps noise at the rim small."""

    def fit(self, given: Any, y: Any = None) -> "Brightness":
        pixels = np.asarray(given, dtype=np.float64)
        self.low_, self.span_ = pixels.min(), max(float(np.ptp(pixels)), 1e-12)
        return self

    def transform(self, given: Any) -> Floats:
        return np.asarray((np.asarray(given, dtype=np.float64) - self.low_) / self.span_)
