"""The page on fine-tuning runs, and its figures: labels obeyed, concept reached, the training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from reports import columns as c
from reports import layout
from reports.analysis.finetune import (
    ATTRIBUTES,
    DIVERSITY_GOAL,
    RATIO_GOAL,
    SHARE_GOAL,
    WORDS,
    RunLog,
    read_log,
    reference_verdict,
    verdict_table,
    word_of,
)
from reports.folders import ReadingError, read_config, read_file, read_picture
from reports.pages.html import Page, Section, Table, build_page, versions_shown
from reports.pages.pictures import Picture, picture_of
from reports.plots.finetune import CONCEPT, LABELS, TRAINING, finetune_figures
from reports.plots.style import Plot
from reports.tables import csv_text, read_table
from reports.text import counted, percent, plain, signed

NOTES = {
    "corr-coef": "Pearson's correlation between the labels asked for, a fixed grid with fixed "
    "latents, and the scores read off the images; of directions, the mean over cases of that "
    "between strengths and scores. Undefined where all images score the same.",
    "last": "The mean over the last tenth of the log's rows; undefined corr-coefs are left out of "
    "it, and counted.",
    "learned, partly, hardly, not": "A last corr-coef of at least "
    + ", ".join(f"{least:g}" for _, least in WORDS[:-1])
    + ", or less.",
    "passes": "An image passes the filter where all four probabilities lie within their "
    "thresholds; 95 % intervals are Wilson's.",
    "diversity": "The standard deviation of the scores of a run's samples, divided by that of its "
    "base's; both from the same latents.",
    "goals": f"At least {RATIO_GOAL:g} times the base's share, or {100 * SHARE_GOAL:g} %, with a "
    f"diversity of at least {DIVERSITY_GOAL:g} in each property. Where no sample of the base "
    "passes, the upper end of its interval stands in.",
}
_LABEL_NOTES, _CONCEPT_NOTES = [*NOTES][:3], [*NOTES][3:]

_GOALS = {c.PASS_MARK: "goals met", c.FAIL_MARK: "short of its goals", "": ""}


@dataclass(frozen=True, eq=False)
class RunShown:
    """A run as the page shows it.

    Attributes:
        log: its log.
        settings: name -> value.
        samples: pictures of fixed latents, the earliest first.
        command: that started it.
    """

    log: RunLog
    settings: Mapping[str, str] = field(default_factory=dict)
    samples: Sequence[Picture] = ()
    command: str = ""


@dataclass(frozen=True, eq=False)
class Findings:
    """The tables that the page shows.

    Attributes:
        verdict: as from `reports.analysis.finetune.verdict_table`; empty without labels.
        concept, gain: the measurements in the filter, as in `concept.csv`, and what
            `reports.analysis.finetune.gain_table` makes of them; empty where nothing was measured.
        directions: property -> mean corr-coef of direction finding, where it is known.
        notes: what could not be done.
    """

    verdict: pd.DataFrame
    concept: pd.DataFrame
    gain: pd.DataFrame
    directions: Mapping[str, float] | None = None
    notes: Sequence[str] = ()


def finetune_files(folder: Path) -> tuple[dict, list[str]]:
    """The report in a folder on fine-tuning: path -> content; and what the runs reached, in lines.

    Args:
        folder: with `config.json`, a folder a run with its log and pictures of its samples, and
            the tables of what was measured, see `reports.layout`.

    Raises:
        ReadingError: a file is missing or damaged.
    """
    config = read_config(folder)
    try:
        runs = [_run_at(folder / layout.RUNS / str(i), run) for i, run in enumerate(config["runs"])]
    except (KeyError, TypeError, AttributeError) as error:
        raise ReadingError(f"{folder / layout.CONFIG} is damaged; make the report again") from error
    reached = config.get("directions")
    logs = [run.log for run in runs]
    findings = Findings(
        verdict_table(logs, reached),
        _measured(folder / layout.CONCEPT),
        _measured(folder / layout.GAIN),
        reached,
        config.get("notes") or (),
    )
    figures = finetune_figures(logs, config.get("thresholds") or {}, reached)
    page = finetune_page(runs, findings, figures, versions_shown(config))
    files: dict[str, bytes | str] = {}
    if len(findings.verdict):
        files[layout.VERDICT] = csv_text(findings.verdict)
    files |= {layout.figure_path(name): plot.wide for name, plot in figures.items()}
    notes = [f"note: {note}" for note in findings.notes]
    return files | {layout.REPORT: build_page(page)}, [*verdict_lines(findings), *notes]


def finetune_page(
    runs: Sequence[RunShown],
    findings: Findings,
    figures: Mapping[str, Plot],
    versions: Mapping[str, str] | None = None,
) -> Page:
    """The page: what the runs reached, then plots, tables, pictures and settings."""
    labelled, measured = not findings.verdict.empty, not findings.gain.empty
    sections = []
    if findings.notes:
        sections.append(Section("What is missing", findings.notes))
    if labelled:
        sections += _label_sections(runs, findings, figures)
    if measured or CONCEPT in figures:
        sections.append(_concept_section(findings, figures))
    sections += [
        Section(f"Samples of {run.log.name}", ["The same latents throughout."], run.samples)
        for run in runs
        if run.samples
    ]
    curves = picture_of(figures[TRAINING], "Losses, AUROC and scores of the discriminator")
    sections.append(Section("The training", (), [curves]))
    sections.append(Section("The runs", (), (), [_settings(runs)]))
    terms = (_LABEL_NOTES if labelled else []) + (_CONCEPT_NOTES if measured else [])
    listed = ", ".join(f"{run.log.name} of {run.log.batches:,} batches" for run in runs)
    return Page(
        kind="vectorfind · fine-tuning",
        verdict=_headline(findings) or f"Fine-tuning: {counted(len(runs), 'run')}.",
        summary=" ".join([*verdict_lines(findings), f"Runs: {listed}."]),
        facts=_facts(findings),
        sections=sections,
        notes={term: NOTES[term] for term in terms},
        versions=versions or {},
        command="\n".join(run.command for run in runs if run.command),
    )


def _run_at(folder: Path, run: Mapping[str, Any]) -> RunShown:
    """One run, from its folder within the report's and its entry in `config.json`."""
    table = read_file(
        folder / layout.TRAIN_LOG, lambda text: read_log(text, run["batches_per_epoch"])
    )
    log = RunLog(run["name"], run["variant"], table)
    samples = []
    for path in sorted(folder.glob(layout.RUN_SAMPLES)):
        step = int(path.stem.rpartition("-")[2])
        caption = f"After {step:,} batches." if step else "Before training."
        alt = f"Samples of {log.name} at {step:,} batches"
        samples.append(Picture(read_picture(path), alt, caption, photo=True))
    return RunShown(log, run["settings"], samples, run["command"])


def _measured(path: Path) -> pd.DataFrame:
    """A table of measurements; empty where there is none."""
    if not path.exists():
        return pd.DataFrame()
    table = read_file(path, lambda text: read_table(text, [c.RUN]))
    return table.fillna({c.GOAL: ""}) if c.GOAL in table else table


def verdict_lines(findings: Findings) -> list[str]:
    """What the runs reached, a sentence each for labels and for each concept."""
    lines = []
    table = findings.verdict
    if len(table):
        best = [
            f"{plain(name)} {_words(corr)} ({signed(corr)})" for name, corr in _best(table).items()
        ]
        beside = "Best of" if len(table) > 1 else "In"
        line = f"{beside} {counted(len(table), 'run')}: {', '.join(best)}"
        known = findings.directions or {}
        reached = [f"{plain(name)} {signed(known[name])}" for name in _best(table) if name in known]
        if reached:
            line += f"; direction finding: {', '.join(reached)}"
        lines.append(f"{line}.")
    for row in findings.gain.to_dict("records"):
        least = min(value for key, value in row.items() if key.endswith(c.diversity_column("")))
        goal = _GOALS[row[c.GOAL]]
        lines.append(
            f"{row[c.RUN]}: {percent(row[c.RUN_SHARE])} of the samples pass the filter, "
            f"{percent(row[c.BASE_SHARE])} of the base’s ({row[c.RATIO]:.1f} ×), least diversity "
            f"{signed(least)}{f': {goal}' if goal else ''}."
        )
    return lines


def _headline(findings: Findings) -> str:
    """The same in few words."""
    best = [f"{plain(name)} {_words(corr)}" for name, corr in _best(findings.verdict).items()]
    parts = [f"Labels: {', '.join(best)}."] if best else []
    for row in findings.gain.to_dict("records"):
        share = percent(row[c.RUN_SHARE])
        parts.append(f"{row[c.RUN]}: {share} pass the filter, {row[c.RATIO]:.1f} × the base’s.")
    return " ".join(parts)


def _label_sections(
    runs: Sequence[RunShown], findings: Findings, figures: Mapping[str, Plot]
) -> list[Section]:
    table = findings.verdict
    words = [word for name in _properties(table) for word in table[c.verdict_column(name)].dropna()]
    words_counted = ", ".join(f"{words.count(word)} {word}" for word, _ in WORDS if word in words)
    text = [
        f"Of {len(words)} labels in {counted(len(table), 'run')}: {words_counted}. Faint lines are "
        "the log as it is, firm ones its running mean."
    ]
    undefined = int(table[c.UNDEFINED].sum())
    if undefined:
        text.append(f"{undefined} corr-coefs in the logs are undefined and enter no mean.")
    picture = picture_of(figures[LABELS], "Corr-coef and error of each label against the batches")
    tried = Table(
        "The reference’s statements on its v5 runs, tried on these.",
        ["statement", "here", "evidence"],
        reference_verdict([run.log for run in runs]),
    )
    return [Section("Do the labels rule the images?", text, [picture], [_verdict(table), tried])]


def _verdict(table: pd.DataFrame) -> Table:
    """One row a run and property."""
    columns = ["run", "batches", "property", "first corr", "last", "best", "last MAE", "verdict"]
    properties = _properties(table)
    with_directions = any(c.directions_column(c.corr_column(name)) in table for name in properties)
    rows = []
    for row in table.to_dict("records"):
        for name in properties:
            corr, mae = c.corr_column(name), c.mae_column(name)
            keys = (c.first_column(corr), c.last_column(corr), c.best_column(corr))
            cells = [signed(row[key]) for key in (*keys, c.last_column(mae))]
            lowest = " (lowest)" if row[c.LOWEST] == name else ""
            cells.append(f"{_words(row[keys[1]])}{lowest}")
            if with_directions:
                cells.append(signed(row[c.directions_column(corr)]))
            rows.append([row[c.RUN], f"{row[c.BATCHES]:,}", plain(name), *cells])
    columns += ["directions’ corr"] if with_directions else []
    return Table("How far each property follows its label.", columns, rows)


def _concept_section(findings: Findings, figures: Mapping[str, Plot]) -> Section:
    tables = []
    if len(findings.gain):
        tables = [_shares(findings.concept), _gains(findings.gain)]
    pictures = []
    if CONCEPT in figures:
        alt = "Mean probability of each attribute of the filter against the batches"
        pictures.append(picture_of(figures[CONCEPT], alt, "Means over samples of fixed latents."))
    return Section("Is the concept reached?", (), pictures, tables)


def _shares(concept: pd.DataFrame) -> Table:
    """One row a generator: its share of samples that pass, and that of each attribute."""
    known = [name for name in ATTRIBUTES if c.share_column(name) in concept]
    rows = []
    for row in concept.to_dict("records"):
        low, high = row[c.low_column(c.SHARE)], row[c.high_column(c.SHARE)]
        cells = [f"{row[c.PASSED]:,} of {row[c.N]:,}", percent(row[c.SHARE])]
        cells.append(f"{percent(low)} to {percent(high)}")
        cells += [percent(row[c.share_column(name)]) for name in known]
        rows.append([row[c.RUN], row[c.GENERATOR], *cells])
    columns = ["run", "generator", "pass", "share", "95 % interval", *known]
    return Table("Samples that pass the filter, and each attribute’s threshold.", columns, rows)


def _gains(gain: pd.DataFrame) -> Table:
    spreads = [name for name in gain if name.endswith(c.diversity_column(""))]
    rows = []
    for row in gain.to_dict("records"):
        kept = [signed(row[name]) for name in spreads]
        goal = _GOALS[row[c.GOAL]] or "–"
        rows.append([row[c.RUN], f"{row[c.RATIO]:.1f} ×", *kept, goal])
    columns = ["run", "of the base’s share", *map(plain, spreads), "goals"]
    return Table("What was gained, and what diversity of scores was kept.", columns, rows)


def _facts(findings: Findings) -> dict[str, str]:
    facts = {}
    for row in findings.gain.to_dict("records"):
        facts[f"{row[c.RUN]}: share that passes"] = percent(row[c.RUN_SHARE])
        facts[f"{row[c.RUN]}: of the base’s"] = f"{row[c.RATIO]:.1f} ×"
    for name, corr in _best(findings.verdict).items():
        facts[f"best last corr of {plain(name)}"] = signed(corr)
    return facts


def _settings(runs: Sequence[RunShown]) -> Table:
    """One row a setting, one column a run."""
    names = dict.fromkeys(name for run in runs for name in run.settings)
    rows = [[name, *[run.settings.get(name, "–") for run in runs]] for name in names]
    return Table("Settings.", ["", *[run.log.name for run in runs]], rows, folded=True)


def _best(table: pd.DataFrame) -> dict[str, float]:
    """Property -> its largest last corr-coef over the runs."""
    return {name: table[c.last_column(c.corr_column(name))].max() for name in _properties(table)}


def _properties(table: pd.DataFrame) -> list[str]:
    ending = c.verdict_column("")
    return [name.removesuffix(ending) for name in table if name.endswith(ending)]


def _words(corr: float) -> str:
    word = word_of(corr)
    return word if word == WORDS[0][0] else f"{word} learned"
