"""`Atoms`: everything of a structure that a map is made of, as arrays."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Self

import gemmi
import numpy as np

from numbavol.arguments import check_finite, read_reals
from numbavol.atoms.anisotropy import count_anisotropic, make_isotropic
from numbavol.atoms.atom_table import tabulate_atoms
from numbavol.atoms.labels import AtomLabels, read_labels
from numbavol.atoms.making_structures import make_structure
from numbavol.atoms.scattering_factors import read_atomic_numbers
from numbavol.values import ArrayValue, FrozenArrays, freeze

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, DTypeLike, NDArray

    from numbavol.atoms.atom_table import AtomTable
    from numbavol.atoms.labels import Texts

    Index = slice | int | NDArray[Any] | Sequence[int] | Sequence[bool]

WHOLE_NUMBERS = {"atomic_numbers": np.int64, "charges": np.int64, "label_numbers": np.int32}


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Atoms(FrozenArrays, ArrayValue):
    """Atoms as arrays: where they are, how they scatter, how much they count, what they are called.

    `load_atoms` reads them from a file, and `from_arrays` takes what is in arrays. Indexing by a
    slice, a mask or numbers gives those atoms.

    Parameters
    ----------
    positions
        ``(n, 3)``, (x, y, z) in angstroms.
    atomic_numbers
        ``(n,)``.
    b_factors
        Isotropic B-factors in square angstroms, ``(n,)``.
    occupancies
        ``(n,)``: the share of molecules that have the atom there.
    charges
        Formal charges in elementary charges, ``(n,)``.
    masses
        In daltons, ``(n,)``.
    labels
        What atoms are called, an entry for each of m atoms.
    label_numbers
        ``(n,)``: which entry of `labels` is each atom's. Copies of an atom share one.

    Raises
    ------
    ValueError
        If a shape is another, or a number is not finite, or not whole where it is to be. One number
        stands for all atoms.

    Examples
    --------
    >>> from numbavol.atoms import load_atoms
    >>> from numbavol.data import enterotoxin
    >>> atoms = load_atoms(enterotoxin())
    >>> atoms
    Atoms(5684: C 3405, O 1278, N 956, S 45)
    >>> atoms[atoms.names == "CA"]
    Atoms(712: C 712)
    """

    positions: NDArray[np.float64]
    atomic_numbers: NDArray[np.int64]
    b_factors: NDArray[np.float64]
    occupancies: NDArray[np.float64]
    charges: NDArray[np.int64]
    masses: NDArray[np.float64]
    labels: AtomLabels
    label_numbers: NDArray[np.int32]

    def __post_init__(self) -> None:
        """Read the arguments; one number stands for all atoms."""
        positions = _read_positions(self.positions)
        n = len(positions)
        read: dict[str, NDArray[Any]] = {"positions": positions}
        for name in ("b_factors", "occupancies", "masses"):
            reals = read_reals(name, getattr(self, name))
            check_finite(name, reals)
            read[name] = _spread(name, reals, n)
        for name, dtype in WHOLE_NUMBERS.items():
            read[name] = _spread(name, _read_whole_numbers(name, getattr(self, name), dtype), n)
        numbers, n_labels = read["label_numbers"], len(self.labels.names)
        if n and not 0 <= numbers.min() <= numbers.max() < n_labels:
            msg = f"label_numbers: expected numbers of {n_labels} labels, from 0 on"
            raise ValueError(msg)
        vars(self).update({name: freeze(array) for name, array in read.items()})

    @classmethod
    def from_arrays(
        cls,
        positions: ArrayLike,
        atomic_numbers: ArrayLike,
        *,
        b_factors: ArrayLike = 0.0,
        occupancies: ArrayLike = 1.0,
        charges: ArrayLike = 0,
        names: ArrayLike = "",
        alternates: ArrayLike = "",
        residue_names: ArrayLike = "",
        residue_numbers: ArrayLike = "",
        chains: ArrayLike = "",
    ) -> Self:
        """Make atoms of arrays; one value stands for all of them.

        Parameters
        ----------
        positions
            ``(n, 3)``, (x, y, z) in angstroms.
        atomic_numbers
            One, or ``(n,)``.
        b_factors
            In square angstroms: one, or ``(n,)``.
        occupancies
            One, or ``(n,)``.
        charges
            Formal charges in elementary charges: one, or ``(n,)``.
        names, alternates, residue_names, residue_numbers, chains
            Texts: one, or ``(n,)``.

        Returns
        -------
        Atoms
            With the masses of the elements.

        Raises
        ------
        ValueError
            If a shape is another, or a value is not finite or not an element.

        Examples
        --------
        >>> from numbavol.atoms import Atoms
        >>> Atoms.from_arrays([[0.0, 0.0, 0.0], [1.2, 0.0, 0.0]], [6, 8], b_factors=20.0)
        Atoms(2: C 1, O 1)
        """
        places = _read_positions(positions)
        n = len(places)
        numbers = read_atomic_numbers(np.atleast_1d(np.asarray(atomic_numbers)))
        texts = {
            "names": names,
            "alternates": alternates,
            "residue_names": residue_names,
            "residue_numbers": residue_numbers,
            "chains": chains,
            "subchains": "",
        }
        elements = _spread("atomic_numbers", numbers if len(numbers) != 1 else numbers[0], n)
        weights = {int(z): gemmi.Element(int(z)).weight for z in np.unique(elements)}
        return cls(
            places,
            elements,
            np.asarray(b_factors),
            np.asarray(occupancies),
            np.asarray(charges),
            np.array([weights[int(z)] for z in elements], np.float64),
            AtomLabels(
                **{name: _spread(name, np.asarray(text, str), n) for name, text in texts.items()}
            ),
            np.arange(n, dtype=np.int32),
        )

    @staticmethod
    def from_gemmi(structure: gemmi.Structure, model: int | None = None) -> Atoms:
        """Take the atoms of a structure of gemmi.

        Parameters
        ----------
        structure
            The structure. It is not changed.
        model
            The number of a model; by default the first of the structure.

        Returns
        -------
        Atoms
            All of the model's, in its order: those of unknown element too, with 0 as their atomic
            number. Anisotropic ones have the isotropic equivalent of their B-factor.

        Raises
        ------
        ValueError
            If there is no such model, or a number in it is not finite.

        Examples
        --------
        >>> import gemmi
        >>> from numbavol.atoms import Atoms
        >>> from numbavol.data import enterotoxin
        >>> Atoms.from_gemmi(gemmi.read_structure(str(enterotoxin())))
        Atoms(5684: C 3405, O 1278, N 956, S 45)
        """
        existing = [part.num for part in structure]
        number = model if model is not None else next(iter(existing), None)
        if number not in existing:
            msg = f"model: expected one of {existing}, got {number}"
            raise ValueError(msg)
        if count_anisotropic(structure, [number]):
            structure = structure.clone()
            make_isotropic(structure, [number])
        return atoms_of(tabulate_atoms(structure).of_model(number))

    @property
    def names(self) -> Texts:
        """Names of the atoms, as in ``"CA"``, texts of shape ``(n,)``."""
        return self.labels.names[self.label_numbers]

    @property
    def alternates(self) -> Texts:
        """Letters of alternate conformations, texts of shape ``(n,)``; empty where none are."""
        return self.labels.alternates[self.label_numbers]

    @property
    def residue_names(self) -> Texts:
        """Names of the residues, as in ``"ALA"``, texts of shape ``(n,)``."""
        return self.labels.residue_names[self.label_numbers]

    @property
    def residue_numbers(self) -> Texts:
        """Numbers of the residues, with the insertion code: texts of shape ``(n,)``."""
        return self.labels.residue_numbers[self.label_numbers]

    @property
    def subchains(self) -> Texts:
        """Names of the parts of chains in mmCIF files, texts of shape ``(n,)``."""
        return self.labels.subchains[self.label_numbers]

    @property
    def chains(self) -> Texts:
        """Names of the chains, texts of shape ``(n,)``."""
        return self.labels.chains[self.label_numbers]

    @property
    def center_of_mass(self) -> NDArray[np.float64]:
        """Centre of mass ``(x, y, z)`` in angstroms, shape ``(3,)``; occupancies do not count.

        Raises
        ------
        ValueError
            If there are no atoms.
        """
        if len(self) == 0:
            msg = "center_of_mass: expected atoms, there are none"
            raise ValueError(msg)
        return np.asarray(self.masses @ self.positions / self.masses.sum())

    def __len__(self) -> int:
        """How many atoms there are."""
        return len(self.positions)

    def __repr__(self) -> str:
        """Say how many atoms there are of which element."""
        counts = np.bincount(self.atomic_numbers)
        elements = sorted(np.flatnonzero(counts).tolist(), key=lambda z: -counts[z])
        described = ", ".join(f"{gemmi.Element(z).name} {counts[z]}" for z in elements)
        return f"{type(self).__name__}({len(self)}{': ' if described else ''}{described})"

    def __getitem__(self, chosen: Index) -> Self:
        """Take some of the atoms.

        Parameters
        ----------
        chosen
            A slice, a mask of shape ``(n,)``, numbers of atoms, or the number of one.

        Returns
        -------
        Atoms
            Those atoms, in their order.

        Raises
        ------
        IndexError
            If there is no such atom, or a mask has another length.
        """
        index = chosen if isinstance(chosen, slice) else np.atleast_1d(np.asarray(chosen))
        if not isinstance(index, slice) and index.size == 0:
            index = index.astype(np.int64)
        taken: dict[str, Any] = {
            field.name: getattr(self, field.name)[index]
            for field in dataclasses.fields(self)
            if field.name != "labels"
        }
        return dataclasses.replace(self, **taken)

    def repeat(self, rotations: NDArray[np.float64], translations: NDArray[np.float64]) -> Self:
        """Make turned and moved copies, one after the other, which share their labels.

        Parameters
        ----------
        rotations
            ``(c, 3, 3)``: positions r become ``rotation @ r + translation``.
        translations
            ``(c, 3)``, in angstroms.

        Returns
        -------
        Atoms
            ``c * n`` of them.

        Raises
        ------
        ValueError
            If a shape is another.

        Examples
        --------
        >>> import numpy as np
        >>> from numbavol.atoms import Atoms
        >>> atoms = Atoms.from_arrays([[1.0, 0.0, 0.0]], 6)
        >>> atoms.repeat(np.stack([np.eye(3), -np.eye(3)]), np.zeros((2, 3))).positions[:, 0]
        array([ 1., -1.])
        """
        turns, moves = np.asarray(rotations, np.float64), np.asarray(translations, np.float64)
        n_copies = len(turns)
        if turns.shape != (n_copies, 3, 3) or moves.shape != (n_copies, 3):
            msg = (
                "rotations and translations: expected shapes (c, 3, 3) and (c, 3), got "
                f"{turns.shape} and {moves.shape}"
            )
            raise ValueError(msg)
        positions = np.einsum("cij,nj->cni", turns, self.positions) + moves[:, np.newaxis]
        copied: dict[str, Any] = {
            field.name: np.tile(getattr(self, field.name), n_copies)
            for field in dataclasses.fields(self)
            if field.name not in ("positions", "labels")
        }
        return dataclasses.replace(self, positions=positions.reshape(-1, 3), **copied)

    def to_gemmi(self) -> gemmi.Structure:
        """Make a structure of gemmi, of one model.

        Returns
        -------
        gemmi.Structure
            Atoms that follow each other in one chain, and have the name and number of one residue,
            are a residue. Copies are chains of their own: of chain A they are A, A2 and A3. A cell,
            a space group and anisotropic B-factors are not in it.

        Examples
        --------
        >>> from numbavol.atoms import load_atoms
        >>> from numbavol.data import enterotoxin
        >>> structure = load_atoms(enterotoxin()).to_gemmi()
        >>> len(structure[0]), structure[0].count_atom_sites()
        (8, 5684)
        """
        return make_structure(self)


def atoms_of(table: AtomTable) -> Atoms:
    """Take the atoms of a table, which a structure was read into."""
    return Atoms(
        table.positions,
        table.atomic_numbers,
        table.b_factors,
        table.occupancies,
        table.charges,
        table.masses,
        read_labels(table),
        np.arange(len(table.positions), dtype=np.int32),
    )


def _read_positions(value: ArrayLike) -> NDArray[np.float64]:
    positions = read_reals("positions", value)
    if positions.ndim != 2 or positions.shape[1] != 3:
        msg = f"positions: expected shape (n, 3), got {positions.shape}"
        raise ValueError(msg)
    check_finite("positions", positions)
    return positions


def _read_whole_numbers(name: str, value: ArrayLike, dtype: DTypeLike) -> NDArray[Any]:
    given = read_reals(name, value) if np.asarray(value).dtype.kind not in "iu" else value
    numbers: NDArray[Any] = np.asarray(given).astype(dtype, copy=False)
    if not np.array_equal(numbers, given):
        wrong = np.asarray(given)[numbers != given].flat[0]
        msg = f"{name}: expected whole numbers, got {wrong}"
        raise ValueError(msg)
    return numbers


def _spread(name: str, value: NDArray[Any], n: int) -> NDArray[Any]:
    if value.shape not in [(), (n,)]:
        msg = f"{name}: expected one value or {n}, one an atom, got shape {value.shape}"
        raise ValueError(msg)
    return np.full(n, value) if value.ndim == 0 else value
