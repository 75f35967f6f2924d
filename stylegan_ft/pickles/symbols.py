"""What a pickle may name, and the plain symbols that stand for what it would have made.

A pickle is a program: it names functions and classes and has them called. Here names and calls
stay symbols, and a file that names anything outside a short list is refused as a whole, whether
the name is called, stored or handed on. The list holds what networks and torch.save files name;
being on it runs nothing either.
"""

from __future__ import annotations

from dataclasses import dataclass

from property_cnn.common.errors import CheckpointError

DTYPES = {
    "DoubleStorage": "float64",
    "FloatStorage": "float32",
    "HalfStorage": "float16",
    "BFloat16Storage": "bfloat16",
    "LongStorage": "int64",
    "IntStorage": "int32",
    "ShortStorage": "int16",
    "CharStorage": "int8",
    "ByteStorage": "uint8",
    "BoolStorage": "uint8",
    "UntypedStorage": "uint8",
}
"""torch's storages, and the types that their numbers are read as."""

KNOWN = {
    "argparse": "Namespace",
    "builtins": "bool bytearray bytes complex dict float frozenset int list object range set slice "
    "str tuple",
    "_codecs": "encode",
    "collections": "Counter OrderedDict defaultdict deque",
    "copyreg": "_reconstructor",
    "dnnlib": "EasyDict",
    "dnnlib.util": "EasyDict",
    "easydict": "EasyDict",
    "numpy": "dtype ndarray",
    "numpy.core.multiarray": "_reconstruct scalar",
    "numpy.core.numeric": "_frombuffer",
    "pathlib": "Path PosixPath PurePath PurePosixPath PureWindowsPath WindowsPath",
    "torch": "ComplexDoubleStorage ComplexFloatStorage Size Tensor bfloat16 bool channels_last "
    "contiguous_format device float16 float32 float64 int16 int32 int64 int8 preserve_format uint8 "
    + " ".join(DTYPES),
    "torch._tensor": "_rebuild_from_type_v2",
    "torch._utils": "_rebuild_parameter _rebuild_parameter_with_state _rebuild_tensor "
    "_rebuild_tensor_v2",
    "torch.nn.parameter": "Buffer Parameter",
    "torch.serialization": "_get_layout",
    "torch.storage": "TypedStorage UntypedStorage _load_from_bytes",
    "torch_utils.persistence": "_reconstruct_persistent_obj",
    "types": "SimpleNamespace",
}
"""Module -> the names that a file may mention; torch's own layers may be mentioned too."""

LAYERS = "torch.nn.modules."
"""Beginning of the full names of torch's own layers."""

FORMER = {
    "__builtin__": "builtins",
    "copy_reg": "copyreg",
    "numpy._core.multiarray": "numpy.core.multiarray",
    "numpy._core.numeric": "numpy.core.numeric",
}
"""Other names of the same modules, of other versions."""

ALLOWED = frozenset(f"{module}.{name}" for module, names in KNOWN.items() for name in names.split())

MAPPINGS = frozenset(
    {
        "builtins.dict",
        "collections.OrderedDict",
        "collections.defaultdict",
        "dnnlib.EasyDict",
        "dnnlib.util.EasyDict",
        "easydict.EasyDict",
    }
)
"""Classes whose new objects are plain dictionaries here."""

LOAD_BYTES = "torch.storage._load_from_bytes"

RECONSTRUCT = "torch_utils.persistence._reconstruct_persistent_obj"
"""Makes a network of its description, whose entry `SOURCE` is executed first."""

SOURCE = "module_src"

INSTEAD = "if you trust its source, save the generator's state_dict() alone and give that"
"""What helps where a file is refused."""

TENSORFLOW = ("dnnlib.tflib.", "tensorflow.")
"""Beginnings of the names that NVlabs' first pickles, of TensorFlow, mention."""


@dataclass(frozen=True, slots=True)
class Span:
    """Bytes that stay in the file: where they start and how many they are."""

    start: int
    length: int


@dataclass(frozen=True, slots=True)
class Global:
    """A function or class by its full name."""

    name: str


@dataclass(frozen=True, slots=True, repr=False)
class Persistent:
    """What the file's writer kept outside the pickle, by its identification."""

    pid: object


@dataclass(eq=False, slots=True, repr=False)
class Call:
    """What calling a function or class would have made.

    It has no text of its own, which could be endless.

    Attributes:
        name: full name of what would be called.
        args: its arguments.
        state: what would be set on the result afterwards.
    """

    name: str
    args: tuple
    state: object = None


def known_global(module: str, name: str) -> Global:
    """The symbol of a name in a file.

    Raises:
        CheckpointError: it is not on the list.
    """
    full = f"{FORMER.get(module, module)}.{name}"
    if full in ALLOWED or full.startswith(LAYERS):
        return Global(full)
    if full.startswith(TENSORFLOW):
        raise CheckpointError(
            "it is a TensorFlow pickle; convert it with legacy.py of NVlabs' stylegan3 and give "
            "the new file"
        )
    shown = f"{module}.{name}"[:100]
    raise CheckpointError(
        f"it names {shown!r}, which no file of weights needs, so nothing of it was read; {INSTEAD}"
    )
