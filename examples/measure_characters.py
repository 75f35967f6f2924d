"""How evenly sliders move a run's characters, by the scorer that made them and by judges.

    python examples/measure_characters.py demo 50 --out examples/results/characters/base
    python examples/measure_characters.py photos 25 --judge iris --judge dlib --out measured

Makes characters of the most suitable cases that passed, moves each slider alone over 17 values, and
writes a row a character, reader and property: the correlation of slider and score, the range of the
scorer's score in standard deviations of the samples, and images that could not be read.
Goes on where it was stopped.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from property_cnn.common.files import atomic_write, file_digest
from property_cnn.common.folders import json_text, read_json
from property_cnn.common.tasks import one_thread
from property_cnn.properties import read_as
from reports.layout import DIRECTIONS
from reports.tables import csv_text
from vectorfind.characters.character import Character
from vectorfind.characters.picking.cases import named_networks, read_cases
from vectorfind.characters.picking.ranking import ranked
from vectorfind.characters.settings import CharacterSettings
from vectorfind.directions.directions import Directions, load_directions
from vectorfind.models.judges import Judge, load_judges

SLIDERS = np.linspace(-1, 1, 17)


def main() -> None:
    """Measures as the arguments say."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("count", type=int)
    parser.add_argument("--judge", action="append", default=[])
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    directions = load_directions(given.run, *named_networks(given.run))
    judges = load_judges(given.judge, directions.properties)
    cases = read_cases(given.run)
    chosen = ranked(cases, directions.score_std)["case"].head(given.count)
    given.out.mkdir(parents=True, exist_ok=True)
    path, about = given.out / "characters.csv", given.out / "about.json"
    asked = {"directions": file_digest(given.run / DIRECTIONS), "judges": given.judge}
    if about.exists() and read_json(about) != asked:
        raise SystemExit(f"{given.out} is of another run or other judges; give another --out")
    atomic_write(about, json_text(asked))
    rows = pd.read_csv(path).to_dict("records") if path.exists() else []
    done = {row["case"] for row in rows}
    settings = CharacterSettings(checks=0)
    readers = (Judge("the scorer", directions.models.scorer), *judges)
    with one_thread():
        for case in chosen:
            if case in done:
                continue
            character = Character.from_latent(
                directions, cases.z[case], cases.label[case], settings=settings
            )
            rows += [{"case": case, **row} for row in measured(character, directions, readers)]
            atomic_write(path, csv_text(pd.DataFrame(rows)))
            print(
                f"case {case}: {len(set(row['case'] for row in rows))} of {len(chosen)}", flush=True
            )
    summary = summarised(pd.DataFrame(rows))
    atomic_write(given.out / "summary.csv", csv_text(summary))
    print(summary.to_string(index=False))


def measured(
    character: Character, directions: Directions, readers: Sequence[Judge]
) -> Iterator[dict[str, object]]:
    """A row a property and reader."""
    std = dict(zip(directions.scored, directions.score_std, strict=True))
    for name in character.properties:
        images = character.images(**{name: SLIDERS})
        for reader in readers:
            column = read_as(name, reader.scored)
            if not column:
                continue
            scores = reader.read(images)[0][:, reader.scored.index(column)].astype(np.float64)
            read = np.isfinite(scores)
            known = read.sum() >= len(SLIDERS) / 2 and np.ptp(scores[read]) > 0
            yield {
                "property": name,
                "reader": reader.name,
                "correlation": np.corrcoef(SLIDERS[read], scores[read])[0, 1] if known else np.nan,
                "range": np.ptp(scores[read]) / std[name]
                if known and reader is readers[0]
                else np.nan,
                "unreadable": int((~read).sum()),
            }


def summarised(table: pd.DataFrame) -> pd.DataFrame:
    """Median, least, tenth of a hundred, and share of at least 0.97, by property and reader."""
    groups = table.groupby(["reader", "property"], sort=False)
    return (
        groups["correlation"]
        .agg(
            characters="count",
            median="median",
            low10=lambda values: values.quantile(0.1),
            least="min",
            share_97=lambda values: (values.dropna() >= 0.97).mean(),
        )
        .join(groups["range"].median().rename("median_range"))
        .reset_index()
    )


if __name__ == "__main__":
    main()
