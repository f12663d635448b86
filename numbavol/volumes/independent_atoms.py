"""`IndependentAtomVolume`: atoms in groups, each with one scattering factor."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from numbavol.arguments import check_finite, read_count, read_reals
from numbavol.atoms import PengScatteringFactorParameters, read_atomic_numbers
from numbavol.ndimage.operators import AbstractFourierOperator, PengScatteringFactor
from numbavol.notebooks import describe_memory, make_table
from numbavol.values import ArrayValue
from numbavol.volumes.base import AbstractAtomVolume
from numbavol.volumes.grouping import sort_into_bins
from numbavol.volumes.positions import read_positions, rotate_positions, translate_positions
from numbavol.volumes.trees import collect_leaves, map_leaves, map_like

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    from numbavol.poses import AbstractPose

DEFAULT_B_FACTOR_BINS = 32


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class IndependentAtomVolume(ArrayValue, AbstractAtomVolume):
    r"""Density as atoms in groups, each group with one scattering factor.

    .. math:: \tilde U(\mathbf k) = \sum_g f_g(\mathbf k)
              \sum_{j \in g} \exp(-2 \pi i \, \mathbf k \cdot \mathbf r_j)

    Parameters
    ----------
    position_pytree
        Nested tuples, lists or dicts of positions, each ``(n, 3)`` in the order (x, y, z), in
        angstroms. A single array is a tree of its own.
    scattering_factor_pytree
        The same structure of Fourier operators: `PengScatteringFactor`, `FourierGaussian`, or a
        `CustomFourierOperator` of a user's own function, in angstroms.

    Attributes
    ----------
    position_pytree
        With float64 read-only arrays.
    scattering_factor_pytree
        As given.

    Raises
    ------
    ValueError
        If the structures differ, positions have another shape, are not finite, or are none.
    TypeError
        If a scattering factor is not a Fourier operator.

    See Also
    --------
    IndependentAtomVolume.from_atoms : Group atoms by element and B-factor.

    Examples
    --------
    >>> from numbavol import FourierGaussian, IndependentAtomVolume
    >>> positions = {"heavy": [[0.0, 0.0, 0.0]], "light": [[1.5, 0.0, 0.0], [0.0, 1.5, 0.0]]}
    >>> factors = {"heavy": FourierGaussian(6.0, 30.0), "light": FourierGaussian(2.0, 30.0)}
    >>> IndependentAtomVolume(positions, factors)
    IndependentAtomVolume(3 atoms in 2 groups)
    """

    position_pytree: Any
    scattering_factor_pytree: Any

    def __post_init__(self) -> None:
        """Read the arguments into trees of one structure."""
        if not collect_leaves(self.scattering_factor_pytree):
            msg = "scattering_factor_pytree: expected one group of atoms or more, got none"
            raise ValueError(msg)
        factors = map_leaves(
            _check_operator, "scattering_factor_pytree", self.scattering_factor_pytree
        )
        positions = map_like(
            lambda name, leaf, _: _read_group(name, leaf),
            "position_pytree",
            self.position_pytree,
            factors,
        )
        vars(self).update(position_pytree=positions, scattering_factor_pytree=factors)

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Keep these trees, their arrays read-only: a copied array can be written to."""
        map_leaves(lambda _, leaf: leaf.setflags(write=False), "", state["position_pytree"])
        vars(self).update(state)

    def __repr__(self) -> str:
        """Say how many atoms and groups there are."""
        groups = self.groups()
        n = sum(len(positions) for positions, _ in groups)
        return (
            f"{type(self).__name__}({n} atom{'' if n == 1 else 's'} in "
            f"{len(groups)} group{'' if len(groups) == 1 else 's'})"
        )

    def _repr_html_(self) -> str:
        """Say in a notebook what there is."""
        groups = self.groups()
        facts = {
            "atoms": str(sum(len(positions) for positions, _ in groups)),
            "groups": str(len(groups)),
            "memory": describe_memory(*(positions for positions, _ in groups)),
        }
        return make_table(type(self).__name__, facts)

    def __hash__(self) -> int:
        """Hash what equal volumes have in common: the numbers of atoms."""
        return hash((type(self), *sorted(len(positions) for positions, _ in self.groups())))

    def groups(self) -> list[tuple[NDArray[np.float64], AbstractFourierOperator]]:
        """Return the positions and the scattering factor of each group.

        Returns
        -------
        list of tuple
            Positions, ``(n, 3)`` in angstroms, and what scatters there, in the order of the trees.
        """
        return list(
            zip(
                collect_leaves(self.position_pytree),
                collect_leaves(self.scattering_factor_pytree),
                strict=True,
            )
        )

    @classmethod
    def from_tabulated_parameters(
        cls,
        positions_by_element: Sequence[ArrayLike],
        parameters: PengScatteringFactorParameters,
        *,
        b_factor_by_element: ArrayLike | None = None,
    ) -> Self:
        """Make the potential of atoms from tabulated electron scattering factors.

        Parameters
        ----------
        positions_by_element
            The positions of the atoms of each element, each ``(n, 3)``, in angstroms.
        parameters
            The scattering factors of these elements, in their order (Peng et al., 1996).
        b_factor_by_element
            Added to the table's ``b``, in square angstroms: one number, or one an element.

        Returns
        -------
        IndependentAtomVolume
            With a tuple of arrays and a tuple of `PengScatteringFactor`.

        Raises
        ------
        ValueError
            If there are not as many elements everywhere, or a B-factor makes a width 0 or less.

        Examples
        --------
        >>> import numbavol
        >>> from numbavol.data import enterotoxin
        >>> positions, atomic_numbers = numbavol.read_atoms_from_pdb(enterotoxin())
        >>> by_element, elements = numbavol.split_atoms_by_element(atomic_numbers, positions)
        >>> numbavol.IndependentAtomVolume.from_tabulated_parameters(
        ...     by_element,
        ...     numbavol.PengScatteringFactorParameters(elements),
        ...     b_factor_by_element=20.0,
        ... )
        IndependentAtomVolume(5684 atoms in 4 groups)
        """
        n_elements = len(parameters.a)
        if len(positions_by_element) != n_elements:
            msg = (
                f"positions_by_element: expected those of {n_elements} elements, as parameters "
                f"has, got {len(positions_by_element)}"
            )
            raise ValueError(msg)
        b_factors = read_reals(
            "b_factor_by_element", 0.0 if b_factor_by_element is None else b_factor_by_element
        )
        if b_factors.shape not in [(), (n_elements,)]:
            msg = (
                f"b_factor_by_element: expected one number or {n_elements}, one an element, got "
                f"shape {b_factors.shape}"
            )
            raise ValueError(msg)
        factors = tuple(
            PengScatteringFactor(a, b, b_factor)
            for a, b, b_factor in zip(
                parameters.a,
                parameters.b,
                np.broadcast_to(b_factors, n_elements).tolist(),
                strict=True,
            )
        )
        return cls(tuple(positions_by_element), factors)

    @classmethod
    def from_atoms(
        cls,
        positions: ArrayLike,
        atomic_numbers: ArrayLike,
        b_factors: ArrayLike | None = None,
        b_factor_bins: int = DEFAULT_B_FACTOR_BINS,
    ) -> Self:
        r"""Make the potential of atoms, in groups of one element and of similar B-factors.

        The atoms of an element are put into bins of equal width in :math:`\log(B + b)`, where
        :math:`b` is the smallest of the element's five widths, and each bin has the mean of its
        B-factors. An element with no more different B-factors than bins keeps them all, exactly.

        Otherwise the factor of an atom, which is at most :math:`f(0)`, errs at no frequency by more
        than

        .. math:: \frac{\rho - 1}{e} f(0), \quad
                  \rho = \left(\frac{B_{max} + b}{B_{min} + b}\right)^{1 / n}

        for :math:`n` bins, if the amplitudes have one sign: 3.6 % of :math:`f(0)` for B-factors
        from 10 to 200 and 32 bins, and half of it for twice the bins. Within a bin the errors have
        both signs and, at low frequencies, cancel.

        Parameters
        ----------
        positions
            ``(n, 3)`` in the order (x, y, z), in angstroms.
        atomic_numbers
            ``(n,)``, 1 to 98.
        b_factors
            Added to the table's ``b``, in square angstroms: one number, or ``(n,)``. None is 0.
        b_factor_bins
            The largest number of groups an element.

        Returns
        -------
        IndependentAtomVolume
            With tuples of one array and one `PengScatteringFactor` for each group; elements in the
            order of their atomic numbers, groups of one element in that of their B-factors.

        Raises
        ------
        ValueError
            If a shape does not fit the others, a value is not finite, an element is unknown, or a
            B-factor makes a width 0 or less.

        Examples
        --------
        >>> import numbavol
        >>> from numbavol.data import enterotoxin
        >>> positions, atomic_numbers, properties = numbavol.read_atoms_from_pdb(
        ...     enterotoxin(), loads_properties=True
        ... )
        >>> numbavol.IndependentAtomVolume.from_atoms(
        ...     positions, atomic_numbers, properties["b_factors"]
        ... )
        IndependentAtomVolume(5684 atoms in 113 groups)
        """
        places = read_positions("positions", positions)
        numbers = read_atomic_numbers(atomic_numbers)
        if len(numbers) != len(places):
            msg = f"atomic_numbers: expected {len(places)}, as positions has, got {len(numbers)}"
            raise ValueError(msg)
        given = read_reals("b_factors", 0.0 if b_factors is None else b_factors)
        check_finite("b_factors", given)
        if given.shape not in [(), (len(places),)]:
            msg = f"b_factors: expected one number or {len(places)}, got shape {given.shape}"
            raise ValueError(msg)
        n_bins = read_count("b_factor_bins", b_factor_bins)
        every = np.broadcast_to(given, len(places))
        groups: list[NDArray[np.float64]] = []
        factors: list[PengScatteringFactor] = []
        elements = np.unique(numbers)
        parameters = PengScatteringFactorParameters(elements)
        for element, a, b in zip(elements, parameters.a, parameters.b, strict=True):
            of_element = np.flatnonzero(numbers == element)
            lowest = float(b.min() + every[of_element].min())
            if lowest <= 0:
                msg = (
                    "b_factors: expected values that leave every b of the table above 0, got "
                    f"{every[of_element].min():g} for atomic number {element}"
                )
                raise ValueError(msg)
            bins = sort_into_bins(every[of_element] + b.min(), n_bins)
            for members in bins:
                chosen = of_element[members]
                groups.append(places[chosen])
                of_bin = every[chosen]
                # A mean of equal numbers may be another one.
                mean = of_bin[0] if np.ptp(of_bin) == 0 else of_bin.mean()
                factors.append(PengScatteringFactor(a, b, float(mean)))
        return cls(tuple(groups), tuple(factors))

    def rotate_to_pose(self, pose: AbstractPose, inverse: bool = False) -> Self:
        """Turn the positions by the rotation of one pose.

        Parameters
        ----------
        pose
            One pose; its offset is not used.
        inverse
            Turn by the inverse rotation.

        Returns
        -------
        IndependentAtomVolume
            With positions ``R r``, or ``R^T r`` if ``inverse``. Scattering factors do not turn.

        Raises
        ------
        TypeError
            If it is no pose, or `inverse` neither True nor False.
        ValueError
            If there are many poses.
        """
        return self._map_positions(
            lambda positions: rotate_positions(positions, pose, inverse=inverse)
        )

    def translate_to_pose(self, pose: AbstractPose) -> Self:
        """Move the positions by the offset of one pose.

        Parameters
        ----------
        pose
            One pose; its rotation is not used.

        Returns
        -------
        IndependentAtomVolume
            With the offset added to every position.
        """
        return self._map_positions(lambda positions: translate_positions(positions, pose))

    def _map_positions(self, function: Any) -> Self:
        moved = map_leaves(lambda _, leaf: function(leaf), "", self.position_pytree)
        return dataclasses.replace(self, position_pytree=moved)


def _check_operator(name: str, leaf: object) -> AbstractFourierOperator:
    if not isinstance(leaf, AbstractFourierOperator):
        msg = (
            f"{name}: expected a Fourier operator, got {type(leaf).__name__}; "
            "CustomFourierOperator makes one of a function"
        )
        raise TypeError(msg)
    return leaf


def _read_group(name: str, positions: ArrayLike) -> NDArray[np.float64]:
    array = read_positions(name, positions)
    if len(array) == 0:
        msg = f"{name}: expected one atom or more, got shape {array.shape}: leave the group out"
        raise ValueError(msg)
    array.setflags(write=False)
    return array
