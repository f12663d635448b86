"""Draw a map: its three central sections above its three projections.

python scripts/draw_map.py map.mrc picture.png
"""

from __future__ import annotations

import sys

import matplotlib as mpl
import numpy as np

import numbavol

mpl.use("agg")

import matplotlib.pyplot as plt  # the backend is chosen first


def draw_map(map_filename: str, picture_filename: str) -> None:
    """Write a picture of the sections through the centre, and of the sums along the axes."""
    read = numbavol.read_map(map_filename)
    voxel_size = np.ones(3) if read.voxel_size is None else read.voxel_size
    figure, axes = plt.subplots(2, 3, figsize=(10.5, 7), layout="constrained")
    names = "zyx"
    for column, along in enumerate(names):
        axis = names.index(along)
        across, up = (name for name in "xyz" if name != along)
        section = np.take(read.data, read.data.shape[axis] // 2, axis=axis)
        projection = read.data.sum(axis=axis) * voxel_size[2 - axis]
        lengths = [
            read.data.shape[names.index(name)] * voxel_size["xyz".index(name)]
            for name in (across, up)
        ]
        extent = (-lengths[0] / 2, lengths[0] / 2, -lengths[1] / 2, lengths[1] / 2)
        for row, (image, what) in enumerate([(section, "section"), (projection, "projection")]):
            shown = axes[row, column].imshow(image, cmap="gray", origin="lower", extent=extent)
            axes[row, column].set(
                title=f"{what} along {along}", xlabel=f"{across} (Å)", ylabel=f"{up} (Å)"
            )
            unit = "Å⁻²" if what == "section" else "Å⁻¹"
            figure.colorbar(shown, ax=axes[row, column], shrink=0.8, label=f"potential ({unit})")
    figure.savefig(picture_filename, dpi=100)
    plt.close(figure)


if __name__ == "__main__":
    draw_map(*sys.argv[1:])
