"""Capture from streams: at least once in, each row once by its key, acknowledged after it is committed."""
