"""Exports run as generators and give what their networks are made to give."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from property_cnn.common.errors import CheckpointError, InputError, MissingError
from stylegan_ft.formats.convert import convert_file
from stylegan_ft.formats.describe import describe_file
from stylegan_ft.formats.load import read_checkpoint
from stylegan_ft.generator import load_generator
from tests.stylegan_ft.exports import by_hand
from tests.stylegan_ft.exports.by_hand import LAYERS, SIDE, Made, W, Z
from vectorfind.models.protocols import Generator
from vectorfind.runs.describe import describe

CLOSE = 1e-4


def writer(runtime: str):
    """What writes exports of a runtime; skips where it is not installed."""
    if runtime == "openvino":
        pytest.importorskip("openvino", reason="needs the extra openvino")
        return by_hand.write_openvino
    pytest.importorskip("onnx", reason="needs the extra onnx")
    pytest.importorskip("onnxruntime", reason="needs the extra onnx")
    return by_hand.write_onnx


@pytest.fixture(params=["onnxruntime", "openvino"])
def write(request):
    return writer(request.param)


@pytest.fixture
def write_onnx():
    return writer("onnxruntime")


def drawn(made: Made, count: int = 5) -> tuple[torch.Tensor, torch.Tensor | None]:
    z = torch.randn(count, Z, generator=torch.Generator().manual_seed(7))
    return z, torch.eye(made.labels)[torch.arange(count) % made.labels] if made.labels else None


def w_of(made: Made, z: torch.Tensor, label: torch.Tensor | None = None) -> np.ndarray:
    return made.w(z.double().numpy(), None if label is None else label.double().numpy())


def repeated(made: Made, w: np.ndarray) -> np.ndarray:
    return np.repeat(w[:, None], made.layers or 1, axis=1)


@pytest.mark.parametrize(
    ("made", "batch"),
    [
        (Made(), None),
        (Made(), 1),
        (Made(), 2),
        (Made(labels=3), None),
        (Made(repeated=False), None),
        (Made(layers=None), 1),
        (Made(layers=None, repeated=False), None),
    ],
)
def test_w_and_images_are_those_of_the_network(tmp_path, write, made, batch):
    path = write(tmp_path, made, *([] if batch is None else [batch]))
    generator = load_generator(path, "cpu")
    assert isinstance(generator, Generator)
    assert (generator.z_dim, generator.label_dim) == (Z, made.labels)
    assert generator.layers == {"z": Z + made.labels, "w": W}
    assert generator.resolution == SIDE
    z, label = drawn(made)
    vectors, w = generator.map(z, label), w_of(made, z, label)
    assert np.abs(vectors["w"].numpy() - w).max() < CLOSE
    expected = made.images(repeated(made, w))
    for layer in ("z", "w"):
        images = generator.synthesize(vectors[layer], layer)
        assert images.dtype == torch.float32
        assert np.abs(images.numpy() - expected).max() < CLOSE
    assert generator.synthesize(torch.zeros(0, W), "w").shape == (0, 3, SIDE, SIDE)


def test_each_layer_takes_its_own_w(tmp_path, write):
    made = Made()
    generator = load_generator(write(tmp_path, made), "cpu")
    several = generator.with_layer("w+").with_layer("w+1-2")
    ws = np.random.default_rng(1).normal(size=(2, LAYERS, W))
    images = several.synthesize(torch.tensor(ws).flatten(1), "w+").numpy()
    assert np.abs(images - made.images(ws)).max() < CLOSE
    ws[:, 0], ws[:, 1:] = ws[:, :1].mean(axis=1), ws[:, 2:]
    pair = torch.tensor(np.concatenate([ws[:, 0], ws[:, 1]], axis=1))
    images = several.synthesize(pair, "w+1-2").numpy()
    assert np.abs(images - made.images(ws)).max() < CLOSE
    assert several.editable == {"w+1-2": (W, 2 * W)}
    assert generator.synthesis_layers == LAYERS
    with pytest.raises(InputError, match="0 to 2"):
        generator.with_layer("w+1-3")


def test_truncation_pulls_towards_the_mean_w(tmp_path, write):
    made = Made(labels=2)
    path = write(tmp_path, made)
    generator = load_generator(path, "cpu", psi=0.25, trunc_layers=2)
    z, label = drawn(made)
    w = w_of(made, z, label)
    many = torch.randn(200_000, Z, generator=torch.Generator().manual_seed(1))
    labels = torch.eye(2)[torch.arange(len(many)) % 2]
    mean = w_of(made, many, labels).mean(axis=0)
    own = generator.network.mapping.w_avg.double().numpy()
    assert np.abs(own - mean).max() < 0.15  # of 4096 latents, whose w has a deviation of about 3
    ws = repeated(made, w)
    ws[:, :2] = own + 0.25 * (ws[:, :2] - own)
    images = generator.synthesize(generator.map(z, label)["w"]).numpy()
    assert np.abs(images - made.images(ws)).max() < CLOSE
    assert generator.psi == 0.25


def test_one_network_has_the_layer_z_alone(tmp_path, write_onnx):
    made = Made(labels=2)
    path = write_onnx(tmp_path, made, whole=True)
    for name in (path, tmp_path):
        generator = load_generator(name, "cpu")
        assert generator.layers == {"z": Z + 2}
        assert generator.editable == {"z": (0, Z)}
        z, label = drawn(made)
        images = generator.synthesize(generator.map(z, label)["z"], "z").numpy()
        assert np.abs(images - made.images(repeated(made, w_of(made, z, label)))).max() < CLOSE
    with pytest.raises(InputError, match="no w to truncate"):
        load_generator(path, "cpu", psi=0.7)


def test_a_network_that_only_says_that_it_takes_any_number_is_run_one_by_one(tmp_path, write_onnx):
    import onnx

    made = Made()
    write_onnx(tmp_path, made)
    model = onnx.load(tmp_path / "synthesis.onnx")
    square = next(tensor for tensor in model.graph.initializer if tensor.name == "square")
    square.CopyFrom(onnx.numpy_helper.from_array(np.array([1, 3, SIDE, SIDE]), "square"))
    onnx.save(model, tmp_path / "synthesis.onnx")
    generator = load_generator(tmp_path, "cpu")
    z, _ = drawn(made)
    images = generator.synthesize(generator.map(z)["w"]).numpy()
    assert np.abs(images - made.images(repeated(made, w_of(made, z)))).max() < CLOSE
    assert "one image at a time" in generator.network.notes[0]


@pytest.mark.parametrize(
    ("scale", "shift", "told"),
    [(1.0, 0.0, "-1..1"), (0.5, 0.5, "0..1"), (127.5, 127.5, "0..255")],
)
def test_images_of_each_range_are_brought_to_ours(tmp_path, write, scale, shift, told):
    made = Made(scale=scale, shift=shift, channels=1)
    generator = load_generator(write(tmp_path, made), "cpu")
    assert generator.network.range == told
    z, _ = drawn(made)
    images = generator.synthesize(generator.map(z)["w"]).numpy()
    expected = Made(channels=1).images(repeated(made, w_of(made, z)))
    assert images.shape == (5, 3, SIDE, SIDE)  # grey is repeated
    assert np.abs(images - expected).max() < CLOSE


def test_options_say_the_range_and_change_the_digest(tmp_path, write):
    path = write(tmp_path, Made(scale=0.5, shift=0.5))
    plain = load_generator(path, "cpu")
    given = load_generator(path, "cpu", options={"range": "-1..1"})
    z, _ = drawn(Made())
    w = plain.map(z)["w"]
    assert torch.allclose(plain.synthesize(w), 2 * given.synthesize(w) - 1, atol=1e-5)
    assert plain.digest != given.digest
    assert describe_file(f"{path}?range=-1..1").digest == given.digest
    assert "range=-1..1 (given)" in given.network.notes
    assert load_generator(path, "cpu", options={"noise": "const"}).digest == plain.digest
    for options, error, said in [
        ({"range": "0..2"}, InputError, "0..255"),
        ({"noise": "none"}, InputError, "part of it"),
        ({"final_tanh": True}, CheckpointError, "it takes range"),
    ]:
        with pytest.raises(error, match=said):
            load_generator(path, "cpu", options=options)


def test_it_is_described_but_not_converted(tmp_path, write):
    path = write(tmp_path, Made(labels=2))
    info, shown = describe_file(path), describe(path)
    assert info.architecture == "export"
    assert (info.resolution, info.z_dim, info.w_dim, info.label_dim) == (SIDE, Z, W, 2)
    assert info.layers == {"z": Z + 2, "w": W}
    assert info.parameters >= Z * W
    assert shown["licence"].startswith("unknown")
    assert shown["runtime"].split()[0] in ("onnxruntime", "openvino")
    assert "synthesis" in shown["files"]
    assert "labels are taken for classes" in shown["notes"]
    for refused in (read_checkpoint, lambda path: convert_file(path, tmp_path / "o.safetensors")):
        with pytest.raises(CheckpointError, match="neither converted nor trained"):
            refused(path)


def test_the_digest_is_that_of_all_files(tmp_path, write):
    path = write(tmp_path, Made())
    before = load_generator(path, "cpu").digest
    assert load_generator(path, "cpu").digest == before
    write(tmp_path, Made(shift=0.25))
    assert load_generator(path, "cpu").digest != before


def test_several_threads_get_the_same(tmp_path, write):
    generator = load_generator(write(tmp_path, Made()), "cpu")
    assert generator.thread_safe
    w = generator.map(drawn(Made(), 40)[0])["w"]
    whole = generator.synthesize(w)
    with ThreadPoolExecutor(4) as pool:
        parts = list(pool.map(generator.synthesize, [w] * 12))
    assert all(torch.equal(part, whole) for part in parts)


def test_what_an_export_cannot_do_is_said(tmp_path, write):
    path = write(tmp_path, Made(layers=None))
    generator = load_generator(path, "cpu")
    with pytest.raises(InputError, match="method that needs none"):
        generator.style_weights()
    w = torch.zeros(1, W, requires_grad=True)
    assert not generator.synthesize(w).requires_grad
    with pytest.raises(InputError, match="one w for all layers"):
        load_generator(path, "cpu", psi=0.5, trunc_layers=2)
    with pytest.raises(InputError, match="8 pixels only"):
        load_generator(path, "cpu", size=64)


def test_parts_that_do_not_fit_are_refused(tmp_path, write):
    write(tmp_path, Made(layers=2))
    kept = {path.name: path.read_bytes() for path in tmp_path.iterdir() if "map" in path.name}
    write(tmp_path, Made(layers=None))
    for name, data in kept.items():
        (tmp_path / name).write_bytes(data)
    generator = load_generator(tmp_path, "cpu")  # w of two layers, of which synthesis takes one
    assert generator.synthesis_layers == 1
    ending = next(p.suffix for p in tmp_path.iterdir() if p.suffix in (".onnx", ".xml"))
    with pytest.raises(CheckpointError, match="images are"):
        load_generator(tmp_path / f"mapping{ending}", "cpu")
    write(tmp_path, Made())
    with pytest.raises(CheckpointError, match="latent"):
        load_generator(tmp_path / f"synthesis{ending}", "cpu")


def test_a_missing_part_is_named(tmp_path, write):
    path = write(tmp_path, Made())
    for found in path.glob("mapping.*"):
        found.rename(found.with_stem("other"))
    with pytest.raises(CheckpointError, match="an export is mapping"):
        load_generator(path, "cpu")


@pytest.mark.parametrize(
    ("ending", "package", "extra"),
    [("onnx", "onnxruntime", "onnx"), ("xml", "openvino", "openvino")],
)
def test_a_missing_runtime_says_what_installs_it(tmp_path, monkeypatch, ending, package, extra):
    monkeypatch.setitem(sys.modules, package, None)
    for name in ("mapping", "synthesis"):
        (tmp_path / f"{name}.{ending}").write_bytes(b"x")
    (tmp_path / "mapping.bin").write_bytes(b"x")
    with pytest.raises(MissingError, match=rf"{package}.*pip install 'vectorfind\[{extra}\]'"):
        load_generator(tmp_path, "cpu")
