"""Volumes of atoms by tabulated factors: the memory that they take."""

from __future__ import annotations

import numpy as np
import pytest

import numbavol


def test_gaussians_that_do_not_fit_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    atoms = numbavol.Atoms.from_arrays(np.zeros((3, 3)), 6)
    monkeypatch.setattr("numbavol.volumes.tabulated.BYTES_AN_ATOM", 10**18)
    with pytest.raises(MemoryError, match="atoms: the mixture of 3 atoms takes"):
        numbavol.make_gaussian_mixture(atoms)


@pytest.mark.parametrize("make", [numbavol.make_gaussian_mixture, numbavol.make_independent_atoms])
def test_what_are_no_atoms_is_named(make):
    with pytest.raises(TypeError, match="atoms: expected an Atoms, got int"):
        make(3)


def test_a_word_is_not_taken_for_centring():
    with pytest.raises(TypeError, match="center: expected True or False, got 'no'"):
        numbavol.load_tabulated_volume(numbavol.data.enterotoxin(), center="no")
