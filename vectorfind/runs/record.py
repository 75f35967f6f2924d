"""What a run writes down about itself: settings, networks, versions and its command line."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from property_cnn.hair import HairSegmenter
from stylegan_ft.generator import own_psi
from stylegan_ft.shipped import SHIPPED
from vectorfind.config import (
    CONTROLLED,
    GROUPING,
    RAW,
    ComponentSettings,
    DecoupledSettings,
    EvaluateSettings,
    FindSettings,
)
from vectorfind.directions.directions import Directions
from vectorfind.evaluation.image_test import Evaluation
from vectorfind.methods.registry import method_named
from vectorfind.models.judges import Judge
from vectorfind.models.pair import Models
from vectorfind.models.protocols import device_of, digest_of
from vectorfind.runs.describe import versions


def run_config(
    kind: str,
    find: FindSettings,
    test: EvaluateSettings,
    models: Models,
    segmenter: HairSegmenter | None = None,
    judges: Sequence[Judge] = (),
) -> dict[str, Any]:
    """What a run depends on and what it ran with, for `config.json` (workers change nothing)."""
    return {
        "kind": kind,
        "find": {name: value for name, value in find.as_stored().items() if name != "workers"},
        "evaluate": {name: value for name, value in asdict(test).items() if _said(name, value)},
        "models": {
            "generator": digest_of(models.generator),
            "scorer": digest_of(models.scorer),
            **({} if segmenter is None else {"hair": segmenter.digest}),
        },
        **({"judges": {judge.name: judge.digest for judge in judges}} if judges else {}),
        "device": str(device_of(models.generator)),
        "versions": versions(),
    }


def _said(name: str, value: object) -> bool:
    """Whether a setting is written down: the newer ones only where given, so that runs from before
    there were such go on."""
    newer = ("edits", "steps", "target")
    return name not in newer or value != getattr(EvaluateSettings(), name)


def command_line(
    find: FindSettings,
    test: EvaluateSettings,
    generator: object,
    scorer: object,
    judges: Sequence[object] = (),
) -> str:
    """The command that repeats a run, without `--out`; "" where only Python can say it."""
    given = (generator, scorer, *judges)
    from_objects = not all(isinstance(each, str | os.PathLike) for each in given)
    told = {"jacobian": find.decoupled.jacobian, "damping": find.decoupled.damping}
    beyond = find.strengths != test.strengths  # of one command they are the same
    beyond |= find.decoupled != DecoupledSettings(**told)
    beyond |= find.components.faces != ComponentSettings.faces
    if from_objects or beyond or (find.seed, find.batch_size) != (test.seed, test.batch_size):
        return ""
    words = ["vectorfind", "test", "-n", str(find.n), "--cases", str(test.cases)]
    words += ["--layer", find.layer, "--method", find.method, "--seed", str(find.seed)]
    rest = {
        "--properties": (find.properties, CONTROLLED),
        "--group-by": (find.group_by, GROUPING),
        "--quantiles": (find.quantiles, FindSettings.quantiles),
        "--ratio": (find.ratio, FindSettings.ratio),
        "--units": (find.units, RAW if generator in SHIPPED else None),
        "--keep": (find.keep, ()),
        "--jacobian": (find.decoupled.jacobian, DecoupledSettings.jacobian),
        "--damping": (find.decoupled.damping, DecoupledSettings.damping),
        "--components": (find.components.count, ComponentSettings.count),
        "--channels": (find.components.channels, ComponentSettings.channels),
        "--channel-slopes": (find.components.slopes, ComponentSettings.slopes),
        "--batch-size": (find.batch_size, FindSettings.batch_size),
        "--control-cases": (test.control_cases, EvaluateSettings.control_cases),
        "--steps": (test.steps, EvaluateSettings.steps),
        "--device": (find.device, FindSettings.device),
        "--dtype": (find.dtype, FindSettings.dtype),
        "--psi": (own_psi(generator) if find.psi is None else find.psi, own_psi(generator)),
        "--size": (find.size, FindSettings.size),
        "--trunc-layers": (find.trunc_layers, FindSettings.trunc_layers),
        "--generator": (str(generator), "default"),
        "--scorer": (str(scorer), "default"),
    }
    words += ["--hair"] if test.hair else []
    words += ["--target"] if test.target else []
    for option, (value, default) in rest.items():
        if value != default:
            words += [option, ",".join(value) if isinstance(value, tuple) else str(value)]
    return shlex.join([*words, *number_words(test), *judge_words(judges)])


def number_words(test: EvaluateSettings) -> list[str]:
    """The options of a test that give numbers by property, and how many edits."""
    words = []
    for option, given in (("--strengths", test.strengths), ("--thresholds", test.thresholds)):
        if given is not None:
            parts = (f"{name}={_colons(value)}" for name, value in given.items())
            words += [option, ",".join(parts)]
    return words if test.edits is None else [*words, "--edits", str(test.edits)]


def condition_words(conditions: Mapping[str, Sequence[str]] | None) -> str:
    """The option that names the conditions of directions, after a space; "" for none."""
    text = ",".join(f"{name}={'+'.join(others)}" for name, others in (conditions or {}).items())
    return f" --condition {shlex.quote(text)}" if text else ""


def condition_entry(conditions: Mapping[str, Sequence[str]] | None) -> dict[str, Any]:
    """The conditions of directions as `config.json` holds them, where there are any."""
    given = {name: list(others) for name, others in (conditions or {}).items()}
    return {"conditions": given} if given else {}


def _colons(value: float | Sequence[float]) -> str:
    numbers = value if isinstance(value, Sequence) else [value]
    return ":".join(f"{number:g}" for number in numbers)


def judge_words(judges: Sequence[object]) -> list[str]:
    """The options that name judges; of objects there are none."""
    named = [str(judge) for judge in judges if isinstance(judge, str | os.PathLike)]
    return [word for judge in named for word in ("--judge", judge)]


def tested(directions: Directions, evaluation: Evaluation) -> dict[str, Any]:
    """What a finished test adds to `config.json`: what was left open before, and words for it."""
    test, shift = evaluation.settings, directions.feature_shift
    methods = {name: directions.method_of(name) for name in directions.properties}
    return {
        "tested": {
            "strengths": test.strengths,
            "control_cases": test.control_cases,
            "edits": len(evaluation.strengths),
            **({} if evaluation.crossed is None else {"crossed": evaluation.crossed}),
            "unreadable_samples": directions.unreadable,
            **({} if shift is None else {"feature_shift": shift}),
        },
        "words": {
            "method": method_named(directions.method).title,
            "fits": {method.name: method.title for method in methods.values()},
        },
    }
