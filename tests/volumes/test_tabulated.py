"""Volumes of atoms by tabulated factors: the memory that they take."""

from __future__ import annotations

import numpy as np
import pytest

import numbavol


def test_gaussians_that_do_not_fit_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    atoms = numbavol.Atoms.from_arrays(np.zeros((3, 3)), 6)
    monkeypatch.setattr("numbavol.volumes.tabulated.BYTES_AN_ATOM", 10**18)
    with pytest.raises(MemoryError, match="atoms: Gaussians of 3 atoms takes"):
        numbavol.make_gaussian_mixture(atoms)
