"""`analyse labels` on a column of image files."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.management.base import CommandError
from PIL import Image
from sklearn.datasets import load_digits

from analysis.offline import images
from inputs.files import readers
from inputs.images import grey_pixels
from tests import pictures
from tests.analysis.analysing import analyse, csv


def digits(folder: Path, n: int = 300, wrong: int = 20) -> tuple[Path, Any]:
    """Pictures of digits in a folder beside the table; some labels are flipped."""
    data, rng = load_digits(), np.random.default_rng(0)
    (folder / "scans").mkdir()
    for at, picture in enumerate(data.images[:n]):
        Image.fromarray((picture * 15).astype(np.uint8)).save(folder / "scans" / f"{at}.png")
    flipped = rng.choice(n, wrong, replace=False)
    label = data.target[:n].copy()
    label[flipped] = (label[flipped] + rng.integers(1, 10, wrong)) % 10
    names = [f"scans/{at}.png" for at in range(n)]
    return csv(folder / "rows.csv", {"scan": names, "label": label, "truth": data.target[:n]}), flipped


def one(folder: Path, **saved: Any) -> Path:
    """A table of twelve pictures of one black or white pixel; `saved` are cells of the column by row (`r3`)."""
    for name, grey in (("dark", 0), ("light", 255)):
        Image.new("L", (1, 1), grey).save(folder / f"{name}.png")
    cells = [f"{('dark', 'light')[at % 2]}.png" for at in range(12)]
    for row, cell in saved.items():
        cells[int(row[1:])] = cell
    return csv(folder / "rows.csv", {"scan": cells, "label": [at % 2 for at in range(12)]})


def seen(folder: Path, *names: str) -> Any:
    path = csv(folder / "rows.csv", {"scan": list(names)})
    return images.read_images(readers.read_table(str(path)), "scan", np.arange(len(names)), folder)


@pytest.mark.parametrize("asked", [("--image", "scan"), ("--inputs", "scan")])
def test_flipped_labels_of_pictures_come_first(tmp_path: Path, asked: tuple[str, str]) -> None:
    path, flipped = digits(tmp_path)
    out = analyse("labels", path, "--label", "label", *asked, "--truth", "truth")
    assert out["average_precision"] > 0.9
    assert len({row["row"] for row in out["scores"][:20]} & set(flipped.tolist())) >= 17
    assert "scan as image" in out["probabilities"]


def test_pictures_count_beside_numbers_and_rows_without_a_label_need_none(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    one(tmp_path)
    label = [str(at % 2) for at in range(40)] + [""]
    path = csv(
        tmp_path / "rows.csv",
        {
            "scan": ["dark.png" if name == "0" else "light.png" for name in label[:40]] + ["gone.png"],
            "x": rng.normal(size=41),
            "label": label,
        },
    )
    out = analyse("labels", path, "--label", "label", "--inputs", "x,scan")
    assert "x as number, scan as image" in out["probabilities"]
    assert (out["n"], out["left_out"]) == (40, 1)


@pytest.mark.simulation
def test_pictures_that_all_look_alike_to_the_model_are_said_to(tmp_path: Path) -> None:
    deep = [pictures.deep(np.full((4, 4), value)) for value in (10, 20, 30)]  # twelve bits in sixteen: all black
    for at, data in enumerate(deep):
        (tmp_path / f"{at}.png").write_bytes(data)
    rows = {"scan": [f"{at % 3}.png" for at in range(30)], "label": [at % 3 for at in range(30)]}
    out = analyse("labels", csv(tmp_path / "rows.csv", rows), "--label", "label", "--image", "scan")
    assert "All pictures of scan look alike to the model" in out["probabilities"]
    assert "alike" not in analyse("labels", digits(tmp_path)[0], "--label", "label", "--image", "scan")["probabilities"]


def test_people_and_models_and_this_command_see_the_same_picture(tmp_path: Path) -> None:
    samples = [pictures.turned(6), pictures.clear(), pictures.deep([[0, 256], [40_000, 65_535]])]
    for at, data in enumerate(samples):
        (tmp_path / f"{at}.png").write_bytes(data)
        assert (seen(tmp_path, f"{at}.png")[0] == grey_pixels(data)).all()


def test_formats_modes_and_sizes_become_grey_of_the_median_size(tmp_path: Path) -> None:
    Image.new("RGB", (4, 6), (255, 0, 0)).save(tmp_path / "red.png")
    Image.new("L", (4, 6), 200).save(tmp_path / "grey.JPG", quality=95)
    Image.new("RGBA", (8, 12), (0, 0, 0, 0)).save(tmp_path / "clear.png")
    Image.fromarray(np.full((3, 2), 40_000, dtype=np.uint16)).save(tmp_path / "deep.png")
    Image.new("L", (4, 6), 10).save(tmp_path / "plain.gif")
    found = seen(tmp_path, "red.png", "grey.JPG", "clear.png", "deep.png", "plain.gif")
    assert found.shape == (5, 6, 4) and found.dtype == np.uint8
    np.testing.assert_allclose(found.reshape(5, -1).mean(axis=1), [76, 200, 255, 40_000 >> 8, 10], atol=2)


def test_large_pictures_are_averaged_down(tmp_path: Path) -> None:
    board = (np.indices((640, 320)).sum(axis=0) % 2 * 255).astype(np.uint8)
    Image.fromarray(board).save(tmp_path / "board.png")
    found = seen(tmp_path, "board.png")
    assert found.shape == (1, 32, 16)
    np.testing.assert_allclose(found, 127.5, atol=1)


def test_an_absolute_path_is_read_as_given(tmp_path: Path) -> None:
    (tmp_path / "table").mkdir()
    Image.new("L", (2, 2), 9).save(tmp_path / "far.png")
    assert seen(tmp_path / "table", str(tmp_path / "far.png")).max() == 9


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("gone.png", "row 3, column 'scan': gone.png is not a file"),
        ("../out.png", "row 3, column 'scan': ../out.png leads out of the folder"),
        ("way.png", "way.png leads out of the folder"),
        ("", "row 3, column 'scan' names no image"),
        ("text.png", "row 3, column 'scan': text.png: its bytes are not a whole PNG, JPEG, GIF or WebP image"),
        ("half.png", "row 3, column 'scan': half.png: its bytes are not a whole PNG"),
        ("bomb.png", "at most 40,000,000 are taken"),
        ("folder.png", "folder.png is not a file"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_row(tmp_path: Path, cell: str, message: str) -> None:
    inside = tmp_path / "table"
    (inside / "folder.png").mkdir(parents=True)
    noise = np.random.default_rng(0).integers(0, 255, (40, 40), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "out.png")
    (inside / "way.png").symlink_to(tmp_path / "out.png")
    (inside / "text.png").write_text("no picture")
    (inside / "half.png").write_bytes((tmp_path / "out.png").read_bytes()[:900])
    Image.new("1", (8000, 5001)).save(inside / "bomb.png")
    path = one(inside, r3=cell)
    with pytest.raises(CommandError, match=message):
        analyse("labels", path, "--label", "label", "--image", "scan")


def test_one_source_of_probabilities_only(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="not allowed with"):
        analyse("labels", one(tmp_path), "--label", "label", "--image", "scan", "--text", "scan")
