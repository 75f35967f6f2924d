"""Small runs' folders, written without running anything."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from property_cnn.common.arrays import write_npz
from reports.tables import (
    comparison_table,
    csv_text,
    fits_table,
    n_curve_table,
    result_table,
    slopes_table,
)

PROPERTIES = ("eyes", "mouth", "pose")
LEAST = np.array([0.92, 0.88, 0.88])


def planted_corrs(cases: int = 40, shift: float = 0.0, seed: int = 0) -> np.ndarray:
    """Corr-coefs (C, 3) around 0.9, as a file rounds them."""
    noise = np.random.default_rng(seed).uniform(-0.05, 0.05, size=(cases, 3))
    return np.round(0.9 + noise + shift, 4)


def write_results(path: Path, corrs: np.ndarray, passed: np.ndarray | None = None) -> Path:
    """A `test_result.csv`; two groups by turns."""
    passed = (np.abs(corrs) >= LEAST).all(axis=1) if passed is None else passed
    groups = ["hh", "ll"] * (len(corrs) // 2) + ["hh"] * (len(corrs) % 2)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(csv_text(result_table(groups, passed, corrs, PROPERTIES)))
    return path


def write_run(folder: Path, corrs: np.ndarray, seed: int = 3, generator: str = "g") -> Path:
    """A run's folder with all that a report reads."""
    write_results(folder / "test_result.csv", corrs)
    config = {
        "kind": "test",
        "find": {"n": 4000, "method": "svm", "layer": "w", "group_by": ["hair_color"]},
        "evaluate": {"cases": len(corrs), "seed": seed, "thresholds": None, "bootstrap": 200},
        "models": {"generator": generator, "scorer": "s"},
        "versions": {"numpy": "2"},
        "command": "vectorfind test -n 4000",
    }
    (folder / "config.json").write_text(json.dumps(config))
    scores = (*PROPERTIES, "hair_color")
    mean = np.arange(12.0).reshape(3, 4) / 10
    slopes = slopes_table(mean, mean - 0.1, mean + 0.1, PROPERTIES, scores)
    (folder / "slopes.csv").write_text(csv_text(slopes))
    found = {f"{name}_corr": (0.9, 0.8, 1.0) for name in PROPERTIES} | {"eyes_slope": (1, 0.9, 1.1)}
    random = {name: (0.0, -0.1, 0.1) for name in found}
    table = comparison_table(found, random, (len(corrs), 10))
    (folder / "control.csv").write_text(csv_text(table))
    fits = fits_table([("eyes", "svm", group, "accuracy", 0.9) for group in ("h", "l")])
    (folder / "fits.csv").write_text(csv_text(fits))
    curve = n_curve_table(4000, 800, 1.0, {"svm_eyes_acc": 0.9}, dict.fromkeys(PROPERTIES, 0.9))
    (folder / "n_curve.csv").write_text(csv_text(curve))
    z = np.random.default_rng(seed).standard_normal((len(corrs), 4))
    write_npz(folder / "latents.npz", "vectorfind latents", {"z": z, "label": z[:, :1]}, {})
    return folder


def run_contents(folder: Path, timed: tuple[str, ...] = ("timings.json",)) -> dict[str, bytes]:
    """All bytes of a run's folder that must not vary; its list without checksums of what may."""
    files = {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name not in (*timed, ".lock")
    }
    for path in [path for path in files if Path(path).name == "files.json"]:
        listing = json.loads(files[path])
        del listing["checksum"]
        for name in listing["files"]:
            if Path(name).name in (*timed, "n_curve.csv"):
                listing["files"][name] = ""
        files[path] = json.dumps(listing).encode()
    return files
