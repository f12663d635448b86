"""What stands for the columns of a transfer function that a file with defoci does not have."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np
import pytest

import numbavol
from numbavol.io.particle_reading import read_particle_file

if TYPE_CHECKING:
    from pathlib import Path

KNOWN = {
    "voltage_in_kilovolts": 300.0,
    "spherical_aberration_in_millimetres": 2.7,
    "amplitude_contrast": 0.1,
}
TAKEN = {
    "voltage_in_kilovolts": ("_rlnVoltage", "200 kV", 200.0),
    "spherical_aberration_in_millimetres": ("_rlnSphericalAberration", "0 mm", 0.0),
    "amplitude_contrast": ("_rlnAmplitudeContrast", "0", 0.0),
}


def write(folder: Path, **known: float) -> Path:
    particles = numbavol.ParticleTable(
        *np.zeros((3, 2)), pixel_size=1.5, image_size=24, **{"voltage_in_kilovolts": 300.0} | known
    )
    path = folder / "p.star"
    numbavol.write_particles(path, particles, folder / "p.mrcs", overwrite=True)
    return path


def take_away(path: Path, tag: str) -> None:
    """Give a column a name that nothing reads."""
    text = path.read_text()
    assert f"{tag}\n" in text
    path.write_text(text.replace(f"{tag}\n", "_rlnOther\n"))


@pytest.mark.parametrize("name", TAKEN)
def test_a_default_is_named_once_a_reading(tmp_path: Path, name: str) -> None:
    path = write(tmp_path, **KNOWN, defocus_u_in_angstroms=1e4)
    tag, said, value = TAKEN[name]
    take_away(path, tag)
    with pytest.warns(UserWarning, match=tag) as caught:
        particles = numbavol.read_particles(path)
    assert [str(warning.message) for warning in caught] == [
        f"{path}: it has a defocus and no {tag}; {said} is taken, as RELION takes it"
    ]
    assert caught[0].filename == __file__
    assert getattr(particles, name) is None
    assert np.all(getattr(numbavol.CTF.from_particles(particles), name) == value)


def test_a_file_of_cryosparc_is_named_by_its_own_columns(tmp_path: Path) -> None:
    path = tmp_path / "p.cs"
    particles = numbavol.read_particles(write(tmp_path, **KNOWN, defocus_u_in_angstroms=1e4))
    numbavol.write_cs(path, particles, tmp_path / "p.mrcs")
    records = np.load(path)
    kept = [field for field in records.dtype.names if field != "ctf/accel_kv"]
    with path.open("wb") as file:
        np.save(file, np.array(records[kept].tolist(), [(k, records.dtype[k]) for k in kept]))
    for read in (numbavol.read_particles, numbavol.read_cs):
        with pytest.warns(
            UserWarning, match=r"p.cs: .* no ctf/accel_kv; 200 kV is taken"
        ) as caught:
            read(path)
        assert len(caught) == 1
        assert caught[0].filename == __file__


def test_nothing_is_said_without_a_defocus_or_with_all_columns(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        numbavol.read_particles(write(tmp_path))
        numbavol.read_particles(write(tmp_path, **KNOWN, defocus_u_in_angstroms=1e4))


def test_origins_in_pixels_take_a_pixel_size_that_the_file_does_not_say(tmp_path: Path) -> None:
    path = tmp_path / "old.star"
    path.write_text(
        "data_ loop_ _rlnAngleRot _rlnAngleTilt _rlnAnglePsi _rlnOriginX _rlnOriginY 1 2 3 2 -1"
    )
    with pytest.raises(ValueError, match="there is no pixel size"):
        read_particle_file(path)
    particles, _ = read_particle_file(path, 2.0)
    assert particles.origin_x_in_angstroms.tolist() == [4.0]
    assert particles.origin_y_in_angstroms.tolist() == [-2.0]
    assert particles.pixel_size == 2.0
