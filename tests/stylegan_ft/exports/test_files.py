"""Exports are checked before their runtime reads them: nothing outside their folder is opened."""

from __future__ import annotations

import numpy as np
import pytest

from property_cnn.common.errors import CheckpointError
from stylegan_ft.exports.files import find_export
from stylegan_ft.formats.mobile.files import PARTS
from stylegan_ft.formats.mobile.openvino_ir import check_ir
from stylegan_ft.generator import load_generator
from tests.stylegan_ft.exports import by_hand

IR = (
    '<net name="n" version="11"><layers><layer id="0" name="c" type="Const"><data '
    'element_type="f16" shape="2, 3" offset="{offset}" size="12"/></layer></layers></net>'
)


@pytest.fixture
def onnx():
    pytest.importorskip("onnxruntime", reason="needs the extra onnx")
    return pytest.importorskip("onnx", reason="needs the extra onnx")


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "network").mkdir()
    return tmp_path / "network"


def with_external(onnx, path, location: str) -> None:
    """Names a file of external data for the largest weights of a network."""
    model = onnx.load(path)
    tensor = next(tensor for tensor in model.graph.initializer if tensor.name == "B")
    numbers = tensor.raw_data
    onnx.external_data_helper.set_external_data(tensor, location, 0, len(numbers))
    tensor.ClearField("raw_data")
    path.write_bytes(model.SerializeToString())


def test_external_data_beside_the_file_are_read(onnx, folder):
    by_hand.write_onnx(folder, by_hand.Made())
    before = load_generator(folder, "cpu").digest
    numbers = by_hand.Made().weights["B"].tobytes()
    (folder / "weights.data").write_bytes(numbers)
    with_external(onnx, folder / "synthesis.onnx", "weights.data")
    generator = load_generator(folder, "cpu")
    assert generator.network.parts["synthesis"].files[1].name == "weights.data"
    assert generator.digest != before
    (folder / "weights.data").write_bytes(bytes(len(numbers)))
    assert load_generator(folder, "cpu").digest != generator.digest


@pytest.mark.parametrize(
    "location",
    ["../secret", "{root}/secret", "sub/../../secret", "..\\secret", "C:\\secret", "link", "",
     "*/_ORT_MEM_ADDR_/*", "absent", "nul\0byte"],
)  # fmt: skip
def test_external_data_elsewhere_are_refused(onnx, folder, location):
    numbers = by_hand.Made().weights["B"].tobytes()
    (folder.parent / "secret").write_bytes(numbers)
    (folder / "link").symlink_to(folder.parent / "secret")
    by_hand.write_onnx(folder, by_hand.Made())
    where = location.format(root=folder.parent)
    with_external(onnx, folder / "synthesis.onnx", where)
    with pytest.raises(CheckpointError, match=r"outside its folder|lacks its file"):
        load_generator(folder, "cpu")


def test_external_data_within_a_node_are_found(onnx, folder):
    by_hand.write_onnx(folder, by_hand.Made())
    path = folder / "synthesis.onnx"
    model = onnx.load(path)
    tensor = onnx.numpy_helper.from_array(np.zeros(3, np.float32), "inner")
    onnx.external_data_helper.set_external_data(tensor, "../secret", 0, 12)
    constant = onnx.helper.make_node("Constant", [], ["inner"], value=tensor)
    branch = onnx.helper.make_graph([constant], "branch", [], [])
    model.graph.node.append(onnx.helper.make_node("If", ["b"], [], then_branch=branch))
    path.write_bytes(model.SerializeToString())
    with pytest.raises(CheckpointError, match="outside its folder"):
        load_generator(folder, "cpu")


def test_operators_of_other_libraries_do_not_load(onnx, folder):
    by_hand.write_onnx(folder, by_hand.Made())
    model = onnx.load(folder / "synthesis.onnx")
    model.graph.node[3].domain = "mine"
    model.opset_import.append(onnx.helper.make_opsetid("mine", 1))
    onnx.save(model, folder / "synthesis.onnx")
    with pytest.raises(CheckpointError, match="onnxruntime cannot load it") as raised:
        load_generator(folder, "cpu")
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "0 bytes"),
        (b"<html>", "web page"),
        (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS"),
        (b"\x08\xff\xff", "cannot read it"),
        (b"\x08\x08", "no whole ONNX file"),
    ],
)
def test_files_that_are_none_say_so(onnx, folder, data, said):
    by_hand.write_onnx(folder, by_hand.Made())
    (folder / "mapping.onnx").write_bytes(data)
    with pytest.raises(CheckpointError, match=f"mapping.onnx.*{said}"):
        load_generator(folder, "cpu")


def test_a_file_that_was_cut_off_is_refused(onnx, folder):
    by_hand.write_onnx(folder, by_hand.Made())
    whole = (folder / "synthesis.onnx").read_bytes()
    for share in (0.3, 0.9):
        (folder / "synthesis.onnx").write_bytes(whole[: int(share * len(whole))])
        with pytest.raises(CheckpointError, match=r"synthesis\.onnx"):
            load_generator(folder, "cpu")


def test_a_description_of_the_ir_is_checked():
    facts = check_ir("n", IR.format(offset=4).encode(), 16)
    assert (facts.version, facts.numbers) == ("11", 6)
    for xml, said in [
        (IR.format(offset=5), "byte 5 of 16"),
        (IR.format(offset=-1), "byte -1 of 16"),
        ("<!DOCTYPE net [<!ENTITY a 'b'>]>" + IR.format(offset=0), "document type"),
        ("<annotation/>", "not <net>"),
        (IR[:60], "no IR"),
    ]:
        with pytest.raises(CheckpointError, match=said):
            check_ir("n", xml.encode(), 16)


@pytest.mark.parametrize("name", ["mapping.xml", "synthesis.bin"])
def test_a_damaged_ir_is_refused(folder, name):
    pytest.importorskip("openvino", reason="needs the extra openvino")
    by_hand.write_openvino(folder, by_hand.Made())
    whole = (folder / name).read_bytes()
    (folder / name).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(CheckpointError, match="no IR of OpenVINO"):
        load_generator(folder, "cpu")
    (folder / name).unlink()
    with pytest.raises(CheckpointError):
        load_generator(folder, "cpu")


def test_other_folders_are_no_exports(tmp_path):
    assert find_export(tmp_path) is None
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "a.xml").write_text("<annotation/>")
    (tmp_path / "b.xml").write_text("<annotation/>")
    assert find_export(tmp_path) is None
    for name in PARTS:  # MobileStyleGAN's IR, which is read as weights
        (tmp_path / name).write_bytes(b"x")
    assert find_export(tmp_path) is None
