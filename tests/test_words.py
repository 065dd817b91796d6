"""Words that a reader would have to decode stay out of code, pages and docs."""

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parent.parent
THESE = ("tests/test_words.py", "tests/test_names.py")  # which name the words
# Metaphors, and words for which the field has its own.
BANNED = "houses?|rooms?|doors?|foretells?|foretold|told|spoilt|mends?|mended|worlds|woven|habits?|shelf|crowds?|sieve"
ALLOWED = re.compile(
    r"crowd[_-]kit|active-crowd-toolkit|crowd_(weather_amt|zencrowd_us|bluebirds)|crowdlab", re.IGNORECASE
)
SOURCES = ("*.py", "*.html", "*.md", "*.js", "*.css", "*.sh")


def test_no_source_uses_a_banned_word() -> None:
    listed = subprocess.run(["git", "ls-files", *SOURCES], cwd=ROOT, capture_output=True, text=True, check=True)
    word = re.compile(rf"(?<![a-z])({BANNED})(?![a-z])", re.IGNORECASE)  # also within a name
    found = [
        f"{name}:{number}: {line.strip()[:80]}"
        for name in listed.stdout.split()
        if name not in THESE
        for number, line in enumerate((ROOT / name).read_text().splitlines(), 1)
        if word.search(ALLOWED.sub("", line))
    ]
    assert not found, "\n".join(found)


# Sentences that pages once had and that a reader had to decode.
SEEN = (
    "Accuracy of what serves",
    "% of what came before",
    "by Plumbline itself",
    "is the largest cell",
    "of what it calls so",
    "The decision in force is",
    "says is right",
    "}} holding?",
    "}} less {{",
    "an equal model is promoted",
    "that go with it",
    "Loads and answers in",
    "How far did it come",
    "On what did it learn",
    "says degraded",
    "who is not here",
    "An account that stands",
    "Which services may call",
    "What works, in all",
    "</b> are there.",
    "This view cannot be shown",
    "Nothing is selected",
    "} items added to",
    "Seen in the last days",
    "Has a label",
    "Waits since",
    "curve has learnt",
    "Give it a second time",
    "Give your",
    "Give a user name",
    "Give a new password",
    "What is known of this case",
    "a quick fit of",
)
PAGES = ("templates/*.html", "static/js/*.js", "*/*.py")


def test_no_page_says_again_what_a_reader_had_to_decode() -> None:
    listed = subprocess.run(["git", "ls-files", *PAGES], cwd=ROOT, capture_output=True, text=True, check=True)
    names = [name for name in listed.stdout.split() if not name.startswith(("tests/", "benchmarks/"))]
    found = [
        f"{name}: {phrase}"
        for name in names
        for words in [" ".join((ROOT / name).read_text().split())]
        for phrase in SEEN
        if phrase in words
    ]
    assert len(names) > 200
    assert not found, "\n".join(found)
