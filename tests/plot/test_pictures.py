"""Pictures: what is drawn, where, and in which lengths."""

from __future__ import annotations

import importlib
import io
import sys
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from matplotlib.figure import Figure
from mpl_toolkits.axes_grid1.anchored_artists import AnchoredSizeBar

import numbavol
from numbavol import plot
from numbavol.kernels.dispatch import find_device
from numbavol.kernels.finding import describe_what_is_missing
from numbavol.notebooks import find_limits
from numbavol.plot.axes import find_round_length

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matplotlib.axes import Axes

mpl.use("agg")
pyplot = importlib.import_module("matplotlib.pyplot")  # after the backend is chosen
MISSING = describe_what_is_missing()
SHAPE = (5, 6, 8)
MAP = np.random.default_rng(0).random(SHAPE)


@pytest.fixture(autouse=True)
def _close_figures() -> Iterator[None]:
    yield
    pyplot.close("all")


def new_axes() -> Axes:
    return Figure().add_subplot()


def scale_bar_of(axes: Axes) -> str:
    (bar,) = (artist for artist in axes.artists if isinstance(artist, AnchoredSizeBar))
    return str(bar.txt_label.get_text())


@pytest.mark.parametrize(
    ("along", "section", "lengths"),
    [
        ("z", MAP[2], (8 * 1.0, 6 * 1.5)),
        ("y", MAP[:, 3], (8 * 1.0, 5 * 2.0)),
        ("x", MAP[:, :, 4], (6 * 1.5, 5 * 2.0)),
    ],
)
def test_a_section_is_the_central_one_in_its_lengths(
    along: str, section: np.ndarray, lengths: tuple[float, float]
) -> None:
    axes = plot.plot_section(MAP, (1.0, 1.5, 2.0), along=along, axes=new_axes())
    (image,) = axes.images
    np.testing.assert_array_equal(image.get_array(), section)
    left, right, bottom, top = image.get_extent()
    assert (right - left, top - bottom) == pytest.approx(lengths)
    assert image.origin == "lower"


@pytest.mark.parametrize(("along", "axis", "side"), [("z", 0, 2.0), ("y", 1, 1.5), ("x", 2, 1.0)])
def test_a_projection_is_the_integral(along: str, axis: int, side: float) -> None:
    axes = plot.plot_projection(MAP, (1.0, 1.5, 2.0), along=along, axes=new_axes())
    np.testing.assert_allclose(axes.images[0].get_array(), MAP.sum(axis=axis) * side)


def test_the_origin_of_a_picture_is_the_middle_voxel() -> None:
    axes = plot.plot_section(MAP, 2.0, axes=new_axes())
    left, _, bottom, _ = axes.images[0].get_extent()
    # Voxels 4 of x and 3 of y, two angstroms wide.
    assert (left + 2.0 * 4.5, bottom + 2.0 * 3.5) == pytest.approx((0.0, 0.0))


def test_a_scale_bar_says_angstroms_only_where_they_are_known() -> None:
    assert scale_bar_of(plot.plot_section(MAP, 10.0, axes=new_axes())) == "20 Å"
    assert scale_bar_of(plot.plot_section(MAP, axes=new_axes())) == "2 voxels"
    gallery = plot.plot_images(MAP)
    assert scale_bar_of(gallery[0, 0]) == "2 pixels"


@example(longest=999999999999.998)
@given(longest=st.floats(1e-12, 1e12))
def test_round_lengths_are_round_and_long_enough(longest: float) -> None:
    length = find_round_length(longest)
    assert longest / 2.5001 <= length <= longest
    assert f"{length:.0e}"[0] in "125"


@example(values=[9007199254740992.0])
@given(values=st.lists(st.floats(width=32), min_size=1, max_size=50))
def test_limits_are_finite_and_in_order(values: list[float]) -> None:
    low, high = find_limits(np.array(values))
    assert np.isfinite([low, high]).all()
    assert low < high


def test_one_bright_voxel_does_not_hide_the_others() -> None:
    values = np.random.default_rng(0).random(10_000)
    values[0] = 1e6
    assert find_limits(values)[1] < 2.0


def test_a_gallery_has_one_scale_and_leaves_places_empty() -> None:
    images = np.arange(5)[:, np.newaxis, np.newaxis] * np.ones((5, 4, 4))
    axes = plot.plot_images(images, 1.5, n_columns=3)
    assert axes.shape == (2, 3)
    shown = [place.images[0] for place in axes.ravel()[:5]]
    assert len({image.get_clim() for image in shown}) == 1
    assert not axes[1, 2].images
    assert not axes[1, 2].axison


def test_one_image_is_a_gallery_of_one() -> None:
    assert plot.plot_images(MAP[0]).shape == (1, 1)


def test_a_spectrum_is_that_of_the_array() -> None:
    axes = plot.plot_power_spectrum(MAP, 1.5, axes=new_axes())
    (line,) = axes.lines
    expected = numbavol.compute_power_spectrum(MAP, 1.5)
    np.testing.assert_array_equal(line.get_xdata(), expected.distances[1:])
    np.testing.assert_array_equal(line.get_ydata(), expected.values[1:])
    assert axes.get_xlabel() == "spatial frequency (1/Å)"
    assert plot.plot_power_spectrum(MAP, axes=new_axes()).get_xlabel().endswith("(1/voxels)")


def test_a_map_without_power_has_a_spectrum_without_line() -> None:
    axes = plot.plot_power_spectrum(np.ones(SHAPE), axes=new_axes())
    assert axes.lines[0].get_xdata().size == 0


def test_a_spectrum_of_noise_is_drawn_without_the_zero_frequency() -> None:
    spectrum = numbavol.NoiseSpectrum([0.0, 0.1, 0.2], [9.0, 4.0, 1.0])
    axes = plot.plot_noise_spectrum(spectrum, axes=new_axes())
    np.testing.assert_array_equal(axes.lines[0].get_xydata(), [[0.1, 4.0], [0.2, 1.0]])
    assert axes.get_xlabel() == "spatial frequency (1/Å)"


def test_a_correlation_is_drawn_with_its_thresholds() -> None:
    fsc = numbavol.compute_fourier_shell_correlation(MAP, MAP + 0.1, 1.5)
    axes = plot.plot_fourier_correlation(fsc, thresholds=(0.5,), axes=new_axes())
    np.testing.assert_array_equal(axes.lines[0].get_ydata(), fsc.correlation)
    assert axes.lines[1].get_ydata() == [0.5, 0.5]


# Kernels that are not compiled warn of squares beyond float64.
@pytest.mark.parametrize("value", [0.0, 0.1, pytest.param(-3e300, marks=pytest.mark.compiled)])
@pytest.mark.parametrize("draw", [plot.draw_map, plot.draw_stack])
def test_a_picture_says_that_all_values_are_one(draw: Any, value: float) -> None:
    axes = draw(np.full((9, 10, 11), value)).axes
    (spectrum,) = (each for each in axes if each.get_ylabel() == "power")
    (histogram,) = (each for each in axes if each.get_ylabel() == "count")
    assert [text.get_text() for text in spectrum.texts] == ["no power beside the mean"]
    assert not spectrum.lines[0].get_xdata().size
    assert [text.get_text() for text in histogram.texts] == [f"every value is {value:g}"]
    (bar,) = (bar for bar in histogram.patches if bar.get_height() > 0)
    left, right = histogram.get_xlim()
    assert bar.get_width() > (right - left) / 200


def test_a_histogram_says_that_no_value_is_finite() -> None:
    axes = plot.plot_histogram([np.nan, np.inf], axes=new_axes())
    assert [text.get_text() for text in axes.texts] == ["no value is finite"]


def test_a_histogram_counts_what_is_finite() -> None:
    axes = plot.plot_histogram([1.0, 2.0, np.nan, np.inf, 2.0], axes=new_axes())
    assert sum(patch.get_height() for patch in axes.patches) == 3


@pytest.mark.parametrize(
    "values",
    [
        np.zeros((8, 8, 8)),
        np.ones((1, 1, 1)),
        np.eye(4, dtype=bool) * np.ones((4, 1, 1), bool),
        -np.ones((5, 4, 3), np.float16),
        np.full((4, 4, 4), 1e-30),
        np.arange(60, dtype=np.int8).reshape(3, 4, 5),
        (1 + np.arange(60) * 1e-7).astype(np.float32).reshape(3, 4, 5),
    ],
    ids=["zeros", "one voxel", "a mask", "float16", "tiny values", "int8", "nearly constant"],
)
def test_plain_maps_are_drawn_without_a_warning(values: np.ndarray) -> None:
    plot.draw_map(values, 1.5).savefig(io.BytesIO())
    plot.draw_stack(values).savefig(io.BytesIO())


def test_oblong_pixels_are_drawn_in_their_lengths() -> None:
    image = plot.plot_images(MAP, (1.0, 1.5))[0, 0].images[0]
    left, right, bottom, top = image.get_extent()
    assert (right - left, top - bottom) == pytest.approx((8 * 1.0, 6 * 1.5))


def test_axes_that_are_given_are_those_that_are_drawn_into() -> None:
    one = new_axes()
    assert plot.plot_images(MAP[0], axes=one).item() is one
    rows = [[new_axes() for _ in range(3)] for _ in range(2)]
    assert plot.plot_map(MAP, axes=rows).tolist() == rows


class Slow:
    """An array that is counted when it is read, as one of a device or on disk would be."""

    n_reads = 0

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        self.n_reads += 1
        return MAP.astype(np.float16)


@pytest.mark.parametrize("draw", [plot.draw_map, plot.draw_stack, plot.plot_map, plot.plot_images])
def test_an_array_is_read_once(draw: Any) -> None:
    array = Slow()
    draw(array)
    assert array.n_reads == 1


@pytest.mark.cuda
@pytest.mark.skipif(MISSING is not None, reason=MISSING or "")
def test_arrays_of_a_device_are_drawn() -> None:
    send = find_device("cuda").send
    assert len(plot.draw_stack(send(MAP), n_columns=3).axes) == 8
    assert len(plot.draw_map(send(MAP)).axes) == 8


def test_one_image_is_a_stack_of_one() -> None:
    assert len(plot.draw_stack(MAP[0], n_columns=1).axes) == 3


def test_figures_need_no_pyplot() -> None:
    figure = plot.draw_map(MAP, 1.5, title="a map")
    assert len(figure.axes) == 8
    assert len(plot.draw_stack(MAP, n_columns=3).axes) == 8
    assert pyplot.get_fignums() == []


@pytest.mark.parametrize(
    ("function", "arguments", "message"),
    [
        (plot.plot_section, {"real_voxel_grid": np.ones((4, 4))}, "real_voxel_grid: expected real"),
        (plot.plot_section, {"real_voxel_grid": MAP + 1j}, "got complex128"),
        (plot.plot_section, {"real_voxel_grid": MAP, "along": "w"}, "along: expected 'x', 'y'"),
        (plot.plot_section, {"real_voxel_grid": MAP, "voxel_size": 0.0}, "voxel_size: expected 1"),
        (plot.plot_map, {"real_voxel_grid": np.ones((0, 4, 4))}, "got float64 of shape"),
        (plot.plot_images, {"images": np.ones(4)}, "images: expected real numbers"),
        (plot.plot_images, {"images": MAP, "n_columns": 0}, "n_columns: expected a whole"),
        (plot.plot_images, {"images": MAP, "axes": 5 * [new_axes()], "n_columns": 2.5}, "got 2.5"),
        (plot.plot_images, {"images": MAP, "pixel_size": (1.0, 2.0, 3.0)}, "pixel_size: expected"),
        (plot.draw_stack, {"images": MAP, "n_columns": 0}, "n_columns: expected a whole"),
        (plot.draw_stack, {"images": MAP, "n_columns": 2.5}, "n_columns: expected a whole"),
        (plot.draw_stack, {"images": MAP[:0]}, "images: expected real numbers"),
        (plot.draw_stack, {"images": np.ones(4)}, "images: expected real numbers"),
        (plot.draw_map, {"real_voxel_grid": np.ones(4)}, "real_voxel_grid: expected real"),
        (plot.plot_map, {"real_voxel_grid": MAP, "axes": 6 * [new_axes()]}, "axes: expected shape"),
        (plot.plot_map, {"real_voxel_grid": MAP, "axes": new_axes()}, "axes: expected 6"),
        (plot.plot_map, {"real_voxel_grid": MAP, "axes": np.ones((2, 3))}, "got float"),
        (plot.plot_section, {"real_voxel_grid": MAP, "axes": np.ones(1)}, "axes: expected axes of"),
        (plot.plot_images, {"images": MAP, "axes": [new_axes()]}, "axes: expected 5"),
        (plot.plot_power_spectrum, {"array": np.ones(4)}, "array: expected real numbers"),
        (plot.plot_histogram, {"values": []}, "values: expected real numbers"),
    ],
)
def test_bad_arguments_are_named(function: Any, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message.replace("(", r"\\(")):
        function(**arguments)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (plot.plot_noise_spectrum, "spectrum: expected a NoiseSpectrum, got ndarray"),
        (plot.plot_fourier_correlation, "correlation: expected a FourierCorrelation, got ndarray"),
    ],
)
def test_curves_of_another_kind_are_named(function: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        function(np.ones(4))


def test_without_matplotlib_the_error_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ModuleNotFoundError, match="\\[plot\\]"):
        plot.plot_section(MAP)
