"""Words that a reader would have to decode stay out of code, pages and docs."""

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parent.parent
THESE = ("tests/test_words.py", "tests/test_names.py")  # which name the words
# Metaphors, and words for which the field has its own.
BANNED = "houses?|rooms?|doors?|foretells?|foretold|told|spoilt|mends?|mended|worlds|woven|habits?|shelf|crowds?|sieve"
ALLOWED = re.compile(r"crowd[_-]kit|crowd_(weather_amt|zencrowd_us|bluebirds)|crowdlab", re.IGNORECASE)
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
