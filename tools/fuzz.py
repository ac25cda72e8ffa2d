"""Throw random messages at the reader of students' answers: python tools/fuzz.py --messages 100000 --seed 0

Random bytes, well-formed headers with wrong contents, and right messages with some bytes changed. Each must
end in WireError or in a value of a kind that may cross. The process has a limit of memory and of processor
time, so that a message which costs too much ends it. The same seed gives the same messages; a failure names
its number.
"""

import argparse
import itertools
import json
import math
import random
import resource
import sys

import numpy as np
from tqdm import tqdm

from cnnbook.coursework import replies
from cnnbook.coursework.inside.wire import DTYPES, LENGTHS, WireError, pack, unpack

MEMORY = 2_000_000_000  # bytes
FORMS = (replies.ERROR, replies.CALLBACK, replies.ANSWER, replies.VALUE, replies.LISTS)
KINDS = ["array", "scalar", "list", "tuple", "dict", "object", "function", "None", "", "__class__"]
WORDS = ["turn", "value", "sent", "error", "message", "where", "callback", "args", "notes", "\ud800", "\0"]
NUMBERS = [0, 1, -1, 2, 3, 7, 2**31, 2**63, 2**64, -(2**63), 10**300, 1e308, float("nan"), float("inf"), 0.5]
SPECS = [*sorted(DTYPES), "|O", "<f16", ">f8", "(,)f8", "V8", "<U9", "f8,f8", "M8[s]", "S4", "|O8", "x" * 99]

VALUE = (1, [2.5, None], np.arange(6).reshape(2, 3), {"a": np.float32(1)})
RIGHT = [
    {"value": VALUE, "sent": []},
    {"value": VALUE},
    {"value": ["name"], "notes": ["note"]},
    {"error": "ValueError", "message": "no", "where": ""},
    {"callback": 0, "args": VALUE},
]


def anything(rng: random.Random, depth: int = 0):
    """A random JSON value; most objects in it look like parts of a message."""
    choice = rng.randrange(9 if depth < 6 else 4)
    if choice == 0:
        return rng.choice(NUMBERS)
    if choice == 1:
        return rng.choice([None, True, False, "", *WORDS])
    if choice == 2:
        return rng.randrange(-3, 5)
    if choice == 3:
        return "".join(chr(rng.randrange(0x300)) for _ in range(rng.randrange(9)))
    inside = [anything(rng, depth + 1) for _ in range(rng.randrange(4))]
    if choice == 4:
        return inside
    kind = rng.choice(KINDS)
    content = rng.randrange(-2, 4) if kind in ("array", "scalar") and rng.random() < 0.8 else inside
    more = {rng.choice(WORDS): anything(rng, depth + 1)} if rng.random() < 0.1 else {}
    return {kind: content} | more


def specs(rng: random.Random) -> list:
    """A random list of dtypes and shapes."""
    found = []
    for _ in range(rng.randrange(4)):
        sizes = [
            rng.choice([0, 1, 2, 3, 5, 2**20, 2**40, 2**62, -1, 1.5, None]) for _ in range(rng.randrange(5))
        ]
        small = [rng.randrange(4) for _ in range(rng.randrange(4))]
        found.append([rng.choice(SPECS), small if rng.random() < 0.7 else sizes * rng.choice([1, 1, 20])])
    return found


def framed(header: bytes, body: bytes) -> bytes:
    """A message of these parts, with the right lengths."""
    return LENGTHS.pack(len(header), len(body)) + header + body


def bytes_of(name, shape) -> int:
    """How many bytes an array takes, or 0 if it is impossible or large."""
    if name not in DTYPES or not all(type(size) is int and 0 <= size < 100 for size in shape):
        return 0
    return min(np.dtype(name).itemsize * math.prod(shape), 10_000)


def nonsense(rng: random.Random) -> bytes:
    """A well-formed message with wrong contents."""
    listed = specs(rng)
    size = rng.randrange(200)
    if rng.random() < 0.7:  # often as many bytes as the arrays take
        size = sum(bytes_of(*each) for each in listed)
    message = {"dict": list(itertools.chain(*((word, anything(rng)) for word in rng.sample(WORDS, 3))))}
    header = {"message": message if rng.random() < 0.6 else anything(rng), "arrays": listed}
    if rng.random() < 0.1:
        header[rng.choice(["message", "arrays", "more"])] = anything(rng)
    if rng.random() < 0.05:
        header = anything(rng)
    return framed(json.dumps(header).encode(), rng.randbytes(size))


def spoiled(rng: random.Random) -> bytes:
    """A right message with some bytes changed, left out or put in."""
    content = bytearray(pack({"turn": 3} | rng.choice(RIGHT)))
    for _ in range(rng.randrange(4)):
        place = rng.randrange(len(content))
        change = rng.randrange(3)
        if change == 0:
            content[place] = rng.randrange(256)
        elif change == 1:
            del content[place : place + rng.randrange(1, 9)]
        else:
            content[place:place] = rng.randbytes(rng.randrange(1, 9))
        content = content or bytearray(1)
    if rng.random() < 0.5:  # with the right lengths, as far as they can be told
        body = rng.choice([0, 52])
        content = framed(
            bytes(content[LENGTHS.size : len(content) - body]), bytes(content[len(content) - body :])
        )
    return bytes(content)


def deep(rng: random.Random) -> bytes:
    """Brackets in brackets, or a number of many digits."""
    count = rng.choice([10, 100, 10_000])
    text = rng.choice(
        ["[" * count, '{"list": [' * count, "9" * count, '"' + "\\" * count, "1e" + "9" * count]
    )
    return framed(f'{{"arrays": [], "message": {text}'.encode(), b"")


def message(rng: random.Random) -> bytes:
    """One random message."""
    kind = rng.random()
    if kind < 0.1:
        return rng.randbytes(rng.randrange(60))
    if kind < 0.15:
        return LENGTHS.pack(rng.choice([0, 5, 2**32 - 1]), rng.choice([0, 9, 2**64 - 1])) + rng.randbytes(9)
    if kind < 0.17:
        return deep(rng)
    return nonsense(rng) if kind < 0.7 else spoiled(rng)


def crosses(value, depth: int = 0) -> bool:
    """True if a value is of a kind that may cross."""
    if isinstance(value, np.ndarray | np.generic):
        return value.dtype.str in DTYPES
    if isinstance(value, list | tuple):
        return depth <= 30 and all(crosses(each, depth + 1) for each in value)
    if isinstance(value, dict):
        return depth <= 30 and all(crosses(each, depth + 1) for pair in value.items() for each in pair)
    return value is None or type(value) in (bool, int, float, str)


def refuse(kind, number, rest):
    """There is no stand-in in these messages."""
    raise WireError("no stand-in is known here")


def tried(content: bytes) -> str:
    """What became of one message: "refused", "read", or "believed" as a reply. Other errors are raised."""
    outcome = "read"
    try:
        value = unpack(content)
        assert crosses(value), f"a value of type {type(value)} came through"
    except WireError:
        outcome = "refused"
    for form in FORMS:
        try:
            reply = replies.checked(content, 3, refuse, (form,))
            assert reply.keys() == form.keys()
            outcome = "believed"
        except WireError:
            continue
    return outcome


def main(arguments: list[str] | None = None) -> int:
    """Try the messages. Returns 1 if one of them ended in anything but WireError or a value."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--messages", type=int, default=5_000_000, metavar="N", help="how many (%(default)s)")
    parser.add_argument("--seed", type=int, default=None, help="of the messages (without it, a new one)")
    args = parser.parse_args(arguments)
    seed = args.seed if args.seed is not None else random.SystemRandom().randrange(10**9)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, resource.RLIM_INFINITY))
    used = sum(resource.getrusage(resource.RUSAGE_SELF)[:2])
    enough = int(
        used + 60 + args.messages / 500
    )  # seconds of processor time: 2 ms a message, many times its share
    resource.setrlimit(resource.RLIMIT_CPU, (enough, resource.RLIM_INFINITY))
    counts = {"refused": 0, "read": 0, "believed": 0}
    for number in tqdm(range(args.messages), disable=not sys.stderr.isatty()):
        content = message(random.Random(f"{seed} {number}"))
        try:
            counts[tried(content)] += 1
        except Exception as error:
            print(f"seed {seed}, message {number}: {type(error).__name__}: {error}\n{content[:500]!r}")
            return 1
    told = ", ".join(f"{count} {what}" for what, count in counts.items())
    print(f"{args.messages} messages of seed {seed}: {told}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
