"""Command lines of every command, with wrong words, for an --out that nothing can be written in."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import click
from hypothesis import strategies as st

from vectorfind.cli import main

WORDS = (
    "", " ", "0", "1", "5", "-1", "1.5", "nan", "inf", "-inf", "1e999", "1e-9", "1e38", "9" * 30,
    "1000000M", "1.001K", "K", "2" * 7000, "0x10", "eyes", "eyes,eyes", "eyes=1", "eyes=nan", "=",
    "eyes=0:1", "pose=1:", "w", "w+4-7", "w+0-999", "svm,svm", "eyes=svm", "float16", "meta", "cpu",
    "cuda:99", "../..", "/", "/dev/null", "file", "folder", "nothing", "folder/run", "file/x",
    "x" * 300, "$x^{", "<b>", "\u202e", "hub:", "hub:../x", "base", "default", "--", "-", "-n",
)  # fmt: skip

SERVERS = (("studio",), ("serve",))
"""Commands that serve until they are stopped."""

words = st.sampled_from(WORDS)
Command = tuple[tuple[str, ...], click.Command]


def commands(group: click.Group = main, before: tuple[str, ...] = ()) -> Iterator[Command]:
    """The words of each command, and the command."""
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, (*before, name))
        if not isinstance(command, click.Group) or command.invoke_without_command:
            yield (*before, name), command


def lines(out: str) -> st.SearchStrategy[list[str]]:
    """Command lines with up to three options of any value.

    Args:
        out: value of --out, where the command has one.
    """
    ending = [command for command in commands() if command[0] not in SERVERS]
    return st.sampled_from(ending).flatmap(lambda command: _line(*command, out))


def _line(name: tuple[str, ...], command: click.Command, out: str) -> st.SearchStrategy[list[str]]:
    options = [each for each in command.params if isinstance(each, click.Option)]
    named = [each for each in options if "--out" not in each.opts]
    given = [each.opts[0] for each in options if "--out" in each.opts]
    option = st.sampled_from(named).flatmap(_option) if named else st.just([])
    arguments = sum(isinstance(each, click.Argument) for each in command.params)
    places = st.lists(words, min_size=arguments, max_size=arguments + 1 if arguments else 0)
    written = [word for flag in given for word in (flag, out)]
    return st.builds(
        lambda some, places: [*name, *places, *itertools.chain(*some), *written],
        st.lists(option, max_size=3),
        places,
    )


def _option(option: click.Option) -> st.SearchStrategy[list[str]]:
    flag = option.opts[0]
    if option.is_flag:
        return st.sampled_from(([flag], [f"{flag}=1"]))
    choices = getattr(option.type, "choices", ())
    value = st.one_of(words, st.sampled_from(choices), words) if choices else words
    return value.map(lambda word: [f"{flag}={word}" if flag.startswith("--") else f"{flag}{word}"])
