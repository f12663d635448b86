"""`GaussianMixtureVolume`: density as Gaussians at positions."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Self

import numpy as np

from numbavol.arguments import check_finite, read_reals
from numbavol.atoms import b_factor_to_variance
from numbavol.kernels.devices import is_on_cuda
from numbavol.kernels.dispatch import find_device, find_device_of
from numbavol.notebooks import describe_memory, make_table
from numbavol.values import ArrayValue, FrozenArrays
from numbavol.volumes.base import AbstractAtomVolume
from numbavol.volumes.positions import read_positions, rotate_positions, translate_positions

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import ArrayLike, NDArray

    from numbavol.atoms import PengScatteringFactorParameters
    from numbavol.poses import AbstractPose


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class GaussianMixtureVolume(FrozenArrays, ArrayValue, AbstractAtomVolume):
    r"""Density as isotropic Gaussians, one or several at each position.

    .. math:: U(\mathbf r) = \sum_{ji} \frac{a_{ji}}{(2 \pi \sigma_{ji}^2)^{3/2}}
              \exp\left(-\frac{|\mathbf r - \mathbf r_j|^2}{2 \sigma_{ji}^2}\right)

    Parameters
    ----------
    positions
        ``(n, 3)`` in the order (x, y, z), in angstroms.
    amplitudes
        The integral of each Gaussian, in angstroms for a potential in inverse square angstroms: a
        scalar, ``(n,)`` with one a position, or ``(n, k)``.
    variances
        The variance of each along an axis, in square angstroms, above 0: a scalar, ``(n,)`` or
        ``(n, k)``.

    Attributes
    ----------
    positions
        Float64 of shape ``(n, 3)``, read-only.
    amplitudes, variances
        Float64 of shape ``(n, k)``, read-only.

    Raises
    ------
    ValueError
        If a shape does not fit the others, a value is not finite or a variance is not above 0.

    Examples
    --------
    >>> from numbavol import GaussianMixtureVolume
    >>> GaussianMixtureVolume([[0.0, 0.0, 0.0], [3.8, 0.0, 0.0]], amplitudes=10.0, variances=2.0)
    GaussianMixtureVolume(2 positions, 1 Gaussian each)
    """

    positions: NDArray[np.float64]
    amplitudes: NDArray[np.float64]
    variances: NDArray[np.float64]

    if TYPE_CHECKING:

        def __init__(
            self, positions: ArrayLike, amplitudes: ArrayLike, variances: ArrayLike
        ) -> None: ...

    def __post_init__(self) -> None:
        """Read the arguments into read-only arrays of matching shapes."""
        given = {name: getattr(self, name) for name in ("positions", "amplitudes", "variances")}
        # What is on a device is read on the host, and kept where it is.
        host = {name: find_device_of(array).fetch(array) for name, array in given.items()}
        positions = read_positions("positions", host["positions"])
        amplitudes = _read_one_row_a_position("amplitudes", host["amplitudes"], len(positions))
        variances = _read_one_row_a_position("variances", host["variances"], len(positions))
        if np.any(variances <= 0):
            msg = (
                f"variances: expected values above 0, got {variances.min()} "
                f"({np.count_nonzero(variances <= 0)} of {variances.size})"
            )
            raise ValueError(msg)
        lengths = {amplitudes.shape[1], variances.shape[1]} - {1} or {1}
        if len(lengths) > 1:
            msg = (
                "amplitudes and variances: expected as many Gaussians a position, "
                f"got shapes {amplitudes.shape} and {variances.shape}"
            )
            raise ValueError(msg)
        shape = (len(positions), *lengths)
        read = {
            "positions": positions,
            "amplitudes": np.broadcast_to(amplitudes, shape).copy(order="C"),
            "variances": np.broadcast_to(variances, shape).copy(order="C"),
        }
        if any(map(is_on_cuda, given.values())):
            read = {name: _keep_on_cuda(given[name], array) for name, array in read.items()}
        self.__setstate__(read)

    def __repr__(self) -> str:
        """Say how many Gaussians there are."""
        n, k = self.amplitudes.shape
        return (
            f"{type(self).__name__}({n} position{'' if n == 1 else 's'}, "
            f"{k} Gaussian{'' if k == 1 else 's'} each)"
        )

    def _repr_html_(self) -> str:
        """Say in a notebook what there is."""
        n, k = self.amplitudes.shape
        facts = {"positions": str(n), "Gaussians a position": str(k)}
        if n:
            extent = self.positions.max(axis=0) - self.positions.min(axis=0)
            facts["extent (x, y, z)"] = " x ".join(f"{side:.1f}" for side in extent.tolist()) + " Å"
        facts["sum of amplitudes"] = f"{float(self.amplitudes.sum()):.6g} Å"
        facts["memory"] = describe_memory(self.positions, self.amplitudes, self.variances)
        return make_table(type(self).__name__, facts)

    @classmethod
    def from_tabulated_parameters(
        cls,
        atom_positions: ArrayLike,
        parameters: PengScatteringFactorParameters,
        extra_b_factors: ArrayLike | None = None,
    ) -> Self:
        r"""Make the potential of atoms from tabulated electron scattering factors.

        Each atom becomes five Gaussians of amplitude :math:`a_i` and variance
        :math:`(b_i + B) / 8 \pi^2`.

        Parameters
        ----------
        atom_positions
            ``(n, 3)`` in the order (x, y, z), in angstroms.
        parameters
            The scattering factors of the n atoms (Peng et al., 1996).
        extra_b_factors
            B-factors that are added to the table's ``b``, in square angstroms: a scalar, or
            ``(n,)`` with one an atom. None adds nothing.

        Returns
        -------
        GaussianMixtureVolume
            A volume in inverse square angstroms.

        Raises
        ------
        ValueError
            If there are not as many atoms everywhere, or a B-factor makes a variance 0 or less.

        References
        ----------
        Peng, Ren, Dudarev & Whelan (1996), Acta Crystallographica A52, 257-276, equation 3.

        Examples
        --------
        >>> import numbavol
        >>> from numbavol.data import enterotoxin
        >>> positions, atomic_numbers = numbavol.read_atoms_from_pdb(enterotoxin())
        >>> parameters = numbavol.PengScatteringFactorParameters(atomic_numbers)
        >>> numbavol.GaussianMixtureVolume.from_tabulated_parameters(positions, parameters, 20.0)
        GaussianMixtureVolume(5684 positions, 5 Gaussians each)
        """
        positions = read_positions("atom_positions", atom_positions)
        if len(parameters.a) != len(positions):
            msg = (
                f"parameters: expected those of {len(positions)} atoms, as atom_positions has, "
                f"got those of {len(parameters.a)}"
            )
            raise ValueError(msg)
        b_factors = parameters.b
        if extra_b_factors is not None:
            extra = _read_one_row_a_position("extra_b_factors", extra_b_factors, len(positions))
            if extra.shape[1] != 1:
                msg = f"extra_b_factors: expected one an atom, got shape {extra.shape}"
                raise ValueError(msg)
            b_factors = b_factors + extra
            if np.any(b_factors <= 0):
                n_wrong = np.count_nonzero(np.any(b_factors <= 0, axis=1))
                msg = (
                    "extra_b_factors: expected values that leave every b of the table above 0, "
                    f"got {extra.min()} (in {n_wrong} of {len(b_factors)} atoms)"
                )
                raise ValueError(msg)
        return cls(positions, parameters.a, b_factor_to_variance(b_factors))

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
        GaussianMixtureVolume
            With positions ``R r``, or ``R^T r`` if ``inverse``.

        Raises
        ------
        TypeError
            If it is no pose, or `inverse` neither True nor False.
        ValueError
            If there are many poses.
        """
        rotated = rotate_positions(self._fetch_positions(), pose, inverse=inverse)
        return dataclasses.replace(self, positions=rotated)

    def translate_to_pose(self, pose: AbstractPose) -> Self:
        """Move the positions by the offset of one pose.

        Parameters
        ----------
        pose
            One pose; its rotation is not used.

        Returns
        -------
        GaussianMixtureVolume
            With positions ``r + offset``.

        Raises
        ------
        ValueError
            If there are many poses.
        """
        return dataclasses.replace(
            self, positions=translate_positions(self._fetch_positions(), pose)
        )

    def _fetch_positions(self) -> NDArray[np.float64]:
        return find_device_of(self.positions).fetch(self.positions)


def _keep_on_cuda(given: Any, read: NDArray[np.float64]) -> NDArray[np.float64]:
    """Keep an array of the device if it is what was read of it, or send that there."""
    if is_on_cuda(given):
        there: NDArray[np.float64] = find_device("cuda").send(given)
        if there.shape == read.shape and there.dtype == read.dtype and there.flags.c_contiguous:
            return there
    return find_device("cuda").send(read)


def _read_one_row_a_position(name: str, value: ArrayLike, n: int) -> NDArray[Any]:
    array = read_reals(name, value)
    if array.ndim > 2 or (array.ndim > 0 and len(array) != n) or 0 in array.shape[1:]:
        msg = f"{name}: expected a scalar or shape ({n},) or ({n}, k), got shape {array.shape}"
        raise ValueError(msg)
    check_finite(name, array)
    return array.reshape(-1, 1) if array.ndim < 2 else array
