"""Draw the first images of a stack.

python scripts/draw_stack.py stack.mrcs picture.png
"""

from __future__ import annotations

import sys

import matplotlib as mpl
import numpy as np

import numbavol

mpl.use("agg")

import matplotlib.pyplot as plt  # the backend is chosen first

ROWS, COLUMNS = 3, 6


def draw_stack(stack_filename: str, picture_filename: str) -> None:
    """Write a picture of as many images as it holds."""
    images = numbavol.read_map(stack_filename).data[: ROWS * COLUMNS]
    low, high = np.percentile(images, [0.5, 99.9])
    figure, axes = plt.subplots(ROWS, COLUMNS, figsize=(9, 4.5), layout="constrained")
    for axis in axes.ravel():
        axis.set_axis_off()
    for axis, image in zip(axes.ravel(), images, strict=False):
        axis.imshow(image, cmap="gray", origin="lower", vmin=low, vmax=high)
    figure.savefig(picture_filename, dpi=100)
    plt.close(figure)


if __name__ == "__main__":
    draw_stack(*sys.argv[1:])
