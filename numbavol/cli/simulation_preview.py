"""The contact sheet of ``numbavol simulate``: the first particles, with and without noise."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure

from numbavol.plot import plot_images

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from numbavol.simulation.images import Simulator

N_IMAGES, N_COLUMNS = 24, 8
INCHES_AN_IMAGE = 1.4
ANGSTROMS_A_MICROMETRE = 1e4


def draw_preview(simulator: Simulator) -> Figure:
    """Draw the first particles, each above what it is without noise, ice and detector.

    Parameters
    ----------
    simulator
        Makes the images.
    """
    config = simulator.config
    particles = simulator.source.take(np.arange(min(N_IMAGES, config.number)))
    n = len(particles.numbers)
    quiet = dataclasses.replace(simulator.formation, noise=None, ice=None, detector=None, dose=None)
    kinds = {"image": simulator}
    if quiet != simulator.formation:
        kinds["without noise"] = dataclasses.replace(simulator, formation=quiet)
    n_columns = min(N_COLUMNS, n)
    n_rows = math.ceil(n / n_columns) * len(kinds)
    figure = Figure(
        figsize=(INCHES_AN_IMAGE * n_columns, INCHES_AN_IMAGE * n_rows), layout="constrained"
    )
    axes: NDArray[Any] = figure.subplots(n_rows, n_columns, squeeze=False)
    for first, (kind, made_by) in enumerate(kinds.items()):
        images = np.empty((n, config.box, config.box), np.float32)
        made_by.image(particles, images)
        rows = axes[first :: len(kinds)]
        plot_images(images, config.pixel_size, n_columns=n_columns, axes=rows)
        for row in rows:
            row[0].set_ylabel(kind, fontsize="small")
    if particles.ctf is not None:
        ctf = particles.ctf
        means = (ctf.defocus_u_in_angstroms + ctf.defocus_v_in_angstroms) / 2
        for place, mean in zip(
            axes[:: len(kinds)].ravel(), np.broadcast_to(means, n), strict=False
        ):
            place.set_title(f"{mean / ANGSTROMS_A_MICROMETRE:.2f} µm", fontsize="small")
    return figure
