"""How a map file stores its voxels: the modes of the MRC format."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from mrcfile.dtypes import HEADER_DTYPE
from mrcfile.utils import dtype_from_mode

if TYPE_CHECKING:
    from typing import Any

_BYTE_MODE, _COMPLEX_MODES = 0, (3, 4)
# IMOD's mark in the header, and the bit of the flags after it that says that bytes have a sign.
_IMOD_STAMP, _IMOD_SIGNED_BYTES = 1146047817, 1
_IMOD_OFFSET = 152


def find_voxel_dtype(fields: np.void) -> np.dtype[Any]:
    """Find how voxels are stored.

    Parameters
    ----------
    fields
        The header, in the byte order of the file.

    Raises
    ------
    ValueError
        If they are no real numbers, or the mode is none.
    """
    mode = int(fields["mode"])
    if mode in _COMPLEX_MODES:
        msg = f"it holds complex numbers (mode {mode}), expected a map in real space"
        raise ValueError(msg)
    try:
        dtype: np.dtype[Any] = dtype_from_mode(mode)
    except ValueError as error:
        msg = f"mode {mode} is none of 0, 1, 2, 6 and 12"
        raise ValueError(msg) from error
    if mode == _BYTE_MODE and _has_unsigned_bytes_of_imod(fields):
        dtype = np.dtype(np.uint8)
    return dtype.newbyteorder(fields.dtype["mode"].byteorder)


def _has_unsigned_bytes_of_imod(fields: np.void) -> bool:
    """Tell whether bytes have no sign, as in IMOD's files of before the format said that they do.

    See https://bio3d.colorado.edu/imod/doc/mrc_format.txt.
    """
    integer = np.dtype(np.int32).newbyteorder(fields.dtype["mode"].byteorder)
    assert HEADER_DTYPE.fields is not None
    place = _IMOD_OFFSET - HEADER_DTYPE.fields["extra2"][1]
    stamp, flags = np.frombuffer(fields["extra2"].tobytes(), integer, 2, place).tolist()
    return bool(stamp == _IMOD_STAMP and not flags & _IMOD_SIGNED_BYTES)
