"""Models as commands read them: atoms, what is said of them, and how they are to be counted."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import gemmi
import numpy as np

import numbavol
from numbavol.atoms.reading import take_atoms
from numbavol.atoms.structure_file import parse_structure_file
from numbavol.cli.output import Report, count_elements, plural

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from numbavol.atoms import AtomProperties
    from numbavol.volumes import GaussianMixtureVolume, IndependentAtomVolume


@dataclasses.dataclass(frozen=True)
class Model:
    """The atoms of a file, as they are to be rendered."""

    positions: NDArray[np.float64]
    atomic_numbers: NDArray[np.int64]
    b_factors: NDArray[np.float64]
    occupancies: NDArray[np.float64]

    def as_gaussians(self) -> GaussianMixtureVolume:
        """Make five Gaussians of every atom, weighted by its occupancy."""
        volume = numbavol.GaussianMixtureVolume.from_tabulated_parameters(
            self.positions,
            numbavol.PengScatteringFactorParameters(self.atomic_numbers),
            self.b_factors,
        )
        weights = self.occupancies[:, np.newaxis]
        return dataclasses.replace(volume, amplitudes=volume.amplitudes * weights)

    def as_groups(self) -> IndependentAtomVolume:
        """Group atoms of one element, one B-factor and one occupancy: exactly."""
        positions, factors = [], []
        for occupancy in np.unique(self.occupancies):
            chosen = self.occupancies == occupancy
            volume = numbavol.IndependentAtomVolume.from_atoms(
                self.positions[chosen],
                self.atomic_numbers[chosen],
                self.b_factors[chosen],
                b_factor_bins=max(1, int(np.count_nonzero(chosen))),
            )
            weight = float(occupancy)
            positions.append(volume.position_pytree)
            factors.append(tuple(weight * factor for _, factor in volume.groups()))
        return numbavol.IndependentAtomVolume(tuple(positions), tuple(factors))


def read_model(
    filename: Path, b_factors: str | float, models: Any, select: str, report: Report
) -> tuple[Model, NDArray[np.float64]]:
    """Read the atoms of a file, and say which.

    Parameters
    ----------
    filename
        PDB or mmCIF.
    b_factors, models, select
        As the options of the same names.
    report
        Says what was read.

    Returns
    -------
    Model
        The atoms around their centre of mass.
    NDArray
        Where that was, ``(3,)``.
    """
    positions, atomic_numbers, properties = _read_atoms(filename, models, select, report)
    model = _make_model(positions, atomic_numbers, properties, b_factors, report)
    return model, properties["center"]


def _read_atoms(
    model: Path, models: Any, select: str, report: Report
) -> tuple[NDArray[np.float64], NDArray[np.int64], AtomProperties]:
    parsed = parse_structure_file(model)
    # Before the selection, which takes what it does not name out of the structure.
    n_sites = {part.num: part.count_atom_sites() for part in parsed.structure}
    positions, atomic_numbers, properties = take_atoms(
        model, parsed.structure, center=True, selection_string=select, models=models
    )
    elements = _count_symbols(atomic_numbers)
    atoms = f"{plural(len(positions), 'atom')} ({count_elements(elements)})"
    used = (
        list(n_sites) if models == "all" else [next(iter(n_sites)) if models == "first" else models]
    )
    left_out = {
        "models": len(n_sites) - len(used),
        "atoms": sum(n_sites[number] for number in used) - len(positions),
    }
    reasons = {"models": "model{} of the file", "atoms": "atom{} that --select does not name"}
    described = [
        f"{count} {reasons[what].format('' if count == 1 else 's')}"
        for what, count in left_out.items()
        if count
    ]
    report.say(
        f"read    {model} ({parsed.format}): {atoms}"
        + (f"; left out: {', '.join(described)}" if described else ""),
        model=str(model),
        format=parsed.format,
        n_atoms=len(positions),
        elements=elements,
        left_out=left_out,
    )
    return positions, atomic_numbers, properties


def _count_symbols(atomic_numbers: NDArray[np.int64]) -> dict[str, int]:
    numbers, counts = np.unique(atomic_numbers, return_counts=True)
    return {
        gemmi.Element(int(number)).name: int(count)
        for number, count in zip(numbers, counts, strict=True)
    }


def _make_model(
    positions: NDArray[np.float64],
    atomic_numbers: NDArray[np.int64],
    properties: AtomProperties,
    b_factors: str | float,
    report: Report,
) -> Model:
    if b_factors == "file":
        extra = properties["b_factors"]
        described = f"of the file, mean {extra.mean():.1f} A^2"
    elif b_factors == "none":
        extra, described = np.zeros(len(positions)), "none"
    else:
        extra = np.full(len(positions), float(b_factors))
        described = f"{float(b_factors):g} A^2"
    occupancies = properties["occupancies"]
    n_partial = int(np.count_nonzero(occupancies != 1.0))
    weighted = f", {plural(n_partial, 'atom')} weighted by occupancy" if n_partial else ""
    report.say(
        f"atoms   B-factors {described}{weighted}",
        b_factors=b_factors,
        n_partial_occupancies=n_partial,
    )
    return Model(positions, atomic_numbers, extra, occupancies)
