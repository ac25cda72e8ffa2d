"""What crosses between the grader and a student's process: a JSON header and raw arrays, never pickle.

    12 bytes   length of the header, length of the arrays
    header     JSON: the message, and the dtype and shape of each array
    arrays     their bytes, one after the other

The reader believes nothing: sizes, dtypes, shapes and depth are checked before an array is made. This file
runs on both sides and needs NumPy alone.
"""

import json
import math
import struct

import numpy as np

LENGTHS = struct.Struct(">IQ")
LARGEST_HEADER = 2_000_000
LARGEST_BODY = 32_000_000  # for a smaller limit see `Limits.message` in sandbox.py
DEEPEST = 20
# The only dtypes that cross: numbers and truth values as nearly every machine keeps them.
KINDS = ("i2", "i4", "i8", "u2", "u4", "u8", "f2", "f4", "f8", "c8", "c16")
DTYPES = frozenset(("|b1", "|i1", "|u1", *(f"<{kind}" for kind in KINDS)))


class WireError(Exception):
    """A message that cannot be sent, or cannot be believed."""


def pack(message, keep=None) -> bytes:
    """One message as bytes.

    Parameters
    ----------
    message : None, bool, int, float, str, NumPy arrays and numbers; lists, tuples and dicts of them.
    keep : called with any other object; it returns the dict that stands for the object. Without it, or if it
        returns None, such an object is refused.

    Raises
    ------
    WireError : if something cannot cross.

    Examples
    --------
    >>> unpack(pack({"x": (1, np.arange(3), None)}))
    {'x': (1, array([0, 1, 2]), None)}
    """
    arrays = []
    tree = flatten(message, arrays, keep)
    specs = [[array.dtype.str, list(array.shape)] for array in arrays]
    header = json.dumps({"message": tree, "arrays": specs}).encode()
    body = b"".join(array.tobytes() for array in arrays)
    if len(header) > LARGEST_HEADER or len(body) > LARGEST_BODY:
        raise WireError(f"a value of {(len(header) + len(body)) / 1e6:.0f} MB is too large to hand over")
    return LENGTHS.pack(len(header), len(body)) + header + body


def unpack(content: bytes, find=None):
    """The message in `content`; `find` turns the dicts that `keep` made into what they stand for here.

    >>> unpack(b"nonsense")
    Traceback (most recent call last):
        ...
    cnnbook.coursework.inside.wire.WireError: the message is cut short
    """
    if len(content) < LENGTHS.size:
        raise WireError("the message is cut short")
    header_length, body_length = LENGTHS.unpack_from(content)
    if len(content) != LENGTHS.size + header_length + body_length:
        raise WireError("the message is not as long as it says")
    try:
        header = json.loads(content[LENGTHS.size : LENGTHS.size + header_length])
        arrays = list(read_arrays(header["arrays"], content[LENGTHS.size + header_length :]))
        return restore(header["message"], arrays, find)
    except WireError:
        raise
    except (ValueError, TypeError, LookupError, ArithmeticError, AttributeError, RecursionError, MemoryError):
        raise WireError("the message cannot be read") from None


def flatten(value, arrays, keep, depth=0):
    """The value as JSON; arrays are put into `arrays` and leave their number behind."""
    if depth > DEEPEST:
        raise WireError(f"a value nested more than {DEEPEST} deep cannot be handed over")
    if value is None or isinstance(value, bool | str) or type(value) in (int, float):
        return value
    if isinstance(value, np.ndarray | np.generic):
        array = np.array(value, order="C", subok=False)
        array = array.astype(array.dtype.newbyteorder("<"), copy=False)
        if array.dtype.str not in DTYPES:
            raise WireError(f"an array of dtype {array.dtype} cannot be handed over: it must hold numbers")
        arrays.append(array)
        return {"array" if isinstance(value, np.ndarray) else "scalar": len(arrays) - 1}
    if type(value) is complex:
        return flatten(np.complex128(value), arrays, keep, depth)
    if isinstance(value, list | tuple):
        kind = "list" if isinstance(value, list) else "tuple"
        return {kind: [flatten(each, arrays, keep, depth + 1) for each in value]}
    if isinstance(value, dict):
        pairs = (part for pair in value.items() for part in pair)
        return {"dict": [flatten(part, arrays, keep, depth + 1) for part in pairs]}
    stand_in = keep(value) if keep else None
    if stand_in is None:
        raise WireError(f"a value of type {type(value).__name__} cannot be handed over")
    return stand_in


def read_arrays(specs, body):
    """Cut the arrays out of the body, each checked before it is made."""
    start = 0
    for name, shape in specs:
        if name not in DTYPES:
            raise WireError("an array of an unknown dtype is not accepted")
        if len(shape) > 32 or not all(type(size) is int and 0 <= size < 2**48 for size in shape):
            raise WireError("an array has an impossible shape")
        dtype, count = np.dtype(name), math.prod(shape)
        if start + count * dtype.itemsize > len(body):
            raise WireError("an array is larger than its bytes")
        if count:
            yield np.frombuffer(body, dtype, count, start).reshape(shape).copy()
        else:
            yield np.empty(shape, dtype)
        start += count * dtype.itemsize
    if start != len(body):
        raise WireError("bytes are left over behind the arrays")


def array_at(number, arrays):
    """The array with this number. Its header is not believed: neither a negative number nor a wrong type."""
    if type(number) is not int or not 0 <= number < len(arrays):
        raise WireError("a message names an array that it does not hold")
    return arrays[number]


def restore(tree, arrays, find, depth=0):
    """Undo `flatten`."""
    if depth > DEEPEST:
        raise WireError(f"a message nested more than {DEEPEST} deep is not accepted")
    if not isinstance(tree, dict):
        if isinstance(tree, list):
            raise WireError("a bare list stands where a value should")
        return tree
    ((kind, content), *rest) = tree.items()
    if kind == "array":
        return array_at(content, arrays)
    if kind == "scalar":
        array = array_at(content, arrays)
        if array.ndim:
            raise WireError("an array stands where one number should")
        return array[()]
    if kind in ("list", "tuple", "dict"):
        if not isinstance(content, list):
            raise WireError(f"the parts of a {kind} must be listed")
        parts = [restore(each, arrays, find, depth + 1) for each in content]
        if kind == "dict":
            return dict(zip(parts[::2], parts[1::2], strict=True))
        return parts if kind == "list" else tuple(parts)
    if find is None:
        raise WireError("a message may not hold a stand-in here")
    return find(kind, content, dict(rest))


def read_frame(stream):
    """One message from a stream, or None at its end."""
    lengths = stream.read(LENGTHS.size)
    if len(lengths) < LENGTHS.size:
        return None
    return lengths + stream.read(sum(LENGTHS.unpack(lengths)))
