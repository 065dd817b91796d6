"""Text: free words in any language."""

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer, TfidfVectorizer
from sklearn.feature_selection import VarianceThreshold
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.preprocessing import FunctionTransformer, normalize

from inputs.columns import Values, as_texts
from inputs.images import PixelBudget
from inputs.tokens import tokens, word_count
from inputs.types.base import (
    Column,
    Display,
    EncoderSettings,
    Features,
    InputType,
    Likeness,
    Purpose,
    Rule,
    Shape,
    Transformer,
    checked_text,
)
from inputs.values import MISSING

LONGEST = 1_000_000
WORDS = r"(?u)\w+|[^\w\s]+"  # punctuation counts: a message in exclamation marks is telling
HASHES = 2**18
END = "\N{MIDDLE DOT}"  # ends every text of the label ensemble, so that no fold is without a term
TOPICS, TOPIC_TERMS = 20, 20_000

Floats = NDArray[np.floating]


class Text(InputType):
    """Free words, encoded by TF-IDF of words and of runs of characters."""

    name = "text"
    features = Features.TERMS
    likeness: ClassVar[Likeness] = Likeness.TEXT
    display: ClassVar[Display] = Display.TEXT
    needs_variation = True  # VarianceThreshold refuses texts that are all alike

    def validate(self, name: str, value: Any, rule: Rule, budget: PixelBudget) -> str:
        return checked_text(name, value, longest=LONGEST)

    def frame_columns(self, name: str, values: Values, shape: Shape | None) -> dict[str, Column]:
        return {f"text:{name}": as_texts(values, MISSING)}

    def encoder(self, purpose: Purpose, settings: EncoderSettings) -> BaseEstimator | None:
        match purpose:
            case Purpose.LINEAR:
                return _hashed()
            case Purpose.TREES:
                return None
            case Purpose.VECTORS:
                return TextVectors(settings.dimensions, settings.seed)
            case Purpose.DOMAIN:
                return TextTopics()
            case Purpose.LABEL_ERRORS:
                return _listed()
        return super().encoder(purpose, settings)


def _hashed() -> FeatureUnion:
    """Hashed rather than listed: a vocabulary of 50 000 n-grams takes skops half a minute to write and carries people's
    words into the artifact, hashes do neither. Columns that never occurred are dropped again (VarianceThreshold), or
    the unseen words of a new text would take up its unit length."""
    words = HashingVectorizer(n_features=HASHES, ngram_range=(1, 2), token_pattern=WORDS, norm=None)
    characters = HashingVectorizer(n_features=HASHES, analyzer="char_wb", ngram_range=(2, 4), norm=None)
    return FeatureUnion([("words", _tf_idf(words)), ("characters", _tf_idf(characters))])


def _tf_idf(counts: HashingVectorizer) -> Pipeline:
    counts.set_params(alternate_sign=False)
    return Pipeline([("count", counts), ("seen", VarianceThreshold()), ("weigh", TfidfTransformer(sublinear_tf=True))])


def _listed() -> Pipeline:
    words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, token_pattern=r"(?u)\b\w+\b|[^\w\s]")
    characters = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), sublinear_tf=True, min_df=2)
    return Pipeline(
        [("end", FunctionTransformer(_ended)), ("terms", FeatureUnion([("words", words), ("characters", characters)]))]
    )


def _ended(given: Any) -> NDArray[np.object_]:
    return np.array([f"{text} {END}" for text in given], dtype=object)


class TextVectors(Transformer):
    """TF-IDF over one and two words as unit rows of at most `dimensions` numbers.

    Reduced by truncated SVD where there are more terms (latent semantic analysis, Deerwester et al. 1990). Texts
    without any word of two letters are all alike.
    """

    def __init__(self, dimensions: int, seed: int) -> None:
        self.dimensions, self.seed = dimensions, seed

    def fit(self, given: Any, y: Any = None) -> "TextVectors":
        self.fit_transform(given)
        return self

    def fit_transform(self, given: Any, y: Any = None) -> Floats:
        self.terms_: TfidfVectorizer | None = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, dtype=np.float32)
        self.reduced_: TruncatedSVD | None = None
        try:
            weights = self.terms_.fit_transform(given)
        except ValueError:  # scikit-learn's word for: no term at all
            self.terms_ = None
            return self.transform(given)
        if weights.shape[1] <= self.dimensions:
            return np.asarray(weights.toarray())
        self.reduced_ = TruncatedSVD(min(self.dimensions, len(given)), random_state=self.seed)
        return np.asarray(normalize(self.reduced_.fit_transform(weights)), dtype=np.float32)

    def transform(self, given: Any) -> Floats:
        if self.terms_ is None:
            return np.zeros((len(given), 1), dtype=np.float32)
        weights = self.terms_.transform(given)
        if self.reduced_ is None:
            return np.asarray(weights.toarray())
        return np.asarray(normalize(self.reduced_.transform(weights)), dtype=np.float32)


class TextTopics(Transformer):
    """Latent TF-IDF components, the share of words that the fitted texts lack, and the length in words."""

    def fit(self, given: Any, y: Any = None) -> "TextTopics":
        self.terms_: TfidfVectorizer | None = TfidfVectorizer(
            analyzer=tokens, sublinear_tf=True, min_df=2, max_features=TOPIC_TERMS
        )
        try:
            weights = self.terms_.fit_transform(given)
        except ValueError:  # scikit-learn's word for: no term at all
            self.terms_ = None
            return self
        self.topics_: TruncatedSVD | None = None
        if weights.shape[1] > 1:
            # Texts that are all alike have no variance to explain, over which scikit-learn divides.
            with np.errstate(invalid="ignore", divide="ignore"):
                components = min(TOPICS, weights.shape[1] - 1)
                self.topics_ = TruncatedSVD(components, random_state=0).fit(weights)
        return self

    def transform(self, given: Any) -> Floats:
        present = ["" if text == MISSING else text for text in given]
        if self.terms_ is None:
            return np.array([[float(word_count(text))] for text in present])
        words = [tokens(text) for text in present]
        known = self.terms_.vocabulary_
        unknown = [sum(word not in known for word in found) / max(1, len(found)) for found in words]
        weights = self.terms_.transform(present)
        topics = weights.toarray() if self.topics_ is None else self.topics_.transform(weights)
        return np.column_stack([topics, unknown, [len(found) for found in words]])
