"""`ParticleImages`."""

from __future__ import annotations

import numpy as np
import pytest

import numbavol


@pytest.fixture
def folder(tmp_path):
    """Two stacks: images of 0 to 4, and of 10 to 12; and one of larger images."""
    for name, first, n, side in (("a.mrcs", 0, 5, 4), ("b.mrcs", 10, 3, 4), ("c.mrcs", 0, 2, 6)):
        values = first + np.arange(n)[:, None, None] * np.ones((n, side, side))
        numbavol.write_map(tmp_path / name, values, 1.0)
    return tmp_path


NAMES = ["2@a.mrcs", "000003@a.mrcs", "1@b.mrcs", "1@a.mrcs", "2@b.mrcs", "3@b.mrcs"]
VALUES = [1, 2, 10, 0, 11, 12]


@pytest.mark.parametrize("some", [slice(None), slice(1, 5), slice(2, 3), slice(3, 3)])
def test_images_are_those_of_the_names(folder, some):
    images = numbavol.ParticleImages(NAMES, folder)
    assert images.shape == (6, 4, 4)
    assert images[some][:, 0, 0].tolist() == VALUES[some]


def test_images_may_be_taken_in_any_order(folder):
    images = numbavol.ParticleImages(NAMES, folder)
    taken = images.take(np.array([5, 0, 2]))
    assert taken.shape == (3, 4, 4)
    assert taken[:][:, 1, 1].tolist() == [12, 1, 10]
    assert len(images) == 6


def test_names_are_also_those_from_where_the_process_runs(folder, monkeypatch, tmp_path):
    inside = tmp_path / "job"
    inside.mkdir()
    monkeypatch.chdir(folder)
    assert numbavol.ParticleImages(NAMES, inside)[0:1][0, 0, 0] == 1


@pytest.mark.parametrize(
    ("names", "error", "message"),
    [
        (["6@a.mrcs"], ValueError, "a.mrcs: expected at least 6 images, it has 5"),
        (["1@a.mrcs", "1@c.mrcs"], ValueError, "c.mrcs: expected images of shape .4, 4."),
        (["a.mrcs"], ValueError, "image_names: expected names like"),
        (["1@d.mrcs"], FileNotFoundError, "d.mrcs"),
    ],
    ids=["number", "shape", "name", "file"],
)
def test_what_is_wrong_is_named(folder, names, error, message):
    with pytest.raises(error, match=message):
        numbavol.ParticleImages(names, folder)
