"""Source code that opening a pickle would run: parsed here, never compiled, never run.

NVlabs' torch_utils.persistence keeps the source of each network's module in the file, and executes
it on loading. A module of networks imports, defines and names constants; a source that would do
anything else at its import marks a file that is not what it claims to be.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator

from property_cnn.common.errors import CheckpointError
from stylegan_ft.pickles.symbols import INSTEAD

LONGEST = 2**17
"""Letters of the longest source; NVlabs' own have some 40,000."""

MOST_WORDS = 2**15
"""Words and signs in it, each of which takes about a KiB when parsed; NVlabs' have some 10,000."""

_WORDS = re.compile(r"\w+|[^\w ]")

HARMLESS = frozenset(
    """
    builtins.classmethod builtins.dict builtins.float builtins.frozenset builtins.int builtins.list
    builtins.property builtins.set builtins.staticmethod builtins.tuple
    abc.abstractmethod contextlib.contextmanager dataclasses.dataclass dataclasses.field
    functools.lru_cache math.log2 math.sqrt numpy.array numpy.log2 numpy.sqrt
    torch.inference_mode torch.no_grad torch_utils.misc.profiled_function
    torch_utils.persistence.persistent_class typing.TypeVar
    """.split()
)
"""Full names of what may be called, and may decorate, where the module is imported."""

NAMES = frozenset("__all__ __author__ __init__ __call__ __len__ __repr__ __slots__ __str__".split())
"""Names between double underscores that may be defined; others may be run by loading an object."""

_Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda

_PLAIN = frozenset(
    getattr(ast, name)
    for name in """
    Module Import ImportFrom alias FunctionDef AsyncFunctionDef ClassDef Assign AnnAssign Expr Pass
    If Try ExceptHandler arguments arg keyword
    Constant Name Attribute Subscript Slice Tuple List Dict Set UnaryOp BinOp BoolOp Compare IfExp
    Lambda Call
    """.split()
)
"""What a module of networks is made of, as far as its import runs it."""

_SIGNS = (ast.expr_context, ast.unaryop, ast.operator, ast.boolop, ast.cmpop)
"""Parts that are no more than signs: + and the like."""


def check_source(source: str) -> None:
    """Refuses the source of a module that does more than import and define.

    What is inside functions is not looked at: it does not run where the module is imported.

    Raises:
        CheckpointError: importing it would do something else, or it is no Python.
    """
    words = sum(1 for _ in _WORDS.finditer(source, 0, LONGEST))
    if len(source) > LONGEST or words > MOST_WORDS:
        raise _refused(f"has {len(source):,} letters and more parts than it can need")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of escapes that later Pythons will not know
            nodes = list(_imported(ast.parse(source)))
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise _refused(f"is no Python that can be read ({type(error).__name__})") from error
    origins = _origins(nodes)
    for node in nodes:
        fault = _fault(node, origins)
        if fault:
            raise _refused(f"would {fault} in line {getattr(node, 'lineno', 1)}")


def _imported(tree: ast.Module) -> Iterator[ast.AST]:
    """All nodes that importing a module runs: bodies of functions are left out."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, _Function):
            waiting += (part for part in ast.iter_child_nodes(node) if not isinstance(part, _SIGNS))
        else:
            waiting.append(node.args)
            if not isinstance(node, ast.Lambda):
                waiting += [*node.decorator_list, *([node.returns] if node.returns else [])]


def _origins(nodes: list[ast.AST]) -> dict[str, str]:
    """Name -> the full name of what was imported by it; "" where it stands for something else."""
    bound: list[tuple[str, str]] = []
    for node in nodes:
        if isinstance(node, ast.Import):
            for alias in node.names:
                whole = alias.name if alias.asname else alias.name.partition(".")[0]
                bound.append((alias.asname or whole, whole))
        elif isinstance(node, ast.ImportFrom):
            module = node.module if node.module and not node.level else ""
            bound += [(a.asname or a.name, f"{module}.{a.name}") for a in node.names]
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            bound.append((node.id, ""))
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            bound.append((node.name, ""))
        elif isinstance(node, ast.ExceptHandler) and node.name:
            bound.append((node.name, ""))
    origins: dict[str, str] = {}
    for name, origin in bound:
        origins[name] = origin if origins.get(name, origin) == origin else ""
    return origins


def _fault(node: ast.AST, origins: dict[str, str]) -> str:
    """What a node does that a module of networks does not; "" if nothing."""
    if type(node) not in _PLAIN:
        return f"run a {type(node).__name__!r}"
    if isinstance(node, ast.Call):
        return _harm(node.func, origins)
    if isinstance(node, ast.Attribute | ast.Subscript) and isinstance(node.ctx, ast.Store):
        return "change an object"
    if isinstance(node, ast.ImportFrom) and any(alias.name == "*" for alias in node.names):
        return f"import all names of {str(node.module)[:60]!r}"
    if isinstance(node, ast.ClassDef) and node.keywords:
        return "make a class in a way of its own"
    for name in _defined(node):
        if name.startswith("__") and name.endswith("__") and name not in NAMES:
            return f"define {name[:60]!r}"
    for decorator in getattr(node, "decorator_list", ()):
        harm = "" if isinstance(decorator, ast.Call) else _harm(decorator, origins)
        if harm:
            return harm
    return ""


def _harm(function: ast.expr, origins: dict[str, str]) -> str:
    parts: list[str] = []
    while isinstance(function, ast.Attribute):
        parts.append(function.attr)
        function = function.value
    if not isinstance(function, ast.Name):
        return "call the result of an expression"
    name = ".".join([origins.get(function.id, f"builtins.{function.id}"), *parts[::-1]])
    shown = ".".join([function.id, *parts[::-1]])
    return "" if name in HARMLESS else f"call {shown[:60]!r}"


def _defined(node: ast.AST) -> Iterator[str]:
    """Names that a node gives something to."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield node.name
    elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
        yield node.id
    elif isinstance(node, ast.alias):
        yield node.asname or node.name


def _refused(why: str) -> CheckpointError:
    return CheckpointError(
        f"its embedded source code {why}; no network's does, and nothing of it was run; {INSTEAD}"
    )
