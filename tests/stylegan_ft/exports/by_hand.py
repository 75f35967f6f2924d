"""Tiny generators as ONNX and as OpenVINO's IR, and what they compute, in NumPy."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

Z, W, LAYERS, SIDE, CHANNELS = 5, 4, 3, 8, 6


@dataclass(frozen=True)
class Made:
    """A generator: w = leaky(z A + c C + a), images = tanh(sum over layers of w_l B_l + b)
    reshaped to (channels, SIDE, SIDE).
    """

    labels: int = 0
    layers: int | None = LAYERS  # None: synthesis takes (N, W)
    repeated: bool = True  # whether the mapping gives (N, LAYERS, W)
    channels: int = 3
    scale: float = 1.0
    shift: float = 0.0

    @property
    def weights(self) -> dict[str, np.ndarray]:
        rng = np.random.default_rng(3)
        count = self.layers or 1
        numbers = {
            "A": rng.normal(size=(Z, W)),
            "C": rng.normal(size=(max(self.labels, 1), W)),
            "a": rng.normal(size=W),
            "B": rng.normal(size=(count * W, self.channels * SIDE * SIDE)) * 0.3,
            "b": rng.normal(size=self.channels * SIDE * SIDE) * 0.3,
        }
        return {name: values.astype(np.float32) for name, values in numbers.items()}

    def w(self, z: np.ndarray, label: np.ndarray | None = None) -> np.ndarray:
        """(N, Z) -> (N, W), float64."""
        own = {name: values.astype(np.float64) for name, values in self.weights.items()}
        x = z @ own["A"] + own["a"] + (0 if label is None else label @ own["C"])
        return np.where(x > 0, x, 0.2 * x)

    def images(self, ws: np.ndarray) -> np.ndarray:
        """(N, layers, W) -> (N, channels, SIDE, SIDE), as synthesis gives them."""
        own = {name: values.astype(np.float64) for name, values in self.weights.items()}
        x = np.tanh(ws.reshape(len(ws), -1) @ own["B"] + own["b"]) * self.scale + self.shift
        return x.reshape(-1, self.channels, SIDE, SIDE)


def write_onnx(folder: Path, made: Made, batch: int | str = "N", whole: bool = False) -> Path:
    """mapping.onnx and synthesis.onnx in a folder, or whole.onnx."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    def value(name: str, *shape: int | str):
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, [batch, *shape])

    def save(name: str, nodes: list, inputs: list, outputs: list, used: dict) -> None:
        stored = [numpy_helper.from_array(array, key) for key, array in used.items()]
        graph = helper.make_graph(nodes, name, inputs, outputs, stored)
        opsets = [helper.make_opsetid("", 17)]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=8, producer_name="tests")
        onnx.save(model, folder / f"{name}.onnx")

    node, own = helper.make_node, made.weights
    mapping = [node("MatMul", ["latent", "A"], ["za"]), node("Add", ["za", "a"], ["sum"])]
    if made.labels:
        mapping += [node("MatMul", ["class", "C"], ["cc"]), node("Add", ["sum", "cc"], ["sums"])]
    last = "sums" if made.labels else "sum"
    mapping.append(node("LeakyRelu", [last], ["flat"], alpha=0.2))
    if made.repeated:
        mapping += [node("Unsqueeze", ["flat", "one"], ["lone"])]
        mapping += [node("Tile", ["lone", "tiles"], ["style"])]
    else:
        mapping.append(node("Identity", ["flat"], ["style"]))
    used = {name: own[name] for name in ("A", "a", *(["C"] if made.labels else []))}
    if made.repeated:
        used |= {"one": np.array([1]), "tiles": np.array([1, made.layers or 1, 1])}
    inputs = [value("latent", Z)] + ([value("class", made.labels)] if made.labels else [])
    style = value("style", *((made.layers or 1, W) if made.repeated else (W,)))
    synthesis = [
        node("Reshape", ["style", "row"], ["x"]),
        node("MatMul", ["x", "B"], ["xb"]),
        node("Add", ["xb", "b"], ["pre"]),
        node("Tanh", ["pre"], ["unit"]),
        node("Mul", ["unit", "scale"], ["scaled"]),
        node("Add", ["scaled", "shift"], ["moved"]),
        node("Reshape", ["moved", "square"], ["picture"]),
    ]
    count = (made.layers or 1) * W
    used2 = {"B": own["B"], "b": own["b"], "row": np.array([-1, count])}
    used2 |= {name: np.float32(getattr(made, name)) for name in ("scale", "shift")}
    used2["square"] = np.array([-1, made.channels, SIDE, SIDE])
    picture = value("picture", made.channels, SIDE, SIDE)
    if whole:
        save("whole", mapping + synthesis, inputs, [picture], used | used2)
        return folder / "whole.onnx"
    save("mapping", mapping, inputs, [style], used)
    taken = value("style", *((made.layers, W) if made.layers else (W,)))
    save("synthesis", synthesis, [taken], [picture], used2)
    return folder


def write_openvino(folder: Path, made: Made, batch: int = -1) -> Path:
    """mapping.xml and synthesis.xml in a folder, with their .bin."""
    import openvino
    from openvino import opset13 as op

    own = made.weights
    z = op.parameter([batch, Z], np.float32, name="latent")
    x = op.add(op.matmul(z, op.constant(own["A"]), False, False), op.constant(own["a"]))
    given = [z]
    if made.labels:
        given.append(op.parameter([batch, made.labels], np.float32, name="class"))
        x = op.add(x, op.matmul(given[1], op.constant(own["C"]), False, False))
    w = op.prelu(x, op.constant(np.float32([0.2])))
    if made.repeated:
        w = op.unsqueeze(w, op.constant(np.int64([1])))
        w = op.tile(w, op.constant(np.int64([1, made.layers or 1, 1])))
    openvino.save_model(openvino.Model([w], given, "m"), folder / "mapping.xml", False)
    shape = [batch, made.layers, W] if made.layers else [batch, W]
    ws = op.parameter(shape, np.float32, name="style")
    row = op.constant(np.int64([-1, (made.layers or 1) * W]))
    x = op.matmul(op.reshape(ws, row, False), op.constant(own["B"]), False, False)
    x = op.tanh(op.add(x, op.constant(own["b"])))
    x = op.add(op.multiply(x, op.constant(np.float32(made.scale))),
               op.constant(np.float32(made.shift)))  # fmt: skip
    square = op.constant(np.int64([-1, made.channels, SIDE, SIDE]))
    picture = op.reshape(x, square, False)
    openvino.save_model(openvino.Model([picture], [ws], "s"), folder / "synthesis.xml", False)
    return folder
