"""From images back to a map.

- ``back_projection``: `backproject`, images in known poses to a map.
- ``back_projector``: `BackProjector`, the same of images that come batch by batch.
- ``transform_bricks``: the padded transform that slices are inserted into.
- ``image_weights``: what images weigh, by their noise and their contrast transfer.
"""

from numbavol.reconstruction.back_projection import backproject
from numbavol.reconstruction.back_projector import BackProjector

__all__ = ["BackProjector", "backproject"]
