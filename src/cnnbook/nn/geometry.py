"""How many zeros around an image and how many windows on it: `cnnbook.shapes` for height and width."""

from cnnbook.nn.arguments import check_image
from cnnbook.shapes import output_size, pad_amounts, window_extent

Pair = tuple[int, int]


def image_pads(
    size: Pair, window_size: Pair, strides: Pair, dilation_rate: Pair, padding: str
) -> tuple[Pair, Pair]:
    """Zeros around an image: ((top, bottom), (left, right)); `pad_amounts` for both axes.

    >>> image_pads((28, 27), (3, 4), (2, 1), (1, 1), "same")
    ((0, 1), (1, 2))
    """
    rows, columns = zip(size, window_size, strides, dilation_rate, strict=True)
    return pad_amounts(*rows, padding), pad_amounts(*columns, padding)


def count_windows(
    owner, input_shape, window_size, strides, dilation_rate, padding, size_name="kernel_size"
) -> Pair:
    """How many windows fit, (H', W'); `output_size` for both axes.

    Parameters
    ----------
    owner, size_name : the layer's name and its name for the window, as the error message should say them.
    input_shape : (H, W, C).

    Raises
    ------
    ValueError : when `input_shape` is no image or no window fits on it.

    >>> count_windows("Conv2D", (28, 27, 3), (3, 4), (2, 1), (1, 1), "valid")
    (13, 24)
    """
    size = check_image(owner, input_shape)[:2]
    if padding == "valid":
        extents = [window_extent(k, d) for k, d in zip(window_size, dilation_rate, strict=True)]
        if extents[0] > size[0] or extents[1] > size[1]:
            raise ValueError(
                f"{owner}: a {extents[0]}x{extents[1]} window does not fit a {size[0]}x{size[1]} input "
                f"with padding='valid'. Use padding='same' or a smaller {size_name}."
            )
    rows, columns = zip(size, window_size, strides, dilation_rate, strict=True)
    return output_size(*rows, padding), output_size(*columns, padding)
