"""Sets of texts that `auto` was not chosen on, with the text encoder's vectors, for `benchmarks.label_efficiency`.

Made by rules from banking77 and sms_spam: `sms_short` and `banking_short` keep the first words of a text, `sms_noisy`
and `banking_noisy` exchange a share of the pool's labels, anew in each repetition, `banking_rare` asks whether a text
is of one of two intents (one in forty), `banking_first_word` for the first word of the intent. From Debian's packages
of fortunes, in the folder `fortunes` of BENCHMARK_DATA (/usr/share/games/fortunes of fortunes, fortunes-de, -es, -it,
-pl and -ru): of which file a text is, in English, German and Spanish; and of which of six languages.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.model_selection import train_test_split

from benchmarks.data import path_to
from benchmarks.label_sets import Bar, LabelSet, encoded_set, parts_of, text_set

Parts = tuple[pd.DataFrame, pd.DataFrame]

NO_TEXTS = (".dat", ".u8")  # endings of a fortunes file's index, and of another encoding of it
SHORTEST, LONGEST, FEWEST, MOST_FILES = 20, 1500, 40, 20
RARE = ("card_arrival", "lost_or_stolen_card")
FEWEST_OF_WORD = 60


def _first_words(name: str, words: int) -> Parts:
    return _each(name, lambda part: part.assign(text=[" ".join(text.split()[:words]) for text in part["text"]]))


def _each(name: str, change: Callable[[pd.DataFrame], pd.DataFrame]) -> Parts:
    pool, test = parts_of(name)
    return change(pool), change(test)


def _is_rare(part: pd.DataFrame) -> pd.DataFrame:
    return part.assign(label=np.where(part["label"].isin(RARE), "yes", "no"))


def _by_first_word() -> Parts:
    pool, test = _each("banking77", lambda part: part.assign(label=part["label"].str.split("_").str[0]))
    counts = pool["label"].value_counts()
    kept = counts.index[counts >= FEWEST_OF_WORD]
    return pool[pool["label"].isin(kept)], test[test["label"].isin(kept)]


def _fortunes(language: str, most: int) -> pd.DataFrame:
    """Texts of the largest files of a language, at most so many of each, labelled by their file."""
    folder = path_to("fortunes", "love").parent
    italian = {path.name for path in (folder / "it").iterdir()} if language == "en" else set()
    files = sorted((folder if language == "en" else folder / language).iterdir())
    used = [file for file in files if file.is_file() and file.suffix not in NO_TEXTS and file.name not in italian]
    rows = [(text, file.name) for file in used for text in _texts_of(file, most)]
    frame = pd.DataFrame(rows, columns=["text", "label"])
    return frame[frame["label"].isin(frame["label"].value_counts().index[:MOST_FILES])].reset_index(drop=True)


def _texts_of(file: Path, most: int) -> list[str]:
    parts = (" ".join(part.split()) for part in re.split(r"\n%\n", file.read_text("utf-8", errors="replace")))
    found = [part for part in dict.fromkeys(parts) if SHORTEST <= len(part) <= LONGEST][:most]
    return found if len(found) >= FEWEST else []


def _languages() -> pd.DataFrame:
    made = [_fortunes(code, 60).assign(label=code) for code in ("en", "de", "es", "it", "pl", "ru")]
    return pd.concat(made).reset_index(drop=True)


def _split(frame: pd.DataFrame) -> Parts:
    pool, test = train_test_split(frame, test_size=0.3, random_state=0, stratify=frame["label"])
    return pool, test


def _unseen(
    parts: Callable[[], Parts],
    *,
    batch: int,
    budget: int,
    seeds: int,
    metric: str = "macro_f1",
    exchanged: float = 0.0,
) -> Callable[[str], LabelSet]:
    def load(name: str) -> LabelSet:
        pool, test = parts()
        plain = text_set(name, pool, test, metric, batch=batch, budget=budget, seeds=seeds, exchanged=exchanged)
        return encoded_set(plain, (pool, test), Bar())

    return load


UNSEEN: Mapping[str, Callable[[str], LabelSet]] = {
    "languages": _unseen(lambda: _split(_languages()), batch=20, budget=300, seeds=5),
    "fortunes_en": _unseen(lambda: _split(_fortunes("en", 200)), batch=20, budget=600, seeds=3),
    "fortunes_de": _unseen(lambda: _split(_fortunes("de", 600)), batch=50, budget=1000, seeds=3),
    "fortunes_es": _unseen(lambda: _split(_fortunes("es", 600)), batch=20, budget=600, seeds=3),
    "sms_short": _unseen(lambda: _first_words("sms_spam", 4), batch=20, budget=300, seeds=5),
    "sms_noisy": _unseen(lambda: parts_of("sms_spam"), batch=20, budget=400, seeds=16, exchanged=0.1),
    "banking_short": _unseen(lambda: _first_words("banking77", 5), batch=50, budget=1500, seeds=2, metric="accuracy"),
    "banking_noisy": _unseen(
        lambda: parts_of("banking77"), batch=50, budget=1500, seeds=4, metric="accuracy", exchanged=0.2
    ),
    "banking_rare": _unseen(lambda: _each("banking77", _is_rare), batch=20, budget=400, seeds=5),
    "banking_first_word": _unseen(_by_first_word, batch=20, budget=600, seeds=3),
}
