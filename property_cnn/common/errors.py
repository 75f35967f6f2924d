"""The library's family of exceptions; each is also the standard exception that fits it.

They live in the lowest package so that every other one can raise them. Anything of this
family is the user's to mend: the command line prints it as one line and exits with 2.
"""

from __future__ import annotations


class VectorfindError(Exception):
    """Base of every error that the library raises on purpose."""


class SkippedError(VectorfindError):
    """All was done but for inputs that could not be read, which are named; exit code 3."""

    exit_code = 3


class InputError(VectorfindError, ValueError):
    """An argument or a setting is not one of the allowed ones."""


class CheckpointError(VectorfindError, ValueError):
    """A file of weights, directions or results is missing, damaged or of another kind."""


class FileError(VectorfindError, OSError):
    """The operating system refuses to write or to read a file: its reason and what can be done."""


class MissingError(VectorfindError, ImportError):
    """A package that only an extra installs is not there; says which extra."""


class ScorerError(VectorfindError, ValueError):
    """A scorer answered with a wrong shape, with infinities, or could not read the images."""


class TrainingError(VectorfindError, RuntimeError):
    """A training has gone wrong: numbers that are not finite, or a generator that collapsed."""
