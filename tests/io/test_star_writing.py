"""RELION STAR files as they are written."""

from __future__ import annotations

import os

import numpy as np
import pytest
from gemmi import cif

from numbavol.io import ParticleTable, read_particles, write_particles

# RELION 3.1.3 reads no particles without them.
NEEDED = {"pixel_size": 1.5, "voltage_in_kilovolts": 300.0, "image_size": 64}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "particles.star"


def test_what_is_in_it(path):
    particles = ParticleTable(
        [1, 2, 3],
        [0.1, 1e-7, 90],
        0.0,
        image_names=["a", "b", "c"],
        pixel_size=[1.5, 1.2, 1.5],
        voltage_in_kilovolts=300,
        image_size=64,
    )
    write_particles(path, particles, path.with_name("s.mrcs"), spherical_aberration_in_mm=0.01)
    document = cif.read_file(str(path))
    assert [block.name for block in document] == ["optics", "particles"]
    optics, rows = (block[0].loop for block in document)
    assert optics.tags == [
        "_rlnOpticsGroup",
        "_rlnOpticsGroupName",
        "_rlnImagePixelSize",
        "_rlnVoltage",
        "_rlnSphericalAberration",
        "_rlnAmplitudeContrast",
        "_rlnImageSize",
        "_rlnImageDimensionality",
    ]
    assert optics.values == [
        *["1", "opticsGroup1", "1.5", "300.0", "0.01", "0.1", "64", "2"],
        *["2", "opticsGroup2", "1.2", "300.0", "0.01", "0.1", "64", "2"],
    ]
    assert rows.tags[:4] == ["_rlnImageName", "_rlnAngleRot", "_rlnAngleTilt", "_rlnAnglePsi"]
    assert rows.tags[4:] == ["_rlnOriginXAngst", "_rlnOriginYAngst", "_rlnOpticsGroup"]
    assert rows.values == [
        *["000001@s.mrcs", "1.0", "0.1", "0.0", "0.0", "0.0", "1"],
        *["000002@s.mrcs", "2.0", "1e-07", "0.0", "0.0", "0.0", "2"],
        *["000003@s.mrcs", "3.0", "90.0", "0.0", "0.0", "0.0", "1"],
    ]
    # RELION knows its version by this, reads a loop from its own line, and ends it at an
    # empty one.
    text = path.read_text()
    assert text.startswith("# version 30001\n\ndata_optics\n")
    assert "64 2\n\n# version 30001\n\ndata_particles\nloop_\n_rlnImageName\n" in text


def test_the_same_particles_give_the_same_bytes(path):
    particles = ParticleTable(*np.random.default_rng(0).normal(size=(5, 20)), **NEEDED)
    write_particles(path, particles, "stack.mrcs")
    before = path.read_bytes()
    write_particles(path, particles, "stack.mrcs", overwrite=True)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("stack", "name"),
    [
        ("stack.mrcs", "stack.mrcs"),
        ("folder/stack.MRCS", "folder/stack.MRCS"),
        ("../stack.mrcs", "../stack.mrcs"),
        ("folder/../stack.mrcs", "stack.mrcs"),
        ("a b.mrcs", "a b.mrcs"),
        ("it's.mrcs", "it's.mrcs"),
        ("a@b.mrcs", "a@b.mrcs"),
        ("linked/../stack.mrcs", "../stack.mrcs"),
    ],
)
def test_the_stack_is_found_from_the_folder(tmp_path, stack, name):
    folder = tmp_path / "folder of job"
    for made in (folder / "folder", tmp_path / "elsewhere"):
        made.mkdir(parents=True)
    (folder / "linked").symlink_to(tmp_path / "elsewhere")
    write_particles(folder / "p.star", ParticleTable(1, 2, 3, **NEEDED), folder / stack)
    assert read_particles(folder / "p.star").image_names == (f"000001@{name}",)
    assert os.path.realpath(folder / name) == os.path.realpath(folder / stack)


@pytest.mark.parametrize(
    ("stack", "message"),
    [
        ("stack.mrc", "RELION reads image stacks that end in .mrcs, got stack.mrc$"),
        *((f"a{c}b.mrcs", "RELION cannot read the name 'a") for c in "#:%ö\n\t"),
        ("a' \"b.mrcs", "no quotes of both kinds"),
        ("a  b.mrcs", "RELION cannot read the name 'a  b.mrcs'; .* no two spaces in a row"),
    ],
)
def test_a_stack_that_relion_cannot_read(path, stack, message):
    with pytest.raises(ValueError, match=f"stack_filename: .*{message}"):
        write_particles(path, ParticleTable(1, 2, 3, **NEEDED), path.with_name(stack))
    assert not path.exists()


@pytest.mark.parametrize("name", NEEDED)
def test_what_relion_needs_is_asked_for(path, name):
    particles = ParticleTable(1, 2, 3, **{**NEEDED, name: None})
    with pytest.raises(ValueError, match=f"particles: RELION needs to know {name}"):
        write_particles(path, particles, "stack.mrcs")


@pytest.mark.parametrize("name", ["spherical_aberration_in_mm", "amplitude_contrast_ratio"])
@pytest.mark.parametrize("value", [np.nan, [1.0, 2.0], "2.7"])
def test_a_wrong_number_is_named(path, name, value):
    with pytest.raises(ValueError, match=f"{name}: expected"):
        write_particles(path, ParticleTable(1, 2, 3, **NEEDED), "s.mrcs", **{name: value})


def test_an_existing_file_is_not_replaced(path):
    path.write_bytes(b"precious")
    with pytest.raises(FileExistsError, match="overwrite=True would replace it"):
        write_particles(path, ParticleTable(1, 2, 3, **NEEDED), "stack.mrcs")
    assert path.read_bytes() == b"precious"
