"""README and docs: what they name is there, their commands parse, their Python fits the library."""

import ast
import importlib
import inspect
import re
import shlex
from pathlib import Path

import click
import pytest

import vectorfind
from vectorfind.cli import main

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")),
         ROOT / "examples/results/README.md"]  # fmt: skip
MOST_WORDS = 900
"""Words of README, as `wc -w` counts them."""

FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
SPAN = re.compile(r"`([^`]+)`")
SOURCE = re.compile(r"(?<![\w/.*<])(?:[\w-]+/)+(?:[\w-]+\.(?:py|md|csv|html|png))?(?![\w/*<])")
DOTTED = re.compile(r"(?:vectorfind|property_cnn|stylegan_ft|reports)(?:\.\w+)+(?=\(|$)")
FLAG = re.compile(r"(?<!\S)--[a-z][a-z0-9-]+")
FOLDERS = ("vectorfind", "property_cnn", "stylegan_ft", "reports", "examples", "tests", "docs")

pages = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def fences(page, language):
    """The fenced blocks of a page in a language."""
    return [text for kind, text in FENCE.findall(page.read_text("utf-8")) if kind == language]


def spans(page):
    """The code spans of a page, its fenced blocks left out."""
    return [" ".join(span.split()) for span in SPAN.findall(FENCE.sub("", page.read_text("utf-8")))]


def lines_of_shell(page):
    """Command and arguments of each line of a page's shell blocks, comments left out."""
    for block in fences(page, "sh"):
        for line in block.replace("\\\n", " ").splitlines():
            if words := shlex.split(line, comments=True):
                yield words


def parse(words):
    """The values of a `vectorfind` command line; raises click.UsageError as the command would.

    Nothing is run, and files need not be there.
    """
    command, rest, context = main, words[1:], click.Context(main, info_name="vectorfind")
    while isinstance(command, click.Group) and rest and not rest[0].startswith("-"):
        inner = command.get_command(context, rest[0])
        if inner is None:
            raise click.UsageError(f"no command {rest[0]}")
        context = click.Context(inner, info_name=rest[0], parent=context)
        command, rest = inner, rest[1:]
    values, left, _ = command.make_parser(context).parse_args(list(rest))
    if left:
        raise click.UsageError(f"{left} are too many")
    for parameter in command.params:
        given = values.get(parameter.name)
        if isinstance(given, str | list | tuple) and not isinstance(parameter.type, click.Path):
            values[parameter.name] = parameter.type_cast_value(context, given)
    return values


def look_up(name):
    """What a dotted name stands for: modules are imported as far as it takes, then attributes."""
    parts = name.split(".")
    for end in range(len(parts), 0, -1):
        try:
            value = importlib.import_module(".".join(parts[:end]))
        except ModuleNotFoundError as error:
            if not name.startswith(error.name or "?"):
                raise
            continue
        for part in parts[end:]:
            value = getattr(value, part)
        return value
    raise AttributeError(name)


def test_parsing_refuses_what_no_command_has():
    assert parse(["vectorfind", "test", "-n", "160K", "--method", "svm"])["n"] == 160_000
    for wrong in ("fly", "test --wings 2", "test -n many", "hair fly", "test -n 4K more"):
        with pytest.raises(click.UsageError):
            parse(["vectorfind", *wrong.split()])


def test_looking_up_refuses_what_is_not_there():
    assert look_up("vectorfind.Directions.save") is vectorfind.Directions.save
    for wrong in ("vectorfind.nothing", "vectorfind.cli.nothing", "vectorfind.Directions.nothing"):
        with pytest.raises(AttributeError):
            look_up(wrong)


def test_readme_is_short():
    assert len((ROOT / "README.md").read_text("utf-8").split()) <= MOST_WORDS


def test_readme_links_every_page_of_docs():
    linked = set(LINK.findall((ROOT / "README.md").read_text("utf-8")))
    assert {f"docs/{page.name}" for page in (ROOT / "docs").glob("*.md")} <= linked


@pages
def test_links_lead_somewhere(page):
    text = FENCE.sub("", page.read_text("utf-8"))
    local = [target for target in LINK.findall(text) if "://" not in target]
    assert not [target for target in local if not (page.parent / target).exists()]


@pages
def test_files_that_are_named_are_there(page):
    text = page.read_text("utf-8")
    named = {path for path in SOURCE.findall(text) if path.split("/")[0] in FOLDERS}
    assert not [path for path in sorted(named) if not (ROOT / path).exists()]


@pages
def test_names_of_modules_and_functions_are_right(page):
    for span in spans(page):
        if match := DOTTED.match(span):
            look_up(match.group())


@pages
def test_commands_parse(page):
    for words in lines_of_shell(page):
        if words[0] == "vectorfind":
            parse(words)
        elif words[0] == "make":
            rules = (ROOT / "Makefile").read_text("utf-8")
            assert re.search(rf"^{words[1]}:", rules, re.MULTILINE), words
        else:
            assert words[:1] in (["python"], ["pip"]), words


@pages
def test_options_that_are_named_exist(page):
    known = {"--help"}

    def collect(command):
        for parameter in command.params:
            known.update([*parameter.opts, *parameter.secondary_opts])
        for inner in getattr(command, "commands", {}).values():
            collect(inner)

    collect(main)
    for span in spans(page):
        if span.startswith("vectorfind ") and "..." not in span and "…" not in span:
            parse(shlex.split(span.removesuffix(" --help")))
        assert set(FLAG.findall(span)) <= known, span


@pages
def test_python_fits_the_library(page):
    for block in fences(page, "python"):
        tree = ast.parse(block)
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom):
                for alias in node.names:
                    look_up(f"{node.module}.{alias.name}")
            elif isinstance(node, ast.Attribute):
                name = ast.unparse(node)
                if DOTTED.fullmatch(name):
                    look_up(name)
            elif isinstance(node, ast.Call) and DOTTED.fullmatch(ast.unparse(node.func)):
                keywords = {keyword.arg: None for keyword in node.keywords}
                signature = inspect.signature(look_up(ast.unparse(node.func)))
                signature.bind_partial(*node.args, **keywords)


def test_python_of_readme_uses_attributes_that_exist():
    (block,) = fences(ROOT / "README.md", "python")
    kinds = {"directions": vectorfind.Directions, "evaluation": vectorfind.Evaluation}
    used = [(kinds[node.value.id], node.attr) for node in ast.walk(ast.parse(block))
            if isinstance(node, ast.Attribute) and ast.unparse(node.value) in kinds]  # fmt: skip
    assert len(used) >= 5
    for kind, name in used:
        assert hasattr(kind, name) or name in kind.__dataclass_fields__, name
