"""Training on label maps: known rates and scores, and the same bytes alone, together, resumed."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from property_cnn.common.errors import CheckpointError, InputError
from property_cnn.common.training_state import load_state, save_state
from property_cnn.pictures import to_tensor
from property_cnn.segmentation.labelled import Fold, LabelledImages
from property_cnn.segmentation.settings import ScheduleSettings, TermSettings
from property_cnn.segmentation.training import (
    CHECKPOINT,
    Lesson,
    course_marks,
    crops,
    enlarged,
    rate,
    score,
    train_together,
)
from tests.property_cnn.segmentation.shapes import (
    CLASSES,
    ByColour,
    Tiny,
    painted,
    shapes,
    written,
)

SETTINGS = ScheduleSettings(
    iterations=6, batch_size=2, lr=1e-2, height=32, width=32, scales=(0.8, 1.2), checks=3,
    save_every=2,
)  # fmt: skip
ROWS = np.arange(9)
FOLD = Fold(ROWS[:4], ROWS[4:6], ROWS[6:])
MAPS = {"student_layers": ("first", "second"), "teacher_layers": ("first", "norm")}
TERMS = {
    "plain": (),
    "kl": (TermSettings("kl", 0.5),),
    "class": (TermSettings("kl", 2.0, trust="class"), TermSettings("at", 1.0, **MAPS)),
    "pixel": (TermSettings("kl", 2.0, 1.0, trust="pixel"), TermSettings("sp", 1.0, **MAPS)),
}


class Broken(Exception):
    pass


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Nine pictures; those to test on have nothing blue, and one to train on no label."""
    labels = shapes(9)
    labels[6:][labels[6:] == 3] = 0
    pictures = painted(labels, noise=20)
    labels[0] = 255
    return written(tmp_path_factory.mktemp("data"), pictures, labels)


@pytest.fixture(scope="module")
def teacher():
    return Tiny(channels=6, seed=9).eval()


def lessons(names=tuple(TERMS), seed=1):
    return {name: Lesson(Tiny(seed=seed), TERMS[name]) for name in names}


def outcome(given, courses):
    """All that a training ends in, by student: bytes of its weights, and its course as text."""
    ends = {}
    for name, course in courses.items():
        weights = given[name].network.state_dict()
        tensors = {**weights, **{f"best {key}": one for key, one in course.best_weights.items()}}
        told = json.dumps([course.checks, course.last, course.best, course.trusted])
        ends[name] = told, {key: one.numpy().tobytes() for key, one in tensors.items()}
    return ends


@pytest.fixture(scope="module")
def whole(data, teacher, tmp_path_factory):
    """All students together, unbroken: what it ended in, and the bytes of its checkpoint."""
    path, given = tmp_path_factory.mktemp("whole") / "state", lessons()
    courses = train_together(given, data, FOLD, SETTINGS, teacher, "tiny", path)
    return outcome(given, courses), path.read_bytes()


@pytest.mark.parametrize("name", TERMS)
def test_a_student_alone_ends_in_the_same_bytes_as_among_others(name, data, teacher, whole):
    given = lessons([name])
    teacher = teacher if TERMS[name] else None
    assert (
        outcome(given, train_together(given, data, FOLD, SETTINGS, teacher))[name]
        == (whole[0][name])
    )


@pytest.mark.parametrize("stop", range(1, 7))
def test_a_training_broken_off_at_any_step_ends_in_the_same_bytes(
    stop, data, teacher, whole, tmp_path
):
    path, done, told = tmp_path / "state", [], []

    def interrupt(steps):
        done.append(steps)
        if len(done) == stop:
            raise Broken

    with pytest.raises(Broken):
        train_together(lessons(), data, FOLD, SETTINGS, teacher, "tiny", path, interrupt)
    given = lessons()
    courses = train_together(given, data, FOLD, SETTINGS, teacher, "tiny", path, told.append)
    assert outcome(given, courses) == whole[0]
    assert path.read_bytes() == whole[1]
    assert sum(told) == SETTINGS.iterations
    if stop >= SETTINGS.save_every:
        assert told[0] == stop - stop % SETTINGS.save_every


@pytest.mark.parametrize("check", [1, 2, 3])
def test_one_broken_off_between_a_check_and_its_checkpoint_too(
    check, data, teacher, whole, tmp_path
):
    path, lines, rare = tmp_path / "state", [], replace(SETTINGS, save_every=3)

    def interrupt(line):
        lines.append(line)
        if len(lines) == check:
            raise Broken

    with pytest.raises(Broken):
        train_together(lessons(), data, FOLD, rare, teacher, "tiny", path, log=interrupt)
    given = lessons()
    courses = train_together(given, data, FOLD, rare, teacher, "tiny", path, log=lines.append)
    assert outcome(given, courses) == whole[0]  # how often it is saved changes nothing
    assert lines[-1].startswith("iteration 6, mIoU of 3 test images: plain 0.")


def test_a_finished_training_is_told_again(data, teacher, whole, tmp_path):
    path, told = tmp_path / "state", []
    path.write_bytes(whole[1])
    given = lessons()
    courses = train_together(given, data, FOLD, SETTINGS, teacher, "tiny", path, told.append)
    assert outcome(given, courses) == whole[0]
    assert told == [6]
    assert path.read_bytes() == whole[1]


def test_half_precision_goes_on_to_the_same_bytes_and_keeps_whole_weights(data, tmp_path):
    half, path, done = replace(SETTINGS, dtype="bfloat16"), tmp_path / "state", []
    first = lessons(["plain"])
    ends = outcome(first, train_together(first, data, FOLD, half))

    def interrupt(steps):
        done.append(steps)
        if len(done) == 5:
            raise Broken

    with pytest.raises(Broken):
        train_together(lessons(["plain"]), data, FOLD, half, None, "", path, interrupt)
    given = lessons(["plain"])
    assert outcome(given, train_together(given, data, FOLD, half, checkpoint=path)) == ends
    network = given["plain"].network
    assert {weight.dtype for weight in network.parameters()} == {torch.float32}
    exact = lessons(["plain"])
    train_together(exact, data, FOLD, SETTINGS)
    near = zip(network.parameters(), exact["plain"].network.parameters(), strict=True)
    assert 0 < max((one - other).abs().max() for one, other in near) < 0.1


def test_other_first_weights_refuse_the_checkpoint(data, teacher, whole, tmp_path):
    path = tmp_path / "state"
    path.write_bytes(whole[1])
    for given in (lessons(seed=5), {**lessons(), "kl": Lesson(Tiny(seed=2), TERMS["kl"])}):
        with pytest.raises(InputError, match="from other first weights; choose another --out"):
            train_together(given, data, FOLD, SETTINGS, teacher, "tiny", path)
    assert path.read_bytes() == whole[1]


def test_first_weights_that_differ_by_rounding_are_the_same(data, teacher, whole, tmp_path):
    path, given = tmp_path / "state", lessons()
    path.write_bytes(whole[1])
    with torch.no_grad():
        for weight in given["kl"].network.parameters():
            weight.mul_(1 + 1e-6)
    train_together(given, data, FOLD, SETTINGS, teacher, "tiny", path)
    assert path.read_bytes() == whole[1]


def test_a_checkpoint_of_an_earlier_version_is_gone_on_with(data, teacher, whole, tmp_path):
    path, given = tmp_path / "state", lessons()
    path.write_bytes(whole[1])
    marks = course_marks(TERMS, data, FOLD, SETTINGS, "tiny")
    state = load_state(path, CHECKPOINT, marks, {})
    for student in state["students"].values():
        weights = Tiny(seed=1).parameters()
        assert student.pop("first") == pytest.approx(
            [float(each.detach().norm()) for each in weights]
        )
    save_state(path, CHECKPOINT, marks, state)
    courses = train_together(given, data, FOLD, SETTINGS, teacher, "tiny", path)
    assert outcome(given, courses) == whole[0]


def test_other_settings_data_or_networks_refuse_the_checkpoint(data, teacher, whole, tmp_path):
    path = tmp_path / "state"
    path.write_bytes(whole[1])

    def go(given=None, data=data, fold=FOLD, settings=SETTINGS, digest="tiny"):
        train_together(given or lessons(), data, fold, settings, teacher, digest, path)

    folder = data._pictures[0].parents[1]
    smaller = LabelledImages(folder / "images", folder / "labels", CLASSES, resize=30)
    weaker = {**lessons(), "kl": Lesson(Tiny(seed=1), (TermSettings("kl", 0.4),))}
    for wrong in (
        {"settings": replace(SETTINGS, seed=1)},
        {"settings": replace(SETTINGS, lr=2e-2)},
        {"settings": replace(SETTINGS, iterations=12)},
        {"settings": replace(SETTINGS, save_every=1)},
        {"fold": FOLD._replace(held=ROWS[4:5])},
        {"data": smaller},
        {"digest": "another"},
        {"given": lessons(["plain", "kl"])},
        {"given": weaker},
    ):
        with pytest.raises(InputError, match="of a training with other settings or data"):
            go(**wrong)
    with pytest.raises(CheckpointError, match="of other networks"):
        go({name: Lesson(Tiny(channels=5), terms) for name, terms in TERMS.items()})
    assert path.read_bytes() == whole[1]
    path.write_bytes(whole[1][:-7])
    with pytest.raises(CheckpointError, match="damaged"):
        go()
    broken = bytearray(whole[1])
    broken[-5] ^= 16
    path.write_bytes(broken)
    with pytest.raises(CheckpointError, match="damaged"):
        go()
    save_state(path, "a game", "", {"done": 3})
    with pytest.raises(CheckpointError, match="of something else"):
        go()


def test_classes_that_no_target_has_are_nan_and_left_out_of_the_means(whole):
    for told, _ in whole[0].values():
        checks, last, best, _ = json.loads(told)
        for row in (*checks, last, best):
            assert np.isnan(row["iou"][3])
            assert row["miou"] == pytest.approx(np.mean(row["iou"][:3]))


def test_the_teacher_is_weighed_before_the_first_step_and_after_each_check_but_the_last(whole):
    for name, (told, _) in whole[0].items():
        trusted = json.loads(told)[3]
        assert len(trusted) == (3 if name == "class" else 0)
        assert all(0 <= weight <= 1 for row in trusted for weight in row)


def test_the_teacher_stays_as_it_was(data):
    teacher = Tiny(seed=3).train()
    before = {name: tensor.clone() for name, tensor in teacher.state_dict().items()}
    train_together(lessons(["class"]), data, FOLD, SETTINGS, teacher)
    assert teacher.training
    for name, tensor in teacher.state_dict().items():
        assert torch.equal(tensor, before[name]), name
    assert all(weight.grad is None for weight in teacher.parameters())


def test_best_and_last_are_scored_on_all_test_images(data, monkeypatch):
    values = iter([0.2, 0.9, 0.1])
    real = score

    def planned(networks, data, rows, device="cpu"):
        found = real(networks, data, rows, device)
        if len(rows) == 2:  # a check
            found["plain"]["miou"] = next(values)
        return found

    monkeypatch.setattr("property_cnn.segmentation.training.score", planned)
    given, states = lessons(["plain"]), []
    network = given["plain"].network

    def keep(steps):
        states.append({name: tensor.clone() for name, tensor in network.state_dict().items()})

    few = replace(SETTINGS, check_images=2)
    course = train_together(given, data, FOLD, few, progress=keep)["plain"]
    assert [row["iteration"] for row in course.checks] == [2, 4, 6]
    assert course.last["iteration"] == 6
    assert course.best["iteration"] == 4
    assert _same(real({"": network}, data, FOLD.test)[""], course.last)
    for name, tensor in network.state_dict().items():
        assert torch.equal(tensor, states[5][name])
        assert torch.equal(course.best_weights[name], states[3][name])
    network.load_state_dict(course.best_weights)
    assert _same(real({"": network}, data, FOLD.test)[""], course.best)


def _same(result, row):
    return all(np.array_equal(result[key], row[key], equal_nan=True) for key in result)


def test_pictures_without_any_label_move_no_weight_to_nan(data):
    given = lessons(["plain", "class", "pixel"])
    fold = Fold(np.array([0, 0]), FOLD.held, FOLD.test)  # every label is ignored
    courses = train_together(given, data, fold, SETTINGS, Tiny(channels=6, seed=9))
    for name, lesson in given.items():
        assert all(weight.isfinite().all() for weight in lesson.network.parameters())
        assert np.isfinite(courses[name].last["miou"])


def test_every_image_is_shown_once_a_pass_in_an_order_of_the_seed(tmp_path):
    greys = (40 * np.arange(1, 7)).astype(np.uint8)
    pictures = np.broadcast_to(greys[:, None, None, None], (6, 32, 32, 3))
    data = written(tmp_path, pictures, np.zeros((6, 32, 32), np.uint8))
    settings = replace(SETTINGS, scales=(1.0, 1.0), photometric=False, batch_size=4)
    rows = np.array([0, 1, 3, 5, 4])  # all but one; a pass is no multiple of a batch

    def shown(settings, steps):
        batches = [crops(data, rows, settings, step)[0] for step in range(steps)]
        values = torch.cat(batches)[:, 0, 0, 0].add(1).mul(127.5 / 40).round().int() - 1
        return values.tolist()

    places = shown(settings, 5)
    passes = [places[start : start + 5] for start in range(0, 20, 5)]
    assert all(sorted(each) == sorted(rows) for each in passes)
    assert len(set(map(tuple, passes))) > 1
    assert shown(settings, 5) == places
    assert shown(replace(settings, seed=1), 5) != places


def test_a_batch_is_floats_in_minus_one_to_one_and_whole_labels(data):
    images, labels = crops(data, FOLD.train, replace(SETTINGS, scales=(0.5, 0.5)), 0)
    assert images.shape == (2, 3, 32, 32)
    assert labels.shape == (2, 32, 32)
    assert images.dtype == torch.float32
    assert labels.dtype == torch.int64
    assert images.min() == -1  # the black beyond the picture
    assert images.max() <= 1


def test_the_rate_rises_and_falls_along_straight_lines():
    settings = replace(SETTINGS, iterations=100, lr=2.0, warmup=0.2)
    rates = [rate(settings, step) for step in range(100)]
    assert rates[:20] == pytest.approx([0.1 * (step + 1) for step in range(20)])
    assert rates[20:] == pytest.approx([2.0 * (100 - step) / 80 for step in range(20, 100)])
    assert max(rates) == rates[19] == rates[20] == 2.0
    assert rates[-1] == pytest.approx(2 / 80)
    assert rate(replace(settings, warmup=0.0), 0) == 2.0
    late = replace(settings, warmup=0.999)  # warm to the end: still no division by 0
    assert rate(late, 99) == 2.0


class Half(nn.Module):
    """Answers at half the size, e.g. as a SegFormer does at a quarter."""

    def __init__(self):
        super().__init__()
        self.inner = ByColour()

    def logits(self, images):
        return self.inner.logits(images)[:, :, ::2, ::2]


def test_scores_are_of_whole_images_of_any_size_at_the_size_of_their_labels(tmp_path):
    sizes = [(32, 32), (32, 32), (40, 35), (32, 32), (64, 33)]
    labels = [np.full(size, 1, np.uint8) for size in sizes]
    labels[2][:, 20:] = 2
    pictures = [painted(each) for each in labels]
    labels[4][:30] = 255
    data = written(tmp_path, pictures, labels)
    rows = np.array([4, 2, 0, 1])
    networks = {"half": Half().train(), "exact": ByColour().eval()}
    results = score(networks, data, rows)
    assert networks["half"].training
    assert not networks["exact"].training
    for name, network in networks.items():
        hits, union = np.zeros(4), np.zeros(4)
        for row in rows:
            logits = network.logits(to_tensor(pictures[row][None]))
            found = enlarged(logits, labels[row].shape).argmax(1)[0].numpy()
            counted = labels[row] != 255
            for label in range(4):
                own, told = (labels[row] == label) & counted, (found == label) & counted
                hits[label] += (own & told).sum()
                union[label] += (own | told).sum()
        expected = [np.nan, hits[1] / union[1], hits[2] / union[2], np.nan]
        assert results[name]["iou"] == pytest.approx(expected, nan_ok=True)
        assert results[name]["miou"] == pytest.approx(np.mean(expected[1:3]))
    assert results["exact"]["miou"] > 0.9


class Tokens(Tiny):
    """With a layer that gives tokens, which are maps where they form a square."""

    def __init__(self):
        super().__init__()
        self.tokens = nn.Identity()

    def logits(self, images):
        maps = self.first(images)
        rows = self.tokens(maps.flatten(2).transpose(1, 2))
        return self.head(rows.transpose(1, 2).unflatten(2, maps.shape[-2:]))


def test_inner_maps_are_caught_in_training_alone(tmp_path):
    """Whole images are not square, and nothing compares their maps."""
    labels = np.repeat(shapes(6), 2, axis=2)
    data = written(tmp_path, painted(labels), labels)
    term = TermSettings("at", 1.0, student_layers=("tokens",), teacher_layers=("tokens",))
    follow = TermSettings("kl", 1.0, trust="class")
    fold = Fold(np.arange(3), np.array([3]), np.array([4, 5]))
    course = train_together(
        {"one": Lesson(Tokens(), (term, follow))}, data, fold, SETTINGS, Tokens().eval()
    )["one"]
    assert len(course.checks) == 3


def test_what_cannot_work_is_refused_before_it_trains(data, teacher):
    def refused(match, terms=(), student=None, fold=FOLD, settings=SETTINGS, teacher=teacher):
        given = {"one": Lesson(student or Tiny(), terms)}
        with pytest.raises(InputError, match=match):
            train_together(given, data, fold, settings, teacher)

    with pytest.raises(InputError, match="no name"):
        train_together({"": Lesson(Tiny())}, data, FOLD, SETTINGS)
    refused("the term 'kl' needs a teacher", TERMS["kl"], teacher=None)
    missing = TermSettings("at", 1.0, student_layers=("first",), teacher_layers=("none",))
    refused("no layer 'none'", (missing,))
    swapped = TermSettings("at", 1.0, student_layers=("none",), teacher_layers=("first",))
    refused("no layer 'none'", (swapped,))
    refused("images held out", TERMS["class"], fold=FOLD._replace(held=ROWS[:0]))
    refused("4 training images do not fill a batch of 5", settings=replace(SETTINGS, batch_size=5))
    refused("the student one tells 3 classes, the data 4", student=Tiny(3))
    refused("the teacher tells 5 classes, the data 4", TERMS["kl"], teacher=Tiny(5))
    maps = (TermSettings("at", 1.0, **MAPS),)
    train_together({"one": Lesson(Tiny(), maps)}, data, FOLD, SETTINGS, Tiny(5))  # maps alone may
