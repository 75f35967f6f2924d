"""Directions in the files of other projects: InterFaceGAN, HiGAN, GANSpace, the reference system.

    boundaries = read_interfacegan({"age": "stylegan_ffhq_age_w_boundary.npy"}, layer="w")
    directions = boundaries.bind("ffhq.pkl", scorer)         # to evaluate, edit and save
    write_interfacegan(directions.boundaries(), "boundaries")

What the files look like:
- InterFaceGAN (github.com/genforce/interfacegan) and HiGAN keep one boundary a file, an array
  (1, d) of unit norm, float32 or float64; moving along it raises the property.
- GANSpace (github.com/harskish/ganspace) keeps principal components in an .npz: `lat_comp`,
  (k, 1, d), are directions of the latent space, of unit norm and without a sign that means
  anything; beside it act_comp, act_mean, act_stdev, lat_mean, lat_stdev, var_ratio and
  random_stdevs.
- The reference system keeps `{property}_change_{layer}_vector_{group}.csv`: a header of column
  numbers and one row. Its SVMs' classes are "largest" and "smallest", sorted by name, so that
  moving along them *lowers* the property: sign "fix" turns them, "keep" takes them as they are.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from io import BytesIO
from pathlib import Path

import numpy as np

from property_cnn.common.arrays import read_arrays, read_npy
from property_cnn.common.checks import choose
from property_cnn.common.errors import CheckpointError, InputError
from property_cnn.common.files import atomic_write, is_file, reading
from reports.layout import DIRECTIONS
from vectorfind.directions.boundaries import Boundaries
from vectorfind.sampling.groups import WHOLE

SIGNS = ("fix", "keep")
COMPONENTS = "lat_comp"
"""GANSpace's name for its directions of the latent space."""

Table = dict[tuple[str, str], np.ndarray]
"""(property, group) -> (d,)."""


def read_interfacegan(
    paths: Mapping[str, str | os.PathLike] | Sequence[str | os.PathLike], layer: str
) -> Boundaries:
    """Boundaries of InterFaceGAN or HiGAN, or our own exports.

    Args:
        paths: property -> file; or files that name their properties, as ours do, see
            `write_interfacegan`, and as `age_boundary.npy` and `boundary_Smiling.npy` do.
        layer: where they live.

    Raises:
        CheckpointError: a file is missing, damaged, of another shape, or a pickle.
        InputError: two files are of the same property and group, or one is lacking.
    """
    pairs = paths.items() if isinstance(paths, Mapping) else [("", path) for path in paths]
    return _read_pairs(pairs, layer)


def write_interfacegan(boundaries: Boundaries, folder: str | os.PathLike) -> list[Path]:
    """One file a property and group, as InterFaceGAN's `edit.py` reads them; returns the files.

    They hold (1, d) float32 of unit norm and are called `{property}_{layer}_boundary.npy`, or
    `{property}_{layer}_{group}_boundary.npy` where there are groups.
    """
    written = []
    for name, group, vector in _entries(boundaries):
        middle = "" if boundaries.groups == (WHOLE,) else f"_{group}"
        path = Path(folder) / f"{name}_{boundaries.layer}{middle}_boundary.npy"
        buffer = BytesIO()
        np.save(buffer, vector[None], allow_pickle=False)
        atomic_write(path, buffer.getvalue())
        written.append(path)
    return written


def read_csv(folder: str | os.PathLike, layer: str, sign: str) -> Boundaries:
    """The reference system's directions at one layer.

    Args:
        folder: that holds `{property}_change_{layer}_vector_{group}.csv`.
        layer: the files of others are passed over.
        sign: "fix" turns them, as the SVMs' point to less of a property; "keep" does not.

    Raises:
        CheckpointError: there are none of that layer, or one is damaged.
        InputError: unknown sign, or a property lacks a group that others have.
    """
    choose("sign", sign, SIGNS)
    pattern = re.compile(rf"(.+)_change_{re.escape(layer)}_vector_([0-9a-z]+)\.csv")
    table: Table = {}
    for path in sorted(Path(folder).glob("*.csv")):
        match = pattern.fullmatch(path.name)
        if match:
            _add(table, match[1], match[2], _turn(sign) * _csv_row(path), path)
    if not table:
        raise CheckpointError(
            f"{folder} holds no files PROPERTY_change_{layer}_vector_GROUP.csv; give the folder "
            "of the directions and their layer"
        )
    return _assembled(table, layer)


def write_csv(boundaries: Boundaries, folder: str | os.PathLike, sign: str) -> list[Path]:
    """Directions as the reference system keeps them, one file a property and group.

    Args:
        boundaries: raise their properties.
        folder: for the files, which are returned.
        sign: "fix" turns them to the reference's sense, "keep" leaves them as they are.
    """
    choose("sign", sign, SIGNS)
    written = []
    for name, group, vector in _entries(boundaries):
        path = Path(folder) / f"{name}_change_{boundaries.layer}_vector_{group}.csv"
        header = "".join(f",{place}" for place in range(len(vector)))
        row = "".join(f",{value!s}" for value in _turn(sign) * vector)
        atomic_write(path, f"{header}\n0{row}\n")
        written.append(path)
    return written


def read_ganspace(path: str | os.PathLike, layer: str, count: int | None = None) -> Boundaries:
    """GANSpace's components as directions of properties component_0, component_1, ...

    A unit of strength is one of the latent space; GANSpace's own sliders count in standard
    deviations, the file's `lat_stdev`. What a component does has to be seen; then
    `Boundaries.renamed` can name it.

    Args:
        path: of the .npz in GANSpace's cache.
        layer: where they live: w of those found with `--use_w`, else z.
        count: how many, the most important first; None for all.

    Raises:
        CheckpointError: the file is missing, damaged, or holds no components.
    """
    components = read_arrays(path, (COMPONENTS,))[COMPONENTS]
    shape = components.shape
    if components.dtype.kind != "f" or components.ndim < 2 or set(shape[1:-1]) - {1}:
        raise CheckpointError(
            f"{path} holds {COMPONENTS} {shape} of {components.dtype}; expected floats (k, 1, d)"
        )
    vectors = components.reshape(shape[0], shape[-1])[:count]
    names = tuple(f"component_{index}" for index in range(len(vectors)))
    return Boundaries(layer, names, (WHOLE,), vectors[None])


def read_foreign(paths: Sequence[str], layer: str, sign: str | None = None) -> Boundaries:
    """Directions of whatever project, told by what the paths hold.

    Args:
        paths: one folder of the reference's CSVs, one GANSpace .npz, or boundaries, each as FILE
            or PROPERTY=FILE.
        layer: where they live.
        sign: of CSVs, which need it.

    Raises:
        CheckpointError: a file is missing, damaged or of another kind.
        InputError: a sign is lacking or not wanted, or kinds are mixed.
    """
    paths = [os.fspath(path) for path in paths]
    with reading(", ".join(paths)):
        folder = len(paths) == 1 and Path(paths[0]).is_dir()
    if folder:
        _check_folder(Path(paths[0]))
        if sign is None:
            raise InputError(
                "the sign of CSVs must be chosen: fix for the reference's SVM directions, which "
                "lower their property, keep for others"
            )
        return read_csv(paths[0], layer, sign)
    if sign is not None:
        raise InputError(f"sign {sign} is for a folder of CSVs; other files have but one sense")
    if len(paths) == 1 and _is_zip(paths[0]):
        return read_ganspace(paths[0], layer)
    return _read_pairs([_named(text) for text in paths], layer)


def _check_folder(folder: Path) -> None:
    """Raises InputError for a folder without CSVs; says which of its files to give instead."""
    if any(folder.glob("*.csv")) and not (folder / DIRECTIONS).exists():
        return
    if (folder / DIRECTIONS).exists():
        raise InputError(
            f"{folder} is a run's folder, and its {DIRECTIONS} needs no import; "
            "edit and evaluate take it as it is"
        )
    arrays = sorted(path.name for path in folder.iterdir() if path.suffix in (".npy", ".npz"))
    if arrays:
        raise InputError(
            f"{folder} has no CSVs; give its files one by one, as {folder / arrays[0]}"
        )
    raise InputError(f"{folder} has no CSVs of directions; give the folder that has them")


def _read_pairs(pairs: Iterable[tuple[str, str | os.PathLike]], layer: str) -> Boundaries:
    """Boundaries of (property, file); the property is "" where the file's name tells it."""
    table: Table = {}
    for name, path in pairs:
        array = read_npy(path)
        if array.ndim < 2 or len(array) != 1:
            raise CheckpointError(f"{path} holds {array.shape}; a boundary has the shape (1, d)")
        own, group = _names_in(Path(path).stem, layer)
        _add(table, name or own, group, array.reshape(-1), path)
    return _assembled(table, layer)


def _named(text: str) -> tuple[str, str]:
    """FILE as ("", FILE), and PROPERTY=FILE as the two."""
    name, equals, path = text.partition("=")
    return (name, path) if equals and not Path(text).exists() else ("", text)


def _is_zip(path: str | os.PathLike) -> bool:
    """Whether the file begins as an .npz does."""
    if not is_file(path):
        return False
    with open(path, "rb") as file:
        return file.read(2) == b"PK"


def _names_in(stem: str, layer: str) -> tuple[str, str]:
    """Property and group in the name of a boundary's file without its ending."""
    stem = stem.removeprefix("boundary_").removesuffix("_boundary")
    match = re.fullmatch(rf"(.+)_{re.escape(layer)}(?:_([0-9a-z]+))?", stem)
    return (match[1], match[2] or WHOLE) if match else (stem, WHOLE)


def _csv_row(path: Path) -> np.ndarray:
    """The one row (d,) of a CSV, without its number."""
    try:
        header, *rows = path.read_text(encoding="utf-8").split()
        columns = header.split(",")
        (number, *values) = rows[0].split(",")
        vector = np.array(values, dtype=np.float64)
    except (IndexError, OSError, ValueError) as error:
        raise CheckpointError(f"{path} is no row of numbers ({str(error)[:80]})") from error
    if len(rows) != 1 or columns != ["", *map(str, range(len(vector)))] or number != "0":
        raise CheckpointError(
            f"{path} has {len(rows)} rows of {len(vector)} numbers; expected the header "
            '",0,1,..." and one row that begins with 0'
        )
    return vector


def _turn(sign: str) -> np.float32:
    return np.float32(-1 if sign == "fix" else 1)


def _entries(boundaries: Boundaries) -> Iterable[tuple[str, str, np.ndarray]]:
    """Property, group and vector, after a check that the names can be in a file's."""
    for name in (*boundaries.properties, boundaries.layer, *boundaries.groups):
        if not name or set(name) & set("/\\") or name.startswith("."):
            raise InputError(f"a file cannot be named after {name!r}; rename it")
    for group, vectors in zip(boundaries.groups, boundaries.vectors, strict=True):
        for name, vector in zip(boundaries.properties, vectors, strict=True):
            yield name, group, vector


def _add(table: Table, name: str, group: str, vector: np.ndarray, path: object) -> None:
    if (name, group) in table:
        raise InputError(f"{path} is a second direction of {name}, group {group}; give one each")
    table[name, group] = vector


def _assembled(table: Table, layer: str) -> Boundaries:
    """The directions of every property in every group."""
    names = tuple(dict.fromkeys(name for name, _ in table))
    groups = tuple(sorted({group for _, group in table}))
    for name in names:
        lacking = [group for group in groups if (name, group) not in table]
        if lacking:
            raise InputError(f"no direction of {name} for {', '.join(lacking)}, as others have")
    sizes = {len(vector) for vector in table.values()}
    if len(sizes) > 1:
        raise InputError(f"directions of {', '.join(map(str, sorted(sizes)))} numbers; give of one")
    vectors = np.array([[table[name, group] for name in names] for group in groups])
    return Boundaries(layer, names, groups, vectors)
