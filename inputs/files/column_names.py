"""Words in the names of columns, and what they say of a column."""

import re
from collections.abc import Collection

PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-zäöüß]+|\d+")

KEY = {"id", "key", "uuid", "guid", "uid", "nr", "no", "number", "nummer", "ref", "reference", "index", "kundennummer"}
TIME = {"at", "time", "date", "datetime", "timestamp", "ts", "created", "opened", "day", "datum", "zeit", "when"}
LABEL_ALONE = {
    "label",
    "labels",
    "target",
    "y",
    "class",
    "truth",
    "gold",
    "klasse",
    "ziel",
    "outcome",
    "annotation",
    "given",
}
LABEL_PART = {
    *("label", "target", "truth", "gold", "class", "actual", "true", "correct", "outcome", "intent", "sentiment"),
    *("decision", "entscheidung", "verdict", "churn", "churned", "fraud", "spam"),
}
PREDICTED = {
    *("predicted", "prediction", "predictions", "pred", "preds", "guess", "guessed", "suggested", "suggestion"),
    *("vorhersage", "vorhergesagt", "prognose", "vorschlag", "model", "modell"),
}
SCORE = {"score", "scores", "prob", "probs", "probability", "proba", "confidence", "conf", "certainty", "likelihood"}
VERSION = {"version", "release"}
ANNOTATOR = {"annotator", "labeller", "labeler", "rater", "worker", "coder", "annotated"}
FOLDER = "folder"
SPLIT = {"split", "fold", "subset", "partition"}
SEGMENT = {
    *("channel", "country", "language", "lang", "locale", "region", "segment", "group", "market", "site", "store"),
    *("shop", "device", "platform", "source", "plan", "tier", "sensor", "scanner", "hospital", "city", "state"),
    *("kanal", "land", "sprache", "filiale", "branch", "tenant", "product", "brand", "team"),
}
CODE = {
    *("sex", "gender", "education", "marriage", "marital", "status", "type", "code", "class", "category", "kind"),
    *("group", "region", "race", "geschlecht", "art", "typ"),
}
CONTACT = {
    *("email", "mail", "phone", "telephone", "tel", "telefon", "mobile", "handy", "fax", "ssn", "iban", "passport"),
    *(
        "surname",
        "lastname",
        "firstname",
        "fullname",
        "username",
        "nachname",
        "vorname",
        "address",
        "adresse",
        "street",
    ),
}
OF_A_PERSON = {
    *("first", "last", "full", "customer", "client", "user", "agent", "employee", "patient", "contact", "author"),
    *("sender", "person", "given", "family", "sur", "maiden", "kunden", "benutzer", "owner", "assignee"),
}


def name_parts(name: str) -> tuple[str, ...]:
    """The words of a name in lower case: modelTeam, model_team and "Model team" are model and team."""
    return tuple(part.lower() for part in PARTS.findall(name))


def has(name: str, words: Collection[str]) -> bool:
    return any(part in words for part in name_parts(name))


def has_last(name: str, words: Collection[str]) -> bool:
    """Whether the last word, which says what the thing is, is one of these."""
    return bool(name_parts(name)) and name_parts(name)[-1] in words


def names_person(name: str) -> bool:
    """Whether a column of this name holds how a person is called or reached."""
    parts = set(name_parts(name))
    joined = "".join(name_parts(name))
    return bool(parts & CONTACT or joined in CONTACT or ({"name"} <= parts and parts & OF_A_PERSON))


def without_prediction_words(name: str) -> str:
    """What a predicted column is called without the words that say so: `model_team` is `team`."""
    return "_".join(part for part in name_parts(name) if part not in PREDICTED)
