"""Training a linear head on Lite0's features, with what it gets wrong shown by cross-validation.

The photos are parted into `FOLDS`. Beside the head that learns from all of them, one head for each part learns
from the others; together they say of every photo what a head makes of it that has never seen it. All heads learn
side by side from the same batches (Stone, “Cross-validatory choice and assessment of statistical predictions”, 1974).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional

from ml.augmentation import AugmentationParams
from ml.augmentation.run import Augmentation
from ml.classify import FEATURES, LITE0
from ml.classify.heads import Head, write_head
from ml.classify.networks import Lite0, normalised
from ml.classify.run import loaded
from ml.core.context import Context, Inputs, Result, ResultFile
from ml.core.device import cancellable, torch_device
from ml.core.errors import InputError
from ml.core.files import undamaged
from ml.core.formats import FORMATS
from ml.core.images import Picture, flattened
from ml.core.messages import IN_FILE
from ml.core.reading import read_picture
from ml.core.text import excerpt
from ml.train_classifier import ClassifierTrainingParams, archives, class_names
from ml.train_classifier.messages import DRAWING, LEARNING, READING
from ml.train_classifier.pictures import Guess, draw_confusion, draw_mistakes

FOLDS = 5
BATCH = 16
"""Photos that go through the network at once."""

STEPS = 160
"""Of learning, in all."""

STEP_BATCH = 128
LEARNING_RATE = 1e-3
WEIGHT_DECAY = 1e-2
REPORT_EVERY = 4
AUGMENTATION = AugmentationParams(
    scale=15, shift=5, rotate=10, shear=0, flip="horizontal", crop=30, colour=30, blur=0, erase=0
)


@dataclass
class Album:
    """The photos: their middles as uint8 (3, 224, 224), and which of `names` each one is."""

    names: list[str]
    photos: list[Tensor] = field(default_factory=list)
    classes: list[int] = field(default_factory=list)

    def add(self, picture: Picture, number: int) -> None:
        self.photos.append(middle(picture))
        self.classes.append(number)

    @property
    def samples(self) -> list[Tensor]:
        """The first photo of each class."""
        return [self.photos[self.classes.index(number)] for number in range(len(self.names))]


def run(inputs: Inputs, params: ClassifierTrainingParams, context: Context) -> Result:
    """A head for the classes of the slots as the file `model`, `confusion_matrix`, and `mistakes` where there are any.

    The accuracy, the matrix and the mistakes are cross-validated: each photo is judged by a head that was not
    trained on it.
    """
    album = read_album(inputs, params, context)
    device = torch_device(context.device)
    network = loaded("imagenet", context.device)
    assert isinstance(network, Lite0)
    students = Students(album, context.generator, device)
    augmentation = Augmentation(AUGMENTATION, Lite0.SIZE, Lite0.SIZE)
    rounds = 1 + params.variants
    steps = max(REPORT_EVERY, STEPS // rounds)
    for number in range(rounds):
        drawn = augmentation if number else None
        with cancellable(network, context):
            views = [
                _features(network, batch, drawn, context.generator)
                for batch in _batches(album, (number, rounds), context)
            ]
        students.look_at(torch.cat(views))
        students.learn(steps, context)
        context.preview(draw_confusion(students.confusion(), album.names, album.samples))
    return _result(album, students, context)


def read_album(inputs: Inputs, params: ClassifierTrainingParams, context: Context) -> Album:
    """The photos of the slots, or of the archive."""
    if inputs["archive"]:
        return _from_archive(inputs["archive"][0], context)
    names = class_names(params, inputs)
    album = Album(list(names.values()))
    count = sum(len(inputs[slot]) for slot in names)
    for number, slot in enumerate(names):
        for path in inputs[slot]:
            _say_reading(len(album.photos) / count, context)
            album.add(read_picture(path), number)
    return album


def _from_archive(path: Path, context: Context) -> Album:
    with archives.opened(path) as archive:
        classes = archives.photos_by_class(archive)
        album = Album(list(classes))
        count = sum(map(len, classes.values()))
        unpacked = context.scratch / "photo"
        for number, entries in enumerate(classes.values()):
            for entry in entries:
                _say_reading(len(album.photos) / count, context)
                with undamaged():
                    content = archive.read(entry)
                unpacked.write_bytes(content)
                try:
                    album.add(read_picture(unpacked), number)
                except InputError as error:
                    raise InputError(
                        IN_FILE, file=excerpt(entry.filename, 100), reason=error.message
                    ) from None
    return album


def _say_reading(done: float, context: Context) -> None:
    context.advance(0.1 * done, READING)


def middle(picture: Picture) -> Tensor:
    """The square in the middle as Lite0 sees it, RGB on white, uint8 (3, 224, 224)."""
    image = Image.fromarray(flattened(picture).rgb())
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    size, box = (Lite0.SIZE, Lite0.SIZE), (left, top, left + side, top + side)
    small = image.resize(size, Image.Resampling.BICUBIC, box, reducing_gap=3)
    return torch.frombuffer(bytearray(small.tobytes()), dtype=torch.uint8).view(*size, 3).permute(2, 0, 1)


def _batches(album: Album, turn: tuple[int, int], context: Context) -> Iterator[Tensor]:
    """Images in [0, 1], (B, 3, 224, 224). `turn` is the number of this round, and of all rounds."""
    number, rounds = turn
    for start in range(0, len(album.photos), BATCH):
        done = (number + start / len(album.photos)) / rounds
        context.advance(0.1 + 0.85 * done, LEARNING(number=number + 1, rounds=rounds))  # fmt: skip
        yield torch.stack(album.photos[start : start + BATCH]).float() / 255


@torch.inference_mode()
def _features(
    network: Lite0, images: Tensor, augmentation: Augmentation | None, generator: torch.Generator
) -> Tensor:
    """(B, 1280) on the CPU, of the images or of a variant of each."""
    if augmentation is not None:
        images = torch.stack([augmentation(image, generator) for image in images])
    device = network.fc.weight.device
    return network.features(normalised(images).to(device)).mean(dim=(2, 3)).cpu()


class Students:
    """The heads that learn: one for each part of the photos, which is held back from it, and the last from all."""

    def __init__(self, album: Album, generator: torch.Generator, device: torch.device) -> None:
        self.classes = torch.tensor(album.classes, device=device)
        self.held_back_from = parts(album.classes, generator).to(device)
        count = len(album.names)
        # A class of few photos is drawn as often as one of many.
        self._chances = (1 / torch.bincount(self.classes, minlength=count).float())[self.classes]
        self._weight = nn.Parameter(torch.zeros(FOLDS + 1, count, FEATURES, device=device))
        self._bias = nn.Parameter(torch.zeros(FOLDS + 1, 1, count, device=device))
        self._optimiser = torch.optim.AdamW(
            [self._weight, self._bias], lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY
        )
        self._generator = generator
        self._views: list[Tensor] = []
        self._steps = 0

    def look_at(self, features: Tensor) -> None:
        """One more view of every photo, (N, 1280); the first one is the photo as it is."""
        self._views.append(features.to(self.classes.device))

    def learn(self, steps: int, context: Context) -> None:
        """Some steps on batches of all views so far."""
        views = torch.stack(self._views)
        for _step in range(steps):
            context.check_cancelled()
            photos = torch.multinomial(
                self._chances.cpu(), STEP_BATCH, replacement=True, generator=self._generator
            )
            drawn = torch.randint(len(views), (STEP_BATCH,), generator=self._generator)
            loss = self._loss(views[drawn, photos], photos.to(self.classes.device))
            self._optimiser.zero_grad()
            loss[0].backward()
            self._optimiser.step()
            self._steps += 1
            if self._steps % REPORT_EVERY == 0:
                self._report(float(loss[1]), context)

    def judgements(self) -> Tensor:
        """Of each photo as it is the probability of each class, (N, classes), by the head that never saw it."""
        with torch.no_grad():
            shares = self._logits(self._views[0]).softmax(2)
        return shares[self.held_back_from, torch.arange(len(self.classes), device=self.classes.device)]

    def confusion(self) -> list[list[int]]:
        """How many photos of each class (the rows) are taken for which (the columns)."""
        count = self._weight.shape[1]
        pairs = self.classes * count + self.judgements().argmax(1)
        rows: list[list[int]] = torch.bincount(pairs, minlength=count * count).view(count, count).tolist()
        return rows

    def head(self, names: list[str]) -> Head:
        """The one that learned from all photos."""
        weight, bias = self._weight.detach()[-1].cpu(), self._bias.detach()[-1, 0].cpu()
        return Head(tuple(names), weight.numpy(), bias.numpy())

    def _logits(self, features: Tensor) -> Tensor:
        """(FOLDS + 1, N, classes)."""
        return torch.baddbmm(self._bias, features.expand(FOLDS + 1, -1, -1), self._weight.mT)

    def _loss(self, features: Tensor, photos: Tensor) -> tuple[Tensor, Tensor]:
        """What is minimised, and the part of it that the last head has."""
        classes = self.classes[photos].expand(FOLDS + 1, -1)
        losses = functional.cross_entropy(self._logits(features).transpose(1, 2), classes, reduction="none")
        heads = torch.arange(FOLDS + 1, device=classes.device)[:, None]
        seen = (self.held_back_from[photos] != heads).float()
        means = (losses * seen).sum(1) / seen.sum(1).clamp(min=1)
        return means.sum(), means[-1].detach()

    def _report(self, loss: float, context: Context) -> None:
        shares = self.judgements()
        right = (shares.argmax(1) == self.classes).float().mean()
        held_back = functional.nll_loss(shares.clamp(min=1e-8).log(), self.classes)
        context.series("loss", self._steps, loss)
        context.series("held_back_loss", self._steps, float(held_back))
        context.series("held_back_accuracy", self._steps, float(right))


def parts(classes: list[int], generator: torch.Generator) -> Tensor:
    """For each photo the part, 0 to FOLDS - 1, in which it is held back; every part has its share of each class."""
    numbers = torch.tensor(classes)
    part = torch.empty(len(classes), dtype=torch.long)
    for number in set(classes):
        (members,) = torch.where(numbers == number)
        part[members[torch.randperm(len(members), generator=generator)]] = torch.arange(len(members)) % FOLDS
    return part


def _result(album: Album, students: Students, context: Context) -> Result:
    context.advance(0.96, DRAWING)
    confusion = students.confusion()
    guesses = _guesses(album, students.judgements())
    wrong = sorted((guess for guess in guesses if not guess.right), key=lambda guess: -guess.score)
    images = {"confusion_matrix": draw_confusion(confusion, album.names, album.samples)}
    if wrong:
        images["mistakes"] = draw_mistakes(wrong, album.names)
    target = context.scratch / "model.safetensors"
    write_head(students.head(album.names), target)
    return Result(
        images=images,
        files={"model": ResultFile(target, FORMATS["safetensors"])},
        metrics={
            "cross-validated_accuracy": round(1 - len(wrong) / len(guesses), 4),
            "photos": len(guesses),
            "mistakes": len(wrong),
        },
        weights=(LITE0.name,),
        engine="torch",
    )


def _guesses(album: Album, shares: Tensor) -> list[Guess]:
    scores, said = shares.max(1)
    return [
        Guess(photo, truth, int(guess), float(score))
        for photo, truth, guess, score in zip(album.photos, album.classes, said, scores, strict=True)
    ]
