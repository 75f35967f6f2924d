"""One gradient network with a head a property, or one network a property?

    python examples/compare_heads.py --curve examples/results/curve --store samples

Trains the first kind at n = 20,000 on every layer and tests it on the cases of the curve's cells,
which are of the second kind. Writes a paired comparison a layer to `examples/results/heads`.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from property_cnn.common.files import atomic_write
from reports.layout import CELLS
from reports.tables import csv_text
from vectorfind.config import LAYERS, CurveSettings, GradientSettings
from vectorfind.runs.comparison import compare_files
from vectorfind.runs.curve import run_curve

N = 20_000
OUT = Path(__file__).parent / "results" / "heads"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--curve", type=Path, required=True, help="folder of a curve to 20K or on")
    parser.add_argument("--store", type=Path, required=True, help="its samples, or where to keep")
    given = parser.parse_args()
    settings = CurveSettings(
        n=(N,), methods=("gradient",), control_cases=0, gradient=GradientSettings(shared=True)
    )
    with tempfile.TemporaryDirectory() as folder:
        run_curve(settings, folder, generator="base", store=given.store)
        for layer in LAYERS:
            cell = f"{CELLS}/gradient_{layer}_{N}/test_result.csv"
            table, notes = compare_files(given.curve / cell, Path(folder) / cell)
            atomic_write(OUT / f"comparison_{layer}.csv", csv_text(table))
            print(layer, *notes, table.to_string(index=False), sep="\n")


if __name__ == "__main__":
    main()
