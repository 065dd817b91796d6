"""Requests that are generated for the calls of the API: good examples broken in the usual ways, and schemathesis's."""

import gzip
import json
import random
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from typing import Any

MIB = 1 << 20
ODD: tuple[Any, ...] = (
    None,
    True,
    [],
    {},
    -1,
    1e308,
    10**30,
    "",
    "\x00",
    "\ud800",
    "x" * 100_000,
    float("nan"),
    float("-inf"),
    {"a": {"b": [1]}},
    [[[]]],
    "2026-02-30T25:61:00Z",
    "=1+1",
    "\u202eabc",
)
TYPES = (
    "application/json",
    "application/x-ndjson",
    "text/plain",
    "application/octet-stream",
    "application/json; charset=x",
)


@dataclass(frozen=True)
class GeneratedRequest:
    """One request. kind: how its body was made."""

    kind: str
    path: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = "application/json"
    method: str = "POST"


def examples(schema: Mapping[str, Any], slug: str) -> dict[str, Any]:
    """Address to the example body of each call that takes JSON, as the OpenAPI document gives it."""
    found = {}
    for path, operations in schema["paths"].items():
        content = operations.get("post", {}).get("requestBody", {}).get("content", {}).get("application/json", {})
        if "example" in content:
            found[path.replace("{slug}", slug)] = content["example"]
    return found


def broken_requests(bodies: Mapping[str, Any], count: int, seed: int) -> Iterator[GeneratedRequest]:
    """So many requests: a random call, its example broken in a random way."""
    rng = random.Random(seed)
    paths = sorted(bodies)
    for _ in range(count):
        path = rng.choice(paths)
        kind, make = rng.choice(WAYS)
        yield make(rng, kind, path, bodies[path])


def _as_json(value: Any) -> bytes:
    return json.dumps(value).encode()


def _cut(rng: random.Random, kind: str, path: str, body: Any) -> GeneratedRequest:
    whole = _as_json(body)
    return GeneratedRequest(kind, path, whole[: rng.randrange(len(whole))], content_type=rng.choice(TYPES[:2]))


def _changed_bytes(rng: random.Random, kind: str, path: str, body: Any) -> GeneratedRequest:
    data = bytearray(_as_json(body))
    for _ in range(rng.randint(1, 8)):
        data[rng.randrange(len(data))] = rng.randrange(256)
    return GeneratedRequest(kind, path, bytes(data), content_type=rng.choice(TYPES))


def _random_bytes(rng: random.Random, kind: str, path: str, body: Any) -> GeneratedRequest:
    return GeneratedRequest(kind, path, rng.randbytes(rng.randrange(400)), content_type=rng.choice(TYPES))


def _odd_part(rng: random.Random, kind: str, path: str, body: Any) -> GeneratedRequest:
    return GeneratedRequest(kind, path, _as_json(with_odd_part(rng, body)))


def with_odd_part(rng: random.Random, value: Any) -> Any:
    """The value with one part of it, at any depth, replaced by an odd one, left out, or added."""
    if isinstance(value, dict) and value and rng.random() < 0.9:
        name = rng.choice(sorted(value))
        if rng.random() < 0.1:
            return {key: part for key, part in value.items() if key != name} | {str(rng.choice(ODD))[:50]: 1}
        return {**value, name: with_odd_part(rng, value[name])}
    if isinstance(value, list) and value and rng.random() < 0.9:
        place = rng.randrange(len(value))
        return [*value[:place], with_odd_part(rng, value[place]), *value[place + 1 :]]
    return rng.choice(ODD)


def _other_encoding(rng: random.Random, kind: str, path: str, body: Any) -> GeneratedRequest:
    text = json.dumps(body, ensure_ascii=False).replace("a", rng.choice(["é", "漢", "\U0001f600", "a"]))
    encoding = rng.choice(["utf-16", "utf-16-le", "utf-32", "latin-1", "utf-8-sig", "cp037", "shift_jis"])
    return GeneratedRequest(kind, path, text.encode(encoding, "replace"), content_type=rng.choice(TYPES[:2]))


def _nested(rng: random.Random, kind: str, path: str, body: Any) -> GeneratedRequest:
    depth, inner = rng.choice([10, 63, 65, 900, 1100, 100_000]), _as_json(body)
    opened, closed = rng.choice([(b"[", b"]"), (b'{"inputs":', b"}")])
    ends = closed * depth if rng.random() < 0.8 else b""
    return GeneratedRequest(kind, path, opened * depth + inner + ends)


def _twice_named(rng: random.Random, kind: str, path: str, body: Any) -> GeneratedRequest:
    data = _as_json(body)
    return GeneratedRequest(kind, path, data.replace(b"{", b'{"key": 1, "key": 2, ', rng.randint(1, 2)))


def _badly_packed(rng: random.Random, kind: str, path: str, body: Any) -> GeneratedRequest:
    packed = gzip.compress(_as_json(body), mtime=0)
    change = rng.choice(["cut", "byte", "twice", "after", "plain", "name", "several"])
    changed = {
        "cut": packed[: rng.randrange(len(packed))],
        "byte": packed[:12] + bytes([rng.randrange(256)]) + packed[13:],
        "twice": gzip.compress(packed, mtime=0),
        "after": packed + rng.randbytes(20),
        "plain": _as_json(body),
        "name": packed,
        "several": packed + gzip.compress(b" ", mtime=0),
    }[change]
    encoding = rng.choice(["br", "deflate", "gzip, gzip", "x\u00e9", "GZIP"]) if change == "name" else "gzip"
    return GeneratedRequest(f"{kind} {change}", path, changed, {"Content-Encoding": encoding})


@cache
def bomb(mib: int) -> bytes:
    """Gzip of so many MiB of spaces, after the beginning of an array; it is never unpacked here."""
    packer, blank = zlib.compressobj(wbits=31), b" " * MIB
    return b"".join([packer.compress(b"["), *(packer.compress(blank) for _ in range(mib)), packer.flush()])


def _bomb(rng: random.Random, kind: str, path: str, body: Any) -> GeneratedRequest:
    return GeneratedRequest(kind, path, bomb(rng.choice([17, 200])), {"Content-Encoding": "gzip"})


@cache
def large(size: int) -> bytes:
    return b'["' + b"x" * size + b'"]'


def _too_large(rng: random.Random, kind: str, path: str, body: Any) -> GeneratedRequest:
    return GeneratedRequest(kind, path, large(rng.choice([MIB, 17 * MIB])))


Way = tuple[str, Callable[[random.Random, str, str, Any], GeneratedRequest]]
OFTEN: tuple[Way, ...] = (
    ("cut", _cut),
    ("changed bytes", _changed_bytes),
    ("random bytes", _random_bytes),
    ("odd part", _odd_part),
    ("other encoding", _other_encoding),
    ("nested", _nested),
    ("named twice", _twice_named),
    ("badly packed", _badly_packed),
)
SELDOM: tuple[Way, ...] = (("bomb", _bomb), ("too large", _too_large))  # each costs as much as hundreds of others
WAYS: tuple[Way, ...] = (*OFTEN * 25, *SELDOM)


def schema_requests(
    schema: Mapping[str, Any], slug: str, count: int, seed: int, act: Callable[[GeneratedRequest], None]
) -> None:
    """Give `act` about so many requests of schemathesis, evenly over the calls and over good and bad values."""
    import schemathesis
    from hypothesis import HealthCheck, Phase, given, settings
    from hypothesis import seed as seeded
    from hypothesis.errors import Unsatisfiable
    from schemathesis import GenerationMode
    from schemathesis.core.result import Ok

    loaded = schemathesis.openapi.from_dict(json.loads(json.dumps(schema)))
    calls = [found.ok() for found in loaded.get_all_operations() if isinstance(found, Ok)]
    modes = (GenerationMode.NEGATIVE, GenerationMode.POSITIVE)
    each = max(1, count // (len(calls) * len(modes)))
    quiet = settings(
        max_examples=each,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    for call in calls:
        for mode in modes:
            strategy = call.as_strategy(mode, path_parameters={"slug": slug} if "{slug}" in call.path else None)

            @seeded(seed)
            @quiet
            @given(case=strategy)
            def send_case(case: Any) -> None:
                request = as_request(case, "schema")
                if request is not None:
                    act(request)

            with suppress(Unsatisfiable):  # a call for which a mode has no values
                send_case()


def as_request(case: Any, kind: str) -> GeneratedRequest | None:
    """The case as it would be sent; None where no client could write it."""
    try:
        sent = case.as_transport_kwargs(base_url="http://testserver")
        import requests

        names = ("method", "url", "headers", "cookies", "data", "json", "params", "files")
        written = requests.Request(**{name: sent[name] for name in names if name in sent}).prepare()
    except (ValueError, UnicodeError, LookupError, requests.RequestException):
        return None
    body = written.body or b""
    data = body if isinstance(body, bytes) else str(body).encode("utf-8", "surrogatepass")
    headers = {name: value for name, value in written.headers.items() if name.lower() not in UNSENT}
    return GeneratedRequest(
        kind,
        written.path_url,
        data,
        {name: value if isinstance(value, str) else value.decode("latin-1") for name, value in headers.items()},
        str(written.headers.get("Content-Type", "application/json")),
        str(written.method),
    )


UNSENT = ("content-length", "content-type", "authorization", "cookie", "host")
