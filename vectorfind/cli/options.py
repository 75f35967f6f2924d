"""Options that several commands share; their defaults are those of the settings' classes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from fractions import Fraction
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
from vectorfind.models.scorers import NAMED

if TYPE_CHECKING:
    from vectorfind.runs.report import Report

_JSON = "vectorfind.json"
_OF_THE_MACHINE = ("out", "quiet", "overwrite", "device", "workers")
_UNITS = {"": 1, "K": 1_000, "M": 1_000_000}


class Count(click.ParamType):
    """A whole number, also written as 160K or 1.5M."""

    name = "count"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        match = re.fullmatch(r"(\d{1,30}(?:\.\d{1,30})?)\s*([KkMm]?)", value.strip(), re.ASCII)
        number = Fraction(match[1]) * _UNITS[match[2].upper()] if match else Fraction(1, 2)
        if number.denominator != 1:
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


class GivenPath(click.Path):
    """A path; an empty text, which would be the current folder, is none."""

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        if value == "":
            self.fail("it is empty; name a folder, or . for the current one", param, ctx)
        return super().convert(value, param, ctx)


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

    def __init__(self, components: bool = False) -> None:
        self.components = components  # those alone that choose among components

    def get_metavar(self, param: click.Parameter, ctx: click.Context | None = None) -> str:
        from vectorfind.methods.registry import component_names, method_names

        return "|".join(component_names() if self.components else method_names())


def stacked(*options: Callable) -> Callable:
    """One decorator of several, in the order in which the help shall list them."""

    def decorate(command: Callable) -> Callable:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


def setting(settings: type, field: str, help: str, *flags: str, **more: Any) -> Callable:
    """The option of a settings' field: its default is the field's, its type that of the default.

    Args:
        settings: a dataclass.
        field: its name.
        help: what it is.
        flags: of the option; --field-name if not given.
        more: of `click.option`.
    """
    default = next(f.default for f in fields(settings) if f.name == field)
    more = {"type": _type(field, default), **more}
    if more["type"] is bool:
        more["is_flag"] = True
    elif default is not None:
        more = {"show_default": True, "default": default, **more}
    if isinstance(more.get("default"), tuple):
        more["default"] = ",".join(_short(value) for value in default)
    flags = flags or (f"--{field.replace('_', '-')}",)
    return click.option(*flags, field, help=help, **more)


def settings_options(settings: type, helps: Mapping[str, str], **more: Any) -> Callable:
    """The options of several fields, by name: what each is."""
    return stacked(*(setting(settings, field, help, **more) for field, help in helps.items()))


def _short(value: Any) -> str:
    """4K for 4000, and any other value as it is."""
    return f"{value // 1000}K" if isinstance(value, int) and not value % 1000 else str(value)


def _type(field: str, default: Any) -> Any:
    if isinstance(default, tuple):
        return Counts() if isinstance(default[0], int) else Names()
    if type(default) is int and field != "seed":
        return Count()
    return str if default is None else type(default)


def choice(values: Iterable[str]) -> dict[str, Any]:
    """What makes an option one of several words."""
    return {"type": click.Choice(tuple(values))}


n_option = setting(FindSettings, "n", "Samples to find from, e.g. 4000 or 160K.", "-n")
seed_option = setting(FindSettings, "seed", "Seed of all random numbers.")
batch_option = setting(FindSettings, "batch_size", "Images a batch.")
device_option = setting(FindSettings, "device", "cpu or cuda; the GPU if there is one.")
dtype_option = setting(
    FindSettings, "dtype", "Precision; float32 on a CPU.", metavar="|".join(DTYPES)
)
workers_option = setting(FindSettings, "workers", "Tasks at once; one a core.", type=int)
cases_option = setting(EvaluateSettings, "cases", "Fresh cases to test on.")
size_option = setting(
    FindSettings, "size", "Side of the images, of a generator with several.", type=int
)
loading_options = stacked(
    setting(
        FindSettings,
        "psi",
        "Truncation of the generator, 1 for none; its own, 0.8 of mobilestylegan.",
        type=float,
    ),
    setting(FindSettings, "trunc_layers", "Layers truncated; all of them.", type=int),
    size_option,
)
properties_option = setting(
    FindSettings,
    "properties",
    f"What they shall change; {','.join(CONTROLLED)}.",
    type=Names(),
)
group_by_option = setting(
    FindSettings,
    "group_by",
    f'What splits samples, "" for one group; {",".join(GROUPING)}.',
    type=Names(),
)
find_options = stacked(
    n_option,
    setting(
        FindSettings,
        "layer",
        "Where the directions shall live, e.g. w or w+4-7; mapping_split1 of mixed, else "
        "mapping_split2, or w of other generators.",
    ),
    setting(
        FindSettings,
        "method",
        "How they are found; also one a property, as in eyes=gradient,mouth=svm,pose=svm.",
        type=MethodName(),
    ),
    properties_option,
    group_by_option,
    setting(FindSettings, "quantiles", "Parts that each of those splits into."),
    loading_options,
    setting(FindSettings, "ratio", "Top and bottom share an SVM learns from."),
    workers_option,
)
evaluate_options = stacked(
    cases_option,
    setting(
        EvaluateSettings,
        "control_cases",
        "Cases for random directions; all of them up to 100.",
        type=Count(),
    ),
    setting(EvaluateSettings, "hair", "Also measure what the edits do to the hair mask."),
    click.option(
        "--judge",
        "judges",
        multiple=True,
        metavar="NAME_OR_FILE",
        help='Also have "landmarks", "iris", "dlib" or a scorer\'s file judge the images; may be '
        "given several times.",
    ),
)
run_options = stacked(seed_option, batch_option, device_option)
scorer_option = click.option(
    "--scorer",
    default="default",
    show_default=True,
    help=f"{', '.join(NAMED)} or a file.",
)
property_cnn_option = click.option(
    "--scorer",
    default="default",
    show_default=True,
    help='"default" or the file of a property CNN.',
)
model_options = stacked(
    click.option(
        "--generator",
        default="default",
        show_default=True,
        help='"default", "base" or a checkpoint.',
    ),
    scorer_option,
)
json_option = click.option(
    "--json",
    is_flag=True,
    expose_value=False,
    callback=lambda context, option, given: context.meta.update({_JSON: given}),
    help="Print results as JSON, for scripts.",
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
    type=GivenPath(),
    help="Folder where samples are kept and found again; several runs may share it.",
)


def out_option(help: str) -> Callable:
    """The option --out, which every command that writes must be given."""
    return click.option("--out", required=True, type=GivenPath(), help=help)


def wants_json() -> bool:
    """Whether the command that is running was given --json."""
    return click.get_current_context().meta.get(_JSON, False)


def echo_json(values: Any) -> None:
    """Prints values for scripts."""
    click.echo(json.dumps(values, indent=2, ensure_ascii=False))


def echo_report(report: Report) -> None:
    """Prints what a report says, and where its page is."""
    if wants_json():
        echo_json(report.values())
        return
    for line in report.lines:
        click.echo(line)
    if report.page is not None:
        click.echo(f"report: {report.page}")


def say(quiet: bool) -> Callable[[str], None]:
    """What prints a job's lines, or nothing, as where results alone are wanted, as JSON."""
    return (lambda line: None) if quiet or wants_json() else click.echo


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
        if given and option.name in context.params and option.name not in _OF_THE_MACHINE:
            value = context.params[option.name]
            words.append(option.opts[0] if value is True else f"{option.opts[0]} {value}")
    return " ".join(words)
