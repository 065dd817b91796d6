"""Public ids: a prefix that names the noun, then 26 Crockford characters that sort by time (a ULID)."""

import base64
import os
import time

ALPHABET = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ"
TO_CROCKFORD = bytes.maketrans(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", ALPHABET)
BYTES, CHARACTERS, LENGTH = 20, 32, 26  # as base 32 encodes them: 32 bits of zeros come first


def new_id(prefix: str) -> str:
    """Return such as ``item_01JD4K7Q2M…``: 48 bits of milliseconds, then 80 random bits."""
    return new_ids(prefix, 1)[0]


def new_ids(prefix: str, count: int) -> list[str]:
    """So many ids at once, all of one moment."""
    start = (time.time_ns() // 1_000_000).to_bytes(BYTES - 10)
    random = os.urandom(10 * count)
    numbers = b"".join(start + random[place : place + 10] for place in range(0, len(random), 10))
    text = base64.b32encode(numbers).translate(TO_CROCKFORD).decode()
    ends = range(CHARACTERS, len(text) + 1, CHARACTERS)
    return [f"{prefix}_{text[end - LENGTH : end]}" for end in ends]
