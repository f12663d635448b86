"""Configurations: every choice is read, and what is wrong is named with its line."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from numbavol.simulation import (
    DefocusConfig,
    NoiseConfig,
    SimulationConfig,
    VolumeConfig,
    read_simulation_config,
)
from numbavol.simulation.config_reading import find_lines, make_simulation_config

BASE = "number = 10\nbox = 64\npixel_size = 2\n"


@pytest.fixture
def read(tmp_path):
    def read_text(text, **options):
        path = tmp_path / "config.toml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return read_simulation_config(path, **options)

    return read_text


def test_choices_are_read_and_numbers_are_numbers(read):
    config = read(BASE + "noise.snr = 1\nmicroscope = {beam_tilt = [1, 0]}\nseed = 5\n")
    assert config == SimulationConfig(
        10, 64, 2.0, seed=5, noise=NoiseConfig(snr=1.0),
        microscope=config.microscope,
    )  # fmt: skip
    assert config.microscope.beam_tilt == (1.0, 0.0)
    assert isinstance(config.pixel_size, float)


def test_files_are_found_from_the_folder_of_the_configuration(read, tmp_path):
    config = read(
        BASE + '[[volume]]\nfile = "a.cif"\n[[volume]]\nfile = "/b.mrc"\nweight = 2\n'
        '[poses]\nfile = "p.star"\n[noise]\nspectrum = "n.star"\nsnr = 1.0\n'
    )
    assert [volume.file for volume in config.volume] == [str(tmp_path / "a.cif"), "/b.mrc"]
    assert config.poses.file == str(tmp_path / "p.star")
    assert config.noise.spectrum == str(tmp_path / "n.star")


def test_a_word_for_a_spectrum_is_no_file(read):
    assert read(BASE + 'noise.spectrum = "white"\n').noise.spectrum == "white"


def test_one_volume_may_be_a_table(read):
    assert len(read(BASE + '[volume]\nfile = "a.cif"\n').volume) == 1


def test_what_is_given_takes_the_place_of_what_is_written(read):
    config = read(BASE + "noise.snr = 1.0\n", given={("noise", "snr"): 0.5, ("seed",): 3})
    assert (config.noise.snr, config.seed) == (0.5, 3)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (BASE + "[noise]\nsnr = 'x'\n", "config.toml:5: noise.snr: expected a number, got 'x'"),
        (BASE + "noise.snr = -3\n", "config.toml:4: noise.snr: expected a number above 0"),
        (BASE + "noise = 3\n", "config.toml:4: noise: expected a table, got 3"),
        (BASE + "[nois]\na = 1\n", "config.toml:4: nois: there is no such choice .noise"),
        (BASE + "\n# why\n[noise]\n\nsnt = 1\n", "config.toml:8: noise.snt: there is no such"),
        ("number = 3\nbox = 2\n", "config.toml: pixel_size: is missing"),
        ("number = 3.5\nbox = 2\npixel_size = 1\n", ":1: number: expected a whole number, got 3.5"),
        ("number = true\nbox = 2\npixel_size = 1\n", ":1: number: expected a whole number"),
        ("number = 0\nbox = 2\npixel_size = 1\n", ":1: number: expected a number above 0, got 0"),
        (BASE + "seed = -1\n", ":4: seed: expected a number of at least 0"),
        (BASE + "pad_scale = 0.5\n", ":4: pad_scale: expected a number of at least 1"),
        (BASE + "pixel_size = nan\n", "expected TOML"),
        ("number = 1\nbox = 2\npixel_size = inf\n", ":3: pixel_size: expected a number, got inf"),
        ("number = = 3\n", "expected TOML: Invalid value"),
        (b"\xff\xfe\x00", "expected UTF-8, got the byte 0xff"),
        (b"\x00\x01", "expected TOML"),
        ("", "number: is missing"),
        (BASE + "contrast = 'black'\n", ":4: contrast: expected 'linear' or 'weak_phase', got"),
        (BASE + "[microscope]\nbeam_tilt = [1, 2, 3]\n", ":5: microscope.beam_tilt: .*list of 2"),
        (
            BASE + "[microscope]\nodd_zernike = ['a']\n",
            ":5: microscope.odd_zernike: expected a num",
        ),
        (BASE + "[defocus]\nminimum = 3e4\n", ":5: defocus.minimum: expected at most the maximum"),
        (
            BASE + "[[volume]]\nfile = 'a'\n[[volume]]\nfile = 'b'\nweight = -1\n",
            ":8: volume.2.weight: expected a number of at least 0",
        ),
        (BASE + "[[volume]]\nweight = 1\n", ":4: volume.1.file: is missing"),
        (
            BASE + "[[volume]]\nfile = 'a'\nalternates = 'xx'\n",
            ":6: volume.1.alternates: expected 'all', 'highest' or a letter",
        ),
        (BASE + "[noise]\nsnr = 1.0\nvariance = 1.0\n", ":6: noise.variance: .*either snr or var"),
        (
            BASE + "[detector]\ndose = 30\n",
            ":5: detector.dose: expected with contrast = 'weak_phase', it is 'linear'",
        ),
        (BASE + "[noise]\nradius = 30\n", ":5: noise.radius: only an snr measures images"),
        (
            BASE + "noise.spectrum = 'a.star'\n",
            ":4: noise.spectrum: only an snr or a variance adds noise",
        ),
        (BASE + "detector.mtf = 'a.star'\n", ":4: detector.mtf: only with a dose are there"),
        (BASE + "[defocus]\nmean = 1e4\n", ":5: defocus.mean: only distribution = 'normal'"),
        (
            BASE + "[defocus]\ndistribution = 'normal'\nminimum = 1e4\n",
            ":6: defocus.minimum: only distribution = 'uniform' has one",
        ),
        (BASE + "poses.tilt = 90\n", ":4: poses.tilt: only distribution = 'preferred' has a view"),
        (
            BASE + "poses.file = 'a.star'\nposes.distribution = 'preferred'\n",
            ":5: poses.distribution: orientations are those of poses.file",
        ),
        (BASE + "solvent.k_sol = 0.1\n", ":4: solvent.k_sol: there is no solvent without a kind"),
        (
            BASE + "solvent.kind = 'hydration'\nsolvent.shrink_radius = 1\n",
            ":5: solvent.shrink_radius: only kind = 'bulk' has one",
        ),
        (BASE + "solvent.ice_density = 1\n", ":4: solvent.ice_density: there is no ice without"),
        (
            BASE + "dose_weighting.pre_exposure = 1\n",
            ":4: dose_weighting.pre_exposure: there are no frames without n_frames",
        ),
        (
            BASE + "dose_weighting.n_frames = 9\n[microscope]\nvoltage = 120\n",
            ":6: microscope.voltage: the damage of a dose was measured at 300, 200, 100 kV",
        ),
        (
            BASE + "[microscope]\namplitude_contrast = 2.0\n",
            ":5: microscope.amplitude_contrast: expected a number of at most 1, got 2",
        ),
        (
            BASE + "contrast = 'weak_phase'\nmicroscope.amplitude_contrast = 1.0\n",
            ":5: microscope.amplitude_contrast: expected below 1 for weak-phase contrast",
        ),
        (
            BASE + "pad_scale = 1e8\n",
            ":4: pad_scale: expected a number of at most 8, got 1",
        ),
        (
            BASE + "contrast = 'weak_phase'\n[microscope]\nctf = false\n",
            ":4: contrast: 'weak_phase' is what a transfer function makes",
        ),
        (
            BASE + "contrast = 'weak_phase'\n[detector]\ndose = 30\n[noise]\nsnr = 1\n",
            ":7: noise: counts of electrons \\(detector.dose\\) have their own noise",
        ),
        (
            BASE + "contrast = 'weak_phase'\ndetector.dose = 30\ndose_weighting.n_frames = 40\n",
            ":5: detector.dose: expected that of 40 frames of dose_per_frame 1, 40, got 30",
        ),
        (
            BASE + "contrast = 'weak_phase'\n[detector]\ndose = 1e20\n",
            ":6: detector.dose: expected at most .* electrons a pixel, got 4e.20",
        ),
        (
            BASE + "method = 'gaussian'\nsolvent.kind = 'bulk'\n",
            ":4: method: 'gaussian' images no map",
        ),
    ],
)
def test_what_is_wrong_is_named_with_its_line(read, text, what):
    with pytest.raises(ValueError, match=what) as caught:
        read(text)
    assert "config.toml" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_without_a_file_an_error_names_the_choice_alone():
    with pytest.raises(ValueError, match=r"^noise\.snr: expected a number, got 'x'"):
        make_simulation_config(
            {("number",): 1, ("box",): 4, ("pixel_size",): 1, ("noise", "snr"): "x"}
        )


def test_a_file_that_is_not_there_is_an_error_of_the_system(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_simulation_config(tmp_path / "none.toml")


def test_choices_of_python_are_checked_as_those_of_a_file():
    with pytest.raises(ValueError, match="snr: expected a number above 0"):
        NoiseConfig(snr=0.0)
    with pytest.raises(ValueError, match="distribution: expected 'uniform' or 'normal'"):
        DefocusConfig(distribution="flat")
    with pytest.raises(ValueError, match="volume: expected a table"):
        SimulationConfig(1, 4, 1.0, volume=("a.cif",))
    assert SimulationConfig(1, 4, 1.0, volume=[VolumeConfig("a.cif")]).volume[0].file == "a.cif"


KEYS = st.sampled_from(["a", "b-1", "c_2", '"d e"'])


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["[{}]", "[[{}]]", "{} = 1", "# {}", "", 's{} = """\nx = 3\n"""']), KEYS
        ),
        max_size=12,
    )
)
def test_lines_are_those_of_the_keys(parts):
    """Wherever Python's own parser accepts the text, each key stands in its line."""
    text = "\n".join(
        form.format(key if '"' not in key or "s{}" not in form else "a") for form, key in parts
    )
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    lines, found = text.splitlines(), find_lines(text)

    def check(value, path):
        if path:
            name = next(key for key in reversed(path) if isinstance(key, str))
            assert name in lines[found[path] - 1] or isinstance(value, list)
        children = value.items() if isinstance(value, dict) else ()
        if isinstance(value, list):
            children = enumerate(value)
        for key, child in children:
            check(child, (*path, key))

    check(tables, ())
