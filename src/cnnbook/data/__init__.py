"""The images of the book: find them, download them once, verify them, and say where they came from.

Every file is in the IDX format of the MNIST database: a few header bytes, then one byte per pixel.
"""

import gzip
import hashlib
import html
import math
import operator
import os
import sys
import zlib
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np

from cnnbook.data.augment import Augmentation as Augmentation
from cnnbook.data.sources import DATASETS


@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """Images and labels for training and testing, and where they came from.

    Attributes
    ----------
    x_train, x_test : float32 arrays of shape (N, H, W, C), pixels in [0, 1], 0 is black
    y_train, y_test : int64 arrays of shape (N,), the class of each image
    class_names : tuple of str, ``class_names[y]`` is the name of class ``y``
    source : str, which data these are and where they were found
    is_fallback : bool, True when these stand in for the data that was asked for

    Examples
    --------
    >>> x, y = np.zeros((3, 2, 2, 1), np.float32), np.array([0, 1, 1])
    >>> Dataset(x, y, x[:1], y[:1], ("ring", "bar"), source="a tiny example")
    Dataset(x_train (3, 2, 2, 1) and x_test (1, 2, 2, 1) float32 in [0, 0], labels int64: 2 classes;
            3 training and 1 test images from a tiny example.)
    """

    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    class_names: tuple[str, ...]
    source: str
    is_fallback: bool = False

    @property
    def note(self):
        """One sentence for the page: how many images, of what, from where."""
        return f"{len(self.x_train):,} training and {len(self.x_test):,} test images from {self.source}."

    @property
    def _facts(self):
        low = min(self.x_train.min(), self.x_test.min())
        high = max(self.x_train.max(), self.x_test.max())
        return (
            f"x_train {self.x_train.shape} and x_test {self.x_test.shape} {self.x_train.dtype}"
            f" in [{low:g}, {high:g}], labels {self.y_train.dtype}: {len(self.class_names)} classes"
        )

    def __repr__(self):
        return f"Dataset({self._facts}; {self.note})"

    def _repr_html_(self):
        note, facts = html.escape(self.note), html.escape(self._facts)
        if not self.is_fallback:
            return f'<p class="data-note"><strong>Data.</strong> {note} {facts}.</p>'
        return (
            '<div class="data-note admonition warning" role="note"'
            ' style="border-left: 0.2rem solid var(--pst-color-warning, #b45309); padding: 0 0.6rem 0.8rem;'
            ' color: var(--pst-color-text-base, inherit)">'
            '<p class="admonition-title"><strong>Stand-in data</strong></p>'
            f"<p>{note} Numbers and pictures here differ from those of the published page. {facts}.</p></div>"
        )


def load(name="fashion_mnist", *, n_train=None, n_test=None, seed=0, fallback=None):
    """Get a data set ready to train on, downloading it the first time.

    Each file is looked for in ``$CNNBOOK_DATA_DIR/<name>``, then in this book's cache, then in Keras' cache;
    what none of them has is downloaded into the book's cache. Every file is verified whenever it is read.

    Parameters
    ----------
    name : ``"fashion_mnist"`` (60,000 + 10,000 images) or ``"mnist"`` (the 10,000 images of the official test
        file, always split into the same 8,000 + 2,000)
    n_train, n_test : int or None, how many images to draw at random, without replacement. None takes all of
        them, in the order of the file. With the same seed a smaller draw is the beginning of a larger one
    seed : int, which images a draw takes. It never moves the border between training and test images, so no
        test image of one seed is a training image of another
    fallback : None or ``"digits"``: where the data can neither be found nor downloaded, scikit-learn's 1,797
        handwritten digits (1,437 + 360) stand in, and n_train and n_test are capped. A damaged file is an
        error all the same

    Returns
    -------
    Dataset
        Images float32 of shape (N, 28, 28, 1) in [0, 1], labels int64 of shape (N,).

    Raises
    ------
    ValueError
        An argument is impossible, or a file is not the published one.
    OSError
        The data is nowhere to be found and cannot be downloaded or stored.

    Notes
    -----
    Fashion-MNIST: Xiao, Rasul, Vollgraf (2017), arXiv:1708.07747. MNIST: LeCun, Cortes, Burges (1998).

    Examples
    --------
    >>> load("cifar10")
    Traceback (most recent call last):
    ValueError: load: name must be 'fashion_mnist' or 'mnist'. Received name='cifar10'.
    """
    if name not in list(DATASETS):
        raise ValueError(f"load: name must be {' or '.join(map(repr, DATASETS))}. Received name={name!r}.")
    if fallback not in (None, "digits"):
        raise ValueError(f"load: fallback must be None or 'digits'. Received fallback={fallback!r}.")
    dataset, sizes = DATASETS[name], DATASETS[name]["sizes"]
    counts = [
        size if n is None else _integer(argument, n, 1, size, f"Use {argument}=None for all of them.")
        for argument, n, size in zip(("n_train", "n_test"), (n_train, n_test), sizes, strict=True)
    ]
    seed = _integer("seed", seed, 0, 2**63 - 1, "Use seed=0 for the draw the book uses.")
    class_names, is_fallback = dataset["class_names"], False
    try:
        paths, source = _find(name)
    except OSError:
        if fallback is None:
            raise
        parts, class_names, is_fallback = _digits(), tuple("0123456789"), True
        source = (
            "scikit-learn's handwritten digits, enlarged from 8x8 to 28x28 pixels:"
            f" they stand in for {dataset['title']}, which could be neither found nor downloaded"
        )
    else:
        splits = dict.fromkeys(file.split("-")[0] for file in paths)
        parts = [_read_pair(name, paths, split) for split in splits]
        if len(parts) == 1:
            parts = _split(*parts[0], sizes[0])
    (x_train, y_train), (x_test, y_test) = (
        _draw(*part, n, seed) for part, n in zip(parts, counts, strict=True)
    )
    return Dataset(x_train, y_train, x_test, y_test, class_names, source, is_fallback)


def _integer(argument, value, low, high, advice):
    try:
        if isinstance(value, bool) or not low <= operator.index(value) <= high:
            raise TypeError
    except TypeError:
        message = f"load: {argument} must be an integer from {low} to {high}. Received {argument}={value!r}."
        raise ValueError(f"{message} {advice}") from None
    return operator.index(value)


def _split(images, labels, n_train):
    """Shuffle once, the same way for everybody, and cut."""
    order = np.random.default_rng(0).permutation(len(labels))
    return [(images[rows], labels[rows]) for rows in (order[:n_train], order[n_train:])]


def _draw(images, labels, n, seed):
    """Take n images (all of them in their own order) and turn bytes into float32 pixels in [0, 1]."""
    if n < len(labels):
        rows = np.random.default_rng(seed).permutation(len(labels))[:n]
        images, labels = images[rows], labels[rows]
    pixels = np.divide(images, 255, dtype=np.float32)  # (N, H, W)
    return pixels[..., np.newaxis], labels.astype(np.int64)  # (N, H, W, 1), (N,)


def _digits():
    """scikit-learn's 8x8 digits as 28x28 bytes: 24x24 by linear interpolation, then 2 black pixels around.

    Repeating each pixel 3x3 times would leave blocks instead, and edge-finding kernels would find them.
    """
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    centres = (np.arange(24) + 0.5) / 3 - 0.5  # where the 24 new pixels lie among the 8 old ones
    stretch = np.array([np.interp(centres, np.arange(8), unit) for unit in np.eye(8)])  # (8, 24)
    large = stretch.T @ (images.reshape(-1, 8, 8) * (255 / 16)) @ stretch  # (1797, 24, 24)
    large = np.pad(large.round().astype(np.uint8), ((0, 0), (2, 2), (2, 2)))  # (1797, 28, 28)
    return _split(large, labels, 1_437)


def parse_idx(content, ndim, name="content"):
    """Read the array inside an IDX file: 3 axes for images, 1 for labels.

    The file begins with two zero bytes, 8 (the type code of bytes), the number of axes, and the length of
    each axis as a big-endian 4-byte integer. The values follow, one byte each, the last axis running fastest.

    Parameters
    ----------
    content : bytes, the uncompressed file
    ndim : int, 3 for images (N, H, W), 1 for labels (N,)
    name : str, how an error message calls the file

    Returns
    -------
    uint8 array, a read-only view of ``content``

    Raises
    ------
    ValueError
        The first four bytes, or the number of bytes, are not those of such a file.

    Examples
    --------
    >>> parse_idx(bytes([0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 10, 20, 30, 40, 50, 60]), ndim=3)
    array([[[10, 20, 30],
            [40, 50, 60]]], dtype=uint8)
    >>> parse_idx(bytes([0, 0, 8, 1, 0, 0, 0, 2, 7, 9]), ndim=1)
    array([7, 9], dtype=uint8)
    """
    kinds, expected = {0x803: "images", 0x801: "labels"}, 0x800 + ndim
    magic = int.from_bytes(content[:4], "big")
    if magic != expected:
        found = f"{kinds[magic]} (magic number {magic})" if magic in kinds else f"magic number {magic}"
        wanted = f"{kinds.get(expected, 'values')} (magic number {expected})"
        raise ValueError(f"{name} must hold {wanted}. Received {found}. Replace it with the published file.")
    start = 4 + 4 * ndim
    shape = [int.from_bytes(content[i : i + 4], "big") for i in range(4, start, 4)]
    size = start + math.prod(shape)
    if len(content) != size:
        raise ValueError(
            f"{name} must have {size} bytes to hold shape {tuple(shape)}. Received {len(content)} bytes."
            " Replace it with the published file."
        )
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)


def _gunzip(path, name):
    try:
        with gzip.open(path) as file:
            return file.read()
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(
            f"{name} must be a complete gzip file. Reading it stopped with: {error}."
            " Delete it and run again to download it."
        ) from error


def _verify(content, sha256, name):
    received = hashlib.sha256(content).hexdigest()
    if received != sha256:
        raise ValueError(
            f"{name} must hold the published data, SHA-256 {sha256[:16]}... when uncompressed."
            f" Received {received[:16]}... instead. Delete it and run again to download it."
        )


def _read_pair(name, paths, split):
    """The images and labels of one split, verified to be the published ones."""
    files = [f"{split}-images-idx3-ubyte.gz", f"{split}-labels-idx1-ubyte.gz"]
    contents = [_gunzip(paths[file], paths[file]) for file in files]
    images, labels = (
        parse_idx(content, ndim, paths[file])
        for content, ndim, file in zip(contents, (3, 1), files, strict=True)
    )
    if len(images) != len(labels):
        raise ValueError(
            f"{paths[files[1]]} must have one label per image. Received {len(labels)} labels for the"
            f" {len(images)} images of {paths[files[0]]}. Replace both with the published files."
        )
    for content, file in zip(contents, files, strict=True):
        _verify(content, DATASETS[name]["files"][file], paths[file])
    return images, labels


def _folders(name):
    """The places to look in, best first, each with what to call it."""
    if data_dir := os.environ.get("CNNBOOK_DATA_DIR"):
        yield "read from CNNBOOK_DATA_DIR", Path(data_dir).expanduser() / name
    yield "read from the local cache", _cache(name)
    keras_home = Path(os.environ.get("KERAS_HOME", "~/.keras")).expanduser()
    yield "read from Keras' cache", keras_home / "datasets" / name.replace("_", "-")


def _cache(name):
    import pooch

    return Path(pooch.os_cache("cnnbook")) / name


def _find(name):
    """The path of every file, downloaded if need be, and a phrase that says where they came from."""
    paths, origins, absent = {}, [], ""
    for file in DATASETS[name]["files"]:
        places = ((origin, folder / file) for origin, folder in _folders(name))
        found = next((place for place in places if os.path.isfile(place[1])), None)
        origin, paths[file] = found or _download(name, file)
        origins.append(origin)
        if os.environ.get("CNNBOOK_DATA_DIR") and not absent and "CNNBOOK_DATA_DIR" not in origin:
            absent = f" (CNNBOOK_DATA_DIR has no {name}/{file})"
    return paths, f"{DATASETS[name]['title']}, {' and '.join(dict.fromkeys(origins))}{absent}"


def _download(name, file):
    """Fetch one file into the cache from the first address that has the published bytes."""
    import pooch
    import requests

    folder, reasons, title = _cache(name), [], DATASETS[name]["title"]
    now = f" (now {data_dir})" if (data_dir := os.environ.get("CNNBOOK_DATA_DIR")) else ""
    by_hand = (
        f"or put the files in a folder named {name} and set CNNBOOK_DATA_DIR{now} to the folder around it."
    )
    # pooch reports every download on stderr, where a page that is being built must print nothing
    pooch.get_logger().setLevel("WARNING")
    fetch = pooch.HTTPDownloader(
        progressbar=sys.stderr.isatty() or "JPY_SESSION_NAME" in os.environ,  # a terminal or a live notebook
        chunk_size=2**16,
        timeout=(5, 30),  # seconds to connect, seconds of silence
        headers={"Accept-Encoding": "identity"},  # the gzip file itself, not its content
    )

    def fetch_and_verify(url, path, _):
        """pooch moves its temporary file into the cache only when this returns."""
        fetch(url, path, None)
        content = _gunzip(path, file)
        parse_idx(content, 3 if "images" in file else 1, file)
        _verify(content, DATASETS[name]["files"][file], file)

    for address in DATASETS[name]["addresses"]:
        host = urlsplit(address).hostname
        try:
            path = pooch.retrieve(address + file, None, fname=file, path=folder, downloader=fetch_and_verify)
            return f"downloaded from {host}", Path(path)
        except requests.RequestException as error:
            answer = f"{error.response.status_code} " if error.response is not None else ""
            reasons.append(f"{host} ({answer}{type(error).__name__})")
        except ValueError:
            reasons.append(f"{host} (its SHA-256 is not that of the published file)")
        except OSError as error:
            raise OSError(
                f"load: the cache folder {folder} must be writable to store {title}."
                f" Received {type(error).__name__}: {error.strerror or error}. Make it writable, {by_hand}"
            ) from error
    raise OSError(
        f"load: {title} must be on this computer or downloadable. {file} was found nowhere and could not be"
        f" had from {', '.join(reasons)}. Connect to the internet and run again, {by_hand}"
    )
