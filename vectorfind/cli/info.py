"""`vectorfind info`: what is installed, or what a file holds."""

from __future__ import annotations

from pathlib import Path

import click


@click.command(short_help="Show versions and models, or what a file holds.")
@click.argument("path", required=False, type=click.Path(path_type=Path))
def info(path: Path | None) -> None:
    """Shows versions and the shipped models, or what PATH holds.

    PATH is a run's folder, an .npz of directions, samples or latents, another project's .npy of
    a direction, or a checkpoint of a generator, of ours or another project.

    \b
    Example:
      vectorfind info
      vectorfind info demo
      vectorfind info demo/directions.npz
      vectorfind info ffhq.pkl
    """
    from vectorfind.describe import describe

    shown = describe(path)
    width = max(len(name) for name in shown)
    for name, value in shown.items():
        click.echo(f"{name:<{width}}  {value}")
