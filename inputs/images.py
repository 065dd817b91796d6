"""Image files: one reader, so that people, models and reports see the same picture.

Every picture is read the same way: the first frame, turned upright as its EXIF orientation says, 8 bits a channel (of
16 bits the upper 8), what is transparent on white.
"""

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from validation import InvalidInput

CONTENT_TYPES = {
    "PNG": "image/png",
    "JPEG": "image/jpeg",
    "MPO": "image/jpeg",  # a JPEG with further pictures behind the first, as phones write them
    "GIF": "image/gif",
    "WEBP": "image/webp",
}
FORMATS = ("PNG", "JPEG", "GIF", "WEBP")
MOST_PIXELS = 40_000_000  # of one image
MOST_PIXELS_A_BODY = 100_000_000  # of all images in one request body: about a second of decoding
GREY_SIDE = 64  # pixels; models see pictures scaled down to this side, so that one costs at most 4 kB
ALIKE = 2  # grey values of 255 by which the same picture differs after another encoding
SHOWN_SIDE = 2048  # pixels; of the pictures that are rendered anew for the screen
ORIENTATION = 0x0112  # the EXIF tag
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
SWAPPED = (5, 6, 7, 8)  # orientations that exchange width and height

Grey = NDArray[np.uint8]
Floats = NDArray[np.float64]
Source = bytes | Path


class BadImage(InvalidInput):
    """An image that cannot be read; the message says why, as the end of a sentence."""


@dataclass
class PixelBudget:
    """How many pixels the images of one request may still have, so that no small body costs minutes of decoding."""

    left: int = field(default_factory=lambda: MOST_PIXELS_A_BODY)

    def spend(self, width: int, height: int) -> None:
        """Raises BadImage where the image has more pixels than are left."""
        if width * height > self.left:
            raise BadImage(
                f"with its {width} × {height} pixels the images of this request have more than "
                f"{MOST_PIXELS_A_BODY:,} together; send it in another one"
            )
        self.left -= width * height


@dataclass(frozen=True)
class Decoded:
    """A whole image that was read: its media type, its upright size in pixels, and what a model sees of it.

    `grey` (height, width): 0 black to 255 white, at most GREY_SIDE pixels a side.
    """

    content_type: str
    width: int
    height: int
    grey: Grey


def budget_of(count: int) -> PixelBudget:
    """What so many images may have that were read from a file, each as large as an image may be."""
    return PixelBudget(count * MOST_PIXELS)


def decode(source: Source, budget: PixelBudget | None = None) -> Decoded:
    """Read a whole PNG, JPEG, GIF or WebP image. Raises BadImage for anything else, whatever the decoder raises."""
    with _opened(source) as image:
        if budget is not None:
            budget.spend(*image.size)
        content_type, (width, height) = CONTENT_TYPES[image.format or ""], _upright_size(image)
        return Decoded(content_type, width, height, _grey(image, GREY_SIDE))


def grey_pixels(source: Source, *, largest_side: int = GREY_SIDE) -> Grey:
    """What a model sees of an image: (height, width), 0 black to 255 white, scaled down to at most `largest_side`."""
    with _opened(source) as image:
        return _grey(image, largest_side)


def is_shown_as_read(source: Source) -> bool:
    """Whether a browser shows the file itself as this reader reads it.

    Browsers turn JPEG upright, and leave to the page what is behind transparent pixels; of other formats some turn and
    some do not; 16 bits are rounded in several ways; further frames are played.
    """
    with _opened(source) as image:
        if image.format in ("JPEG", "MPO"):
            return True
        return not (
            image.mode.startswith("I")
            or image.has_transparency_data
            or _orientation(image) in TURNS
            or _is_animated(image)
        )


def rendered(source: Source, *, largest_side: int = SHOWN_SIDE) -> bytes:
    """The picture as this reader reads it, in colour, as the bytes of a PNG file that every browser shows alike."""
    with _opened(source) as image:
        buffer = io.BytesIO()
        _normalised(image, largest_side).save(buffer, "PNG")
        return buffer.getvalue()


def common_size(sizes: Sequence[tuple[int, int]], *, largest_side: int) -> tuple[int, int]:
    """The (height, width) that pictures of these sizes are brought to: their median, at most `largest_side`."""
    if not sizes:
        return (1, 1)
    height, width = np.median(np.array(sizes), axis=0)
    shrink = min(1.0, largest_side / max(height, width))
    return max(1, round(height * shrink)), max(1, round(width * shrink))


def resized(picture: NDArray[np.number], size: tuple[int, int]) -> Floats:
    """A picture (h, w) brought to `size` (height, width) by averaging over areas, in its own grey values."""
    if picture.shape == size:
        return picture.astype(np.float64)
    rows, columns = _area_averages(picture.shape[0], size[0]), _area_averages(picture.shape[1], size[1])
    return np.asarray(rows @ picture.astype(np.float64) @ columns.T)


def look_alike(pictures: NDArray[np.number]) -> bool:
    """Whether no model can tell n >= 2 pictures of one size (n, ...) apart: grey values, NaN where one is missing."""
    shown = pictures[~np.isnan(pictures).reshape(len(pictures), -1).any(axis=1)]
    return len(shown) > 1 and float(np.ptp(shown, axis=0).max()) <= ALIKE


@lru_cache(maxsize=64)
def _area_averages(source: int, target: int) -> Floats:
    """Matrix (target, source) that averages by the share of each source pixel in each target pixel; rows sum to 1."""
    edges = np.linspace(0, source, target + 1)
    left = np.maximum(edges[:-1, None], np.arange(source)[None, :])
    right = np.minimum(edges[1:, None], np.arange(1, source + 1)[None, :])
    overlap = np.clip(right - left, 0.0, None)
    return np.asarray(overlap / overlap.sum(axis=1, keepdims=True))


@contextmanager
def _opened(source: Source) -> Iterator[Image.Image]:
    """The image, its pixels not decoded yet. Decoders raise almost anything, here and in the body of the `with`."""
    try:
        file = io.BytesIO(source) if isinstance(source, bytes) else source
        with Image.open(file, formats=FORMATS) as image:
            if image.width * image.height > MOST_PIXELS:
                raise BadImage(f"it has {image.width} × {image.height} pixels; at most {MOST_PIXELS:,} are taken")
            yield image
    except (BadImage, PermissionError, FileNotFoundError):
        raise
    except Exception:
        raise BadImage("its bytes are not a whole PNG, JPEG, GIF or WebP image") from None


def _is_animated(image: Image.Image) -> bool:
    try:
        return bool(getattr(image, "is_animated", False))
    except Exception:  # the first frame is whole, the next is not
        return True


def _orientation(image: Image.Image) -> int:
    """The EXIF orientation, 1 where there is none or the EXIF block is broken: browsers show such pictures as well.

    To be asked before the pixels are decoded: what a PNG holds behind them comes too late for a browser, too.
    """
    try:
        exif = Image.Exif()
        exif.load(image.info.get("exif", b""))
        return int(exif.get(ORIENTATION, 1))
    except Exception:
        return 1


def _upright_size(image: Image.Image) -> tuple[int, int]:
    width, height = image.size
    return (height, width) if _orientation(image) in SWAPPED else (width, height)


def _grey(image: Image.Image, largest_side: int) -> Grey:
    image.draft("L", (2 * largest_side, 2 * largest_side))  # JPEG only: decodes at a fraction of the size
    return np.asarray(_normalised(image, largest_side).convert("L"), dtype=np.uint8)


def _normalised(image: Image.Image, largest_side: int) -> Image.Image:
    """Upright, 8 bits, on white, scaled down to `largest_side`; mode L or RGB."""
    orientation = _orientation(image)
    image.load()
    layers = _eight_bits(image)
    width, height = layers.size
    shrink = largest_side / max(width, height)
    if shrink < 1:
        size = (max(1, round(width * shrink)), max(1, round(height * shrink)))
        layers = layers.resize(size, Image.Resampling.BOX, reducing_gap=3.0)
    picture = _on_white(layers)
    return picture.transpose(TURNS[orientation]) if orientation in TURNS else picture


def _eight_bits(image: Image.Image) -> Image.Image:
    """The pixels as L, RGB or RGBA."""
    if image.mode.startswith("I"):
        return _upper_bits(image)
    if image.has_transparency_data:
        return image if image.mode == "RGBA" else image.convert("RGBA")
    return image if image.mode in ("L", "RGB") else image.convert("L" if image.mode == "1" else "RGB")


def _upper_bits(image: Image.Image) -> Image.Image:
    """Grey of 16 bits: the upper 8 of each pixel; the one value that the file calls transparent is white."""
    values = np.asarray(image).astype(np.int64)
    grey = (values >> 8).clip(0, 255).astype(np.uint8)
    transparent = image.info.get("transparency")
    if isinstance(transparent, int):
        grey[values == transparent] = 255
    return Image.fromarray(grey)


def _on_white(layers: Image.Image) -> Image.Image:
    if layers.mode != "RGBA":
        return layers
    return Image.alpha_composite(Image.new("RGBA", layers.size, "white"), layers).convert("RGB")
