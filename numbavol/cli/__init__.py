"""The ``numbavol`` command: thin, over the public functions.

- ``command``: the group, and how errors leave it.
- ``render``: ``numbavol render``, a structure file to a map.
- ``project``: ``numbavol project``, a model or a map to a stack of images.
- ``simulate``: ``numbavol simulate``, models and maps to particles as a microscope images them.
- ``backproject``: ``numbavol backproject``, a stack of images to a map.
- ``filter``: ``numbavol filter``, a map to a filtered, resampled, masked or resized map.
- ``view``: ``numbavol view``, a map or a stack to a picture.
- ``fsc``: ``numbavol fsc``, the Fourier shell correlation of two maps.
- ``compare``: ``numbavol compare``, how well a model and a map agree.
- ``noise``: ``numbavol noise estimate``, a stack to the power spectrum of its noise.
- ``info``: ``numbavol info``, what is in a file, and what there is of this machine.
- ``warmup``, ``completion``: what a cluster and a shell are prepared with.
- ``output``: lines and JSON; ``html_report``: the page of ``--report``.

What is heavy is imported by the command that needs it, so that ``--help`` is quick.
"""

from numbavol.cli.command import main, run

__all__ = ["main", "run"]
