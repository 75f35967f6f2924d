"""`vectorfind convert`: a generator's checkpoint to our safetensors."""

from __future__ import annotations

from pathlib import Path

import click


@click.command(short_help="Write a checkpoint as safetensors.")
@click.argument("file", type=click.Path(path_type=Path))
@click.argument("out", type=click.Path(path_type=Path))
@click.option(
    "--precision",
    type=click.Choice(("float32", "float16")),
    default="float32",
    show_default=True,
    help="float16 halves the file and rounds the weights.",
)
def convert(file: Path, out: Path, precision: str) -> None:
    """Writes the network in FILE to OUT, a .safetensors that loads at once and runs no code.

    FILE is a StyleGAN2-ADA or StyleGAN3 pickle of NVlabs, a .pt of rosinality, a .pth of
    genforce, or a plain state dict; its content tells which, and nothing in it is executed.

    \b
    Example:
      vectorfind convert ffhq.pkl ffhq.safetensors --precision float16
      vectorfind info ffhq.safetensors
    """
    from stylegan_ft.formats.convert import convert_file
    from vectorfind.folders import writable_folder

    writable_folder(out.parent)
    convert_file(file, out, precision)
    click.echo(f"checkpoint: {out}")
