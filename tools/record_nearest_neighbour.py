"""Name all test pictures of Fashion-MNIST by their nearest neighbour: results/nearest_neighbour.json.

    python tools/record_nearest_neighbour.py

It takes a minute. The chapter "Images and data" takes its bar from here: 600 million distances are too many
for a page.
"""

import sys
import time

import numpy as np

from cnnbook import data, results


def main():
    start = time.monotonic()
    images = data.load("fashion_mnist")
    known, new = images.x_train.reshape(-1, 784), images.x_test.reshape(-1, 784)
    squares = (known**2).sum(axis=1)
    parts = np.split(new, 40)  # all distances at once would need gigabytes
    nearest = np.concatenate([(squares - 2 * part @ known.T).argmin(axis=1) for part in parts])
    predictions = images.y_train[nearest].astype(np.uint8)
    figures = {"known": len(known), "predictions": results.pack(predictions)}
    path = results.write("nearest_neighbour", figures, seconds=time.monotonic() - start)
    print(f"{(predictions == images.y_test).mean():.4f} named correctly: results/{path.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
