"""A folder with a sentence encoder of one's own; the network of these tests is the installed one."""

import json
from pathlib import Path

import numpy as np
import pytest

from inputs.encoders import folder, minilm, tokenizers
from inputs.encoders.base import EncoderUnavailable
from inputs.encoders.choice import choose

TEXTS = ["Where is my card?", "What is the exchange rate?"]


@pytest.fixture
def own(tmp_path: Path) -> Path:
    weights = minilm.weights_path()
    assert weights is not None
    (tmp_path / "onnx").mkdir()
    (tmp_path / "onnx" / "model.onnx").symlink_to(weights)
    (tmp_path / "vocab.txt").symlink_to(minilm.VOCABULARY)
    return tmp_path


def test_it_encodes_as_the_same_network_does_elsewhere(own: Path) -> None:
    np.testing.assert_allclose(folder.load(own).encode(TEXTS), minilm.load().encode(TEXTS), atol=1e-6)


def test_a_tokenizer_json_is_read_as_well(own: Path) -> None:
    expected = folder.load(own).encode(TEXTS)
    written = tokenizers.from_vocabulary("own", (own / "vocab.txt").read_bytes()).to_str()
    (own / "vocab.txt").unlink()
    (own / "tokenizer.json").write_text(written)
    np.testing.assert_allclose(folder.load(own).encode(TEXTS), expected, atol=1e-6)


def test_a_text_without_any_token_is_a_row_of_zeros(own: Path) -> None:
    written = json.loads(tokenizers.from_vocabulary("own", (own / "vocab.txt").read_bytes()).to_str())
    (own / "tokenizer.json").write_text(json.dumps({**written, "post_processor": None}))
    encoder = folder.load(own)
    for texts in (["\u200b"], ["\u200b", TEXTS[0]]):
        found = encoder.encode(texts)
        assert not found[0].any()
        np.testing.assert_array_equal(found[1:], encoder.encode(texts[1:]))


def test_pooling_and_prefix_are_read_from_the_folder_and_change_the_digest(own: Path) -> None:
    mean = folder.load(own)
    (own / "1_Pooling").mkdir()
    (own / "1_Pooling" / "config.json").write_text(json.dumps({"pooling_mode_cls_token": True}))
    first = folder.load(own)
    (own / "encoder.json").write_text(json.dumps({"prefix": "query: "}))
    prefixed = folder.load(own)
    vectors = [encoder.encode(TEXTS) for encoder in (mean, first, prefixed)]
    assert len({encoder.digest for encoder in (mean, first, prefixed)}) == 3
    assert not np.allclose(vectors[0], vectors[1], atol=0.01)
    assert not np.allclose(vectors[1], vectors[2], atol=0.01)


def test_it_is_chosen_by_its_setting(own: Path) -> None:
    chosen = choose(str(own))
    assert chosen.encoder.name == own.name
    assert "from the folder that TEXT_ENCODER names" in chosen.why


@pytest.mark.parametrize(
    ("file", "content", "words"),
    [
        ("onnx/model.onnx", b"no network", "cannot be loaded"),
        ("vocab.txt", b"no\npieces\n", r"lacks \[UNK\]"),
        ("vocab.txt", b"\xff\xfe", "is not UTF-8"),
        ("tokenizer.json", b"{}", "cannot be read"),
        ("encoder.json", b"[]", "holds no JSON object"),
        ("encoder.json", b'{"prefix": 1}', "prefix takes a text"),
        ("1_Pooling/config.json", b'{"pooling_mode_mean_tokens": false, "pooling_mode_max_tokens": true}', "otherwise"),
    ],
)
def test_a_folder_that_cannot_be_used_is_refused_in_words(own: Path, file: str, content: bytes, words: str) -> None:
    (own / file).parent.mkdir(exist_ok=True)
    (own / file).unlink(missing_ok=True)
    (own / file).write_bytes(content)
    with pytest.raises(EncoderUnavailable, match=words):
        folder.load(own)


def test_a_vocabulary_of_another_network_is_refused(own: Path) -> None:
    (own / "vocab.txt").unlink()
    pieces = [f"[unused{code}]" for code in range(40_000)]
    (own / "vocab.txt").write_text("\n".join([*pieces, "[UNK]", "[CLS]", "[SEP]"]))
    with pytest.raises(EncoderUnavailable, match="does not run"):
        folder.load(own)


def test_missing_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(EncoderUnavailable, match="which is no folder"):
        folder.load(tmp_path / "absent")
    with pytest.raises(EncoderUnavailable, match=r"lacks .*model\.onnx"):
        folder.load(tmp_path)
    (tmp_path / "model.onnx").write_bytes(b"")
    with pytest.raises(EncoderUnavailable, match=r"needs a tokenizer\.json or a vocab\.txt"):
        folder.load(tmp_path)


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_each_line_of_a_vocabulary_is_one_piece_whatever_characters_it_is(ending: str) -> None:
    pieces = ["[UNK]", "[CLS]", "[SEP]", "\u2028", "\x85", "\x0b", "card"]
    tokenizer = tokenizers.from_vocabulary("own", "".join(piece + ending for piece in pieces).encode())
    assert tokenizer.encode("card").ids == [1, 6, 2]
