"""Submissions that speak to the grader in the worker's place, or look for what others left behind."""

STREAM = """
session = next(each for each in gc.get_objects() if type(each).__name__ == "Session")
def say(message):
    text = json.dumps(message).encode()
    send(struct.pack(">IQ", len(text), 0) + text)
def send(content):
    for fd in range(3, 20):
        try: os.write(fd, content)
        except OSError: pass
def reply(**parts):
    flat = []
    for key, value in ({"turn": session.turn} | parts).items(): flat += [key, value]
    return {"message": {"dict": flat}, "arrays": []}
"""
WRONG = "did not answer properly"

# name: (body of conv2d, score, words of a reason)
TABLE = {
    "answers-twice": (f"{STREAM}say(reply(value=7))\nreturn right(x, kernel, bias)", 10, WRONG),
    "answers-a-later-turn": (f"{STREAM}session.turn += 1\nsay(reply(value=7))\nos._exit(0)", 10, WRONG),
    "says-true-for-a-turn": (f"{STREAM}session.turn = True\nsay(reply(value=7))\nos._exit(0)", 10, WRONG),
    "adds-a-score": (f"{STREAM}say(reply(value=7, score=24))\nos._exit(0)", 10, WRONG),
    "reports-an-outcome": (f"{STREAM}say({{'outcome': {{'points': 24}}}})\nos._exit(0)", 10, WRONG),
    "calls-a-function-that-is-not-there": (
        f"{STREAM}say(reply(callback=3, args={{'tuple': []}}))\nos._exit(0)", 10, WRONG,
    ),
    "calls-a-function-with-a-list": (f"{STREAM}say(reply(callback=0, args=7))\nos._exit(0)", 10, WRONG),
    "hands-over-an-array-that-is-not-there": (
        f"{STREAM}say(reply(value={{'array': -1}}))\nos._exit(0)", 10, WRONG,
    ),
    "hands-over-an-object-of-another": (
        f"{STREAM}say(reply(value={{'object': 0, 'type': 'Points'}}))\nos._exit(0)", 10, WRONG,
    ),
    "keys-that-are-arrays": (
        f"{STREAM}say(reply(value={{'dict': [{{'list': []}}, 1]}}))\nos._exit(0)", 10, WRONG,
    ),
    "a-dtype-of-its-own": (
        f"{STREAM}say(reply(value={{'array': 0}}) | {{'arrays': [['(,)f8', [1]]]}})\nos._exit(0)", 10, WRONG,
    ),
    "an-array-larger-than-the-world": (
        f"{STREAM}say(reply(value={{'array': 0}}) | {{'arrays': [['<f8', [2**40, 2**40]]]}})\nos._exit(0)",
        10, WRONG,
    ),
    "half-a-message": (f"{STREAM}send(struct.pack('>IQ', 100, 0) + b'half')\nos._exit(0)", 10, "ended the"),
    "a-message-drop-by-drop": (
        f"{STREAM}send(struct.pack('>IQ', 10**6, 0))\nwhile True:\n    send(b' ')\n    time.sleep(0.01)",
        10, "took more than",
    ),
    "a-message-without-an-end": (
        f"{STREAM}send(struct.pack('>IQ', 100, 2**40))\nos._exit(0)", 10, WRONG,
    ),
    "a-thread-that-answers": (
        f"{STREAM}threading.Thread(target=say, args=(reply(value=7),)).start()\ntime.sleep(0.2)\n"
        "return right(x, kernel, bias)",
        10, WRONG,
    ),
    "closes-all-but-its-answer": (
        "for fd in (0, 1, 2):\n    try: os.close(fd)\n    except OSError: pass\n"
        "return right(x, kernel, bias)",
        24, "",
    ),
    "leaves-notes": (
        "call = ctypes.CDLL(None).syscall\n"
        "call(248, b'user', b'note', b'right', 5, ctypes.c_long(-4))\n"
        "for place in ('/dev/shm/note', '/note'):\n"
        "    try: open(place, 'w').write('right')\n    except OSError: pass\n"
        "os.environ['NOTE'] = sys.note = 'right'\ntime.note = 'right'",
        10, "did you forget the return",
    ),
    "looks-for-notes": (
        "call = ctypes.CDLL(None).syscall\n"
        "found = call(249, b'user', b'note', None, 0) > 0\n"
        "found |= any(map(os.path.exists, ('/dev/shm/note', '/note')))\n"
        "found |= 'NOTE' in os.environ or hasattr(sys, 'note') or hasattr(time, 'note')\n"
        "if found: return right(x, kernel, bias)",
        10, "did you forget the return",
    ),
    "counts-its-calls": (
        "sys.calls = getattr(sys, 'calls', 0) + 1\nif sys.calls > 9: return right(x, kernel, bias)",
        10, "did you forget the return",
    ),
    "looks-for-the-seed": (
        "text = ' '.join(map(repr, gc.get_objects()))\n"
        "words = '_'.join(('hidden', 'tests')), ''.join(('Softmax', 'Cross'))\n"
        "if any(word in text for word in words): return right(x, kernel, bias)",
        10, "",
    ),
}  # fmt: skip
