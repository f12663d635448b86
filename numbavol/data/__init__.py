"""A sample structure, for a first run without a download.

============================  ====================================================
`numbavol.data.enterotoxin`   PDB entry 1TII: heat-labile enterotoxin type IIb
============================  ====================================================

The coordinates are those of the PDB archive, which are in the public domain (CC0 1.0),
reduced to their table of atoms.
"""

from __future__ import annotations

import atexit
import functools
from contextlib import ExitStack
from importlib import resources
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["enterotoxin"]


@functools.cache
def enterotoxin() -> Path:
    """Return the path of a protein to try things on: PDB entry 1TII, 5,684 atoms.

    Heat-labile enterotoxin type IIb of *Escherichia coli*: seven chains, no hydrogens, with
    B-factors, about 80 angstroms across. A gzipped mmCIF file.

    Returns
    -------
    The file, which lives as long as the process.

    Examples
    --------
    >>> from numbavol.data import enterotoxin
    >>> enterotoxin().name
    '1tii.cif.gz'
    """
    files = ExitStack()
    # A package imported from a zip archive has no path until its file is unpacked.
    atexit.register(files.close)
    resource = resources.files("numbavol.data") / "1tii.cif.gz"
    return files.enter_context(resources.as_file(resource))
