"""Ids of characters, and which files are taken."""

from dataclasses import replace

import pytest

from property_cnn.common.errors import CheckpointError, InputError
from vectorfind.studio.serving.entries import Entry, load_entries, slug, unique


@pytest.mark.parametrize(
    ("name", "id"),
    [("Anna", "anna"), ("case 3", "case-3"), ("Änne & Co.", "anne-co"), ("../../x", "x"),
     ("花", ""), ("a" * 100, "a" * 64)],
)  # fmt: skip
def test_ids_are_plain(name, id):
    assert slug(name) == id


def test_ids_are_unique_whatever_names_look_like_them():
    taken = []
    for name in ("x-2", "x", "x", "x"):
        taken.append(unique(name, taken))
    assert taken == ["x-2", "x", "x-3", "x-4"]


def test_files_and_folders_give_each_character_once(folder, generator):
    entries = load_entries([folder / "two.safetensors", folder], generator)
    assert list(entries) == ["anna", "anna-2", "anne"]
    assert [each.id for each in entries.values()] == list(entries)
    first, second, third = (entries[id].digest for id in entries)
    assert first != second  # another face
    assert second == third  # another name alone
    assert entries["anna"].height == entries["anna"].width == 8


def test_a_nameless_character_is_called_as_its_file(anna, generator, tmp_path):
    replace(anna, name="花").save(tmp_path / "Hana_1.safetensors")
    assert list(load_entries([tmp_path], generator)) == ["hana-1"]


def test_a_description_tells_sliders_and_scores(anna, generator):
    described = Entry.of("a", anna.attached(generator)).described()
    assert described["name"] == "Anna"
    assert described["note"] == "calm"
    assert described["image"] == {"width": 8, "height": 8}
    for name, told in described["properties"].items():
        response = anna.face.responses[name]
        assert told["rest"] == anna.rest[name]
        assert told["score"] == {"low": response.low, "high": response.high}


def test_refusals(folder, generator, tmp_path, anna):
    with pytest.raises(InputError, match="holds no character"):
        load_entries([tmp_path], generator)
    with pytest.raises(CheckpointError, match=r"gone\.safetensors"):
        load_entries([tmp_path / "gone.safetensors"], generator)
    damaged = (folder / "one.safetensors").read_bytes()[:-7]
    (tmp_path / "damaged.safetensors").write_bytes(damaged)
    with pytest.raises(CheckpointError, match=r"damaged\.safetensors"):
        load_entries([folder, tmp_path], generator)
    face = anna.face
    renamed = {part: {"size": getattr(face, part)["eyes"]} for part in ("ways", "responses")}
    replace(anna, face=replace(face, **renamed)).save(tmp_path / "size.safetensors")
    with pytest.raises(InputError, match="a property 'size', which means something else"):
        load_entries([tmp_path / "size.safetensors"], generator)
