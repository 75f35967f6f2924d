"""NVlabs' pickles: networks come back as they were, and the source in them is never run."""

from __future__ import annotations

import os
import pickle

import numpy as np
import pytest
import torch

from property_cnn.common.errors import CheckpointError
from stylegan_ft.formats.describe import describe_file
from stylegan_ft.formats.load import read_checkpoint
from stylegan_ft.generator import load_generator
from tests.stylegan_ft.foreign_files import (
    ADA,
    STYLEGAN2,
    STYLEGAN3,
    THIRD,
    Persistent,
    Reduced,
    nvlabs_modules,
    official,
    random_network,
    write_official,
)

NETWORKS = {"stylegan2": (STYLEGAN2, ADA), "stylegan3": (STYLEGAN3, THIRD)}


def generator_of(architecture: str, source: str = "pass") -> Persistent:
    config, arguments = NETWORKS[architecture]
    return official(random_network(config).state_dict(), arguments, source)


@pytest.mark.parametrize("architecture", NETWORKS)
@pytest.mark.parametrize("protocol", [3, 4, 5])
def test_settings_and_weights_come_back_to_the_bit(tmp_path, architecture, protocol):
    config, _ = NETWORKS[architecture]
    expected = random_network(config).state_dict()
    path = write_official(tmp_path / "model", protocol, G_ema=generator_of(architecture))
    found = read_checkpoint(path)
    assert found.architecture == architecture
    assert found.kind == "NVlabs pickle (G_ema)"
    assert found.config == config
    assert found.state.keys() == expected.keys()
    assert all(torch.equal(found.state[name], expected[name]) for name in expected)


@pytest.mark.parametrize("architecture", NETWORKS)
def test_every_layer_re_enters_unedited(tmp_path, architecture):
    path = write_official(tmp_path / "model.pkl", G_ema=generator_of(architecture))
    generator = load_generator(path, "cpu")
    rng = torch.Generator().manual_seed(3)
    z = torch.randn(4, 7, generator=rng)
    label = torch.randn(4, 2, generator=rng) if generator.label_dim else None
    expected = random_network(NETWORKS[architecture][0])(z, label)
    for layer in ("z", "mapping.0", "mapping.1", "w", "w+", "w+1-2", "s"):
        offered = generator.with_layer(layer)
        images = offered.synthesize(offered.map(z, label)[layer], layer)
        torch.testing.assert_close(images, expected, rtol=1e-5, atol=1e-5)


def test_truncation_is_an_option_of_loading(tmp_path):
    path = write_official(tmp_path / "model.pkl", G_ema=generator_of("stylegan3"))
    z = torch.randn(3, 7, generator=torch.Generator().manual_seed(0))
    still = load_generator(path, "cpu", psi=0.0)
    images = still.synthesize(still.map(z)["w"], "w")
    torch.testing.assert_close(images, images[:1].expand_as(images))


def test_the_averaged_network_is_preferred_and_the_other_one_accepted(tmp_path):
    other = official(
        {name: t + 1 for name, t in random_network(STYLEGAN2).state_dict().items()}, ADA
    )
    both = write_official(tmp_path / "both", G=other, G_ema=generator_of("stylegan2"))
    alone = write_official(tmp_path / "alone", G=generator_of("stylegan2"))
    states = [read_checkpoint(path).state for path in (both, alone)]
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
    assert read_checkpoint(alone).kind == "NVlabs pickle (G)"


def test_a_generator_pickled_alone_or_by_torch_save_loads(tmp_path):
    with nvlabs_modules():
        (tmp_path / "alone").write_bytes(pickle.dumps(generator_of("stylegan2"), 4))
        torch.save({"G_ema": generator_of("stylegan2")}, tmp_path / "saved")
    for name in ("alone", "saved"):
        assert read_checkpoint(tmp_path / name).config == STYLEGAN2


def test_arguments_by_position_are_read(tmp_path):
    network = generator_of("stylegan2")
    state = network.meta["state"]
    named = dict(state["_init_kwargs"])
    state["_init_args"] = tuple(named.pop(name) for name in ("z_dim", "c_dim", "w_dim"))
    state["_init_kwargs"] = named
    assert read_checkpoint(write_official(tmp_path / "m", G_ema=network)).config == STYLEGAN2


@pytest.mark.parametrize("saved_by", ["pickle", "torch.save"])
def test_a_source_that_does_more_than_define_is_refused_and_never_run(tmp_path, saved_by):
    made = tmp_path / "made"
    source = f"class Generator: pass\nopen({str(made)!r}, 'w')\n" + "#" * 2000
    network = generator_of("stylegan2", source)
    path = write_official(tmp_path / "model.pkl", G_ema=network)
    if saved_by == "torch.save":
        with nvlabs_modules():
            torch.save({"G_ema": network}, tmp_path / "saved.pkl")
    given = path if saved_by == "pickle" else tmp_path / "saved.pkl"
    for load in (read_checkpoint, describe_file, load_generator):
        with pytest.raises(CheckpointError, match=r"would call 'open' in line 2; .* was run"):
            load(given)
    assert not made.exists()
    with nvlabs_modules():
        pickle.loads(path.read_bytes())  # the same bytes do run where they are loaded
    assert made.exists()


@pytest.mark.parametrize("where", ["G_ema", "module", "argument", "parameter", "D", "inside D"])
def test_foreign_networks_run_nothing(tmp_path, where):
    made = tmp_path / "made"
    evil = Persistent("Evil", {"_parameters": {}}, f"open({str(made)!r}, 'w')")
    network = generator_of("stylegan2")
    entries = {"G_ema": network}
    if where == "G_ema":
        entries = {"G_ema": evil}
    elif where == "module":
        network.meta["state"]["_modules"]["mapping"].meta["state"]["_modules"]["evil"] = evil
    elif where == "argument":
        network.meta["state"]["_init_kwargs"] = {**ADA, "extra": evil}
    elif where == "parameter":
        network.meta["state"]["_parameters"]["evil"] = evil
    elif where == "D":
        entries["D"] = evil
    else:
        entries["D"] = Persistent("Discriminator", {"nested": [evil, {"deep": (evil,)}]}, "pass")
    path = write_official(tmp_path / "model.pkl", **entries)
    with pytest.raises(CheckpointError, match="would call 'open'"):
        read_checkpoint(path)
    assert not made.exists()
    with nvlabs_modules():
        pickle.loads(path.read_bytes())
    assert made.exists()


@pytest.mark.parametrize("where", ["G_ema", "module", "argument", "parameter", "D"])
def test_networks_of_other_classes_are_taken_only_where_they_are_not_needed(tmp_path, where):
    other = Persistent("Other", {"_parameters": {}})
    network = generator_of("stylegan2")
    state, entries = network.meta["state"], {"G_ema": network}
    if where == "module":
        state["_modules"]["mapping"].meta["state"]["_modules"]["other"] = other
    elif where == "argument":
        state["_init_kwargs"] = {**ADA, "extra": other}
    elif where == "parameter":
        state["_parameters"]["other"] = other
    else:
        entries[where] = other
    path = write_official(tmp_path / "model.pkl", **entries)
    if where == "D":
        assert read_checkpoint(path).config == STYLEGAN2
    else:
        with pytest.raises(CheckpointError, match=r"Other|other is no tensor|extra of its"):
            read_checkpoint(path)


@pytest.mark.parametrize("where", ["D", "training_set_kwargs", "inside D", "state of G_ema"])
def test_a_call_anywhere_in_the_file_refuses_it_by_name(tmp_path, where):
    made = tmp_path / "made"
    call = Reduced(os.system, f"touch {made}")
    network = generator_of("stylegan2")
    entries = {"G_ema": network}
    if where == "inside D":
        entries["D"] = Persistent("Discriminator", {"hooks": {"a": [call]}})
    elif where == "state of G_ema":
        network.meta["state"]["__setstate__"] = call
    else:
        entries[where] = call
    path = write_official(tmp_path / "model.pkl", **entries)
    with pytest.raises(CheckpointError, match=r"model\.pkl: it names 'posix\.system'"):
        load_generator(path, "cpu")
    assert not made.exists()


def test_arrays_of_objects_are_only_symbols(tmp_path):
    network = generator_of("stylegan2")
    network.meta["state"]["size"] = np.array([{"a": 1}, None], dtype=object)
    assert read_checkpoint(write_official(tmp_path / "a", G_ema=network)).config == STYLEGAN2
    network.meta["state"]["_buffers"]["w_avg"] = np.zeros(6)
    with pytest.raises(CheckpointError, match="w_avg is no tensor"):
        read_checkpoint(write_official(tmp_path / "b", G_ema=network))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"_init_kwargs": {}}, "lack img_resolution"),
        ({"_init_kwargs": {**ADA, "new_option": 1}}, "new_option"),
        ({"_init_kwargs": {**ADA, "img_resolution": 2**20}}, "img_resolution"),
        ({"_init_kwargs": {**ADA, "w_dim": 7}}, "shape"),
        ({"_init_kwargs": {**ADA, "mapping_kwargs": {"num_layers": 10**9}}}, "mapping_layers"),
        ({"_init_kwargs": {**ADA, "mapping_kwargs": {"num_layers": 4}}}, r"lacks mapping\.fc3"),
        ({"_init_kwargs": None}, "damaged"),
        ({"_modules": None}, "damaged"),
        ({"_modules": {}}, "lacks mapping"),
        ({"_parameters": {"extra": torch.ones(2)}}, "foreign extra"),
        ({"_parameters": {3: torch.ones(2)}}, "damaged"),
    ],
)
def test_networks_that_do_not_fit_their_arguments_are_refused(tmp_path, change, told):
    network = generator_of("stylegan2")
    network.meta["state"] |= change
    path = write_official(tmp_path / "model.pkl", G_ema=network)
    with pytest.raises(CheckpointError, match=told):
        load_generator(path, "cpu")


def test_modules_that_hold_each_other_come_to_an_end(tmp_path):
    inner = Persistent("SynthesisLayer", {"_parameters": {}, "_modules": {}})
    for _ in range(40):  # 2 ** 40 paths lead to the innermost
        inner = Persistent("SynthesisLayer", {"_modules": {"a": inner, "b": inner}})
    path = write_official(tmp_path / "m", G_ema=Persistent("Generator", {"_modules": {"a": inner}}))
    with pytest.raises(CheckpointError, match="more parts"):
        read_checkpoint(path)


def test_arguments_that_hold_each_other_come_to_an_end(tmp_path):
    network, deep, wide = generator_of("stylegan2"), [], [1] * 1000
    for _ in range(50):
        deep = [deep, deep]
    for extra in (deep, wide, {(1,): 2}, {"a": {3: 4}}):
        network.meta["state"]["_init_kwargs"] = {**ADA, "extra": extra}
        with pytest.raises(CheckpointError, match=r"no plain value|no texts"):
            read_checkpoint(write_official(tmp_path / "m", G_ema=network))


def test_damaged_descriptions_are_refused(tmp_path):
    source = {"module_src": "pass"}
    for meta in ({}, source, {**source, "class_name": 3, "state": {}}, {"state": {}}, []):
        network = generator_of("stylegan2")
        network.meta = meta
        with pytest.raises(CheckpointError, match="damaged"):
            read_checkpoint(write_official(tmp_path / "m", G_ema=network))
