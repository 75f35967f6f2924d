"""OpenVINO's IR, an .xml and a .bin, checked before OpenVINO reads it.

The .xml is read by the parser that takes no document type; what its constants name must lie within
the .bin. Libraries of further operators are never loaded.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from joblib import cpu_count

from property_cnn.common.errors import CheckpointError
from property_cnn.common.files import is_file, reading
from property_cnn.common.prompt import extra_module
from stylegan_ft.exports.files import check_size
from stylegan_ft.exports.parts import Part, Slot, saying
from stylegan_ft.formats.mobile.openvino_ir import LARGEST_XML, check_ir

RUNTIME = EXTRA = "openvino"

FLOATS = ("f16", "f32", "f64")
"""Types of inputs, as OpenVINO calls them."""


def open_openvino(path: Path) -> Part:
    """The network in an .xml and the .bin beside it, for the CPU: one thread computes each pass.

    Raises:
        CheckpointError: it is damaged, or cannot be run.
        InputError: openvino is not installed.
    """
    runtime = extra_module(RUNTIME, EXTRA)
    weights = path.with_suffix(".bin")
    if not is_file(weights):
        raise CheckpointError(f"{path} lacks its {weights.name}; put it beside it")
    check_size(path, LARGEST_XML)
    with reading(path):
        facts = check_ir(str(path), path.read_bytes(), check_size(weights))
    streams = cpu_count()  # of one thread each: as many threads of the library run it at once
    how = {
        "NUM_STREAMS": streams,
        "INFERENCE_NUM_THREADS": streams,
        "INFERENCE_PRECISION_HINT": "f32",  # some processors would take bfloat16
    }
    with saying(str(path), RUNTIME, "load"):
        core = runtime.Core()
        network = core.compile_model(core.read_model(str(path), str(weights)), "CPU", how)
        inputs = [_slot(path, given) for given in network.inputs]
    own = threading.local()

    def call(arrays: Sequence[np.ndarray]) -> Sequence[np.ndarray]:
        if not hasattr(own, "request"):
            own.request = network.create_infer_request()
        found = own.request.infer(dict(enumerate(arrays)))
        return [np.array(found[k]) for k in range(len(network.outputs))]

    kind = f"OpenVINO's IR, version {facts.version}"
    return Part(str(path), RUNTIME, inputs, call, kind, facts.numbers, (path, weights))


def _slot(path: Path, given: object) -> Slot:
    kind, name = given.element_type.get_type_name(), given.any_name if given.names else ""
    if kind not in FLOATS:
        raise CheckpointError(
            f"{path}: its input {name!r} is of {kind}; latents, labels and w are floats"
        )
    shape = tuple(None if d.is_dynamic else d.get_length() for d in given.partial_shape)
    return Slot(name, shape, np.dtype(given.element_type.to_dtype()))
