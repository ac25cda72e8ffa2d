"""Submissions that mean well: whatever they do beside the task, a right answer is a right answer."""

RIGHT = "return right(x, kernel, bias)"

# name: (body of conv2d, score, words of a reason)
TABLE = {
    "prints-everything": (f"print(x, kernel, bias, flush=True)\nsys.stderr.write('!')\n{RIGHT}", 24, ""),
    "asks-the-user": (f"try: input('size? ')\nexcept EOFError: pass\n{RIGHT}", 24, ""),
    "draws-a-plot": (f"try: import matplotlib\nexcept ImportError: pass\n{RIGHT}", 24, ""),
    "warns": (f"import warnings\nwarnings.warn('slow')\n{RIGHT}", 24, ""),
    "warnings-are-errors": (f"import warnings\nwarnings.simplefilter('error')\n{RIGHT}", 24, ""),
    "errors-of-numpy": (f"np.seterr(all='raise')\n{RIGHT}", 24, ""),
    "sets-a-seed": (f"np.random.seed(0)\n{RIGHT}", 24, ""),
    "threads": (
        "from concurrent.futures import ThreadPoolExecutor\nwith ThreadPoolExecutor(2) as pool:\n"
        "    return pool.submit(right, x, kernel, bias).result()",
        24, "",
    ),
    "counts-in-a-default": (f"def f(seen=[]): seen.append(1); return len(seen)\nf()\n{RIGHT}", 24, ""),
    "float16": (f"{RIGHT}.astype(np.float16)", 10, "numbers are wrong"),
    "big-endian": (f"{RIGHT}.astype('>f8')", 24, ""),
    "columns-first-in-memory": ("return np.asfortranarray(right(x, kernel, bias))", 24, ""),
    "a-view-turned-twice": (f"{RIGHT}[::-1][::-1]", 24, ""),
    "a-masked-array": ("return np.ma.array(right(x, kernel, bias))", 24, ""),
    "a-list": (f"{RIGHT}.tolist()", 10, "must be an array"),
    "a-generator": ("return (each for each in right(x, kernel, bias))", 10, "must hold numbers"),
    "a-function": ("return right", 10, ""),
    "half-the-time": ("if np.random.rand() < 2: return right(x, kernel, bias)", 24, ""),
    "leaves-a-file-open": (f"open(os.devnull)\n{RIGHT}", 24, ""),
    "raises-at-the-end": (f"import atexit\natexit.register(lambda: 1 / 0)\n{RIGHT}", 24, ""),
    "traces-itself": (f"sys.settrace(lambda *a: None)\n{RIGHT}", 24, ""),
    "a-text-that-cannot-be-written": ("raise ValueError('\\ud800\\x1b[2J</script>')", 10, "\\ud800"),
}  # fmt: skip
