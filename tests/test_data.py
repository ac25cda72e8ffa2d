import gzip
import hashlib
import http.server
import io
import logging
import os
import socket
import subprocess
import sys
import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnnbook import data
from cnnbook.data import Dataset, load, parse_idx

REAL = os.environ.get("CNNBOOK_DATA_DIR")
with_real_files = pytest.mark.skipif(
    not REAL, reason="CNNBOOK_DATA_DIR is not set: the real files were NOT read"
)
TRAIN_IMAGES, TRAIN_LABELS = "train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"
TEST_IMAGES, TEST_LABELS = "t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"
FASHION = (TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS)


def idx(array):
    """The content of an IDX file, written here a second time, straight from the format."""
    lengths = b"".join(int(n).to_bytes(4, "big") for n in array.shape)
    return bytes([0, 0, 8, array.ndim]) + lengths + array.astype(np.uint8).tobytes()


def small(n, seed):
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 256, (n, 4, 3))
    images[:, 0, :2] = 0, 255
    return images, rng.integers(0, 10, n)


ARRAYS = dict(zip(FASHION, (*small(30, 1), *small(12, 2)), strict=True))


def write(folder, files=FASHION, **compression):
    folder.mkdir(parents=True, exist_ok=True)
    for file in files:
        (folder / file).write_bytes(gzip.compress(idx(ARRAYS[file]), **compression))


def leftovers(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def short(content):
    return hashlib.sha256(content).hexdigest()[:16]


@pytest.fixture(autouse=True)
def only_loopback(monkeypatch):
    """No test may reach another machine, whatever this one is connected to."""
    connect = socket.socket.connect

    def loopback(self, address):
        if address[0] not in ("127.0.0.1", "localhost"):
            raise OSError(f"a test tried to reach {address}")
        return connect(self, address)

    def resolve(host, port, *args, **kwargs):
        if host != "127.0.0.1":
            raise socket.gaierror(f"a test tried to resolve {host}")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, port))]

    monkeypatch.setattr(socket.socket, "connect", loopback)
    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setenv("NO_PROXY", "*")


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A computer without any data: no CNNBOOK_DATA_DIR, empty caches."""
    import pooch

    monkeypatch.delenv("CNNBOOK_DATA_DIR", raising=False)
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setattr(pooch, "os_cache", lambda project: tmp_path / "cache" / project)
    return tmp_path


@pytest.fixture
def tiny(home, monkeypatch):
    """Small files with their own SHA-256 in place of the published ones. Nothing is on the computer yet."""
    for name, files, sizes in (("fashion_mnist", FASHION, (30, 12)), ("mnist", FASHION[2:], (9, 3))):
        hashes = {file: hashlib.sha256(idx(ARRAYS[file])).hexdigest() for file in files}
        dataset = data.DATASETS[name] | {"files": hashes, "sizes": sizes}
        monkeypatch.setitem(data.DATASETS, name, dataset)
    return home


@pytest.fixture
def data_dir(tiny, monkeypatch):
    """CNNBOOK_DATA_DIR/fashion_mnist with the four small files."""
    monkeypatch.setenv("CNNBOOK_DATA_DIR", str(tiny / "data"))
    write(tiny / "data" / "fashion_mnist")
    return tiny / "data" / "fashion_mnist"


@pytest.fixture
def mirrors(tiny, monkeypatch):
    """Two addresses on this computer: what each serves is a dictionary of file: bytes, or an HTTP status."""
    shelves, asked = {"first": {}, "second": {}}, []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            _, shelf, file = self.path.split("/")
            body = shelves[shelf].get(file, 404)
            if isinstance(body, int):
                self.send_error(body)
                return
            self.send_response(200)
            self.send_header("Content-Length", str(len(body) + 1000 * (shelf == "cut")))
            if (
                "gzip" in self.headers["Accept-Encoding"]
            ):  # as some mirrors do: the client then unpacks the file
                self.send_header("Content-Encoding", "gzip")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    shelves["cut"] = {file: gzip.compress(idx(ARRAYS[file]))[:40] for file in FASHION}
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    base = f"http://127.0.0.1:{server.server_port}"

    def use(*names):
        addresses = tuple(f"{base}/{shelf}/" for shelf in names)
        monkeypatch.setitem(
            data.DATASETS, "fashion_mnist", data.DATASETS["fashion_mnist"] | {"addresses": addresses}
        )

    use("first", "second")
    yield {"shelves": shelves, "asked": asked, "use": use}
    server.shutdown()
    thread.join()
    server.server_close()


def published():
    return {file: gzip.compress(idx(ARRAYS[file])) for file in FASHION}


# ---- the IDX format


@given(st.lists(st.integers(0, 4), min_size=1, max_size=3), st.integers(0, 9))
def test_parse_idx_gives_back_what_was_written_in_every_shape(shape, seed):
    array = np.random.default_rng(seed).integers(0, 256, shape)
    parsed = parse_idx(idx(array), ndim=len(shape))
    assert parsed.dtype == np.uint8
    np.testing.assert_array_equal(parsed, array)


def test_parse_idx_refuses_a_wrong_magic_number(refuses):
    with refuses(
        "content must hold images (magic number 2051). Received magic number 2052."
        " Replace it with the published file.",
    ):
        parse_idx(idx(np.zeros((2, 2, 2, 2))), ndim=3)


def test_parse_idx_says_when_labels_lie_where_images_belong(refuses):
    with refuses(
        "a.gz must hold images (magic number 2051). Received labels (magic number"
        " 2049). Replace it with the published file.",
    ):
        parse_idx(idx(np.zeros(2)), ndim=3, name="a.gz")


@pytest.mark.parametrize(("cut", "shape"), [(-1, (2, 3, 4)), (12, (2, 3, 0)), (4, (0, 0, 0))])
def test_parse_idx_refuses_missing_bytes_in_values_and_header(cut, shape, refuses):
    content = idx(np.zeros((2, 3, 4)))[:cut]
    size = 16 + int(np.prod(shape))
    with refuses(
        f"content must have {size} bytes to hold shape {shape}. Received {len(content)} bytes."
        " Replace it with the published file.",
    ):
        parse_idx(content, ndim=3)


def test_parse_idx_refuses_bytes_after_the_last_value(refuses):
    with refuses(
        "content must have 11 bytes to hold shape (3,). Received 12 bytes."
        " Replace it with the published file.",
    ):
        parse_idx(idx(np.zeros(3)) + b"x", ndim=1)


# ---- what load returns


def test_load_returns_every_image_in_the_order_of_the_file(data_dir):
    d = load()
    assert d.x_train.shape == (30, 4, 3, 1)
    assert d.x_test.shape == (12, 4, 3, 1)
    for x, file in ((d.x_train, TRAIN_IMAGES), (d.x_test, TEST_IMAGES)):
        assert x.dtype == np.float32
        np.testing.assert_array_equal(x[..., 0], ARRAYS[file].astype(np.float32) / np.float32(255))
    for y, file in ((d.y_train, TRAIN_LABELS), (d.y_test, TEST_LABELS)):
        assert y.dtype == np.int64
        np.testing.assert_array_equal(y, ARRAYS[file])
    assert not d.is_fallback


def rows_of(x, file):
    """Which images of the file these are."""
    stored = list(map(bytes, ARRAYS[file].astype(np.uint8)))
    return [stored.index(bytes(np.rint(image * 255).astype(np.uint8))) for image in x]


def test_a_draw_has_no_image_twice_and_keeps_images_and_labels_together(data_dir):
    d = load(n_train=20, n_test=5)
    for x, y, images, labels in (
        (d.x_train, d.y_train, TRAIN_IMAGES, TRAIN_LABELS),
        (d.x_test, d.y_test, TEST_IMAGES, TEST_LABELS),
    ):
        rows = rows_of(x, images)
        assert len(set(rows)) == len(x)
        np.testing.assert_array_equal(y, ARRAYS[labels][rows])
    assert (len(d.x_train), len(d.x_test)) == (20, 5)


def test_a_draw_depends_on_the_seed_and_on_nothing_else(data_dir):
    first = rows_of(load(n_train=20, seed=3).x_train, TRAIN_IMAGES)
    np.random.default_rng().random()
    assert first == rows_of(load(n_train=20, n_test=4, seed=3).x_train, TRAIN_IMAGES)
    assert first != rows_of(load(n_train=20, seed=4).x_train, TRAIN_IMAGES)
    assert first != list(range(20))


def test_a_smaller_draw_is_the_beginning_of_a_larger_one(data_dir):
    np.testing.assert_array_equal(load(n_train=7).x_train, load(n_train=20).x_train[:7])


def test_asking_for_all_images_is_asking_for_none_in_particular(data_dir):
    np.testing.assert_array_equal(load(n_train=30, seed=5).x_train, load().x_train)


def test_counts_may_be_numpy_integers(data_dir):
    assert len(load(n_train=np.int32(3), n_test=np.uint8(2)).x_test) == 2


def test_the_mnist_split_covers_the_file_once_and_is_the_same_for_every_seed(tiny):
    write(tiny / "cache" / "cnnbook" / "mnist", FASHION[2:])
    first, second = load("mnist"), load("mnist", seed=1)
    train, test = rows_of(first.x_train, TEST_IMAGES), rows_of(first.x_test, TEST_IMAGES)
    assert (len(train), len(test)) == (9, 3)
    assert sorted(train + test) == list(range(12))
    assert train != sorted(train)
    np.testing.assert_array_equal(first.y_train, ARRAYS[TEST_LABELS][train])
    np.testing.assert_array_equal(first.x_test, second.x_test)
    assert first.class_names == tuple("0123456789")
    assert first.source == "MNIST (its 10,000 test images, split 8,000 + 2,000), read from the local cache"


# ---- where the files are found, and saying so


def test_the_data_dir_comes_before_the_caches(data_dir, tiny):
    write(tiny / "cache" / "cnnbook" / "fashion_mnist")
    (tiny / "cache" / "cnnbook" / "fashion_mnist" / TRAIN_IMAGES).write_bytes(b"broken")
    assert load().source == "Fashion-MNIST, read from CNNBOOK_DATA_DIR"


def test_the_data_dir_may_begin_with_a_tilde(data_dir, monkeypatch):
    monkeypatch.setenv("HOME", str(data_dir.parent.parent))
    monkeypatch.setenv("USERPROFILE", str(data_dir.parent.parent))
    monkeypatch.setenv("CNNBOOK_DATA_DIR", "~/data")
    assert load().source == "Fashion-MNIST, read from CNNBOOK_DATA_DIR"


def test_the_local_cache_comes_before_that_of_keras(tiny):
    write(tiny / "cache" / "cnnbook" / "fashion_mnist")
    write(tiny / "keras" / "datasets" / "fashion-mnist", [TRAIN_IMAGES])
    (tiny / "keras" / "datasets" / "fashion-mnist" / TRAIN_IMAGES).write_bytes(b"broken")
    assert load().source == "Fashion-MNIST, read from the local cache"


def test_the_files_keras_downloaded_are_used(tiny):
    write(tiny / "keras" / "datasets" / "fashion-mnist")
    assert load().source == "Fashion-MNIST, read from Keras' cache"


def test_keras_looks_where_this_book_looks_for_its_cache(monkeypatch, home):
    monkeypatch.delenv("KERAS_HOME")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USERPROFILE", str(home))
    folders = dict(data._folders("fashion_mnist"))
    assert folders["read from Keras' cache"] == home / ".keras" / "datasets" / "fashion-mnist"


def test_a_data_dir_that_lacks_a_file_falls_through_to_the_cache_and_says_so(data_dir, tiny):
    (data_dir / TEST_LABELS).unlink()
    write(tiny / "cache" / "cnnbook" / "fashion_mnist", [TEST_LABELS])
    assert load().source == (
        "Fashion-MNIST, read from CNNBOOK_DATA_DIR and read from the local cache"
        " (CNNBOOK_DATA_DIR has no fashion_mnist/t10k-labels-idx1-ubyte.gz)"
    )


def test_a_mirror_may_compress_the_same_bytes_differently(data_dir):
    write(data_dir, compresslevel=1, mtime=7)
    assert load().x_train.shape == (30, 4, 3, 1)


# ---- files that are not the published ones


def test_a_file_with_another_sha_256_is_refused(data_dir, refuses):
    other = ARRAYS[TRAIN_IMAGES].copy()
    other[0, 0, 0] ^= 1
    (data_dir / TRAIN_IMAGES).write_bytes(gzip.compress(idx(other)))
    with refuses(
        f"{data_dir / TRAIN_IMAGES} must hold the published data, SHA-256 "
        f"{short(idx(ARRAYS[TRAIN_IMAGES]))}... when uncompressed. Received {short(idx(other))}... instead."
        " Delete it and run again to download it.",
    ):
        load()


@pytest.mark.parametrize("file", FASHION)
def test_a_truncated_gzip_file_is_refused_even_where_a_fallback_is_allowed(data_dir, file, refuses):
    (data_dir / file).write_bytes((data_dir / file).read_bytes()[:-9])
    with refuses(
        f"{data_dir / file} must be a complete gzip file. Reading it stopped with: Compressed file ended"
        " before the end-of-stream marker was reached. Delete it and run again to download it.",
    ):
        load(fallback="digits")


def test_a_file_that_is_not_gzip_is_refused(data_dir, refuses):
    (data_dir / TEST_LABELS).write_bytes(b"<html>Sign in to this network</html>")
    with refuses(
        f"{data_dir / TEST_LABELS} must be a complete gzip file. Reading it stopped with: Not a gzipped file"
        " (b'<h'). Delete it and run again to download it.",
    ):
        load()


def test_a_damaged_gzip_file_is_refused(data_dir, refuses):
    content = bytearray((data_dir / TEST_IMAGES).read_bytes())
    content[10] = 7  # the first byte after the header: a kind of block that does not exist
    (data_dir / TEST_IMAGES).write_bytes(content)
    with refuses(
        f"{data_dir / TEST_IMAGES} must be a complete gzip file. Reading it stopped with: Error"
        " -3 while decompressing data: invalid block type."
        " Delete it and run again to download it.",
    ):
        load()


def test_swapped_images_and_labels_are_refused(data_dir, refuses):
    images, labels = ((data_dir / file).read_bytes() for file in (TRAIN_IMAGES, TRAIN_LABELS))
    (data_dir / TRAIN_IMAGES).write_bytes(labels)
    (data_dir / TRAIN_LABELS).write_bytes(images)
    with refuses(
        f"{data_dir / TRAIN_IMAGES} must hold images (magic number 2051). Received labels (magic number"
        " 2049). Replace it with the published file.",
    ):
        load()


def test_images_in_the_place_of_labels_are_refused(data_dir, refuses):
    (data_dir / TEST_LABELS).write_bytes((data_dir / TEST_IMAGES).read_bytes())
    with refuses(
        f"{data_dir / TEST_LABELS} must hold labels (magic number 2049). Received images (magic number 2051)."
        " Replace it with the published file.",
    ):
        load()


def test_labels_of_another_length_than_the_images_are_refused(data_dir, refuses):
    (data_dir / TRAIN_LABELS).write_bytes((data_dir / TEST_LABELS).read_bytes())
    with refuses(
        f"{data_dir / TRAIN_LABELS} must have one label per image. Received 12 labels for the 30 images of"
        f" {data_dir / TRAIN_IMAGES}. Replace both with the published files.",
    ):
        load()


# ---- arguments


@pytest.mark.parametrize("value", [0, -1, 31, 2.0, "3", True, 10**30])
def test_a_count_that_is_no_count_is_refused(data_dir, value, refuses):
    with refuses(
        f"load: n_train must be an integer from 1 to 30. Received n_train={value!r}."
        " Use n_train=None for all of them.",
    ):
        load(n_train=value)


def test_the_number_of_test_images_is_checked_against_the_test_images(data_dir, refuses):
    with refuses(
        "load: n_test must be an integer from 1 to 12. Received n_test=13. Use n_test=None for all of them.",
    ):
        load(n_test=13)


@pytest.mark.parametrize("value", [-1, None, 0.5])
def test_a_seed_that_cannot_be_repeated_is_refused(data_dir, value, refuses):
    with refuses(
        f"load: seed must be an integer from 0 to 9223372036854775807. Received seed={value!r}."
        " Use seed=0 for the draw the book uses.",
    ):
        load(seed=value)


@pytest.mark.parametrize("name", ["cifar10", "Fashion_MNIST", None, ["mnist"]])
def test_an_unknown_name_is_refused(name, refuses):
    with refuses(f"load: name must be 'fashion_mnist' or 'mnist'. Received name={name!r}."):
        load(name)


def test_an_unknown_fallback_is_refused_even_when_it_is_not_needed(data_dir, refuses):
    with refuses("load: fallback must be None or 'digits'. Received fallback=True."):
        load(fallback=True)


# ---- downloads, from addresses on this computer


def test_the_files_are_downloaded_once_and_found_in_the_cache_afterwards(mirrors, tiny):
    mirrors["shelves"]["first"] |= published()
    d = load()
    assert d.source == "Fashion-MNIST, downloaded from 127.0.0.1"
    np.testing.assert_array_equal(d.y_train, ARRAYS[TRAIN_LABELS])
    assert leftovers(tiny) == sorted(f"cache/cnnbook/fashion_mnist/{file}" for file in FASHION)
    assert mirrors["asked"] == [f"/first/{file}" for file in FASHION]
    assert load().source == "Fashion-MNIST, read from the local cache"
    assert len(mirrors["asked"]) == 4


def test_a_download_writes_nothing_into_a_page(mirrors, capfd, monkeypatch):
    import pooch

    logger = pooch.get_logger()
    logger.setLevel("INFO")  # as a fresh Python has it
    monkeypatch.setattr(logger, "handlers", [logging.StreamHandler(log := io.StringIO())])
    mirrors["shelves"]["first"] |= published()
    load()
    assert capfd.readouterr() == ("", "")
    assert log.getvalue() == ""


def test_the_next_address_serves_what_the_first_one_cannot(mirrors, tiny):
    mirrors["shelves"]["first"] |= published() | {TRAIN_IMAGES: 503, TEST_LABELS: b"<html>"}
    mirrors["shelves"]["second"] |= published()
    assert load().source == "Fashion-MNIST, downloaded from 127.0.0.1"
    assert [path for path in mirrors["asked"] if "second" in path] == [
        f"/second/{TRAIN_IMAGES}",
        f"/second/{TEST_LABELS}",
    ]
    assert len(leftovers(tiny)) == 4


def test_only_missing_files_are_downloaded(mirrors, tiny):
    write(tiny / "cache" / "cnnbook" / "fashion_mnist", FASHION[:3])
    mirrors["shelves"]["first"] |= published()
    assert load().source == "Fashion-MNIST, read from the local cache and downloaded from 127.0.0.1"
    assert mirrors["asked"] == [f"/first/{TEST_LABELS}"]


NOWHERE = (
    "load: Fashion-MNIST must be on this computer or downloadable. train-images-idx3-ubyte.gz was found"
    " nowhere and could not be had from {}. Connect to the internet and run again, or put the files in a"
    " folder named fashion_mnist and set CNNBOOK_DATA_DIR to the folder around it."
)


def test_wrong_bytes_from_every_address_leave_nothing_behind(mirrors, tiny, refuses):
    mirrors["shelves"]["first"] |= published() | {TRAIN_IMAGES: gzip.compress(idx(np.zeros((30, 4, 3))))}
    mirrors["shelves"]["second"] |= {TRAIN_IMAGES: published()[TRAIN_LABELS]}
    reason = "127.0.0.1 (its SHA-256 is not that of the published file)"
    with refuses(NOWHERE.format(f"{reason}, {reason}"), error=OSError):
        load()
    assert leftovers(tiny) == []


def test_a_connection_that_breaks_off_leaves_nothing_behind(mirrors, tiny, refuses):
    mirrors["use"]("cut", "second")
    with refuses(
        NOWHERE.format("127.0.0.1 (ChunkedEncodingError), 127.0.0.1 (404 HTTPError)"), error=OSError
    ):
        load()
    assert leftovers(tiny) == []


def test_an_interrupted_download_leaves_nothing_behind(tiny, monkeypatch):
    import pooch

    def interrupted(self, url, path, _):
        with open(path, "wb") as file:
            file.write(published()[TRAIN_IMAGES][:50])
        raise KeyboardInterrupt

    monkeypatch.setattr(pooch.HTTPDownloader, "__call__", interrupted)
    with pytest.raises(KeyboardInterrupt):
        load(fallback="digits")
    assert leftovers(tiny) == []


def test_without_network_and_fallback_there_is_one_sentence(home, refuses):
    reasons = [
        f"{host} (ConnectionError)"
        for host in (
            "storage.googleapis.com",
            "github.com",
            "fashion-mnist.s3-website.eu-central-1.amazonaws.com",
        )
    ]
    with refuses(NOWHERE.format(", ".join(reasons)), error=OSError):
        load()
    assert leftovers(home) == []


def test_without_network_the_sentence_names_a_data_dir_that_lacks_the_files(
    mirrors, tiny, monkeypatch, refuses
):
    monkeypatch.setenv("CNNBOOK_DATA_DIR", str(tiny / "empty"))
    message = NOWHERE.format("127.0.0.1 (404 HTTPError), 127.0.0.1 (404 HTTPError)")
    message = message.replace("CNNBOOK_DATA_DIR", f"CNNBOOK_DATA_DIR (now {tiny / 'empty'})")
    with refuses(message, error=OSError):
        load()


def test_a_cache_that_cannot_be_written_is_one_sentence(tiny, refuses):
    (tiny / "cache").write_text("a file where a folder belongs")
    with refuses(
        f"load: the cache folder {tiny / 'cache' / 'cnnbook' / 'fashion_mnist'} must be writable to store"
        " Fashion-MNIST. Received NotADirectoryError: Not a directory. Make it writable, or put the files in"
        " a folder named fashion_mnist and set CNNBOOK_DATA_DIR to the folder around it.",
        error=OSError,
    ):
        load()


def test_a_full_disk_is_reported_as_such_and_leaves_nothing_behind(tiny, monkeypatch, refuses):
    import pooch

    def full(self, url, path, _):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pooch.HTTPDownloader, "__call__", full)
    with refuses(
        f"load: the cache folder {tiny / 'cache' / 'cnnbook' / 'fashion_mnist'} must be writable to store"
        " Fashion-MNIST. Received OSError: No space left on device. Make it writable, or put the files in"
        " a folder named fashion_mnist and set CNNBOOK_DATA_DIR to the folder around it.",
        error=OSError,
    ):
        load()
    assert leftovers(tiny) == []


class Terminal(io.StringIO):
    def __init__(self, tty):
        super().__init__()
        self.tty = tty

    def isatty(self):
        return self.tty


@pytest.mark.parametrize(
    ("tty", "notebook", "bar"), [(False, False, False), (True, False, True), (False, True, True)]
)
def test_a_progress_bar_shows_in_a_terminal_and_a_live_notebook_only(
    mirrors, monkeypatch, tty, notebook, bar
):
    mirrors["shelves"]["first"] |= published()
    monkeypatch.setattr(sys, "stderr", Terminal(tty))
    if notebook:
        monkeypatch.setenv("JPY_SESSION_NAME", "chapters/convolution.ipynb")
    load()
    assert ("100%" in sys.stderr.getvalue()) == bar


# ---- the fallback


def no_network(*_, **__):
    raise socket.gaierror("Temporary failure in name resolution")


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    """The fallback, loaded once, on a computer without data, cache and network."""
    import pooch

    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("CNNBOOK_DATA_DIR", raising=False)
        patch.setenv("KERAS_HOME", str(tmp_path_factory.mktemp("keras")))
        patch.setattr(pooch, "os_cache", lambda project: tmp_path_factory.mktemp("cache") / project)
        patch.setattr(socket, "getaddrinfo", no_network)
        return load(fallback="digits")


def test_without_network_the_digits_have_the_shapes_of_the_real_images(digits):
    assert digits.x_train.shape == (1437, 28, 28, 1)
    assert digits.x_test.shape == (360, 28, 28, 1)
    assert digits.x_train.dtype == np.float32
    assert digits.y_train.dtype == np.int64
    assert (digits.x_train.min(), digits.x_train.max()) == (0, 1)
    assert digits.class_names == tuple("0123456789")
    assert digits.is_fallback


def test_every_digit_is_used_once(digits):
    from sklearn.datasets import load_digits

    labels = np.concatenate([digits.y_train, digits.y_test])
    np.testing.assert_array_equal(np.bincount(labels), np.bincount(load_digits().target))
    assert set(digits.y_test.tolist()) == set(range(10))


def test_an_enlarged_digit_keeps_its_64_pixels_and_has_a_black_frame(digits):
    from sklearn.datasets import load_digits

    x = np.concatenate([digits.x_train, digits.x_test])[..., 0]
    middles = x[:, 3:26:3, 3:26:3]
    original = load_digits().images
    order = np.random.default_rng(0).permutation(len(original))
    np.testing.assert_allclose(middles, original[order] / 16, atol=0.5 / 255 + 1e-6)
    np.testing.assert_allclose((x[:, 3, 4] * 3), (2 * middles[:, 0, 0] + middles[:, 0, 1]), atol=2 / 255)
    assert x[:, :2].max() == x[:, -2:].max() == x[:, :, :2].max() == x[:, :, -2:].max() == 0


def test_the_counts_of_the_fallback_are_capped_and_drawn_like_any_others(home, digits):
    d = load(n_train=5_000, n_test=100, fallback="digits")
    np.testing.assert_array_equal(d.x_train, digits.x_train)
    assert d.x_test.shape == (100, 28, 28, 1)
    np.testing.assert_array_equal(d.x_test[:9], load(n_test=9, fallback="digits").x_test)


def test_an_impossible_count_is_refused_with_the_fallback_too(home, refuses):
    with refuses(
        "load: n_train must be an integer from 1 to 60000. Received n_train=60001."
        " Use n_train=None for all of them.",
    ):
        load(n_train=60_001, fallback="digits")


def test_the_fallback_is_not_used_where_the_data_is_there(data_dir):
    assert load(fallback="digits").source == "Fashion-MNIST, read from CNNBOOK_DATA_DIR"


def test_the_fallback_also_stands_in_where_the_cache_cannot_be_written(tiny):
    (tiny / "cache").write_text("a file where a folder belongs")
    assert load(fallback="digits").is_fallback


# ---- what a page shows


def test_the_fallback_says_on_the_page_what_stands_in_for_what(digits):
    assert digits.note == (
        "1,437 training and 360 test images from scikit-learn's handwritten digits, enlarged from 8x8 to"
        " 28x28 pixels: they stand in for Fashion-MNIST, which could be neither found nor downloaded."
    )
    page = digits._repr_html_()
    assert page.startswith('<div class="data-note admonition warning" role="note"')
    assert "Stand-in data" in page
    assert digits.note.replace("'", "&#x27;") in page


def test_the_real_data_is_named_in_one_line_with_shapes_and_ranges(data_dir):
    d = load(n_train=20, n_test=5)
    facts = "x_train (20, 4, 3, 1) and x_test (5, 4, 3, 1) float32 in [0, 1], labels int64: 10 classes"
    note = "20 training and 5 test images from Fashion-MNIST, read from CNNBOOK_DATA_DIR."
    assert d.note == note
    assert repr(d) == f"Dataset({facts}; {note})"
    assert d._repr_html_() == f'<p class="data-note"><strong>Data.</strong> {note} {facts}.</p>'


def test_the_page_shows_no_folder_of_the_machine_it_was_built_on(data_dir, tiny):
    d = load()
    assert str(tiny) not in repr(d) + d._repr_html_()


def test_the_range_on_the_page_is_measured():
    x, y = np.full((2, 1, 1, 1), 0.5, np.float32), np.zeros(2, np.int64)
    assert "in [-0.25, 0.5]" in repr(Dataset(x, y, x * -0.5, y, ("a",), "somewhere"))


def test_text_from_outside_cannot_become_markup_on_the_page():
    x, y = np.zeros((1, 1, 1, 1), np.float32), np.zeros(1, np.int64)
    for is_fallback in (False, True):
        assert "<b>" not in Dataset(x, y, x, y, ("a",), "<b>", is_fallback)._repr_html_()


def test_a_data_set_cannot_be_given_other_arrays():
    x, y = np.zeros((1, 1, 1, 1), np.float32), np.zeros(1, np.int64)
    with pytest.raises(AttributeError, match="cannot assign to field 'x_train'"):
        Dataset(x, y, x, y, ("a",), "somewhere").x_train = x + 1


def test_importing_the_module_loads_numpy_and_nothing_else_from_outside():
    code = (
        "import sys; before = set(sys.modules); import cnnbook.data; "
        "print(*{m.split('.')[0] for m in set(sys.modules) - before} - sys.stdlib_module_names)"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert {name for name in loaded.split() if not name.startswith("_")} == {"numpy", "cnnbook"}


# ---- the real files

GZIP_SHA_256 = {
    f"fashion_mnist/{TRAIN_IMAGES}": "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
    f"fashion_mnist/{TRAIN_LABELS}": "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
    f"fashion_mnist/{TEST_IMAGES}": "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
    f"fashion_mnist/{TEST_LABELS}": "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
    f"mnist/{TEST_IMAGES}": "167310007f03058885c7e95e6c0b19c20de5c7fd3031f4cbdadc9014a523d80b",
    f"mnist/{TEST_LABELS}": "fc607395669ec21321ea83e4b82c0544b7e8e63ff5b34337c06bc0a17cc0da3c",
}


@with_real_files
@pytest.mark.parametrize(("file", "sha256"), GZIP_SHA_256.items())
def test_the_pinned_content_is_that_of_the_gzip_files_at_hand(file, sha256):
    with open(os.path.join(REAL, file), "rb") as stored:
        compressed = stored.read()
    assert hashlib.sha256(compressed).hexdigest() == sha256
    name, file = file.split("/")
    assert hashlib.sha256(gzip.decompress(compressed)).hexdigest() == data.DATASETS[name]["files"][file]


@pytest.fixture(scope="module")
def fashion():
    return load("fashion_mnist")


@with_real_files
def test_fashion_mnist_has_60000_and_10000_images_6000_and_1000_of_each_class(fashion):
    assert fashion.x_train.shape == (60_000, 28, 28, 1)
    assert fashion.x_test.shape == (10_000, 28, 28, 1)
    assert np.bincount(fashion.y_train).tolist() == [6_000] * 10
    assert np.bincount(fashion.y_test).tolist() == [1_000] * 10
    assert fashion.source == "Fashion-MNIST, read from CNNBOOK_DATA_DIR"


@with_real_files
def test_fashion_mnist_is_float32_from_0_to_1_with_int64_labels(fashion):
    for x, y in ((fashion.x_train, fashion.y_train), (fashion.x_test, fashion.y_test)):
        assert (x.dtype, y.dtype) == (np.float32, np.int64)
        assert (x.min(), x.max()) == (0, 1)


@with_real_files
def test_fashion_mnist_begins_with_an_ankle_boot_and_has_the_published_class_names(fashion):
    assert fashion.class_names == (
        *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
        *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
    )
    assert [fashion.class_names[y] for y in fashion.y_train[:3]] == [
        "Ankle boot",
        "T-shirt/top",
        "T-shirt/top",
    ]
    assert fashion.y_test[:5].tolist() == [9, 2, 1, 1, 6]


@with_real_files
def test_mnist_is_the_10000_test_images_split_8000_and_2000():
    d = load("mnist")
    assert d.x_train.shape == (8_000, 28, 28, 1)
    assert d.x_test.shape == (2_000, 28, 28, 1)
    counts = np.bincount(d.y_train) + np.bincount(d.y_test)
    assert counts.tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert (d.x_train.dtype, d.x_train.max()) == (np.float32, 1)
