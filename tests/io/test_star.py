from __future__ import annotations

import numpy as np
import pytest

from numbavol.io import ParticleTable, read_particles, write_map, write_particles


def as_relion(text):
    """End lines as RELION does."""
    return text.replace("\n", " \n")


OPTICS = as_relion("""
# version 30001

data_optics

loop_
_rlnOpticsGroup #1
_rlnOpticsGroupName #2
_rlnImagePixelSize #3
_rlnVoltage #4
_rlnEvenZernike #5
_rlnImageSize #6
    1 opticsGroup1    1.500000   300.000000 [0.1,-2,3]    64

""")
PARTICLES = as_relion("""
# version 30001

data_particles

loop_
_rlnImageName #1
_rlnAngleRot #2
_rlnAngleTilt #3
_rlnAnglePsi #4
_rlnOriginXAngst #5
_rlnOriginYAngst #6
_rlnOpticsGroup #7
000001@Extract/job7/a.mrcs   -10.000000    20.000000    30.000000    1.500000    -2.500000    1
000003@Extract/job7/b.mrcs    40.000000    50.500000   -60.000000    0.000000    1.000000    1

""")
OLD = as_relion("""
data_

loop_
_rlnAngleRot #1
_rlnAngleTilt #2
_rlnAnglePsi #3
_rlnOriginX #4
_rlnOriginY #5
_rlnVoltage #6
_rlnDetectorPixelSize #7
_rlnMagnification #8
  1.0 2.0 3.0 2.0 -4.0 300.0 5.0 50000.0
  4.0 5.0 6.0 1.0  0.0 200.0 5.0 40000.0

""")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "particles.star"


@pytest.fixture
def read(path):
    def read(text):
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return read_particles(path)

    return read


def table(columns, *rows):
    """A block of particles, all at the same angles unless columns say otherwise."""
    names = [f"_rln{name}" for name in columns.split()]
    angles = [f"_rlnAngle{a}" for a in ("Rot", "Tilt", "Psi") if f"_rlnAngle{a}" not in names]
    lines = [f"{row} {'0 ' * len(angles)}" for row in rows]
    return "\n".join(["data_particles", "loop_", *names, *angles, *lines, ""])


class TestFilesOfRelion:
    def test_of_version_3_1(self, read):
        particles = read(OPTICS + PARTICLES)
        assert len(particles) == 2
        assert particles.rot.tolist() == [-10, 40]
        assert particles.tilt.tolist() == [20, 50.5]
        assert particles.psi.tolist() == [30, -60]
        assert particles.origin_x_in_angstroms.tolist() == [1.5, 0]
        assert particles.origin_y_in_angstroms.tolist() == [-2.5, 1]
        names = ("000001@Extract/job7/a.mrcs", "000003@Extract/job7/b.mrcs")
        assert particles.image_names == names
        assert (particles.pixel_size, particles.voltage_in_kilovolts) == (1.5, 300.0)
        assert particles.image_size == 64
        assert isinstance(particles.image_size, int)

    def test_of_version_3_0(self, read):
        particles = read(OLD)
        assert particles.pixel_size.tolist() == [1.0, 1.25]
        assert particles.voltage_in_kilovolts.tolist() == [300, 200]
        assert particles.origin_x_in_angstroms.tolist() == [2.0, 1.25]
        assert particles.origin_y_in_angstroms.tolist() == [-4.0, 0.0]
        assert particles.image_names is particles.image_size is None

    def test_optics_groups_in_any_order(self, read):
        optics = table("OpticsGroup ImagePixelSize", "7 1.25", "2 1.5", "3 2").replace(
            "particles", "optics"
        )
        particles = read(optics + table("OpticsGroup OriginXAngst", "2 1", "7 2", "2 3"))
        assert particles.pixel_size.tolist() == [1.5, 1.25, 1.5]
        assert particles.origin_x_in_angstroms.tolist() == [1.0, 2.0, 3.0]
        assert particles.voltage_in_kilovolts is None

    @pytest.mark.parametrize(
        ("columns", "row", "pixel_size"),
        [
            ("ImagePixelSize DetectorPixelSize Magnification", "1.5 5 50000", 1.5),
            ("DetectorPixelSize Magnification PixelSize", "5 50000 1.5", 1.0),
            ("DetectorPixelSize PixelSize", "5 1.5", 1.5),
            ("DetectorPixelSize", "5", None),
            ("MicrographPixelSize", "1.5", None),
        ],
    )
    def test_what_says_the_pixel_size(self, read, columns, row, pixel_size):
        assert read(table(columns, row)).pixel_size == pixel_size

    @pytest.mark.parametrize(
        ("columns", "row", "pixel_size"),
        [
            ("ImagePixelSize MicrographPixelSize", "1.5 1.2", 1.5),
            ("MicrographOriginalPixelSize MicrographPixelSize", "0.6 1.2", 1.2),
            ("MicrographOriginalPixelSize", "0.6", 0.6),
        ],
    )
    def test_images_have_the_pixels_of_the_micrograph(self, read, columns, row, pixel_size):
        optics = table(f"OpticsGroup {columns}", f"1 {row}").replace("particles", "optics")
        rows = table("OpticsGroup DetectorPixelSize Magnification", "1 5 50000")
        assert read(optics + rows).pixel_size == pixel_size

    @pytest.mark.parametrize(
        ("column", "without_effect", "value", "reason"),
        [
            ("MagMat00", 1, 1.01, "not corrected for this magnification"),
            ("MagMat01", 0, 0.01, "not corrected for this magnification"),
            ("MagMat10", 0, 0.01, "not corrected for this magnification"),
            ("MagMat11", 1, 0.99, "not corrected for this magnification"),
        ],
    )
    def test_what_images_are_that_is_not_read_is_warned_of(
        self, read, column, without_effect, value, reason
    ):
        optics = OPTICS.replace("_rlnEvenZernike", f"_rln{column}")
        expected = read(optics.replace("[0.1,-2,3]", str(without_effect)) + PARTICLES)
        message = rf"particles\.star: _rln{column} not read: images are read as they are, {reason}$"
        with pytest.warns(UserWarning, match=message) as caught:
            assert read(optics.replace("[0.1,-2,3]", str(value)) + PARTICLES) == expected
        assert [warning.filename for warning in caught] == [__file__]

    @pytest.mark.parametrize(
        ("column", "field"),
        [
            ("CtfDataAreCtfPremultiplied", "ctf_premultiplied"),
            ("CtfDataArePhaseFlipped", "ctf_phase_flipped"),
        ],
    )
    def test_what_was_done_about_the_ctf_is_read_and_written(self, read, tmp_path, column, field):
        optics = OPTICS.replace("_rlnEvenZernike", f"_rln{column}").replace("[0.1,-2,3]", "1")
        with pytest.warns(UserWarning, match=r"images are read as they are, .*ctf_correction"):
            particles = read(optics + PARTICLES)
        assert getattr(particles, field) == 1
        assert particles.ctf_correction == field.removeprefix("ctf_")
        again = tmp_path / "again.star"
        write_particles(again, particles)
        with pytest.warns(UserWarning, match="ctf_correction"):
            assert getattr(read_particles(again), field) == 1
        wrong = OPTICS.replace("_rlnEvenZernike", f"_rln{column}").replace("[0.1,-2,3]", "2")
        with pytest.raises(ValueError, match=f"{field}: expected 0 or 1, got 2"):
            read(wrong + PARTICLES)

    def test_images_that_are_multiplied_have_no_phases_left_to_flip(self):
        both = ParticleTable(1, 2, 3, ctf_phase_flipped=1, ctf_premultiplied=1)
        assert both.ctf_correction == "premultiplied"
        assert ParticleTable(1, 2, 3, ctf_phase_flipped=0).ctf_correction == "none"

    def test_particles_of_a_plane_are_none_of_tomography(self, read):
        optics = OPTICS.replace("_rlnEvenZernike", "_rlnImageDimensionality")
        rows = PARTICLES.replace("_rlnOriginYAngst", "_rlnOriginZAngst")
        rows = rows.replace("-2.500000", "0").replace("1.000000    1", "0    1")
        assert len(read(optics.replace("[0.1,-2,3]", "2") + rows)) == 2

    def test_origins_in_angstroms_come_first(self, read):
        particles = read(table("OriginX OriginXAngst", "1 2"))
        assert particles.origin_x_in_angstroms.tolist() == [2.0]

    def test_origins_of_0_pixels_need_no_pixel_size(self, read):
        particles = read(table("OriginX OriginY", "0 0", "0.0 -0"))
        assert particles.origin_x_in_angstroms.tolist() == [0, 0]

    def test_the_only_block_with_angles_is_that_of_the_particles(self, read):
        other = table("MicrographName AngleTilt", "a 1").replace("_rlnAngle", "_rlnOther")
        assert len(read(OLD + other.replace("particles", "micrographs"))) == 2

    def test_one_particle_without_a_loop(self, read):
        text = (
            "data_particles\n_rlnAngleRot 1\n_rlnAngleTilt 2\n_rlnAnglePsi 3\n_rlnPixelSize 1.2\n"
        )
        assert read(text) == ParticleTable(1, 2, 3, pixel_size=1.2)


class TestGrammar:
    @pytest.mark.parametrize(
        "change",
        [
            lambda text: text.replace("\n", "\r\n"),
            lambda text: text.replace("    ", "\t"),
            lambda text: "\ufeff" + text,
            lambda text: text.rstrip(),
            lambda text: text.replace("\n000003", "\n\n# more\n000003"),
            lambda text: text.replace("    20.000000", " '20.0'"),
            lambda text: text.replace(" #1 ", ""),
            lambda text: text.replace("data_particles", "data_particles # of job 7"),
            lambda text: text.replace("-60.000000", "-6E+01"),
            lambda text: text + "# größe\n",
            lambda text: (text + "# größe\n").encode("latin-1"),
            lambda text: text.replace("_rlnOpticsGroup #7", "_rlnOpticsGroup # größe"),
            lambda text: text.replace("000003@Extract/job7/b.mrcs", '"000003@Extract/job7/b.mrcs"'),
        ],
    )
    def test_what_a_star_file_may_look_like(self, read, change):
        assert read(change(OPTICS + PARTICLES)) == read(OPTICS + PARTICLES)

    @pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
    def test_texts_that_are_not_ascii(self, read, encoding):
        names = ["1@größe\xa0a.mrcs", r"2@\xe4\\.mrcs", "3@ä b.mrcs", "4@ü'.mrcs"]
        cells = [*names[:2], f"'{names[2]}'", f'"{names[3]}"']
        assert read(table("ImageName", *cells).encode(encoding)).image_names == tuple(names)
        assert read(table("ImageName", "1@🔬.mrcs")).image_names == ("1@🔬.mrcs",)

    def test_empty_names_and_names_with_spaces(self, read):
        particles = read(table("ImageName", '""', "''", '"1@a b.mrcs"', "2@a#b.mrcs"))
        assert particles.image_names == ("", "", "1@a b.mrcs", "2@a#b.mrcs")

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("", r"it has no _rlnAngleRot, _rlnAngleTilt, _rlnAnglePsi \(in no block at all\)"),
            ("hello world", r"line 1: expected block header \(data_\)"),
            (bytes(2000), r"line 1: expected block header \(data_\)"),
            (
                table("OriginX", "1").replace("1 0", "1_0 0"),
                "_rlnOriginX of row 1 is 1_0, expected",
            ),
            (table("OriginX", "'1_0'"), "_rlnOriginX of row 1 is '1_0', expected a finite number"),
            (
                table("OriginX", "\u0661"),
                "_rlnOriginX of row 1 is \u0661, expected a finite number",
            ),
            (table("TomoParticleName", "a"), r"of tomography \(_rlnTomoParticleName\), expected"),
            (table("TomoVisibleFrames", "[1,1]"), r"of tomography \(_rlnTomoVisibleFrames\)"),
            (table("TomoSubtomogramRot", "1"), r"of tomography \(_rlnTomoSubtomogramRot\)"),
            (table("OriginZAngst", "0", "-1"), r"of tomography \(_rlnOriginZAngst\)"),
            (
                OPTICS.replace("_rlnEvenZernike", "_rlnImageDimensionality").replace(
                    "[0.1,-2,3]", "3"
                )
                + PARTICLES,
                r"of tomography \(_rlnImageDimensionality 3\)",
            ),
            (
                table("ImageName", "1@a").replace("1@a 0", "1@a"),
                "line 7: Wrong number of values in loop of line 2, which has 4 columns, got 3$",
            ),
            (
                table("ImageName", "'1@a b'", '"1@it\'s"', "2@a#b", "3@a 1") + "# of 'b\n\n",
                "line 10: Wrong number of values in loop of line 2, which has 4 columns, got 5$",
            ),
            (
                OPTICS + PARTICLES.replace("\n000003", "\n# more \n\n000003 1"),
                "line 31: Wrong number of values in loop of line 20, which has 7 columns, got 8$",
            ),
            (
                OPTICS.replace(" 64", " 64 1") + PARTICLES,
                "line 13: Wrong number of values in loop of line 6, which has 6 columns, got 7$",
            ),
            ("data_a\nloop_ _x _y\n1 2\n3\n", "line 2: Wrong number of values in loop _"),
            ("data_a\nloop_\n_x _y\n1 2\n3\n", "line 5: Wrong .* of line 2, .* 2 columns, got 1$"),
            ("data_a\nloop_\n_x\n_y\n1 2 3 4\n5\n", "line 6: Wrong number of values .*, got 1$"),
            (table("OriginX OriginX", "1 2"), "duplicate tag _rlnOriginX"),
            (table("OriginX"), "data_particles is empty"),
            (OLD.replace("Tilt", "Tilted").replace("Psi", "psi"), "no _rlnAngleTilt, _rlnAnglePsi"),
            (OPTICS, r"no _rlnAngleRot, .* \(in data_optics\)"),
            (OLD + OLD.replace("data_", "data_b"), "several blocks with angles: data_, data_b"),
            (
                PARTICLES.replace("50.500000", "half"),
                r"_rlnAngleTilt of row 2 is half, .* \(line 15\)$",
            ),
            (
                OPTICS + PARTICLES.replace("50.500000", "half"),
                r"_rlnAngleTilt of row 2 is half, expected a finite number \(line 29\)$",
            ),
            (
                PARTICLES.replace("50.500000", "\nhalf"),
                "_rlnAngleTilt of row 2 is half, expected a finite number$",
            ),
            (
                "data_a\n_rlnAngleRot 1\n_rlnAngleTilt x\n_rlnAnglePsi 1\n",
                "_rlnAngleTilt of row 1 is x, expected a finite number$",
            ),
            (PARTICLES.replace("50.500000", "nan"), "_rlnAngleTilt of row 2 is nan, expected"),
            (PARTICLES.replace("-10.000000", "''"), "data_particles: _rlnAngleRot of row 1 is ''"),
            (OPTICS.replace("1.500000", "?") + PARTICLES, r"data_optics: _rlnImagePixelSize .*\?"),
            (OPTICS.replace("1.500000", "0") + PARTICLES, "pixel_size: .* above 0, got 0"),
            (OPTICS.replace(" 64", " 64.5") + PARTICLES, "image_size: expected whole numbers"),
            (OLD.replace("5.0 50000.0", "5.0 0.0"), "_rlnMagnification of row 1 is 0"),
            (OLD.replace("Magni", "magni"), "_rlnOriginX is in pixels, and there is no pixel size"),
            (
                OPTICS.replace("1 optics", "2 optics") + PARTICLES,
                "row 1 is of optics group 1, which",
            ),
            (
                OPTICS + OLD.replace("data_", "data_particles"),
                "data_particles has no _rlnOpticsGro",
            ),
            (
                OPTICS.replace("_rlnOpticsGroup ", "_a ") + PARTICLES,
                "data_optics has no _rlnOptics",
            ),
            (OPTICS.split("    1 opt")[0] + PARTICLES, "row 1 is of optics group 1, which"),
            (OLD + "\nloop_\n_rlnImageName\n1@a\n", "equally many particles, .* image_names 1"),
        ],
    )
    def test_what_is_wrong_is_one_error_that_names_the_file(self, read, text, message):
        with pytest.raises(ValueError, match=rf"particles\.star: no particles .*{message}"):
            read(text)

    def test_a_map(self, path):
        write_map(path, np.ones((4, 4, 4)), 1.0)
        with pytest.raises(ValueError, match=r"particles\.star: no particles .* line 1"):
            read_particles(path)

    def test_a_missing_file_or_a_folder(self, tmp_path):
        with pytest.raises(FileNotFoundError, match="nothing"):
            read_particles(tmp_path / "nothing.star")
        with pytest.raises(IsADirectoryError):
            read_particles(tmp_path)
