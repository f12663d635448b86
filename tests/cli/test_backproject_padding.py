"""``numbavol backproject --pad-scale``: whether the images suffice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

import numbavol
from numbavol.cli import main
from numbavol.cli.backproject import _predict_share_reached

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.compiled
@pytest.mark.parametrize(("n_images", "pad_scale"), [(400, 4.0), (50, 2.0), (50, 4.0)])
def test_the_share_of_cells_that_slices_reach_is_predicted(n_images: int, pad_scale: float) -> None:
    side = 48
    projector = numbavol.BackProjector(side, 1.0, pad_scale=pad_scale)
    images = np.ones((n_images, side, side), np.float32)
    projector.add(images, numbavol.draw_random_poses(n_images, rng=0))
    bricks = projector._bricks
    # Each brick of 8 cells a side has the first cells of the next ones, too.
    weights = bricks._sums[:, :8, :8, :8, 2]
    x, y, z = (bricks._corners[:, axis, np.newaxis] + np.arange(8) for axis in range(3))
    radius = np.sqrt(
        x[:, None, None, :] ** 2.0 + y[:, None, :, None] ** 2.0 + z[:, :, None, None] ** 2.0
    )
    highest = pad_scale * side / 2
    is_outer = (radius > 0.9 * highest) & (radius < highest - 2)
    reached = np.mean(weights[is_outer] > 0)
    # Samples that share a cell are not strangers: it is less than predicted.
    predicted = _predict_share_reached(n_images, side / 2, pad_scale)
    assert 0.75 * predicted < reached < predicted


@pytest.mark.compiled
@pytest.mark.parametrize(
    ("options", "n_images", "warning"),
    [
        (("--pad-scale", 2), 20, None),
        (("--pad-scale", 4), 20, "--pad-scale 4: 20 images reach about 14% of the cells"),
        (("--pad-scale", 4), 400, None),
        (("--pad-scale", 4, "--symmetry", "I1"), 20, None),
        # Of fewer cells, more are reached.
        (("--pad-scale", 4, "--max-resolution", 16), 20, "20 images reach about 46% of the cells"),
    ],
)
def test_padding_that_needs_more_images_is_a_warning(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options, n_images: int, warning: str | None
) -> None:
    poses = numbavol.draw_random_poses(n_images, rng=0)
    numbavol.write_map(tmp_path / "stack.mrcs", np.ones((n_images, 16, 16), np.float32), 2.0)
    table = numbavol.ParticleTable(
        **poses.to_relion_angles()._asdict(), pixel_size=2.0, voltage_in_kilovolts=300.0,
        image_size=16,
    )  # fmt: skip
    numbavol.write_particles(tmp_path / "stack.star", table, tmp_path / "stack.mrcs")
    command = ("backproject", tmp_path / "stack.star", "-o", tmp_path / "map.mrc", *options)
    assert main([*map(str, command)]) == 0
    error = capsys.readouterr().err
    assert ("warning" in error) == (warning is not None)
    assert warning is None or warning in error
