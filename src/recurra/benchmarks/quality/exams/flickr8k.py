"""Pictures in words: Flickr8k, with a frozen network that looks at them, and without."""

from collections import Counter
from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np

from recurra.benchmarks.quality.exam import Answer, Case, Exam, Published, beside, trained
from recurra.codecs.scale import Scale
from recurra.data.readers import captions
from recurra.data.vocabulary import words
from recurra.tasks.encoders import FrozenEncoder, remembered, seen_by
from recurra.tasks.image_captioning import IMAGE_CAPTIONING, told
from recurra.tasks.run import complete

METRIC = "BLEU-4"
TEXTS = "Flickr8k.token.txt"
WEIGHTS = "squeezenet1_1_imagenet_notop.npz"
FROZEN: dict[str, Any] = {"preset": "quality", "max_time": "30m"}
SCRATCH: dict[str, Any] = {"preset": "quality", "members": 1, "pixels": 64, "max_time": "10m"}
NEAR = 30  # pictures whose captions are compared


def bare(text: str) -> str:
    """Return a caption as the field scores it: lower case, without punctuation."""
    return " ".join(word for word in words(text) if any(c.isalnum() for c in word))


def stripped(case: Case) -> str:
    """Write the captions bare, beside the pictures and the lists; return their folder."""
    folder = case.place / "flickr8k"
    if not folder.exists():
        folder.mkdir()
        for path in case.data.iterdir():
            if path.suffix == ".zip" or path.name.startswith("Flickr_8k."):
                (folder / path.name).symlink_to(path.resolve())
        lines = (case.data / TEXTS).read_text(encoding="utf-8").splitlines()
        rows = (line.split("\t", 1) for line in lines if "\t" in line)
        text = "".join(f"{name}\t{bare(caption)}\n" for name, caption in rows)
        (folder / TEXTS).write_text(text, encoding="utf-8")
    return str(folder)


def weights(case: Case) -> str:
    """Return the frozen network's file, in the folder beside the exam's."""
    return str(case.data.parent / "pretrained" / WEIGHTS)


def sit(case: Case, recipe: dict[str, Any], frozen: bool) -> Answer:
    """Train on the 6,000 pictures with five captions each; the dev part's loss chooses."""
    encoder = {"encoder": weights(case)} if frozen else {}
    model = trained("image_captioning", case, stripped(case), **encoder, **recipe)
    return beside(case, model, "bleu", METRIC)


def nearest(case: Case) -> dict[str, float]:
    """Return what a caption of a picture that looks alike reaches.

    Of the captions of the pictures nearest by the frozen features' mean, the one that has most in
    common with the others. Devlin et al. 2015, https://arxiv.org/abs/1505.04467, section 3, with
    the F1 of words and pairs in the place of CIDEr.
    """
    recipe = complete(IMAGE_CAPTIONING, {"data": stripped(case), "encoder": weights(case)})
    splits = captions.read(recipe, recipe.side)
    seen, network = seen_by(weights(case), recipe.side)
    encoder = FrozenEncoder(seen, 1).eval()
    encoder.fill(network.state_dict())
    rows = [*splits.train, *splits.test]
    kept = remembered(encoder, [row.image for row in rows], Scale(real=False))
    means = np.stack([one.astype(np.float32).mean(0) for one in kept])
    means /= np.linalg.norm(means, axis=1, keepdims=True)
    alike = means[len(splits.train) :] @ means[: len(splits.train)].T
    answers = []
    for row in np.argsort(-alike, axis=1)[:, :NEAR]:
        answers.append(common([text for i in row for text in splits.train[i].captions]))
    found = told(answers, splits.test)
    return {METRIC: found["bleu"], "bleu_1": found["bleu_1"]}


def common(texts: Sequence[str]) -> str:
    """Return the text whose words and pairs of words are most those of the others."""
    parts = [text.split() for text in texts]
    grams = [Counter([*some, *pairwise(some)]) for some in parts]
    sizes = [sum(counts.values()) for counts in grams]

    def worth(i: int) -> float:
        return sum(
            2 * sum((grams[i] & other).values()) / (sizes[i] + size)
            for other, size in zip(grams, sizes, strict=True)
        )

    return texts[max(range(len(texts)), key=worth)]


def exam(name: str, protocol: str, **fields: Any) -> Exam:
    """Return one of the exams."""
    return Exam(
        name=name,
        task="image_captioning",
        folder="flickr8k",
        files=("*",),
        protocol=f"Flickr8k, pictures of 128×128, the standard lists; {protocol}; five references, "
        "lower case, without punctuation; BLEU-1 beside it (bleu_1); dev chooses the weights.",
        metric=METRIC,
        minutes=45.0,
        **fields,
    )


FLICKR8K = (
    exam(
        "flickr8k",
        "enlarged to 224×224 for SqueezeNet 1.1 of ImageNet, frozen",
        must=16.5,
        aim=21.3,
        sit=partial(sit, recipe=FROZEN, frozen=True),
        recipe=FROZEN,
        peers={"captions of pictures that look alike": nearest},
        published=(
            Published("Karpathy and Fei-Fei", 16.0, "2015, https://arxiv.org/abs/1412.2306"),
            Published("soft attention", 19.5, "Xu et al. 2015, https://arxiv.org/abs/1502.03044"),
            Published("hard attention", 21.3, "Xu et al. 2015, https://arxiv.org/abs/1502.03044"),
        ),
    ),
    exam(
        "flickr8k-scratch",
        "made 64×64 for convolutions that learn along",
        sit=partial(sit, recipe=SCRATCH, frozen=False),
        recipe=SCRATCH,
    ),
)
