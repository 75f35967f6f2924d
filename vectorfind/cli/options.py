"""Options that several commands share; their defaults are those of the settings' classes."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, is_dataclass
from fractions import Fraction
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from property_cnn.common.checks import is_url
from property_cnn.jobs.engines.names import THREADS
from vectorfind.config import (
    CONTROLLED,
    DTYPES,
    GROUPING,
    JACOBIANS,
    SLOPES,
    UNITS,
    ComponentSettings,
    DecoupledSettings,
    EvaluateSettings,
    FindSettings,
)
from vectorfind.models.scorers import NAMED

if TYPE_CHECKING:
    from property_cnn.jobs.verify import Verified
    from vectorfind.runs.report import Report
    from vectorfind.sampling.store_files import StoreCheck

_JSON = "vectorfind.json"
_OPTIONS = "vectorfind.options"
_OF_THE_MACHINE = ("out", "quiet", "overwrite", "device", "workers", "engine")
_EXAMPLES = {
    "strengths": "eyes=-1.2:1.2,mouth=-1.8:0:1.8",
    "thresholds": "eyes=0.92,mouth=0.88",
    "conditions": "eyes=mouth+pose",
}
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


class Option(click.ParamType):
    """A pair NAME=VALUE, as a tuple."""

    name = "option"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str]:
        name, _, given = value.strip().partition("=")
        if not name or not given or set("?&=") & {*name, *given}:
            self.fail(f"{value!r} is no option; write it as fused_scale=false", param, ctx)
        return name, given


class GivenPath(click.Path):
    """A path; an empty text, which would be the current folder, is none."""

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        if value == "":
            self.fail("it is empty; name a folder, or . for the current one", param, ctx)
        if is_url(value):
            self.fail(f"{value} is a URL; name a place on this machine", param, ctx)
        return super().convert(value, param, ctx)


class StorePlace(GivenPath):
    """A folder, or the URL of a store as it was given."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Path | str:
        if isinstance(value, str) and is_url(value):
            return value
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


class Numbers(click.ParamType):
    """NAME=NUMBER with commas between them, as a mapping; `several` for NAME=NUMBER:NUMBER:…"""

    def __init__(self, several: bool = False):
        self.several = several
        self.name = "strengths" if several else "thresholds"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> dict[str, Any]:
        if isinstance(value, Mapping):
            return dict(value)
        named = {}
        for name, text in _assigned(self, value, param, ctx):
            try:
                numbers = tuple(map(float, text.split(":")))
            except ValueError:
                numbers = ()
            if not numbers or (len(numbers) > 1 and not self.several):
                self.fail(f"{name}={text} is no number; write {_EXAMPLES[self.name]}", param, ctx)
            named[name] = numbers if self.several else numbers[0]
        return named


class Conditions(click.ParamType):
    """NAME=OTHER+OTHER with commas between them, as a mapping from a name to the others."""

    name = "conditions"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> dict[str, tuple[str, ...]]:
        if isinstance(value, Mapping):
            return dict(value)
        named = {}
        for name, text in _assigned(self, value, param, ctx):
            named[name] = tuple(other.strip() for other in text.split("+") if other.strip())
            if not named[name]:
                self.fail(f"{name}= names no other; write {_EXAMPLES[self.name]}", param, ctx)
        return named


def _assigned(
    kind: click.ParamType, text: str, param: click.Parameter | None, ctx: click.Context | None
) -> list[tuple[str, str]]:
    """The parts NAME=TEXT of an option, each name once."""
    pairs = [part.partition("=") for part in text.split(",") if part.strip()]
    names = [name.strip() for name, _, _ in pairs]
    if not all(names) or not all(mark for _, mark, _ in pairs) or len({*names}) < len(names):
        kind.fail(
            f"{text!r} does not name each property once; write {_EXAMPLES[kind.name]}", param, ctx
        )
    return [(name, rest.strip()) for name, (_, _, rest) in zip(names, pairs, strict=True)]


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
        return Counts() if default and isinstance(default[0], int) else Names()
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


def engine_option(command: Callable) -> Callable:
    """The option that has a command's tasks run by an engine; the command itself never sees it."""

    @wraps(command)
    def on_engine(*args: Any, engine: str, **options: Any) -> Any:
        from property_cnn.jobs.engines.opening import engine as opened

        with opened(engine):
            return command(*args, **options)

    return click.option(
        "--engine",
        default=THREADS,
        show_default=True,
        metavar="NAME",
        help="What computes: dask-local:4, ray-local:4, dask://host:8786[/FOLDER], "
        "ray://host:10001; changes nothing.",
    )(on_engine)


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
    f'What they shall change, "all" for all that is scored; {",".join(CONTROLLED)}.',
    type=Names(),
)
group_by_option = setting(
    FindSettings,
    "group_by",
    f'What splits samples, "" for one group; {",".join(GROUPING)}.',
    type=Names(),
)
strengths_option = setting(
    FindSettings,
    "strengths",
    f"Strengths that a test moves a property by, as {_EXAMPLES['strengths']}; the method's own.",
    type=Numbers(several=True),
    metavar="NAME=A:B:…,…",
)
condition_option = click.option(
    "--condition",
    "conditions",
    type=Conditions(),
    metavar="NAME=OTHER+…,…",
    help=f"Directions without what they share with others, as {_EXAMPLES['conditions']}.",
)
component_options = stacked(
    click.option(
        "--components",
        "components_count",
        type=Count(),
        default=ComponentSettings.count,
        show_default=True,
        help="Components of pca and sefa to choose among; of style space, channels to score.",
    ),
    click.option(
        "--channel-slopes",
        "components_slopes",
        type=click.Choice(SLOPES),
        default=ComponentSettings.slopes,
        show_default=True,
        help="Channels of style space are ranked by samples, or by back-propagation.",
    ),
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
    setting(
        FindSettings,
        "units",
        "Of strengths: lengths at the layer, or standard deviations of the score, the default of "
        "generators that lack the shipped one's layers.",
        **choice(UNITS),
    ),
    setting(
        FindSettings,
        "keep",
        'What decoupled directions shall leave alone beside each other: scores, or "identity".',
        type=Names(),
        default=(),
        show_default=False,
    ),
    click.option(
        "--jacobian",
        "decoupled_jacobian",
        type=click.Choice(JACOBIANS),
        default=DecoupledSettings.jacobian,
        show_default=True,
        help="Derivatives of decoupled directions: of a fit, by back-propagation, or of a network "
        "at each face.",
    ),
    click.option(
        "--damping",
        "decoupled_damping",
        type=float,
        default=DecoupledSettings.damping,
        show_default=True,
        help="By how much scores that are kept may give way; 0 holds them exactly.",
    ),
    component_options,
    click.option(
        "--channels",
        "components_channels",
        type=Count(),
        default=ComponentSettings.channels,
        show_default=True,
        help="Channels of style space that one direction moves.",
    ),
    loading_options,
    setting(FindSettings, "ratio", "Top and bottom share an SVM learns from."),
    strengths_option,
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
    setting(
        EvaluateSettings,
        "edits",
        "Most edited images a case; the full grid up to three properties, about 80 beyond.",
        type=Count(),
    ),
    setting(
        EvaluateSettings,
        "thresholds",
        f"Least |corr-coef| of a pass, as {_EXAMPLES['thresholds']}; 0.92 of eyes, else 0.88.",
        type=Numbers(),
        metavar="NAME=A,…",
    ),
    setting(EvaluateSettings, "steps", "Of each edit, directions taken anew before each."),
    setting(
        EvaluateSettings, "target", "Edit until the scorer sees the strengths, in as many steps."
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


def _with_options(context: click.Context, option: click.Parameter, given: str | None) -> str | None:
    """The name of a generator, which carries the options that were given beside it."""
    options = context.meta.get(_OPTIONS)
    if not options or given is None:
        return given
    from stylegan_ft.formats.options import with_name

    return with_name(given, options)


open_option = click.option(
    "--option",
    type=Option(),
    multiple=True,
    is_eager=True,
    expose_value=False,
    callback=lambda context, option, given: context.meta.update(
        {_OPTIONS: {**context.meta.get(_OPTIONS, {}), **dict(given)}}
    ),
    metavar="NAME=VALUE",
    help="What the generator's file does not tell, as fused_scale=false; see vectorfind info. May "
    "be given several times.",
)


def _with_noise(context: click.Context, option: click.Parameter, given: str | None) -> None:
    if given is not None:
        context.meta[_OPTIONS] = {**context.meta.get(_OPTIONS, {}), "noise": given}


noise_option = click.option(
    "--noise",
    is_eager=True,
    expose_value=False,
    callback=_with_noise,
    metavar="const|none|SEED",
    help="What synthesis adds to its maps: the stored noise, none, or another.  [default: const]",
)


def generator_option(
    help: str = '"default", "base" or a checkpoint.',
    default: str | None = "default",
    flag: str = "--generator",
) -> Callable:
    """The option that names a generator, and beside it --option."""
    named = click.option(
        flag, default=default, show_default=default is not None, help=help, callback=_with_options
    )
    return stacked(named, open_option, noise_option)


def file_argument(name: str, required: bool = True) -> Callable:
    """The argument that is a network's file, and beside it --option."""

    def with_options(context: click.Context, argument: click.Parameter, given: str | None):
        if given is None and context.meta.get(_OPTIONS):
            raise click.UsageError(f"--option and --noise are of a file; give {name.upper()}")
        return _with_options(context, argument, given)

    named = click.argument(name, required=required, type=click.Path(), callback=with_options)
    return stacked(named, open_option, noise_option)


model_options = stacked(generator_option(), scorer_option)
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
    type=StorePlace(),
    help="Folder, or URL as s3://bucket/samples, where samples are kept and found again; several "
    "runs may share it.",
)


def out_option(help: str, type: click.ParamType | None = None) -> Callable:
    """The option --out, which every command that writes must be given; a folder or file if not
    of another type.
    """
    return click.option("--out", required=True, type=type or GivenPath(), help=help)


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


def echo_verified(found: Verified | StoreCheck, as_json: bool) -> None:
    """Prints what is missing or altered; exits with 1 where something is."""
    if as_json:
        echo_json(found.values())
    else:
        for line in found.lines():
            click.echo(line)
    if not found.whole:
        click.get_current_context().exit(1)


def say(quiet: bool) -> Callable[[str], None]:
    """What prints a job's lines, or nothing, as where results alone are wanted, as JSON."""
    return (lambda line: None) if quiet or wants_json() else click.echo


def settings_from(settings: type, options: Mapping[str, Any]) -> Any:
    """The settings whose fields are among a command's options; the others keep their defaults.

    An option outer_inner is the field `inner` of the settings that are the field `outer`.
    """
    given = {}
    for each in fields(settings):
        if each.name in options:
            given[each.name] = options[each.name]
        elif is_dataclass(each.default_factory):
            prefix = f"{each.name}_"
            inner = {k.removeprefix(prefix): v for k, v in options.items() if k.startswith(prefix)}
            given[each.name] = settings_from(each.default_factory, inner)
    return settings(**given)


def command_line() -> str:
    """The command that is running, with the options that were given, but for those that only
    concern this machine.
    """
    context = click.get_current_context()
    words = [context.command_path]
    for option in context.command.params:
        given = context.get_parameter_source(option.name) == ParameterSource.COMMANDLINE
        if given and option.name in context.params and option.name not in _OF_THE_MACHINE:
            words += _typed(option, context.params[option.name])
    return " ".join(words)


def _typed(option: click.Parameter, value: Any) -> list[str]:
    """An option and its value as one types them."""
    if isinstance(value, bool):
        return [option.opts[0]] if value else option.secondary_opts[:1]
    if not isinstance(value, tuple):
        return [option.opts[0], shlex.quote(str(value))]
    if option.nargs > 1:
        return [option.opts[0], *(shlex.quote(str(each)) for each in value)]
    if getattr(option, "multiple", False):
        return [word for each in value for word in (option.opts[0], shlex.quote(str(each)))]
    return [option.opts[0], shlex.quote(",".join(map(str, value)))]
