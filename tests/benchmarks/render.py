"""Rendering beside gemmi's density calculator, with the same atoms and B-factors."""

from __future__ import annotations

import gemmi
import numpy as np
from rows import Row, medians_in_turn
from scipy.spatial.transform import Rotation

import numbavol
from numbavol.data import enterotoxin

GEMMI_CUTOFF = 1e-5
DISTANCE_OF_COPIES = 95.0  # angstroms; the protein is 80 across


def copies_of_the_sample(n_copies: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Positions, elements and B-factors of turned copies without waters, on a 3 x 3 x 3 lattice."""
    positions, atomic_numbers, properties = numbavol.read_atoms_from_pdb(
        enterotoxin(), loads_properties=True, selection_string="(!HOH)"
    )
    b_factors = properties["b_factors"]
    if n_copies == 1:
        return positions, atomic_numbers, b_factors
    places = np.stack(np.meshgrid(*[[-1, 0, 1]] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    rotations = Rotation.random(n_copies, rng=0)
    copies = [
        rotation.apply(positions) + place * DISTANCE_OF_COPIES
        for rotation, place in zip(rotations, places[:n_copies], strict=True)
    ]
    return np.concatenate(copies), np.tile(atomic_numbers, n_copies), np.tile(b_factors, n_copies)


def gemmi_model(
    positions: np.ndarray, atomic_numbers: np.ndarray, b_factors: np.ndarray, n_voxels: int
) -> gemmi.Model:
    """The same atoms for gemmi, whose cell begins at its corner."""
    residue = gemmi.Residue()
    for position, number, b_factor in zip(positions, atomic_numbers, b_factors, strict=True):
        atom = gemmi.Atom()
        atom.element = gemmi.Element(int(number))
        atom.pos = gemmi.Position(*(position + n_voxels // 2))
        atom.b_iso = float(b_factor)
        residue.add_atom(atom)
    chain = gemmi.Chain("A")
    chain.add_residue(residue)
    model = gemmi.Model(1)
    model.add_chain(chain)
    return model


def measure() -> list[Row]:
    rows = []
    for n_copies, n_voxels, n_rounds in ((24, 320, 9), (1, 128, 9)):
        positions, atomic_numbers, b_factors = copies_of_the_sample(n_copies)
        model = gemmi_model(positions, atomic_numbers, b_factors, n_voxels)
        parameters = numbavol.PengScatteringFactorParameters(atomic_numbers)
        volume = numbavol.GaussianMixtureVolume.from_tabulated_parameters(
            positions, parameters, b_factors
        )
        render_fn = numbavol.GaussianMixtureRenderFn((n_voxels,) * 3, 1.0)

        def with_gemmi(model: gemmi.Model = model, n_voxels: int = n_voxels) -> None:
            calculator = gemmi.DensityCalculatorE()
            calculator.cutoff = GEMMI_CUTOFF
            calculator.grid.set_unit_cell(gemmi.UnitCell(n_voxels, n_voxels, n_voxels, 90, 90, 90))
            calculator.grid.set_size(n_voxels, n_voxels, n_voxels)
            calculator.add_model_density_to_grid(model)

        def with_threads(n_threads: int, volume=volume, render_fn=render_fn) -> None:
            numbavol.set_num_threads(n_threads)
            render_fn(volume)

        one, two, theirs = medians_in_turn(
            [lambda: with_threads(1), lambda: with_threads(2), with_gemmi], n_rounds
        )
        numbavol.set_num_threads(None)
        work = f"{len(positions):,} atoms, {n_voxels}^3 at 1 A"
        peer = "gemmi DensityCalculatorE, 1 thread"
        rows.append(Row(f"{work}, 1 thread", one, peer, theirs, target=2.5))
        rows.append(Row(f"{work}, 2 threads", two, peer, theirs, target=5.0))
    return rows
