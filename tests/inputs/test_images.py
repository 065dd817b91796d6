"""Image files: whatever holds them, a picture is read one way; whatever the bytes are, a sentence and no exception."""

import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from inputs import images
from tests import pictures
from tests.pictures import SMALL, grey, turned

UPRIGHT = {  # EXIF orientation → what the upright picture is
    1: SMALL,
    2: SMALL[:, ::-1],
    3: SMALL[::-1, ::-1],
    4: SMALL[::-1],
    5: SMALL.T,
    6: np.rot90(SMALL, -1),
    7: np.rot90(SMALL, 2).T,
    8: np.rot90(SMALL),
}
SAMPLES = [
    grey(),
    grey(kind="JPEG"),
    grey(kind="GIF"),
    grey(kind="WEBP"),
    pictures.many_pictures(),
    pictures.animated(),
    turned(6, "JPEG"),
    pictures.deep(SMALL.astype(np.uint16) * 256),
    pictures.clear(),
]


class TestAPicture:
    @pytest.mark.parametrize("orientation", UPRIGHT)
    @pytest.mark.parametrize("kind", ["PNG", "WEBP"])
    def test_is_turned_upright(self, orientation: int, kind: str) -> None:
        decoded = images.decode(turned(orientation, kind))
        expected = UPRIGHT[orientation]
        assert decoded.grey.tolist() == expected.tolist()
        assert (decoded.height, decoded.width) == expected.shape

    def test_of_jpeg_is_turned_upright_at_any_scale(self) -> None:
        halves = np.zeros((400, 600), dtype=np.uint8)
        halves[:, 300:] = 255
        exif = Image.Exif()
        exif[0x0112] = 6
        decoded = images.decode(grey(halves, "JPEG", exif=exif))
        assert (decoded.width, decoded.height, decoded.grey.shape) == (400, 600, (64, 43))
        assert decoded.grey[:30].max() < 20 and decoded.grey[34:].min() > 235

    def test_of_sixteen_bits_keeps_its_upper_eight(self) -> None:
        assert images.grey_pixels(pictures.deep([[0, 255, 256], [40_000, 65_535, 0x8000]])).tolist() == [
            [0, 0, 1],
            [156, 255, 128],
        ]

    @pytest.mark.parametrize("kind", ["PNG", "WEBP"])
    def test_stands_on_white_where_it_is_transparent(self, kind: str) -> None:
        assert (images.grey_pixels(pictures.clear(0, kind)) == 255).all()
        assert images.grey_pixels(pictures.clear(255, kind)).max() == 0
        assert images.grey_pixels(pictures.clear(128, kind)) == pytest.approx(127, abs=1)

    def test_with_one_transparent_grey_stands_on_white(self) -> None:
        assert images.grey_pixels(grey(transparency=40)).tolist() == [[0, 255, 80], [120, 160, 200]]
        deep = Image.fromarray(np.array([[0, 256]], dtype=np.uint16))
        assert images.grey_pixels(pictures.file(deep, transparency=0)).tolist() == [[255, 1]]

    def test_of_several_frames_is_its_first(self) -> None:
        assert images.grey_pixels(pictures.animated()).max() == 0
        decoded = images.decode(pictures.many_pictures())
        assert (decoded.content_type, decoded.width, decoded.height) == ("image/jpeg", 64, 48)
        assert decoded.grey.mean() == pytest.approx(10, abs=2)

    def test_of_any_mode_is_grey_by_its_luminance(self) -> None:
        red = Image.new("RGB", (4, 3), (255, 0, 0))
        assert (images.grey_pixels(pictures.file(red)) == 76).all()
        assert (images.grey_pixels(pictures.file(red.convert("P"))) == 76).all()
        assert (images.grey_pixels(pictures.file(Image.new("1", (4, 3), 1))) == 255).all()
        assert images.grey_pixels(pictures.file(red.convert("CMYK"), "JPEG")) == pytest.approx(76, abs=3)

    def test_is_scaled_down_by_averages_and_never_up(self) -> None:
        board = (np.indices((640, 320)).sum(axis=0) % 2 * 255).astype(np.uint8)
        found = images.grey_pixels(grey(board))
        assert found.shape == (64, 32)
        np.testing.assert_allclose(found, 127.5, atol=2)
        assert images.grey_pixels(grey()).tolist() == SMALL.tolist()

    def test_with_a_broken_exif_block_is_read_as_it_stands(self) -> None:
        assert images.decode(grey(exif=b"Exif\0\0MM\0*\0\0\xff\xff")).grey.tolist() == SMALL.tolist()


class TestWhatIsNoPicture:
    @pytest.mark.parametrize(
        "data",
        [
            b"",
            b"<svg onload=alert(1)>",
            grey()[:40],
            pictures.broken_profile(),
            pictures.file(Image.new("L", (2, 2)), "BMP"),
        ],
        ids=["nothing", "svg", "half", "a profile that Pillow chokes on", "another format"],
    )
    def test_is_refused_in_words(self, data: bytes) -> None:
        with pytest.raises(images.BadImage, match="its bytes are not a whole PNG, JPEG, GIF or WebP image"):
            images.decode(data)

    def test_too_many_pixels_are_refused_before_they_are_decoded(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(images, "_grey", None)
        with pytest.raises(images.BadImage, match="8000 × 5001 pixels; at most 40,000,000 are taken"):
            images.decode(pictures.file(Image.new("1", (8000, 5001))))

    @pytest.mark.filterwarnings("default")
    @given(
        sample=st.sampled_from(SAMPLES), changes=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), max_size=8)
    )
    def test_whatever_the_bytes_are_there_is_a_picture_or_a_sentence(
        self, sample: bytes, changes: list[tuple[float, int]]
    ) -> None:
        data = bytearray(sample)
        for place, byte in changes:
            data[int(place * (len(data) - 1))] = byte
        for use in (images.decode, images.is_shown_as_read, images.rendered):
            try:
                use(bytes(data))
            except images.BadImage:
                pass


class TestABudgetOfPixels:
    def test_is_spent_by_every_image_and_not_by_one_that_does_not_fit(self) -> None:
        budget = images.PixelBudget(13)
        images.decode(grey(), budget)
        images.decode(grey(), budget)
        with pytest.raises(images.BadImage, match="3 × 2 pixels the images of this request"):
            images.decode(grey(), budget)
        assert budget.left == 1
        assert images.decode(grey([[7]]), budget).grey.tolist() == [[7]]


class TestTheScreen:
    @pytest.mark.parametrize(
        ("data", "same"),
        [
            (grey(), True),
            (grey(kind="JPEG"), True),
            (turned(6, "JPEG"), True),
            (pictures.many_pictures(), True),
            (turned(6), False),
            (turned(3, "WEBP"), False),
            (pictures.clear(), False),
            (pictures.deep(SMALL), False),
            (pictures.animated(), False),
            (pictures.animated("PNG"), False),
        ],
    )
    def test_gets_the_file_itself_only_where_browsers_show_it_as_it_is_read(self, data: bytes, same: bool) -> None:
        assert images.is_shown_as_read(data) == same

    @pytest.mark.parametrize("data", SAMPLES)
    def test_gets_what_a_model_sees(self, data: bytes) -> None:
        picture = images.rendered(data)
        assert images.is_shown_as_read(picture)
        assert np.abs(images.grey_pixels(picture).astype(int) - images.grey_pixels(data)).max() <= 1

    def test_keeps_colour_and_at_most_2048_pixels_a_side(self) -> None:
        tall = Image.new("RGBA", (100, 4096), (255, 0, 0, 255))
        with Image.open(io.BytesIO(images.rendered(pictures.file(tall)))) as picture:
            assert (picture.size, picture.getpixel((0, 0))) == ((50, 2048), (255, 0, 0))


class TestOneSize:
    def test_is_the_median_and_no_side_is_longer_than_asked(self) -> None:
        assert images.common_size([(28, 28)] * 3, largest_side=32) == (28, 28)
        assert images.common_size([(600, 300)], largest_side=16) == (16, 8)
        assert images.common_size([], largest_side=16) == (1, 1)

    def test_is_reached_by_averages_over_areas(self) -> None:
        assert images.resized(np.array([[0, 3, 6]]), (1, 2)).tolist() == [[1.0, 5.0]]
        assert images.resized(np.array([[5]]), (2, 2)).tolist() == [[5.0, 5.0], [5.0, 5.0]]


def test_a_file_is_read_as_its_bytes_are(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(turned(6))
    assert images.decode(tmp_path / "a.png").grey.tolist() == UPRIGHT[6].tolist()
