"""The filters of a list of items in words, as the API explains them."""

from analysis import item_filters, windows

FILTERS = {
    "state": f"Where it stands: {', '.join(item_filters.STATES)}.",
    "cause": "Why it was routed, such as uncertain or audit.",
    "queue": "The slug of a queue that it stands in.",
    "truth": "The label that it was resolved as.",
    "says": "The label that the version says.",
    "confidence": "The score of what the version says, a range such as 0.4..0.6, ..0.6 or 0.4..",
    "margin": "The distance of the two largest scores, a range as above.",
    "scores": "The score of one label, label:range; may stand several times.",
    "disagree": "yes: the version and the resolution differ.",
    "version": "The model version whose predictions are shown; the newest prediction where absent.",
    "judges": "Only items that may judge this model version.",
    "segment": "name=value, such as channel=app.",
    "input": "name:condition: a range of a number or time, values of a category separated by |, yes or no, what a text "
    "contains, or nothing for a missing value; may stand several times.",
    "suspected": "yes: its label is suspected to be wrong.",
    "commented": "yes: somebody wrote a comment with a label of it.",
    "signal": "The kind of a signal that came about it, such as thumbs_down.",
    "violation": "The input of which a value breaks the input contract and was kept beside the item.",
    "actor": "Who gave a signal about it; with `signal`, one of that kind.",
    "tag": "A tag that people put on it; may stand several times.",
    "resolved": "yes or no: whether it has a label.",
    "q": "Words, or phrases in double quotes, that its key and its values hold, in any case and with or "
    "without accents; or its id.",
    "similar": "The id of an item: the 100 most like it, of the newest 2,000 that pass the other filters.",
    "window": f"Only items of the last days: {windows.listed(windows.WINDOWS)}.",
    "since": "Only items from this moment on, RFC 3339.",
    "until": "Only items up to and at this moment, RFC 3339.",
    "served": "yes: only items that count in the history of what was served; `says` is what was served then.",
    "drawn": "yes: only items that the audit drew.",
    "sort": "time, score, margin, input:name or, with `similar`, similar; - before it: largest first. Else -time.",
    "next": "The `next` of the page before.",
    "previous": "The `previous` of the page behind.",
}
