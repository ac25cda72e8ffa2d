"""Augmentation: each time an image is trained on, it is changed a little, at random; its class stays."""

from dataclasses import dataclass

import numpy as np

Array = np.ndarray


@dataclass(frozen=True)
class Augmentation:
    """Shift, flip and erase at random, another draw for every image and every call.

    `nn.fit(..., augment=Augmentation(shift=2, flip=True))` applies it to every training batch. Which changes
    keep the class is for you to know: a shirt may be mirrored, a digit may not.

    Parameters
    ----------
    shift : every image moves by up to so many pixels up or down, and left or right; 0 moves in.
    flip : every other image, at random, is mirrored left to right.
    erase : a square with sides of so many pixels is set to 0, at a random place inside every image.

    Shapes
    ------
    images (N, H, W, C) -> new array of the same shape and dtype.

    Raises
    ------
    ValueError : if a number is no whole number of pixels, or the images are no batch of shape (N, H, W, C) in
        which the shift and the square fit.

    Examples
    --------
    >>> image = np.array([[1, 2, 3], [4, 5, 6], [7, 8, 9]]).reshape(1, 3, 3, 1)
    >>> Augmentation(shift=1)(image, np.random.default_rng(4))[0, :, :, 0]       # one up, one to the left
    array([[5, 6, 0],
           [8, 9, 0],
           [0, 0, 0]])

    Source: Krizhevsky et al. (2012), section 4.1, for shifts and flips;
    DeVries and Taylor (2017) for erasing.
    """

    shift: int = 0
    flip: bool = False
    erase: int = 0

    def __post_init__(self):
        for name in ("shift", "erase"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 0:
                raise ValueError(
                    f"Augmentation: {name} must be a whole number of pixels, at least 0. "
                    f"Received {name}={value!r}."
                )

    def __call__(self, images: Array, rng: "np.random.Generator") -> Array:
        if images.ndim != 4 or max(self.shift, self.erase) > min(images.shape[1:3]):
            raise ValueError(
                f"{self} works on a batch of images of shape (N, H, W, C), each large enough for it. "
                f"Received images of shape {images.shape}."
            )
        images = images.copy()
        if self.shift:
            images = random_shift(images, rng, self.shift)
        if self.flip:
            mirrored = rng.random(len(images)) < 0.5
            images[mirrored] = images[mirrored, :, ::-1]
        if self.erase:
            corners = rng.integers(0, np.subtract(images.shape[1:3], self.erase) + 1, (len(images), 2))
            for image, (top, left) in zip(images, corners, strict=True):
                image[top : top + self.erase, left : left + self.erase] = 0
        return images


def random_shift(images: Array, rng: "np.random.Generator", pixels: int) -> Array:
    """Move every image by up to so many pixels along both axes: cut it out of itself with a frame of zeros.

    Parameters
    ----------
    images : (N, H, W, C). rng : decides, for each image. pixels : largest shift.

    Returns
    -------
    new array of the same shape and dtype.
    """
    height, width = images.shape[1:3]
    framed = np.pad(images, ((0, 0), (pixels, pixels), (pixels, pixels), (0, 0)))
    corners = rng.integers(0, 2 * pixels + 1, (len(images), 2))
    windows = zip(framed, corners, strict=True)
    return np.stack([image[top : top + height, left : left + width] for image, (top, left) in windows])
