"""The shipped models: they load, agree across batch sizes, and their directions work."""

import numpy as np
import torch

import property_cnn
import vectorfind
from property_cnn.common.streams import CASES
from property_cnn.faces import Part, render_both, sample_attributes
from property_cnn.hair.teacher import load_teacher
from property_cnn.network.shipped import SHIPPED_PHOTOS
from property_cnn.segmentation.metrics import mask_scores
from property_cnn.segmentation.teachers import hair_probability
from vectorfind.models.pair import load_models
from vectorfind.models.protocols import resolve_scorer
from vectorfind.models.scorers import NAMED
from vectorfind.sampling.latents import mapped_latents
from vectorfind.sampling.sampler import sample


def test_batch_size_changes_scores_by_less_than_1e_5():
    models = load_models("default", "default", "cpu", "float32")
    small, large = (sample(models, 200, 0, batch_size=size) for size in (7, 64))
    assert np.array_equal(small.z, large.z)
    assert np.array_equal(small.label, large.label)
    for layer, vectors in small.latents.items():
        assert np.array_equal(vectors, large.latents[layer])
    assert np.abs(small.scores - large.scores).max() <= 1e-5


def test_directions_on_the_shipped_models_are_clear_of_chance():
    directions = vectorfind.find_directions(n=600, group_by=(), seed=1, quiet=True)
    evaluation = vectorfind.evaluate(directions, cases=6, quiet=True)
    found, chance = evaluation.measured.correlation, evaluation.control.correlation
    assert (found.low > chance.high).all()
    assert (found.mean > 0.7).all()


def test_the_shipped_segmenter_finds_the_hair_of_rendered_faces():
    attributes = sample_attributes(12, seed=12345)
    images, parts = render_both(attributes, 224)
    masks = property_cnn.load_hair_segmenter(device="cpu")(images)
    assert masks.shape == (12, 1, 224, 224)
    assert mask_scores(masks[:, 0], parts == Part.HAIR)["iou"] > 0.95


def test_the_shipped_segmenter_and_teacher_agree_on_generated_faces():
    models = load_models("default", "default", "cpu", "float32")
    latents = mapped_latents(models, 3, CASES, 4, ("w",))[2]
    images = models.synthesize(latents["w"], "w")
    student = property_cnn.load_hair_segmenter(device="cpu")(images)
    teacher = hair_probability(load_teacher(device="cpu"), images)
    assert mask_scores(student, teacher)["iou"] > 0.93


def test_the_shipped_scorer_of_photographs_is_as_its_card_says():
    scorer = resolve_scorer("photos", "cpu")
    assert scorer.properties == NAMED["photos"]
    folder = SHIPPED_PHOTOS.parent
    assert scorer.digest in (folder / "photo_scorer.md").read_text("utf-8")
    assert SHIPPED_PHOTOS.stat().st_size < 16 * 2**20
    images = torch.rand(6, 3, 256, 256, generator=torch.Generator().manual_seed(0)) * 2 - 1
    scores = scorer(images)
    assert scores.shape == (6, len(scorer.properties))
    torch.testing.assert_close(torch.cat([scorer(image[None]) for image in images]), scores)
    columns = [scorer.properties.index(name) for name in ("yaw", "pose")]
    assert (scores[:, columns[0]] - scores[:, columns[1]]).abs().max() < 1
