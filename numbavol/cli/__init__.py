"""The ``numbavol`` command: thin, over the public functions.

- ``command``: the group, and how errors leave it.
- ``render``: ``numbavol render``, a structure file to a map.
- ``project``: ``numbavol project``, a model or a map to a stack of images.
- ``info``: ``numbavol info``, what is in a file.
- ``fsc``: ``numbavol fsc``, the Fourier shell correlation of two maps.
- ``output``: lines, JSON and progress.

What is heavy is imported by the command that needs it, so that ``--help`` is quick.
"""

from numbavol.cli.command import main, run

__all__ = ["main", "run"]
