"""Legal STAR files that programs write, and RELION reads in a way that nobody would guess."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np
import pytest

from numbavol.io import read_particles, write_particles

if TYPE_CHECKING:
    from pathlib import Path

    from numbavol.io import ParticleTable

ANGLES = ("_rlnAngleRot", "_rlnAngleTilt", "_rlnAnglePsi")
OPTICS = "data_optics\nloop_\n_rlnOpticsGroup\n_rlnImagePixelSize\n1 2.5\n"


def read(folder: Path, text: str) -> tuple[ParticleTable, list[str]]:
    """Particles, and what was said of them."""
    path = folder / "particles.star"
    path.write_text(text)
    with warnings.catch_warnings(record=True, action="always") as caught:
        particles = read_particles(path)
    return particles, [str(warning.message) for warning in caught]


def block(columns: dict[str, str]) -> str:
    names = [*ANGLES, *columns]
    return "\n".join(
        ["data_particles", "loop_", *names, " ".join(["0 0 0", *columns.values()]), ""]
    )


class TestWhatStandsTwice:
    def test_rows_of_one_optics_group_have_to_agree_in_what_is_read(self, tmp_path):
        particles = block({"_rlnOpticsGroup": "1"})
        # The same number, and a column that is not read.
        names = "_rlnOpticsGroup\n_rlnImagePixelSize\n_rlnOther\n"
        same = f"data_optics\nloop_\n{names}1 2.5 a\n2 9 b\n1 2.50 c\n"
        assert read(tmp_path, same + particles)[0].pixel_size == 2.5
        message = (
            "data_optics: rows 1 and 3 are both of optics group 1, with another _rlnImagePixelSize$"
        )
        with pytest.raises(ValueError, match=message):
            read(tmp_path, same.replace("2.50", "2.51") + particles)

    @pytest.mark.parametrize(
        "name",
        ["rlnMagnification", "rlnDetectorPixelSize", "rlnMicrographPixelSize", "rlnMagMat00"],
    )
    def test_so_have_columns_that_sizes_follow_from(self, tmp_path, name):
        names = f"_rlnOpticsGroup\n_rlnImagePixelSize\n_{name}\n"
        optics = f"data_optics\nloop_\n{names}1 2.5 1\n1 2.5 2\n"
        with pytest.raises(ValueError, match=rf"with another _{name}$"):
            read(tmp_path, optics + block({"_rlnOpticsGroup": "1"}))

    def test_a_name_of_an_optics_group_is_read_too(self, tmp_path):
        names = "_rlnOpticsGroup\n_rlnOpticsGroupName\n"
        optics = f"data_optics\nloop_\n{names}1 a\n1 b\n"
        with pytest.raises(ValueError, match=r"with another _rlnOpticsGroupName$"):
            read(tmp_path, optics + block({"_rlnOpticsGroup": "1"}))

    @pytest.mark.parametrize(
        ("text", "reason"),
        [
            (
                "\ndata_particles\nloop_\n_rlnAngleRot\n_rlnAngleRot\n1 2\n",
                "line 3 in data_particles: duplicate tag _rlnAngleRot",
            ),
            ("data_optics\n_a 1\ndata_optics\n_a 2\n", "duplicate block name: optics"),
        ],
    )
    def test_a_column_and_a_block_are_said_in_words(self, text, reason, tmp_path):
        with pytest.raises(ValueError, match=rf"star: no particles that can be read: {reason}$"):
            read(tmp_path, text)


class TestOrigins:
    def test_beside_a_table_of_optics_those_in_pixels_are_ignored_with_a_warning(self, tmp_path):
        # As RELION 3.1.3 does: its maps of such a file are the same without these columns.
        columns = {"_rlnOpticsGroup": "1", "_rlnOriginX": "3", "_rlnOriginY": "-2"}
        particles, said = read(tmp_path, OPTICS + block(columns))
        assert np.all(particles.origin_x_in_angstroms == 0)
        assert np.all(particles.origin_y_in_angstroms == 0)
        (warning,) = said
        assert warning.endswith(
            "_rlnOriginX, _rlnOriginY not read: RELION ignores origins in pixels beside a table of "
            "optics"
        )

    def test_those_in_angstroms_count_and_others_beside_them_are_no_oddity(self, tmp_path):
        columns = {"_rlnOpticsGroup": "1", "_rlnOriginX": "3", "_rlnOriginXAngst": "4"}
        particles, said = read(tmp_path, OPTICS + block(columns))
        assert np.all(particles.origin_x_in_angstroms == 4.0)
        assert not said

    def test_zeros_are_no_oddity(self, tmp_path):
        columns = {"_rlnOpticsGroup": "1", "_rlnOriginX": "0", "_rlnOriginY": "0"}
        assert not read(tmp_path, OPTICS + block(columns))[1]

    def test_without_optics_those_in_pixels_count(self, tmp_path):
        columns = {"_rlnPixelSize": "2.5", "_rlnOriginX": "3"}
        particles, said = read(tmp_path, block(columns))
        assert np.all(particles.origin_x_in_angstroms == 7.5)
        assert not said


@pytest.mark.parametrize("name", ["data_1.mrc", "_a.mrc", "$a.mrc"])
def test_words_of_the_format_have_to_be_quoted_and_the_error_says_so(tmp_path, name):
    text = block({"_rlnMicrographName": name})
    with pytest.raises(ValueError, match=r"values that begin with _, \$, data_ or save_ have to"):
        read(tmp_path, text)
    particles, _ = read(tmp_path, block({"_rlnMicrographName": f'"{name}"'}))
    assert particles.micrograph_names == name


def test_what_is_no_table_of_particles_is_not_written(tmp_path):
    with pytest.raises(TypeError, match="particles: expected a ParticleTable, got int"):
        write_particles(tmp_path / "particles.star", 3, "stack.mrcs")
    assert not list(tmp_path.iterdir())
