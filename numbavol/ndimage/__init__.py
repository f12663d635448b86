"""Functions of arrays that volumes, renderers and projections stand on.

- ``transforms``: centred discrete Fourier transforms.
"""

from numbavol.ndimage.transforms import fftn, ifftn, irfftn, rfftn

__all__ = ["fftn", "ifftn", "irfftn", "rfftn"]
