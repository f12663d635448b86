"""Which choices of a simulation do nothing beside others."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from numbavol.simulation.tables import OF_SOLVENTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numbavol.simulation.config import SimulationConfig

OF_MODELS = (
    "center", "select", "models", "alternates", "hydrogens", "monomer_library", "waters",
    "b_factors", "b_factor_scale", "b_factor_offset", "assembly",
)  # fmt: skip


def check_effects(config: SimulationConfig) -> None:
    """Refuse a choice that differs from its default, and does nothing.

    What is said of transfer functions may stay where `microscope.ctf` turns them off: images
    without them are asked for beside those with them.

    Raises
    ------
    ValueError
        If there is one. The message begins with its path, like ``noise.radius``.
    """
    for group, names, reason in _find_unused(config):
        for name in list_changes(getattr(config, group)):
            if name in names:
                msg = f"{group}.{name}: {reason}"
                raise ValueError(msg)


def list_changes(choices: Any) -> list[str]:
    """List the choices of a group that differ from their defaults."""
    return [
        field.name
        for field in dataclasses.fields(choices)
        if getattr(choices, field.name) != field.default
    ]


def _find_unused(config: SimulationConfig) -> Iterator[tuple[str, tuple[str, ...], str]]:
    """Find groups, names of their choices, and why these do nothing."""
    of_uniform, of_normal = ("minimum", "maximum"), ("mean", "deviation")
    if config.defocus.distribution == "uniform":
        yield "defocus", of_normal, "only distribution = 'normal' has one"
    else:
        yield "defocus", of_uniform, "only distribution = 'uniform' has one"
    of_view = ("rot", "tilt", "concentration")
    if config.poses.distribution == "uniform":
        yield "poses", of_view, "only distribution = 'preferred' has a view"
    if config.poses.file is not None:
        yield "poses", ("distribution", *of_view), "orientations are those of poses.file"
    if not config.noise.is_wanted:
        yield "noise", ("spectrum",), "only an snr or a variance adds noise"
    if config.noise.snr is None:
        yield "noise", ("radius",), "only an snr measures images"
    if config.solvent.kind == "none":
        yield "solvent", OF_SOLVENTS, "there is no solvent without a kind"
    if config.solvent.kind == "hydration":
        yield "solvent", ("shrink_radius",), "only kind = 'bulk' has one"
    if config.solvent.ice_thickness == 0:
        yield "solvent", ("ice_density",), "there is no ice without ice_thickness"
    if config.detector.dose is None:
        yield "detector", ("mtf", "dqe"), "only with a dose are there electrons to count"
    if config.dose_weighting.n_frames is None:
        names = ("dose_per_frame", "pre_exposure")
        yield "dose_weighting", names, "there are no frames without n_frames"
