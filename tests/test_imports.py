"""The packages' shape: imports go one way and in no circle, folders are small, names are few."""

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ALLOWED = {
    "property_cnn": set(),
    "reports": set(),
    "stylegan_ft": {"property_cnn"},
    "vectorfind": {"property_cnn", "reports", "stylegan_ft"},
}
"""Package -> the other packages that it may import."""

MOST_ENTRIES = 14
"""Files and folders that a folder of source may show."""


def modules(root):
    """Name -> path, of every module of the packages under a folder."""
    found = {}
    for package in ALLOWED:
        for path in sorted((root / package).rglob("*.py")):
            parts = path.relative_to(root).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imported(name, path, known):
    """The known modules that a module imports: anywhere in it, also inside functions and under
    TYPE_CHECKING, or by name in a table of `lazy_names`.
    """
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)
        elif isinstance(node, ast.ImportFrom):
            source = node.module or ""
            if node.level:
                own = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
                own = own[: len(own) - node.level + 1]
                source = ".".join([*own, *([source] if source else [])])
            for alias in node.names:
                inner = f"{source}.{alias.name}"
                yield from (n for n in ((inner,) if inner in known else (source,)) if n in known)
        elif isinstance(node, ast.Call) and getattr(node.func, "id", "") == "lazy_names":
            yield from (n.value for n in ast.walk(node)
                        if isinstance(n, ast.Constant) and n.value in known)  # fmt: skip
        elif isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "import_module":
            yield from (a.value for a in node.args
                        if isinstance(a, ast.Constant) and a.value in known)  # fmt: skip


def graph(root):
    known = modules(root)
    return {name: set(imported(name, path, known)) - {name} for name, path in known.items()}


def circles(edges):
    """The groups of modules, of two or more, each of which reaches every other of its group."""

    def reached(start):
        seen, left = set(), [start]
        while left:
            new = edges[left.pop()] - seen
            seen |= new
            left += new
        return seen

    reach = {name: reached(name) for name in edges}
    groups = {
        frozenset({name, *(other for other in reach[name] if name in reach[other])})
        for name in edges
        if name in reach[name]
    }
    return sorted(sorted(group) for group in groups)


MODULES = modules(ROOT)


def test_no_imports_go_in_a_circle():
    assert circles(graph(ROOT)) == []


def test_packages_import_one_way():
    wrong = [
        (name, other)
        for name, others in graph(ROOT).items()
        for other in others
        if other.split(".")[0] not in ALLOWED[name.split(".")[0]] | {name.split(".")[0]}
    ]
    assert wrong == []


@pytest.mark.parametrize(
    "hidden",
    [
        "def late():\n    from vectorfind import a",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import vectorfind.a",
        "from vectorfind.a import something",
        "from . import a",
        '__getattr__ = lazy_names(__name__, {"something": "vectorfind.a"})',
        'import importlib\ndef late():\n    importlib.import_module("vectorfind.a")',
    ],
)
def test_a_hidden_circle_is_found(tmp_path, hidden):
    folder = tmp_path / "vectorfind"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "a.py").write_text("import vectorfind.b\nimport vectorfind.c\n")
    (folder / "b.py").write_text(hidden)
    (folder / "c.py").write_text("import vectorfind\n")
    assert circles(graph(tmp_path)) == [["vectorfind.a", "vectorfind.b"]]


@pytest.mark.parametrize("name", MODULES)
def test_a_module_says_what_it_is_for(name):
    assert ast.get_docstring(ast.parse(MODULES[name].read_text(encoding="utf-8")))


def test_a_folder_shows_about_a_dozen_entries():
    crowded = {}
    for package in ALLOWED:
        for folder in [ROOT / package, *(p for p in (ROOT / package).rglob("*") if p.is_dir())]:
            entries = [path.name for path in folder.iterdir() if path.name != "__pycache__"]
            if len(entries) > MOST_ENTRIES and folder.name != "weights":
                crowded[str(folder.relative_to(ROOT))] = len(entries)
    assert crowded == {}


@pytest.mark.parametrize("package", ALLOWED)
def test_a_package_has_a_handful_of_public_names(package):
    module = importlib.import_module(package)
    names = getattr(module, "__all__", [])
    assert len(names) <= 8
    for name in names:
        assert getattr(module, name) is not None


@pytest.mark.parametrize(
    "code",
    [
        "import vectorfind, vectorfind.config",
        "from vectorfind.cli import main; main(['--help'], standalone_mode=False)",
        "from vectorfind.cli import main; main(['test', '--help'], standalone_mode=False)",
        "from vectorfind.cli import main; main(['info'], standalone_mode=False)",
    ],
)
def test_a_start_loads_no_torch(code):
    program = f"import sys\n{code}\nsys.exit('torch' in sys.modules)"
    ended = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, check=False
    )
    assert ended.returncode == 0, ended.stderr


@pytest.mark.parametrize("path", sorted((ROOT / "examples").glob("*.py")), ids=lambda p: p.name)
def test_an_example_imports_what_there_is(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module.split(".")[0] in ALLOWED:
            module = importlib.import_module(node.module)
            for alias in node.names:
                assert f"{node.module}.{alias.name}" in MODULES or hasattr(module, alias.name)
