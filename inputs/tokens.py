"""Words of a text in any script, as drift counts them.

Scripts that put no spaces between words (Chinese, Japanese, Thai, Lao, Khmer, Burmese) are cut into overlapping pairs
of characters, which find words nearly as well as a segmenter does (Manning, Raghavan and Schütze 2008, section 2.2.1).
"""

import re

SCRIPTS = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3041-\u30ff\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff"
)
UNSPACED = re.compile(f"[{SCRIPTS}]")
WORD = re.compile(r"\w+")
RUN = re.compile(rf"[{SCRIPTS}]+|[^\W{SCRIPTS}]+")
PAIR = 2  # characters, about as many as a word has where none is set off by spaces


def tokens(text: str) -> list[str]:
    """The words in lower case; of an unspaced run of characters each two that are neighbours."""
    lowered = text.lower()
    if UNSPACED.search(lowered) is None:
        return WORD.findall(lowered)
    return [token for run in RUN.findall(lowered) for token in _pairs(run)]


def word_count(text: str) -> int:
    """The length in words: what spaces set off, and one word for each two characters of an unspaced script."""
    return len(text.split()) + len(UNSPACED.findall(text)) // PAIR


def _pairs(run: str) -> list[str]:
    if len(run) <= PAIR or UNSPACED.match(run) is None:
        return [run]
    return [run[at : at + PAIR] for at in range(len(run) - 1)]
