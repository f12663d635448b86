"""`ParticleImages`."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import numbavol
from numbavol.io import map_reading


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


@pytest.mark.parametrize("number", [0, 5, -1, -6, np.int64(2), np.uint8(2)])
def test_an_image_may_be_had_by_its_number(folder, number):
    image = numbavol.ParticleImages(NAMES, folder)[number]
    assert image.shape == (4, 4)
    assert image[0, 0] == VALUES[number]


@pytest.mark.parametrize(
    ("number", "error", "message"),
    [
        (6, IndexError, "numbers: expected -6 to 5, got 6"),
        (-7, IndexError, "numbers: expected -6 to 5, got -7"),
        (1.0, TypeError, "numbers: expected a whole number or a slice, got float"),
        (np.arange(2), TypeError, "numbers: .* got ndarray; `take` takes others"),
    ],
)
def test_what_is_no_number_is_one_error(folder, number, error, message):
    with pytest.raises(error, match=message):
        numbavol.ParticleImages(NAMES, folder)[number]


@given(
    st.lists(st.sampled_from([("a", n) for n in range(5)] + [("b", n) for n in range(3)])),
    st.sampled_from(["", ".gz"]),
)
@example([("a", 4), ("b", 0), ("a", 0), ("a", 4), ("a", 1), ("a", 3)], ".gz")
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
def test_any_images_in_any_order_are_read_with_one_opening_of_a_stack(
    tmp_path_factory, images, suffix
):
    folder = tmp_path_factory.mktemp("stacks")
    for name, first, n in (("a", 0, 5), ("b", 10, 3)):
        values = first + np.arange(n)[:, None, None] * np.ones((n, 2, 3))
        numbavol.write_map(folder / f"{name}.mrc{suffix}", values, 1.0)
    names = [f"{number + 1}@{name}.mrc{suffix}" for name, number in [("b", 0), *images]]
    stacks = numbavol.ParticleImages(names, folder)
    opened = []
    with pytest.MonkeyPatch.context() as patched:
        open_map = map_reading.open_map
        patched.setattr(map_reading, "open_map", lambda path: opened.append(path) or open_map(path))
        read = stacks[1:]
    assert read[:, 1, 2].tolist() == [number + 10 * (name == "b") for name, number in images]
    assert len(opened) == len({name for name, _ in images})


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
        ([], ValueError, "image_names: expected at least one, got none"),
        ("1@a.mrcs", ValueError, "image_names: expected one text a particle, got '1@a.mrcs'"),
        ([f"{10**30}@a.mrcs"], ValueError, "image_names: expected names like"),
        (["1@d.mrcs"], FileNotFoundError, "d.mrcs"),
    ],
    ids=["number", "shape", "name", "none", "text", "large", "file"],
)
def test_what_is_wrong_is_named(folder, names, error, message):
    with pytest.raises(error, match=message):
        numbavol.ParticleImages(names, folder)


def test_a_stack_that_is_missing_is_named_with_the_folders_that_were_tried(
    folder, tmp_path_factory, monkeypatch
):
    here = tmp_path_factory.mktemp("here")
    monkeypatch.chdir(here)
    with pytest.raises(FileNotFoundError) as caught:
        numbavol.ParticleImages(["1@no.mrcs"], folder)
    assert caught.value.filename == "no.mrcs"
    assert caught.value.strerror == f"no such file in {folder} or in {here}"
    with pytest.raises(FileNotFoundError) as caught:
        numbavol.ParticleImages(["1@no.mrcs"])
    assert caught.value.strerror == f"no such file in {here}"


@pytest.mark.parametrize(
    ("numbers", "error", "message"),
    [
        ([0, -1], IndexError, "numbers: expected 0 to 5, got -1"),
        ([6], IndexError, "numbers: expected 0 to 5, got 6"),
        ([0.5], ValueError, "numbers: expected whole numbers"),
        ([True] * 6, ValueError, "numbers: expected whole numbers .* got bool"),
        (2, ValueError, "numbers: expected whole numbers"),
    ],
)
def test_numbers_of_no_image_are_not_taken(folder, numbers, error, message):
    images = numbavol.ParticleImages(NAMES, folder)
    with pytest.raises(error, match=message):
        images.take(np.array(numbers))


def test_of_no_numbers_no_image_is_taken(folder):
    assert numbavol.ParticleImages(NAMES, folder).take(np.array([])).shape == (0, 4, 4)
