"""Offsets that move particles out of their images, in a unit that was mistaken perhaps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

import numbavol
from numbavol.cli import main

if TYPE_CHECKING:
    from pathlib import Path

SIDE, PIXEL_SIZE = 24, 1.5


@pytest.mark.parametrize(("farthest", "is_told"), [(17.9, False), (18.1, True), (300.0, True)])
@pytest.mark.parametrize("command", ["project", "simulate"])
def test_particles_out_of_their_boxes_are_told_of(
    map_file: Path, command: str, farthest: float, is_told: bool, capsys
) -> None:
    poses = map_file.with_name("poses.star")
    particles = numbavol.ParticleTable(
        *np.zeros((3, 3)), origin_x_in_angstroms=[0.0, -farthest, 1.0],
        origin_y_in_angstroms=0.0, pixel_size=PIXEL_SIZE, image_size=SIDE,
        voltage_in_kilovolts=300.0,
    )  # fmt: skip
    numbavol.write_particles(poses, particles, "given.mrcs")
    output = map_file.with_name("stack.mrcs")
    assert main([command, str(map_file), "--poses", str(poses), "-o", str(output)]) == 0
    warning = f"warning: offsets of up to {farthest:g} A move 1 particle out of boxes of 36 A"
    assert (warning in capsys.readouterr().err) == is_told
