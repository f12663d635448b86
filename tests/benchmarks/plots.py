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

if TYPE_CHECKING:
    from collections.abc import Mapping


def draw(figures: Mapping[str, Any], folder: Path) -> list[Path]:
    """Draw one SVG for each kind of series; returns their names."""
    machine = figures["machine"]
    series = [row for row in figures["rows"] if "sizes" in row]
    drawn = []
    for name in dict.fromkeys(row["figure"] for row in series):
        figure = Figure(figsize=(6.0, 3.8), layout="constrained")
        axes = figure.add_subplot()
        for row in (row for row in series if row["figure"] == name):
            axes.loglog(row["sizes"], row["seconds"], "o-", markersize=4, label=row["work"])
            axes.set_xlabel(row["grows_with"])
        sizes = sorted({size for line in axes.lines for size in line.get_xdata()})
        axes.set_xticks(sizes, [f"{size:,.0f}" for size in sizes])
        axes.set_xticks([], minor=True)
        axes.set_ylabel("time (s)")
        axes.set_title(
            f"{machine.get('name') or machine['processor']}, {machine['cpus']} CPUs",
            fontsize="medium",
        )
        axes.grid(visible=True, which="major", alpha=0.3)
        axes.legend(fontsize="small")
        file = folder / f"scaling_{name}.svg"
        # The same figures are the same bytes.
        with mpl.rc_context({"svg.hashsalt": "numbavol", "svg.fonttype": "none"}):
            figure.savefig(file, metadata={"Date": None})
        drawn.append(file)
    return drawn


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("figures", type=Path, metavar="FILE.json")
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    options = parser.parse_args()
    try:
        figures = read_earlier(options.figures)
    except ValueError as error:
        parser.error(str(error))
    if not options.folder.is_dir():
        parser.error(f"{options.folder}: expected a folder")
    for file in draw(figures, options.folder):
        print(file)


if __name__ == "__main__":
    main()
