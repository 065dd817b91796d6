"""The data sets of the label-efficiency benchmark, each as one fixed pool and test part with its model.

The protocol: a fixed split, oracle labels, and a model refitted from scratch each round. Text is TF-IDF over one and
two words with a logistic regression (C = 10), or, where a set's name ends in `_encoded`, the text encoder's vectors
with one (C = 30, the first that the product tries); digits a logistic regression (C = 1); tables gradient boosting (60
rounds). Where no split is published, 30 % stratified is the test part.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split

from benchmarks.data import Absent, rows_of
from benchmarks.encoded import vectors_of
from inputs.encoders.base import EncoderUnavailable
from inputs.encoders.columns import VectorsByInput


@dataclass(frozen=True)
class Bar:
    """The best figure measured elsewhere: area under the score over the full-data score, and labels to 95 %."""

    area: float | None = None
    labels_to_95: float | None = None


@dataclass(frozen=True)
class LabelSet:
    """A pool to label and a test part to judge by; `columns` are the pool's inputs as a person sees them.

    `exchanged`: the share of the pool's labels that are those of other rows, drawn anew in each repetition. One draw
    for all would make every repetition ask the same wrong labels, and the spread over repetitions would not show it.
    """

    name: str
    columns: Mapping[str, Sequence[Any]]
    types: Mapping[str, str]
    pool: Any
    pool_target: NDArray[np.intp]
    test: Any
    test_target: NDArray[np.intp]
    classes: tuple[str, ...]
    model: Callable[[], Any]
    metric: str
    batch: int
    budget: int
    seeds: int
    bar: Bar = Bar()
    texts: VectorsByInput | None = None  # the pool's, by a text encoder
    exchanged: float = 0.0

    def of_repetition(self, seed: int) -> LabelSet:
        """The set with the labels that the pool has in this repetition."""
        if not self.exchanged:
            return self
        rng, target = np.random.default_rng(seed), self.pool_target
        moved = rng.random(target.size) < self.exchanged
        return replace(self, pool_target=np.where(moved, rng.permutation(target), target))


def digits() -> LabelSet:
    data = load_digits()
    rows = np.arange(len(data.target))
    pool, test = train_test_split(rows, test_size=0.3, random_state=0, stratify=data.target)
    return LabelSet(
        name="digits",
        columns={"image": list(data.images[pool].astype(np.uint8) * 15)},
        types={"image": "image"},
        pool=data.data[pool] / 16,
        pool_target=data.target[pool],
        test=data.data[test] / 16,
        test_target=data.target[test],
        classes=tuple("0123456789"),
        model=lambda: LogisticRegression(C=1, max_iter=2000),
        metric="accuracy",
        batch=20,
        budget=300,
        seeds=5,
        bar=Bar(0.971, 72),
    )


def banking77() -> LabelSet:
    train, test = parts_of("banking77")
    return text_set("banking77", train, test, "accuracy", batch=50, budget=1500, seeds=3, bar=Bar(0.695))


def sms_spam() -> LabelSet:
    train, test = parts_of("sms_spam")
    return text_set("sms_spam", train, test, "macro_f1", batch=20, budget=300, seeds=5, bar=Bar(0.911, 120))


def banking77_encoded() -> LabelSet:
    return encoded_set(banking77(), parts_of("banking77"), Bar(0.85, 900))


def sms_spam_encoded() -> LabelSet:
    return encoded_set(sms_spam(), parts_of("sms_spam"), Bar(0.975))


def credit_default() -> LabelSet:
    frame = rows_of("credit_default").drop(columns="id")
    train, test = train_test_split(frame, train_size=10_000, test_size=8_000, random_state=0)
    categories = ("SEX", "EDUCATION", "MARRIAGE")
    return _table("credit_default", train, test, categories, batch=50, budget=1000, seeds=3, bar=Bar(0.964, 250))


def telco_churn() -> LabelSet:
    frame = rows_of("telco_churn").drop(columns="id")
    train, test = train_test_split(frame, test_size=0.3, random_state=0, stratify=frame["label"])
    numbers = ("tenure", "MonthlyCharges", "TotalCharges")
    categories = tuple(name for name in frame.columns if name not in (*numbers, "label"))
    return _table("telco_churn", train, test, categories, batch=50, budget=1000, seeds=3)


SETS: Mapping[str, Callable[[], LabelSet]] = {
    one.__name__: one
    for one in (digits, banking77, sms_spam, banking77_encoded, sms_spam_encoded, credit_default, telco_churn)
}


def text_set(name: str, train: pd.DataFrame, test: pd.DataFrame, metric: str, **rest: Any) -> LabelSet:
    words = TfidfVectorizer(ngram_range=(1, 2), min_df=3)
    pool = words.fit_transform(train["text"])
    classes, target, test_target = _codes(train, test)
    return LabelSet(
        name=name,
        columns={"text": train["text"].tolist()},
        types={"text": "text"},
        pool=pool,
        pool_target=target,
        test=words.transform(test["text"]),
        test_target=test_target,
        classes=classes,
        model=lambda: LogisticRegression(C=10, max_iter=300),
        metric=metric,
        **rest,
    )


def parts_of(name: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Pool and test part of a set of texts: of banking77 as published, else split here."""
    frame = rows_of(name)
    if name == "banking77":
        return frame[frame["split"] == "train"], frame[frame["split"] == "test"]
    train, test = train_test_split(frame, test_size=0.3, random_state=0, stratify=frame["label"])
    return train, test


def encoded_set(plain: LabelSet, parts: tuple[pd.DataFrame, pd.DataFrame], bar: Bar) -> LabelSet:
    """The same set, its model on the text encoder's vectors."""
    try:
        pool, test = (vectors_of(part["text"].tolist()) for part in parts)
    except EncoderUnavailable as why:
        raise Absent(str(why)) from None
    return replace(
        plain,
        name=f"{plain.name}_encoded",
        pool=pool,
        test=test,
        texts={"text": pool},
        model=lambda: LogisticRegression(C=30, max_iter=300),
        bar=bar,
    )


def _table(name: str, train: pd.DataFrame, test: pd.DataFrame, categories: tuple[str, ...], **rest: Any) -> LabelSet:
    inputs = [column for column in train.columns if column != "label"]
    both = pd.concat([train, test])[inputs]
    coded = both.apply(lambda column: column if column.name not in categories else pd.factorize(column, sort=True)[0])
    numbers = coded.apply(pd.to_numeric, errors="coerce").to_numpy(dtype=np.float64)
    classes, target, test_target = _codes(train, test)
    return LabelSet(
        name=name,
        columns={
            column: pd.to_numeric(train[column], errors="coerce").tolist()
            if column not in categories
            else train[column].tolist()
            for column in inputs
        },
        types={column: "category" if column in categories else "number" for column in inputs},
        pool=numbers[: len(train)],
        pool_target=target,
        test=numbers[len(train) :],
        test_target=test_target,
        classes=classes,
        model=lambda: HistGradientBoostingClassifier(max_iter=60, random_state=0),
        metric="macro_f1",
        **rest,
    )


def _codes(train: pd.DataFrame, test: pd.DataFrame) -> tuple[tuple[str, ...], NDArray[np.intp], NDArray[np.intp]]:
    names, codes = np.unique(pd.concat([train, test])["label"].astype(str), return_inverse=True)
    return tuple(names.tolist()), codes[: len(train)], codes[len(train) :]
