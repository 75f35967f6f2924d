"""The names that files of weights mention: an exact list, in which no part stands for others.

Being on it runs nothing here. It says that Python's own unpickler, too, does no more for that name
than make data of data; `stylegan_ft.pickles.machine` looks at the few that run what they are given.
"""

from __future__ import annotations

STORAGES = {
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

LAYERS = {
    "activation": "ELU GELU GLU Hardsigmoid Hardswish Hardtanh LeakyReLU LogSigmoid LogSoftmax "
    "Mish MultiheadAttention PReLU ReLU ReLU6 SELU SiLU Sigmoid Softmax Softmax2d Softplus "
    "Softsign Tanh",
    "batchnorm": "BatchNorm1d BatchNorm2d BatchNorm3d SyncBatchNorm",
    "container": "ModuleDict ModuleList ParameterDict ParameterList Sequential",
    "conv": "Conv1d Conv2d Conv3d ConvTranspose1d ConvTranspose2d ConvTranspose3d",
    "distance": "CosineSimilarity PairwiseDistance",
    "dropout": "AlphaDropout Dropout Dropout1d Dropout2d Dropout3d",
    "flatten": "Flatten Unflatten",
    "fold": "Fold Unfold",
    "instancenorm": "InstanceNorm1d InstanceNorm2d InstanceNorm3d",
    "linear": "Bilinear Identity Linear",
    "loss": "BCELoss BCEWithLogitsLoss CrossEntropyLoss HuberLoss KLDivLoss L1Loss MSELoss NLLLoss "
    "SmoothL1Loss TripletMarginLoss",
    "module": "Module",
    "normalization": "GroupNorm LayerNorm LocalResponseNorm",
    "padding": "ConstantPad1d ConstantPad2d ReflectionPad1d ReflectionPad2d ReplicationPad1d "
    "ReplicationPad2d ZeroPad2d",
    "pixelshuffle": "PixelShuffle PixelUnshuffle",
    "pooling": "AdaptiveAvgPool1d AdaptiveAvgPool2d AdaptiveMaxPool1d AdaptiveMaxPool2d AvgPool1d "
    "AvgPool2d LPPool2d MaxPool1d MaxPool2d",
    "rnn": "GRU GRUCell LSTM LSTMCell RNN RNNCell",
    "sparse": "Embedding EmbeddingBag",
    "transformer": "Transformer TransformerDecoder TransformerDecoderLayer TransformerEncoder "
    "TransformerEncoderLayer",
    "upsampling": "Upsample UpsamplingBilinear2d UpsamplingNearest2d",
}
"""Module of torch.nn.modules -> its layers."""

KNOWN = {
    "argparse": "Namespace",
    "builtins": "bool bytearray bytes complex dict float frozenset int list object range set slice "
    "str tuple",
    "_codecs": "encode",
    "collections": "Counter OrderedDict defaultdict deque",
    "copyreg": "_reconstructor",
    "datetime": "date datetime time timedelta timezone",
    "dnnlib": "EasyDict",
    "dnnlib.util": "EasyDict",
    "easydict": "EasyDict",
    "numpy": "dtype ndarray",
    "numpy.core.multiarray": "_reconstruct scalar",
    "numpy.core.numeric": "_frombuffer",
    "pathlib": "Path PosixPath PurePath PurePosixPath PureWindowsPath WindowsPath",
    "torch": "ComplexDoubleStorage ComplexFloatStorage Size Tensor bfloat16 bool channels_last "
    "contiguous_format device float16 float32 float64 int16 int32 int64 int8 preserve_format uint8 "
    + " ".join(STORAGES),
    "torch._tensor": "_rebuild_from_type_v2",
    "torch._utils": "_rebuild_parameter _rebuild_parameter_with_state _rebuild_tensor "
    "_rebuild_tensor_v2",
    "torch.nn.parameter": "Buffer Parameter",
    **{f"torch.nn.modules.{module}": names for module, names in LAYERS.items()},
    "torch.serialization": "_get_layout",
    "torch.storage": "TypedStorage UntypedStorage _load_from_bytes",
    "torch_utils.persistence": "_reconstruct_persistent_obj",
    "types": "SimpleNamespace",
    "typing": "Any Dict List Optional Tuple Union",
}
"""Module -> the names that a file may mention."""

FORMER = {
    "__builtin__": "builtins",
    "copy_reg": "copyreg",
    "numpy._core.multiarray": "numpy.core.multiarray",
    "numpy._core.numeric": "numpy.core.numeric",
    "pathlib._local": "pathlib",
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

CONTAINERS = MAPPINGS | {
    "builtins.bytearray",
    "builtins.list",
    "builtins.set",
    "collections.Counter",
    "collections.deque",
    "copyreg._reconstructor",
}
"""What makes an object that values may be put into afterwards."""

LOAD_BYTES = "torch.storage._load_from_bytes"
"""Unpickles the bytes that it is given."""

FROM_TYPE = "torch._tensor._rebuild_from_type_v2"
"""Calls the function that it is given."""

SCALAR = "numpy.core.multiarray.scalar"
"""Gives its second argument itself where its first is the type of objects."""

ENCODE = "_codecs.encode"
"""Bytes of a text whose letters stand for them, in pickles of protocol 2 and below."""

LATIN = ("latin1", "latin-1", "iso-8859-1")
"""Names of the coding in which a letter is a byte."""

RECONSTRUCTOR = "copyreg._reconstructor"
"""Makes an object of a class, a base class and the value of that."""

RECONSTRUCT = "torch_utils.persistence._reconstruct_persistent_obj"
"""Makes a network of its description, whose entry `SOURCE` is executed first."""

SOURCE = "module_src"

NETWORKS = frozenset({"dnnlib.tflib.network.Network", "dnnlib.tflib.Network", "tfutil.Network"})
"""Classes of TensorFlow's networks, whose content is read as data.

They are on no list: to open such a file by TensorFlow's reader is to run the functions in it.
"""
