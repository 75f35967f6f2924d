"""Options that several commands share; their defaults are those of the settings' classes."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from vectorfind.config import (
    CONTROLLED,
    DTYPES,
    GROUPING,
    EvaluateSettings,
    FindSettings,
)

if TYPE_CHECKING:
    from vectorfind.runs.report import Report

_UNITS = {"": 1, "K": 1_000, "M": 1_000_000}


class Count(click.ParamType):
    """A whole number, also written as 160K or 1.5M."""

    name = "count"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KkMm]?)", value.strip())
        number = float(match[1]) * _UNITS[match[2].upper()] if match else 0.5
        if not number.is_integer():
            self.fail(f"{value!r} is no whole number; write it as 4000, 160K or 1.5M", param, ctx)
        return int(number)


class Counts(click.ParamType):
    """Whole numbers with commas between them, as a tuple."""

    name = "counts"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, ...]:
        if isinstance(value, tuple):
            return value
        return tuple(Count().convert(part, param, ctx) for part in value.split(",") if part.strip())


class Names(click.ParamType):
    """Names with commas between them, as a tuple."""

    name = "names"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, ...]:
        if isinstance(value, tuple):
            return value
        return tuple(name.strip() for name in value.split(",") if name.strip())


class MethodName(click.ParamType):
    """A method of finding directions, or one a property; names are looked up for help alone."""

    name = "method"

    def get_metavar(self, param: click.Parameter, ctx: click.Context | None = None) -> str:
        from vectorfind.methods.registry import method_names

        return "|".join(method_names())


def _default(settings: type, name: str) -> Any:
    return next(field.default for field in fields(settings) if field.name == name)


def _option(*names: str, settings: type, field: str, help: str, **more: Any) -> Callable:
    default = _default(settings, field)
    default = ",".join(default) if isinstance(default, tuple) else default
    return click.option(
        *names, field, default=default, show_default=default is not None, help=help, **more
    )


def stacked(*options: Callable) -> Callable:
    """One decorator of several, in the order in which the help shall list them."""

    def decorate(command: Callable) -> Callable:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


def _find(*names: str, field: str, help: str, **more: Any) -> Callable:
    return _option(*names, settings=FindSettings, field=field, help=help, **more)


def _evaluate(*names: str, field: str, help: str, **more: Any) -> Callable:
    return _option(*names, settings=EvaluateSettings, field=field, help=help, **more)


n_option = _find("-n", field="n", type=Count(), help="Samples to find from, e.g. 4000 or 160K.")
seed_option = _find("--seed", field="seed", type=int, help="Seed of all random numbers.")
batch_option = _find("--batch-size", field="batch_size", type=int, help="Images a batch.")
device_option = _find("--device", field="device", help="cpu or cuda; the GPU if there is one.")
dtype_option = _find(
    "--dtype", field="dtype", metavar="|".join(DTYPES), help="Precision; float32 on a CPU."
)
workers_option = _find("--workers", field="workers", type=int, help="Tasks at once; one a core.")
cases_option = _evaluate("--cases", field="cases", type=Count(), help="Fresh cases to test on.")
truncation_options = stacked(
    _find("--psi", field="psi", type=float, help="Truncation of the generator; 1 for none."),
    _find("--trunc-layers", field="trunc_layers", type=int, help="Layers truncated; all of them."),
)
find_options = stacked(
    n_option,
    _find(
        "--layer",
        field="layer",
        help="Where the directions shall live, e.g. w or w+4-7; mapping_split1 of mixed, else "
        "mapping_split2, or w of other generators.",
    ),
    _find(
        "--method",
        field="method",
        type=MethodName(),
        help="How they are found; also one a property, as in eyes=gradient,mouth=svm,pose=svm.",
    ),
    _find(
        "--properties",
        field="properties",
        type=Names(),
        help=f"What they shall change; {','.join(CONTROLLED)}.",
    ),
    _find(
        "--group-by",
        field="group_by",
        type=Names(),
        help=f'What splits samples, "" for one group; {",".join(GROUPING)}.',
    ),
    _find("--quantiles", field="quantiles", type=int, help="Parts that each of those splits into."),
    truncation_options,
    _find("--ratio", field="ratio", type=float, help="Top and bottom share an SVM learns from."),
    workers_option,
)
evaluate_options = stacked(
    cases_option,
    _evaluate(
        "--control-cases",
        field="control_cases",
        type=Count(),
        help="Cases for random directions; all of them up to 100.",
    ),
    click.option("--hair", is_flag=True, help="Also measure what the edits do to the hair mask."),
)
run_options = stacked(seed_option, batch_option, device_option)
model_options = stacked(
    click.option(
        "--generator",
        default="default",
        show_default=True,
        help='"default", "base" or a checkpoint.',
    ),
    click.option(
        "--scorer", default="default", show_default=True, help='"default" or a checkpoint.'
    ),
)
quiet_option = click.option("--quiet", is_flag=True, help="Print no progress.")
overwrite_option = click.option(
    "--overwrite", is_flag=True, help="Replace another run that the folder holds."
)


overlay_option = click.option(
    "--overlay",
    "overlays",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FILE_OR_DIR",
    help="N-curves to draw over these; may be given several times.",
)
store_option = click.option(
    "--store",
    type=click.Path(path_type=Path),
    help="Folder where samples are kept and found again; several runs may share it.",
)


def out_option(help: str) -> Callable:
    """The option --out, which every command that writes must be given."""
    return click.option("--out", required=True, type=click.Path(path_type=Path), help=help)


def echo_report(report: Report) -> None:
    """Prints what a report says, and where its page is."""
    for line in report.lines:
        click.echo(line)
    if report.page is not None:
        click.echo(f"report: {report.page}")


def settings_from(settings: type, options: Mapping[str, Any]) -> Any:
    """The settings whose fields are among a command's options; the others keep their defaults."""
    names = {field.name for field in fields(settings)}
    return settings(**{name: value for name, value in options.items() if name in names})


def command_line() -> str:
    """The command that is running, with the options that were given, but for those that only
    concern this machine.
    """
    context = click.get_current_context()
    words = [context.command_path]
    for option in context.command.params:
        given = context.get_parameter_source(option.name) == ParameterSource.COMMANDLINE
        if given and option.name not in ("out", "quiet", "overwrite", "device", "workers"):
            value = context.params[option.name]
            words.append(option.opts[0] if value is True else f"{option.opts[0]} {value}")
    return " ".join(words)
