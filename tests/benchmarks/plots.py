"""Pictures of how time grows, from the figures that ``--json`` wrote.

python tests/benchmarks/plots.py FILE.json FOLDER
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
from comparing import read_earlier
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, LogLocator, NullLocator

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes


def draw(figures: Mapping[str, Any], folder: Path) -> list[Path]:
    """Draw one SVG for each kind of series; returns their names.

    Raises
    ------
    ValueError
        If there are no series.
    """
    machine = figures["machine"]
    series = [row for row in figures["rows"] if "sizes" in row]
    if not series:
        msg = "expected series, as scripts/bench scaling --json writes them"
        raise ValueError(msg)
    drawn = []
    for name in dict.fromkeys(row["figure"] for row in series):
        figure = Figure(figsize=(6.0, 3.8), layout="constrained")
        axes = figure.add_subplot()
        draw_series(axes, [row for row in series if row["figure"] == name])
        axes.set_title(
            f"{machine.get('name') or machine['processor']}, {machine['cpus']} CPUs",
            fontsize="medium",
        )
        file = folder / f"scaling_{name}.svg"
        # The same figures are the same bytes.
        with mpl.rc_context({"svg.hashsalt": "numbavol", "svg.fonttype": "none"}):
            figure.savefig(file, metadata={"Date": None})
        drawn.append(file)
    return drawn


def draw_series(axes: Axes, series: Sequence[Mapping[str, Any]]) -> None:
    """Draw series that grow with the same, each size and no other being marked."""
    for row in series:
        work = row["work"].replace("^2", "²").replace("^3", "³")
        axes.loglog(row["sizes"], row["seconds"], "o-", markersize=4, label=work)
    sizes = sorted({size for row in series for size in row["sizes"]})
    axes.set_xticks(sizes, [f"{size:,.0f}" for size in sizes])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlabel(series[0]["grows_with"])
    seconds = [value for row in series for value in row["seconds"]]
    # Enough labels where all times lie within a decade, and not too many elsewhere.
    digits = (1, 2, 5) if max(seconds) > 10 * min(seconds) else (1, 1.5, 2, 3, 4, 5, 7)
    axes.yaxis.set_major_locator(LogLocator(subs=digits, numticks=20))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(EngFormatter(unit="s"))
    axes.set_ylabel("time")
    axes.grid(visible=True, alpha=0.3)
    axes.legend(fontsize="small")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("figures", type=Path, metavar="FILE.json")
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    options = parser.parse_args()
    if not options.folder.is_dir():
        parser.error(f"{options.folder}: expected a folder")
    try:
        drawn = draw(read_earlier(options.figures), options.folder)
    except ValueError as error:
        parser.error(str(error))
    for file in drawn:
        print(file)


if __name__ == "__main__":
    main()
