"""Pictures of maps, stacks and curves, with matplotlib: `pip install ".[plot]"`.

Each function draws into the axes that it is given, or into a new figure of pyplot, and returns
axes.

- ``axes``: what every picture has, a gray scale and a scale bar.
- ``maps``: sections and projections of a map, with a scale bar.
- ``stacks``: a gallery of images.
- ``curves``: power spectra, spectra of noise, Fourier correlations, histograms.
- ``views``: whole figures of a map and of a stack, as ``numbavol view`` writes them.
"""

from numbavol.plot.curves import (
    plot_fourier_correlation,
    plot_histogram,
    plot_noise_spectrum,
    plot_power_spectrum,
)
from numbavol.plot.maps import plot_map, plot_projection, plot_section
from numbavol.plot.stacks import plot_images
from numbavol.plot.views import draw_map, draw_stack

__all__ = [
    "draw_map",
    "draw_stack",
    "plot_fourier_correlation",
    "plot_histogram",
    "plot_images",
    "plot_map",
    "plot_noise_spectrum",
    "plot_power_spectrum",
    "plot_projection",
    "plot_section",
]
