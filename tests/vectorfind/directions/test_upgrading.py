"""Files of directions that earlier versions wrote give the same directions."""

import numpy as np
import pytest

import vectorfind
from property_cnn.common.arrays import write_npz
from property_cnn.common.errors import CheckpointError
from tests.vectorfind.conftest import ToyGenerator, ToyScorer
from tests.vectorfind.offered import MOVED, TWIN, OfferingGenerator
from vectorfind.directions.boundaries import Boundaries
from vectorfind.directions.finding import bind
from vectorfind.directions.packing import ARRAYS, KIND, pack_settings, read_boundaries
from vectorfind.methods.gradient.network import WEIGHTS


def version_3(directions):
    """Arrays and metadata as version 3 laid them out: by property, and networks with heads."""
    arrays = {name: getattr(directions, name) for name in ARRAYS}
    start, stop = directions.models.editable(directions.layer)
    around = ((0, 0), (start, directions.models.generator.layers[directions.layer] - stop))
    networks, metrics = [], {}
    for name, field in directions.fields.items():
        if field.of_groups() is not None:
            arrays[f"svm.{name}"] = np.pad(field.of_groups(), around)
            nothing = np.full(len(directions.groups), np.nan)
            arrays[f"accuracy.{name}"] = getattr(field, "accuracy", nothing)
            continue
        metrics[name] = dict(field.metrics)
        if all(field.network is not network for network in networks):
            arrays[f"network{len(networks)}.centre"] = field.network.centre
            for key in WEIGHTS:
                arrays[f"network{len(networks)}.{key}"] = field.network.weights[key]
            networks.append(field.network)
    return arrays, {
        "version": 3,
        "settings": pack_settings(directions.settings),
        "scored": directions.scored,
        "free": [start, stop],
        "conditions": directions.conditions,
        "metrics": metrics,
        "networks": [[network.properties, network.scale] for network in networks],
        "unreadable": directions.unreadable,
        "generator_digest": directions.generator_digest,
        "scorer_digest": directions.scorer_digest,
    }


def version_2(directions):
    arrays, metadata = version_3(directions)
    arrays["medians"] = arrays.pop("cuts")[:, 0]
    for name in ("free", "conditions"):
        del metadata[name]
    for name in ("quantiles", "psi", "trunc_layers"):
        del metadata["settings"][name]
    return arrays, metadata | {"version": 2}


@pytest.mark.parametrize("method", ["svm", "gradient", "mixed"])
@pytest.mark.parametrize("earlier", [version_2, version_3])
def test_they_are_read_and_written_as_todays(found, tmp_path, method, earlier):
    directions, path = found(method), tmp_path / "d.npz"
    write_npz(path, KIND, *earlier(directions))
    if method != "gradient":
        assert np.array_equal(read_boundaries(path).vectors, directions.boundaries().vectors)
    loaded = vectorfind.load_directions(path, ToyGenerator(), ToyScorer())
    loaded.save(path)
    directions.save(tmp_path / "new.npz")
    assert path.read_bytes() == (tmp_path / "new.npz").read_bytes()


def test_conditions_and_a_part_that_moves_are_read(tmp_path):
    names = MOVED[:2]
    columns = [ToyScorer().properties.index(name) for name in names]
    truth = OfferingGenerator().truth(TWIN)[columns][None]
    plain = bind(
        Boundaries(TWIN, names, ("all",), truth), OfferingGenerator(), ToyScorer(),
        n=600, workers=1, quiet=True,
    )  # fmt: skip
    directions = plain.conditioned({names[0]: names[1:]})
    write_npz(tmp_path / "d.npz", KIND, *version_3(directions))
    loaded = vectorfind.load_directions(tmp_path / "d.npz", OfferingGenerator(), ToyScorer())
    assert loaded.method == "imported"
    assert loaded.fits() == []
    vectors, groups = np.ones((1, 16), np.float32), np.array(["all"])
    assert np.array_equal(loaded.vectors(vectors, groups), directions.vectors(vectors, groups))


def test_one_that_lacks_a_network_is_refused(found, tmp_path):
    arrays, metadata = version_3(found("mixed"))
    write_npz(tmp_path / "d.npz", KIND, arrays, metadata | {"networks": []})
    with pytest.raises(CheckpointError, match="incomplete or does not fit"):
        vectorfind.load_directions(tmp_path / "d.npz", ToyGenerator(), ToyScorer())
