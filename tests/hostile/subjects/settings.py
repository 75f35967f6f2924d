"""Every dataclass of settings, given anything."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from property_cnn.hair.settings import FaceCounts
from property_cnn.segmentation import settings as segmentation
from stylegan_ft.concept import settings as concept
from stylegan_ft.finetune import settings as finetune
from tests.hostile.judging import Wrong
from tests.hostile.strategies.values import changes, misfits, needed
from tests.hostile.subjects.subject import Make, Subject
from vectorfind import config
from vectorfind.bench.settings import BenchSettings
from vectorfind.characters.settings import EditSettings
from vectorfind.runs.finetune import settings as finetune_runs
from vectorfind.runs.hair import settings as hair_runs

CLASSES = (
    config.FindSettings, config.EvaluateSettings, config.CurveSettings, config.GradientSettings,
    EditSettings, BenchSettings, FaceCounts, hair_runs.OwnPictures, hair_runs.Lessons,
    segmentation.StudentSettings, segmentation.TermSettings, segmentation.DistillSettings,
    segmentation.SegformerSettings, segmentation.TeacherSettings, segmentation.ScheduleSettings,
    concept.Thresholds, concept.MemberSettings, concept.EnsembleSettings, finetune.FinetuneSettings,
    finetune.PlainSettings, finetune_runs.FilterSettings, finetune_runs.FaceSettings,
    finetune_runs.MeasureSettings,
)  # fmt: skip


def subject(settings: type, at: Path) -> Subject:
    """Settings of a class with a few fields changed; `whole` is its defaults."""

    def use(given: dict[str, Any], folder: Path) -> None:
        made = settings(**{**needed(settings), **given})
        if hasattr(made, "validate"):
            made.validate()
        wrong = misfits(made)
        if wrong:
            raise Wrong(f"taken: {'; '.join(wrong)}")

    return Subject(changes(settings), use, whole={}, short=40)


SUBJECTS: dict[str, Make] = {
    f"settings: {each.__name__}": partial(subject, each) for each in CLASSES
}
