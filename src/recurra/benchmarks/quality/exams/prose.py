"""Language: tiny Shakespeare by characters, the Penn Treebank by words."""

from typing import Any

from recurra.benchmarks.quality.exam import Answer, Case, Exam, Published, beside, trained

NATS, PERPLEXITY = "nats per character", "perplexity per word"
SHAKESPEARE_RECIPE: dict[str, Any] = {
    "hidden": 512,
    "batch_size": 16,
    "bptt": 64,
    "learning_rate": 2e-3,
    "dropout": 0.3,
    "epochs": 40,
    "patience": 0,
    "valid_share": 0.02,
    "max_time": "19m",
}
TREEBANK_RECIPE: dict[str, Any] = {
    "unit": "words",
    "hidden": 512,
    "embedding": 512,
    "tied": True,
    "dropout": 0.35,
    "weight_drop": 0.2,
    "batch_size": 20,
    "bptt": 35,
    "learning_rate": 3e-3,
    "clip": 0.25,
    "epochs": 20,
    "patience": 0,
    "max_time": "38m",
}


def shakespeare(case: Case) -> Answer:
    """Train on the first 90 %, two of them to choose the weights; test on the last 10 %."""
    text = (case.data / "input.txt").read_text(encoding="utf-8")
    cut = int(0.9 * len(text))
    for name, part in [("train", text[:cut]), ("test", text[cut:])]:
        (case.place / f"{name}.txt").write_text(part, encoding="utf-8")
    data, test = case.place / "train.txt", str(case.place / "test.txt")
    model = trained("language_model", case, data, test=test, **SHAKESPEARE_RECIPE)
    return beside(case, model, "loss", NATS)


def treebank(case: Case) -> Answer:
    """Train on the training part; the validation part chooses the weights."""
    model = trained("language_model", case, case.data, **TREEBANK_RECIPE)
    return beside(case, model, "perplexity", PERPLEXITY)


PROSE = (
    Exam(
        name="tinyshakespeare",
        task="language_model",
        folder="tinyshakespeare",
        files=("input.txt",),
        protocol="tiny Shakespeare by characters, first 90 % and last 10 %; the state carried over "
        "the whole test part.",
        metric=NATS,
        lower=True,
        must=1.55,
        aim=1.47,
        minutes=20.0,
        sit=shakespeare,
        recipe=SHAKESPEARE_RECIPE,
        published=(
            Published("nanoGPT on a CPU", 1.88, "github.com/karpathy/nanoGPT, README"),
            Published("nanoGPT on a GPU", 1.47, "github.com/karpathy/nanoGPT, README"),
            Published("minGRU", 1.548, "https://arxiv.org/abs/2410.01201"),
        ),
    ),
    Exam(
        name="ptb",
        task="language_model",
        folder="ptb",
        files=("*.gz",),
        protocol="Penn Treebank by words, Mikolov's preparation; the state carried over the text.",
        metric=PERPLEXITY,
        lower=True,
        must=110.0,
        aim=85.0,
        minutes=45.0,
        sit=treebank,
        recipe=TREEBANK_RECIPE,
        published=(Published("LSTM, 13M on a GPU", 78.9, "https://arxiv.org/abs/1803.01271"),),
    ),
)
