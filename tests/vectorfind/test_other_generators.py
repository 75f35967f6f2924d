"""Other people's generators end to end, with a scorer of one's own: StyleGAN2, a DCGAN."""

import importlib.util
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import vectorfind
from property_cnn.common.arrays import read_npz
from property_cnn.common.errors import CheckpointError, InputError
from stylegan_ft.architectures.stylegan2.settings import StyleGAN2Config
from stylegan_ft.formats.convert import convert_file
from tests.stylegan_ft import mobile_by_hand as by_hand
from tests.stylegan_ft.foreign_files import random_network
from vectorfind.config import CurveSettings, FindSettings
from vectorfind.models.callable_scorer import CallableScorer
from vectorfind.runs.curve import run_curve
from vectorfind.runs.samples import write_samples

EXAMPLES = Path(__file__).parents[2] / "examples"
QUICK = {"workers": 1, "quiet": True}


def example(name):
    """A script of `examples` as a module."""
    spec = importlib.util.spec_from_file_location(f"examples_{name}", EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def script():
    return example("other_generator")


@pytest.fixture(scope="module")
def model(script, tmp_path_factory):
    """A file of a StyleGAN2 of 64 × 64, as others write it."""
    return script.write_tiny(tmp_path_factory.mktemp("model") / "tiny.pt")


@pytest.fixture(scope="module")
def scorer(script):
    return CallableScorer(script.colours, ("warm", "bright"), digest="colours")


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return tmp_path_factory.mktemp("store")


@pytest.mark.parametrize("layer", [None, "w+4-8"])
def test_a_stylegan2_obeys_a_users_scorer_at_w_and_in_some_layers(model, scorer, store, layer):
    directions = vectorfind.find_directions(
        512, layer, generator=model, scorer=scorer, store=store, device="cpu", **QUICK
    )
    assert directions.layer == (layer or "w")
    assert (directions.properties, directions.groups.tolist()) == (("warm", "bright"), ["all"])
    size = directions.models.generator.layers[directions.layer]
    [vectors] = directions.vectors(np.zeros((1, size), np.float32), directions.groups)
    if layer is not None:
        assert np.array_equal(vectors[:, :8], np.zeros((2, 8)))
    evaluation = vectorfind.evaluate(directions, cases=12, quiet=True)
    found, control = evaluation.measured, evaluation.control
    assert (found.correlation.mean > 0.5).all()
    assert (found.correlation.low > control.correlation.high).all()

    generator = directions.models.generator
    z = torch.randn(3, 8, generator=torch.Generator().manual_seed(0))
    plain = generator.synthesize(generator.map(z)["w"], "w")
    assert (directions.edit(z) - plain).abs().max() <= 1e-5
    assert (directions.edit(z, warm=1.0) - plain).abs().max() > 1e-3


def write_smaller(path, c_dim=0):
    """One of 8 × 8, with labels if asked for."""
    config = StyleGAN2Config(8, (4, 4), z_dim=4, c_dim=c_dim, w_dim=4, mapping_layers=2)
    state = random_network(config).state_dict()
    for name in state:
        if name.startswith("mapping.fc"):
            state[name] *= 100  # their learning rate is a hundredth
    torch.save(state, path)
    return path


@pytest.mark.parametrize("layer", ["z", "mapping.0", "w+", "s"])
def test_every_kind_of_layer_can_be_edited(scorer, tmp_path, layer):
    path = write_smaller(tmp_path / "tiny.pth", c_dim=2)
    directions = vectorfind.find_directions(
        300, layer, generator=path, scorer=scorer, device="cpu", **QUICK
    )
    if layer == "z":  # the label stays as it is
        assert directions.fields["warm"].size == 4
    directions.save(tmp_path / "d.npz")
    loaded = vectorfind.load_directions(tmp_path / "d.npz", path, scorer, "cpu")
    edits = (some.edit(np.ones((2, 4)), np.ones((2, 2)), warm=1) for some in (directions, loaded))
    assert torch.equal(*edits)


def test_layers_that_are_not_there_are_told_with_those_that_are(model, scorer):
    with pytest.raises(InputError, match=r"has z, mapping.0, mapping.1, w, w\+, w\+A-B, s"):
        vectorfind.find_directions(512, "W", generator=model, scorer=scorer, **QUICK)
    with pytest.raises(InputError, match=r"layer 'w\+4-18': synthesis has the layers 0 to 9"):
        vectorfind.find_directions(512, "w+4-18", generator=model, scorer=scorer, **QUICK)


def test_truncation_is_part_of_what_directions_were_found_on(scorer, tmp_path):
    path = write_smaller(tmp_path / "tiny.pth")
    how = {"generator": path, "scorer": scorer, "device": "cpu", **QUICK}
    directions = vectorfind.find_directions(100, psi=0.5, trunc_layers=2, **how)
    assert directions.models.generator.psi == 0.5
    assert directions.generator_digest.endswith("-psi0.5-of-2")
    directions.save(tmp_path / "d.npz")
    loaded = vectorfind.load_directions(tmp_path / "d.npz", path, scorer, "cpu")
    assert torch.equal(loaded.edit(np.ones((1, 4))), directions.edit(np.ones((1, 4))))
    whole = vectorfind.load_generator(path, device="cpu")
    with pytest.raises(CheckpointError, match=r"found on the generator \w+-psi0.5-of-2, not on \w"):
        vectorfind.load_directions(tmp_path / "d.npz", whole, scorer)
    with pytest.raises(InputError, match=r"psi 0.5 is for a generator that is loaded"):
        vectorfind.find_directions(100, psi=0.5, **how | {"generator": whole})
    with pytest.raises(InputError, match="psi is 3; give a number from -2 to 2"):
        vectorfind.find_directions(100, psi=3, **how)


def write_mobile(folder):
    ir = by_hand.write_ir(folder / "ir", by_hand.weights())
    return by_hand.write_wheel(folder / "random_face.whl", ir)


def test_found_at_one_size_and_drawn_at_another(tmp_path):
    path = write_mobile(tmp_path)
    scorer = CallableScorer(
        lambda images: images.mean((2, 3))[:, :2], ("warm", "bright"), digest="colours"
    )
    how = {"generator": path, "scorer": scorer, "device": "cpu", **QUICK}
    directions = vectorfind.find_directions(100, size=32, store=tmp_path / "store", **how)
    assert directions.models.generator.resolution == 32
    assert directions.generator_digest.endswith("-32px")
    directions.save(tmp_path / "d.npz")
    z = np.ones((1, by_hand.Z))
    large, small = (
        vectorfind.load_directions(tmp_path / "d.npz", path, scorer, "cpu", size=size)
        for size in (64, None)
    )
    image = large.edit(z, warm=1.0)
    assert image.shape == (1, 3, 64, 64)
    halved = torch.nn.functional.avg_pool2d(image, 2)
    torch.testing.assert_close(halved, small.edit(z, warm=1.0), rtol=1e-4, atol=1e-4)
    with pytest.raises(InputError, match="holds other samples"):
        vectorfind.find_directions(100, store=tmp_path / "store", **how)  # of 64 pixels
    with pytest.raises(InputError, match="makes images of 32, 64 pixels"):
        vectorfind.find_directions(100, size=16, **how)


def test_photographs_have_a_truncation_of_their_own(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    (tmp_path / "vectorfind").mkdir()
    convert_file(write_mobile(tmp_path), tmp_path / "vectorfind" / "mobilestylegan.safetensors")
    colours = CallableScorer(
        lambda images: images.mean((2, 3))[:, :2], ("warm", "bright"), digest="colours"
    )
    how = {"generator": "mobilestylegan", "scorer": colours, "device": "cpu", **QUICK}
    directions = vectorfind.find_directions(100, **how)
    assert directions.settings.psi == directions.models.generator.psi == 0.8
    assert directions.generator_digest.endswith("-psi0.8")
    assert vectorfind.find_directions(100, psi=1, **how).models.generator.psi == 1


def test_samples_and_curves_are_of_the_truncated_generator(scorer, tmp_path):
    path = write_smaller(tmp_path / "tiny.pth")
    spreads = {}
    for psi in (0.0, 1.0):
        out = tmp_path / f"{psi}.npz"
        write_samples(FindSettings(n=20, psi=psi, device="cpu"), out, path, scorer, quiet=True)
        arrays, about = read_npz(out, "vectorfind samples")
        spreads[psi] = np.ptp(arrays["scores"], axis=0)
        assert about["psi"] == psi
    assert (spreads[0.0] < 1e-5).all()  # all images are that of the mean w
    assert (spreads[1.0] > 1e-3).all()

    settings = CurveSettings(
        (100,), ("svm",), ("w",), cases=3, device="cpu", psi=0.5, trunc_layers=2, workers=1
    )
    run_curve(settings, tmp_path / "curve", path, scorer, quiet=True)
    config = json.loads((tmp_path / "curve" / "config.json").read_text())
    assert config["models"]["generator"].endswith("-psi0.5-of-2")
    assert (config["curve"]["psi"], config["curve"]["trunc_layers"]) == (0.5, 2)
    with pytest.raises(InputError, match="trunc_layers"):
        replace(settings, trunc_layers=0).validate()


OFFERED = {
    "stylegan2": "z, mapping.0, mapping.1, w, w+, w+A-B, s",
    "interfacegan": "z, mapping.0, mapping.1, mapping.2, w, w+, w+A-B",
    "tensorflow": "z, mapping.0, mapping.1, mapping.2, w, w+, w+A-B",
}


@pytest.mark.parametrize("layout", OFFERED)
def test_the_example_of_another_generator_runs(script, tmp_path, capsys, monkeypatch, layout):
    monkeypatch.setattr(script, "fetched_path", lambda name: tmp_path / name)  # none is there
    script.main(tmp_path, layout, n=100, cases=2)
    said = capsys.readouterr().out
    assert f"64 px, layers z, w; on offer {OFFERED[layout]}\n" in said
    assert "w+4-9: bright follows its strength by " in said
    assert "landmarks: not installed" in said
    assert np.load(tmp_path / "boundaries" / "warm_w+4-9_boundary.npy").shape == (1, 8)


def test_the_example_of_ones_own_networks_runs(tmp_path, capsys):
    example("own_networks").main(tmp_path)
    said = capsys.readouterr().out
    assert "groups by brightness: 0, 1, 2" in said
    found, chance = said.splitlines()[0].removeprefix("warm: mean corr-coef ").split(", of random ")
    assert float(found) > 0.7 > abs(float(chance.split()[-1]))
    assert (tmp_path / "strip_warm.png").exists()
