"""A character: one face, its directions and how it answers them; all that a program needs to drive
it, in one file.

    character = vectorfind.load_character("anna.safetensors")
    pixels = character.render(eyes=0.2, mouth=0.8, pose=-0.3)      # (H, W, 3) uint8

Sliders run from -1 to 1, from one end of what this face can do to the other; one that is not
given stays where the unedited face is (`Character.rest`). Properties add up: each moves the face's
vector by its own way. Nothing but the generator is needed, no scorer.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from typing import Any, Self

import numpy as np
import torch
from PIL import Image

from property_cnn.common.checks import check_names, check_within
from property_cnn.common.errors import CheckpointError, InputError
from property_cnn.common.files import load_tensors, save_tensors
from property_cnn.common.prompt import Shown, Thumbnail, table_html
from property_cnn.common.tasks import one_thread, one_torch_thread
from property_cnn.hair.ombre import ombre
from property_cnn.pictures import to_bytes
from reports.text import ends_of, plain
from vectorfind.characters.face import Face
from vectorfind.characters.loading import Source
from vectorfind.characters.measuring import checked_row, measured_face, slider_correlations
from vectorfind.characters.picking.cases import named_networks, read_cases
from vectorfind.characters.settings import OMBRE, OMBRE_DEFAULTS, CharacterSettings
from vectorfind.characters.storing import incomplete, packed, unpacked
from vectorfind.directions.directions import Directions, load_directions
from vectorfind.directions.edits import images_of
from vectorfind.directions.thumbnails import MOST_PROPERTIES
from vectorfind.models.protocols import Generator, Scorer, device_of, digest_of
from vectorfind.models.segmenters import segmenter_for

DYE = {name.replace("-", "_"): name for name in OMBRE}
"""Keywords of the dye -> names of its parameters; hues and shares in [0, 1]."""

SUFFIX = ".safetensors"

THUMBNAIL = 128
"""Most pixels of a thumbnail's side."""

_BATCH = 16
_MOST_TEXT = 4_000


@dataclass(frozen=True, eq=False, repr=False)
class Character(Shown):
    """A face that can be driven.

    `from_case` and `from_latent` make one, `load_character` reads one.

    Attributes:
        face: its vector, ways and responses.
        source: the generator: its name or path, digest, and how it is loaded.
        dye: parameters of the ombre dye, see `OMBRE`; {} for none.
        name, note: for people.
        thumbnail: (h, w, 3) uint8, the unedited face.
        made: how it was made: case, method, scorer's digest, and `correlations`, of each slider
            with its score, at sliders that the curves were not fitted at.
    """

    face: Face
    source: Source
    dye: Mapping[str, float] = field(default_factory=dict)
    name: str = ""
    note: str = ""
    thumbnail: np.ndarray = field(default_factory=lambda: np.zeros((0, 0, 3), np.uint8))
    made: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    @one_thread()
    def from_latent(  # noqa: PLR0913 - its keywords are the interface
        cls,
        directions: Directions,
        z: np.ndarray | None = None,
        label: np.ndarray | None = None,
        *,
        vector: np.ndarray | None = None,
        layer: str | None = None,
        generator: str | os.PathLike = "",
        settings: CharacterSettings | None = None,
        name: str = "",
        note: str = "",
        made: Mapping[str, Any] | None = None,
    ) -> Self:
        """The character of one face.

        Args:
            directions: of the properties that get a slider.
            z: (z_dim,) its latent.
            label: (label_dim,); None for a generator without labels.
            vector: (d,) in place of z: where the face is at `layer`, as an inversion gives it.
            layer: of the vector: that of the directions (the default), or w+ or w+A-B of directions
                in w.
            generator: name or path under which the file shall find the generator again; "" of an
                object, which `load_character` must then be given.
            settings: of the measurement.
            name, note: for people.
            made: what else to write down.

        Raises:
            InputError: a shape does not fit, the face cannot be read, or answers no direction.
        """
        settings = CharacterSettings() if settings is None else settings
        models = directions.models
        label = np.zeros(0) if label is None else label
        label = checked_row("label", label, models.generator.label_dim)
        layer = directions.layer if layer is None or vector is None else layer
        if vector is None:
            if z is None:
                raise InputError("no face; give z, or a vector and its layer")
            z = checked_row("z", z, models.generator.z_dim)
            vector = models.map(z[None], label[None])[layer][0].cpu().numpy()
        face = measured_face(directions, vector, layer, label, settings)
        models = models.with_layer(layer)
        about = {**(made or {}), "scorer": digest_of(models.scorer), "method": directions.method}
        if settings.checks:
            found = slider_correlations(face, models, settings.checks)
            about["correlations"] = {name: round(value, 6) for name, value in found.items()}
        pixels = pixels_of(images_of(models, face.latent[None], layer, 1)).numpy()[0]
        source = Source.of(models.generator, generator)
        return cls(face, source, {}, name, note, _thumbnail(pixels), about)

    @classmethod
    def from_case(  # noqa: PLR0913 - its keywords are the interface
        cls,
        run: str | os.PathLike,
        case: int,
        *,
        generator: str | os.PathLike | Generator | None = None,
        scorer: str | os.PathLike | Scorer | None = None,
        device: str | None = None,
        size: int | None = None,
        settings: CharacterSettings | None = None,
        name: str | None = None,
        note: str = "",
    ) -> Self:
        """The character of a case of a run.

        Args:
            run: folder of `vectorfind test`.
            case: its number.
            generator, scorer: the run's; None for those that its command names.
            device, size: where and how large the generator draws.
            settings, note: see `from_latent`.
            name: "case 3" if None.

        Raises:
            InputError: there is no such case.
            CheckpointError: a file is missing, damaged or of other networks.
        """
        if generator is None or scorer is None:
            own = named_networks(run)
            generator = own[0] if generator is None else generator
            scorer = own[1] if scorer is None else scorer
        cases = read_cases(run)
        cases.check(case, run)
        directions = load_directions(run, generator, scorer, device, size=size)
        return cls.from_latent(
            directions,
            cases.z[case],
            cases.label[case],
            generator=generator if isinstance(generator, str | os.PathLike) else "",
            settings=settings,
            name=f"case {case}" if name is None else name,
            note=note,
            made={"case": int(case)},
        )

    @property
    def properties(self) -> tuple[str, ...]:
        """What has a slider."""
        return self.face.properties

    @property
    def rest(self) -> dict[str, float]:
        """property -> slider of the unedited face."""
        return self.face.rest

    @cached_property  # of an object it is asked for its layer once, not for every frame
    def generator(self) -> Generator:
        """The network, loaded on first use and shared with other characters of it.

        Raises:
            CheckpointError: it is not there, or not the one that the character lives in.
        """
        generator, layer = self.source.generator(self.face.layer), self.face.layer
        if len(self.face.latent) != generator.layers[layer]:
            raise CheckpointError(
                f"the character's vector has {len(self.face.latent)} numbers, its generator's "
                f"{layer} {generator.layers[layer]}; make it again"
            )
        return generator

    def attached(self, generator: Generator) -> Self:
        """The same on a generator that is loaded already, or an object of the user's own.

        Raises:
            CheckpointError: it is another generator than the character's.
        """
        return replace(self, source=self.source.attached(generator, self.face.layer))

    def dyed(self, **dye: float) -> Self:
        """The same with a dye: `ombre_color`, `ombre_height`, `ombre_grad_height`; none without.

        Raises:
            InputError: another name, or a number outside [0, 1].
        """
        return replace(self, dye=checked_dye(dye))

    @one_torch_thread()
    def images(self, **values: Any) -> torch.Tensor:
        """Images (N, 3, H, W) in [-1, 1] on the generator's device, of values as in `render`."""
        sliders, dye = self._parted(values)
        vectors, generator = self.face.vectors(**sliders), self.generator
        batches = range(0, len(vectors), _BATCH)
        with torch.inference_mode():
            drawn = [
                generator.synthesize(
                    torch.from_numpy(vectors[i : i + _BATCH]).to(device_of(generator)),
                    self.face.layer,
                )
                for i in batches
            ]
            images = torch.cat(drawn).float() if len(drawn) > 1 else drawn[0].float()
            if not dye:
                return images
            masks = _segmenter(generator)(images)
            return ombre(images, masks, **{OMBRE[name]: value for name, value in dye.items()})

    def render(self, **values: Any) -> np.ndarray:
        """The face as pixels.

        Args:
            values: property=slider in [-1, 1], the numbers of one image, or arrays (N,) for N;
                `ombre_color`, `ombre_height`, `ombre_grad_height` in place of the character's dye,
                `ombre_color=None` for none.

        Returns:
            (H, W, 3) uint8 RGB; (N, H, W, 3) where a slider is an array.

        Raises:
            InputError: unknown property, no number, or arrays of several lengths.
            CheckpointError: the generator is not there, or another one.
        """
        pixels = pixels_of(self.images(**values)).numpy()
        several = any(np.ndim(value) for value in values.values())
        return pixels if several else pixels[0]

    def stream(self) -> Stream:
        """For loops that draw a frame at a time: what can be kept is kept."""
        return Stream(self)

    def save(self, path: str | os.PathLike) -> None:
        """Writes one .safetensors, atomically; the same character gives the same bytes.

        Raises:
            InputError: the path ends otherwise.
        """
        if not os.fspath(path).endswith(SUFFIX):
            raise InputError(f"{path}: a character's file ends in {SUFFIX}; name one that does")
        about = {
            "source": self.source.stored(),
            "dye": dict(self.dye),
            "name": self.name[:_MOST_TEXT],
            "note": self.note[:_MOST_TEXT],
            "made": dict(self.made),
        }
        save_tensors(path, *packed(self.face, self.thumbnail, about))

    def facts(self) -> dict[str, str]:
        """Its name, and for each slider the scores that it reaches and where it rests."""
        told = {"name": self.name or "–"}
        if self.note:
            told["note"] = self.note
        for name, answer in self.face.responses.items():
            told[name] = f"{answer.low:.3g} to {answer.high:.3g}, rests at {answer.rest:+.2f}"
        if self.dye:
            told["dye"] = ", ".join(f"{name} {value:g}" for name, value in self.dye.items())
        return {**told, "layer": self.face.layer, "generator": self.source.name or "an object"}

    def _repr_html_(self) -> str:
        return table_html("Character", self.facts(), self._thumbnails)

    @cached_property
    def _thumbnails(self) -> tuple[Thumbnail, ...]:
        """Small pictures at rest and at the ends of each slider; none without the generator."""
        from reports.pages.pictures import thumbnail_url  # loads matplotlib

        names = self.properties[:MOST_PROPERTIES]
        sliders = [{}, *({name: end} for name in names for end in (-1.0, 1.0))]
        words = [word for name in names for word in ends_of(name)]
        told = [
            f"{plain(name)} {word}" for name, word in zip(np.repeat(names, 2), words, strict=True)
        ]
        try:
            urls = [thumbnail_url(self.images(**each)[0].cpu().numpy()) for each in sliders]
        except Exception:  # whatever a user's network does: the table stands alone
            return ()
        return tuple(map(Thumbnail, urls, ("at rest", *told)))

    def _parted(self, values: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, float]]:
        """Sliders, and the dye's parameters: those given, and the character's own."""
        given = {name: value for name, value in values.items() if name in DYE}
        sliders = {name: value for name, value in values.items() if name not in DYE}
        if not given:
            return sliders, dict(self.dye)
        if given.get("ombre_color", 0.0) is None:
            return sliders, {}
        return sliders, checked_dye({**self.dye, **given})


class Stream:
    """Frames of one character, one after another; the generator and the buffer stay.

    Attributes:
        character: whose frames they are.
    """

    def __init__(self, character: Character):
        self.character = character
        self._pixels: np.ndarray | None = None

    def frame(self, **values: Any) -> np.ndarray:
        """(H, W, 3) uint8 as `Character.render` gives it; it holds until the next frame."""
        images = self.character.images(**values)
        if len(images) != 1:
            raise InputError(f"{len(images)} values of a slider; a frame takes one each")
        shape = (1, *images.shape[2:], 3)
        if self._pixels is None or self._pixels.shape != shape:
            self._pixels = np.empty(shape, np.uint8)
        pixels_of(images, torch.from_numpy(self._pixels))
        return self._pixels[0]

    def frames(self, rows: Sequence[Mapping[str, Any]]) -> Iterator[np.ndarray]:
        """A frame for each row of values; equal neighbours are drawn once."""
        last: dict[str, Any] | None = None
        for row in rows:
            if last is None or dict(row) != last:
                pixels, last = self.frame(**row), dict(row)
            yield pixels


def pixels_of(images: torch.Tensor, out: torch.Tensor | None = None) -> torch.Tensor:
    """Images (N, 3, H, W) in [-1, 1] -> 8-bit RGB (N, H, W, 3) on the CPU, in `out` if given."""
    levels = to_bytes(images).permute(0, 2, 3, 1)
    return levels.cpu().contiguous() if out is None else out.copy_(levels)


def load_character(
    path: str | os.PathLike,
    generator: str | os.PathLike | Generator | None = None,
    size: int | None = None,
    device: str | None = None,
) -> Character:
    """The character in a file; its generator is loaded when it is first drawn.

    Args:
        path: a file of `Character.save`.
        generator: in place of the one that the file names: a name, path or object.
        size: side of the images in pixels, of a generator that makes several.
        device: where it runs; None for a GPU if there is one.

    Raises:
        CheckpointError: no such file, damaged, or no character.
    """
    face, thumbnail, about = unpacked(*load_tensors(path), path)
    try:
        source = Source.read(about["source"]).given(generator, size, device)
        dye, made = checked_dye(about["dye"]), dict(about["made"])
        name, note = (str(about[key])[:_MOST_TEXT] for key in ("name", "note"))
    except (KeyError, TypeError, ValueError, AttributeError, InputError) as error:
        raise incomplete(path, error) from error
    return Character(face, source, dye, name, note, thumbnail, made)


def checked_dye(given: Mapping[str, Any]) -> dict[str, float]:
    """Parameters of the dye by their names, those left out by default; {} for none.

    Args:
        given: name, or keyword of `DYE` -> number in [0, 1].

    Raises:
        InputError: another name, or a number outside [0, 1].
    """
    named = {DYE.get(name, name): value for name, value in given.items()}
    check_names("parameter of the dye", tuple(named), tuple(OMBRE))
    for name, value in named.items():
        check_within(name, value)
    return {**OMBRE_DEFAULTS, **named} if named else {}


_segmenter = lru_cache(maxsize=4)(segmenter_for)


def _thumbnail(pixels: np.ndarray) -> np.ndarray:
    picture = Image.fromarray(pixels)
    if max(picture.size) > THUMBNAIL:
        picture.thumbnail((THUMBNAIL, THUMBNAIL), Image.Resampling.LANCZOS)
    return np.asarray(picture).copy()
