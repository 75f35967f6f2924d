"""The command `vectorfind`: the group of all commands, and errors in one line."""

from __future__ import annotations

import warnings
from typing import Any

import click

from property_cnn.common.errors import VectorfindError
from vectorfind import __version__
from vectorfind.cli.bench import bench
from vectorfind.cli.characters.edit import edit
from vectorfind.cli.characters.invert import invert
from vectorfind.cli.characters.pick import pick
from vectorfind.cli.characters.render import render
from vectorfind.cli.characters.serve import serve
from vectorfind.cli.characters.studio import studio
from vectorfind.cli.curve import curve
from vectorfind.cli.directions import directions
from vectorfind.cli.find import find, rank, sample
from vectorfind.cli.finetune.command import finetune
from vectorfind.cli.models.files import convert, fetch, info, models
from vectorfind.cli.models.layers import layers
from vectorfind.cli.models.scorer import scorer
from vectorfind.cli.models.store import store
from vectorfind.cli.report import compare, report, verify
from vectorfind.cli.segmentation.hair import hair
from vectorfind.cli.segmentation.segment import segment
from vectorfind.cli.test import evaluate, test

LONGEST = 6000
"""Characters of an error; a path may have 4096."""


class OneLineError(click.ClickException):
    """What the user has to mend: `Error: …` on stderr, and the exit code: 2 unless told."""

    def __init__(self, message: str, exit_code: int = 2):
        super().__init__(message)
        self.exit_code = exit_code


class Commands(click.Group):
    """A group that prints whatever is the user's to mend as one line, without a traceback."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)  # in the order of adding

    def invoke(self, ctx: click.Context) -> Any:
        warnings.formatwarning = _warning
        try:
            return super().invoke(ctx)
        except (click.exceptions.NoArgsIsHelpError, BrokenPipeError):
            raise
        except click.UsageError as error:
            path = error.ctx.command_path if error.ctx else ctx.command_path
            message = error.format_message().rstrip(".")
            raise OneLineError(_one_line(f"{message}; see {path} --help")) from error
        except VectorfindError as error:
            code = getattr(error, "exit_code", 2)
            raise OneLineError(_one_line(str(error)), code) from error
        except OSError as error:
            raise OneLineError(_one_line(_refusal(error))) from error


def _warning(message: Warning | str, *_: Any, **__: Any) -> str:
    return f"Warning: {_one_line(str(message))}\n"


def _refusal(error: OSError) -> str:
    """What the system refuses, without its number: "Permission denied: out/faces.png"."""
    if error.strerror is None:
        return str(error) or type(error).__name__
    return f"{error.strerror}: {error.filename}" if error.filename else error.strerror


def _one_line(message: str) -> str:
    """The message without breaks, and without the middle of a word that someone made endless."""
    line = " ".join(message.split())
    return line if len(line) <= LONGEST else f"{line[: LONGEST // 2]} … {line[-LONGEST // 2 :]}"


@click.group("vectorfind", cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="vectorfind")
def main() -> None:
    """Finds directions in a StyleGAN's latent space that change one property of its images by
    a wanted amount, and proves it by measurement.

    \b
    All in one, on the models that the package ships:
      vectorfind test -n 4000 --cases 36 --out demo
    Then open demo/report.html.
    """


for command in (
    test,
    curve,
    sample,
    store,
    find,
    rank,
    evaluate,
    edit,
    invert,
    pick,
    render,
    studio,
    serve,
    report,
    compare,
    verify,
    directions,
    layers,
    convert,
    fetch,
    info,
    models,
    bench,
    scorer,
    segment,
    hair,
    finetune,
):
    main.add_command(command)
