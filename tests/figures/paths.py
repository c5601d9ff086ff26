"""Every figure by a path of its own: from predictions as they are printed, or step by step."""

import itertools
import json
import math
import re
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Sequence
from typing import Any

import numpy as np
import pytest
import torch

from recurra.data.readers.conll import Tagged

from .conftest import Trained


def prior(train: Iterable[Hashable], test: Sequence[Hashable]) -> float:
    """Return the mean −log p under the training part's frequencies, one added to each symbol's."""
    seen, wanted = list(train), list(test)
    symbols = {*seen, *wanted}
    counts = Counter(seen)
    logs = [math.log((counts[one] + 1) / (len(seen) + len(symbols))) for one in wanted]
    return -float(np.mean(logs))


def log_softmax(scores: torch.Tensor) -> np.ndarray:
    scores64 = scores.detach().double().numpy()
    top = scores64.max(-1, keepdims=True)
    return scores64 - top - np.log(np.exp(scores64 - top).sum(-1, keepdims=True))


def of_labels(trained: Trained, part: str) -> dict[str, float]:
    """Return accuracy and loss of labels that were printed with their probabilities."""
    answers, gold = trained.predict(part), [label for _, label in trained.parts.rows[part]]
    for answer in answers:
        best = max(answer["probabilities"], key=answer["probabilities"].get)
        assert answer["label"] == best
        assert answer["probability"] == answer["probabilities"][best]
        assert sum(answer["probabilities"].values()) == pytest.approx(1, abs=1e-5)
    right = [answer["label"] == label for answer, label in zip(answers, gold, strict=True)]
    logs = [math.log(a["probabilities"][label]) for a, label in zip(answers, gold, strict=True)]
    return {"accuracy": float(np.mean(right)), "loss": -float(np.mean(logs))}


def labels_baseline(trained: Trained, part: str) -> dict[str, float]:
    seen = [label for _, label in trained.parts.rows["train"]]
    asked = [label for _, label in trained.parts.rows[part]]
    usual = max(set(seen), key=seen.count)
    return {"accuracy": asked.count(usual) / len(asked), "loss": prior(seen, asked)}


def spans(tags: Sequence[str]) -> set[tuple[str, int, int]]:
    """Return (type, first, last) of the entities of IOB2 tags in which I- follows its kind."""
    found = []
    for i, tag in enumerate(tags):
        if tag[0] == "B":
            found.append([tag[2:], i, i])
        elif tag[0] == "I":
            found[-1][2] = i
    return {(kind, first, last) for kind, first, last in found}


def f1(gold: Sequence[Sequence[str]], answers: Sequence[Sequence[str]]) -> float:
    pairs = [(spans(a), spans(b)) for a, b in zip(gold, answers, strict=True)]
    hits = sum(len(a & b) for a, b in pairs)
    sizes = sum(len(a) + len(b) for a, b in pairs)
    return 2 * hits / sizes if sizes else 0.0


def of_tags(trained: Trained, part: str) -> dict[str, float]:
    """Return F1 of the tags printed, and the loss by the forward algorithm over one row each."""
    rows, answers = trained.parts.rows[part], trained.predict(part)
    assert [answer["tokens"] for answer in answers] == [tokens for tokens, _ in rows]
    for answer in answers:  # what is printed as entities is what is tagged
        told = {(kind, first, last) for _, kind, first, last in answer["entities"]}
        assert told == spans(answer["tags"])
    found = f1([tags for _, tags in rows], [answer["tags"] for answer in answers])
    network, codec = trained.model.network, trained.model.codec
    names = codec.tags
    moves, start, end = (
        p.detach().double().numpy().copy()
        for p in (network.output.transitions, network.output.start, network.output.end)
    )
    for j, after in enumerate(names):
        if after[0] == "I":
            start[j] = -np.inf
            for i, before in enumerate(names):
                if before[2:] != after[2:]:
                    moves[i, j] = -np.inf
    total, count = 0.0, 0
    for tokens, tags in rows:
        x = codec.encode(Tagged(tokens, tags, ""))[0][None]
        scores = network(x)[0].detach().double().numpy()
        path = [names.index(tag) for tag in tags]
        gold = start[path[0]] + end[path[-1]] + sum(scores[t, tag] for t, tag in enumerate(path))
        gold += sum(moves[a, b] for a, b in itertools.pairwise(path))
        alpha = start + scores[0]
        for step in scores[1:]:
            alpha = np.logaddexp.reduce(alpha[:, None] + moves, axis=0) + step
        total += np.logaddexp.reduce(alpha + end) - gold
        count += len(tokens)
    return {"span_f1": found, "loss": total / count}


def tags_baseline(trained: Trained, part: str) -> dict[str, float]:
    seen: dict[str, list[str]] = defaultdict(list)
    for tokens, tags in trained.parts.rows["train"]:
        for token, tag in zip(tokens, tags, strict=True):
            seen[token].append(tag)
    usual = {token: Counter(tags).most_common(1)[0][0] for token, tags in seen.items()}
    rows = trained.parts.rows[part]
    answers = [[usual.get(token, "O") for token in tokens] for tokens, _ in rows]
    loss = prior(
        [tag for tags in seen.values() for tag in tags], [t for _, tags in rows for t in tags]
    )
    gold = [tags for _, tags in rows]
    assert all(spans_are_whole(tags) for tags in answers)
    return {"span_f1": f1(gold, answers), "loss": loss}


def spans_are_whole(tags: Sequence[str]) -> bool:
    pairs = zip(["O", *tags], tags, strict=False)
    return all(b[0] != "I" or a[2:] == b[2:] for a, b in pairs)


def of_texts(answers: list[str], wanted: list[list[str]]) -> dict[str, float]:
    """Return exact match, sacreBLEU's own BLEU and chrF of the texts as they are, and lengths."""
    from sacrebleu.metrics import BLEU, CHRF

    most = max(map(len, wanted))
    streams = [[texts[i] if i < len(texts) else None for texts in wanted] for i in range(most)]
    hits = [answer in texts for answer, texts in zip(answers, wanted, strict=True)]
    return {
        "exact_match": float(np.mean(hits)),
        "bleu": BLEU().corpus_score(answers, streams).score,
        "chrf": CHRF().corpus_score(answers, streams).score,
        "length_ratio": len("".join(answers))
        / float(np.sum([np.mean([len(text) for text in texts]) for texts in wanted])),
    }


def told_step_by_step(network: Any, context: torch.Tensor, ids: Sequence[int], start: int) -> float:
    """Return −log p of tokens, each asked for after those before it alone."""
    state, token, total = network.start(context), start, 0.0
    for following in ids:
        logits, state = network.advance(torch.tensor([token]), state)
        total -= float(log_softmax(logits)[0, following])
        token = following
    return total


def of_pairs(trained: Trained, part: str) -> dict[str, float]:
    rows, answers = trained.parts.rows[part], trained.predict(part)
    assert [answer["source"] for answer in answers] == [source for source, _ in rows]
    found = of_texts([answer["text"] for answer in answers], [[target] for _, target in rows])
    codec, total, count = trained.model.codec, 0.0, 0
    for source, target in rows:
        read = torch.tensor([[*codec.source.encode(source).ids, 3]])
        ids = [*codec.target.encode(target).ids, 3]
        total += told_step_by_step(trained.model.network, read, ids, 2)
        count += len(ids)
    return {**found, "loss": total / count}


def pairs_baseline(trained: Trained, part: str) -> dict[str, float]:
    codec, rows = trained.model.codec, trained.parts.rows
    usual = Counter(target for _, target in rows["train"]).most_common(1)[0][0]
    ids = {
        name: [i for _, target in rows[name] for i in [*codec.target.encode(target).ids, 3]]
        for name in ("train", part)
    }
    texts = of_texts([usual] * len(rows[part]), [[target] for _, target in rows[part]])
    return {**texts, "loss": prior(ids["train"], ids[part])}


def words(text: str) -> list[str]:
    return re.findall(r"\w+|[.,]", text.lower())


def of_single_words(answers: list[str], wanted: list[list[str]]) -> float:
    """Return BLEU-1: clipped counts, and the brevity penalty by the nearest reference's length."""
    hits = total = nearest = 0
    for answer, texts in zip(answers, wanted, strict=True):
        said = Counter(answer.split())
        most = Counter[str]()
        for text in texts:
            most |= Counter(text.split())
        hits += sum((said & most).values())
        size = sum(said.values())
        total += size
        nearest += min((abs(len(t.split()) - size), len(t.split())) for t in texts)[1]
    brevity = 1.0 if total > nearest else math.exp(1 - nearest / max(total, 1))
    return 100 * brevity * hits / max(total, 1)


def of_captions(trained: Trained, part: str) -> dict[str, float]:
    """Return the figures of captions: of words in small letters, and the first one's loss."""
    rows, answers = trained.parts.rows[part], trained.predict(part)
    wanted = [[" ".join(words(text)) for text in said] for _, said in rows]
    texts = [answer["text"] for answer in answers]
    found = {**of_texts(texts, wanted), "bleu_1": of_single_words(texts, wanted)}
    model, total, count = trained.model, 0.0, 0
    for example in trained.task.read(model.recipe).parts[["train", "valid", "test"].index(part)]:
        tokens = [*model.codec.vocabulary.encode(words(example.captions[0])), 3]
        pixels = torch.tensor(example.image)[None].float() / 255
        total += told_step_by_step(model.network, pixels, tokens, 2)
        count += len(tokens)
    return {**found, "loss": total / count}


def captions_baseline(trained: Trained, part: str) -> dict[str, float]:
    rows, encode = trained.parts.rows, trained.model.codec.vocabulary.encode
    seen = [" ".join(words(text)) for _, said in rows["train"] for text in said]
    usual = Counter(seen).most_common(1)[0][0]
    ids = [i for text in seen for i in [*encode(text.split()), 3]]
    asked = [i for _, said in rows[part] for i in [*encode(words(said[0])), 3]]
    wanted = [[" ".join(words(text)) for text in said] for _, said in rows[part]]
    single = of_single_words([usual] * len(wanted), wanted)
    found = {**of_texts([usual] * len(wanted), wanted), "bleu_1": single}
    return {**found, "loss": prior(ids, asked)}


def tune_tokens(trained: Trained, part: str) -> list[tuple[Any, list[int]]]:
    notes = trained.model.codec.notes
    splits = trained.task.read(trained.model.recipe)
    tunes = splits.parts[["train", "valid", "test"].index(part)]
    return [(tune, [*notes.encode(tune.score), notes.end]) for tune in tunes]


def of_tunes(trained: Trained, part: str) -> dict[str, float]:
    network, total, count = trained.model.network, 0.0, 0
    for tune, ids in tune_tokens(trained, part):
        context = torch.tensor([[tune.key, ("major", "minor").index(tune.mode)]])
        total += told_step_by_step(network, context, ids, trained.model.codec.notes.start)
        count += len(ids)
    loss = total / count
    return {"nll": loss, "perplexity": math.exp(loss), "loss": loss}


def tunes_baseline(trained: Trained, part: str) -> dict[str, float]:
    ids = {
        name: [i for _, ids in tune_tokens(trained, name) for i in ids] for name in ("train", part)
    }
    loss = prior(ids["train"], ids[part])
    return {"nll": loss, "perplexity": math.exp(loss), "loss": loss}


def frames_of(piece: list[list[int]]) -> np.ndarray:
    frames = np.zeros((len(piece), 88))
    for time, pitches in enumerate(piece):
        frames[time, [pitch - 21 for pitch in pitches]] = 1
    return frames


def of_hits(said: list[np.ndarray], wanted: list[np.ndarray]) -> float:
    pairs = [
        (set(zip(*np.nonzero(a), strict=True)), set(zip(*np.nonzero(b), strict=True)))
        for a, b in zip(said, wanted, strict=True)
    ]
    return sum(len(a & b) for a, b in pairs) / sum(len(a | b) for a, b in pairs)


def of_rolls(trained: Trained, part: str) -> dict[str, float]:
    """Return the figures of what is said a step at a time, a key after those below it."""
    network = trained.model.network
    w, v = (p.detach().double().numpy() for p in (network.output.read, network.output.write))
    total, count, said, wanted = 0.0, 0, [], []
    for piece, answer in zip(trained.parts.rows[part], trained.predict(part), strict=True):
        frames, state, mine, likely = frames_of(piece), None, 0.0, []
        for before, now in itertools.pairwise(frames):
            x = torch.tensor(before, dtype=torch.float32)[None, None]
            y, state = network.body(network.embed(x), state)
            scores = network.head(y)[0, 0].detach().double().numpy()
            told, guess = scores[88:].copy(), scores[88:].copy()
            steps = np.zeros(88)
            for key in range(88):
                p = sigmoid(scores[key] + v[key] @ sigmoid(told))
                mine -= float(np.log(p if now[key] else 1 - p))
                told += now[key] * w[key]
                steps[key] = sigmoid(scores[key] + v[key] @ sigmoid(guess)) > 0.5
                guess += steps[key] * w[key]
            likely.append(steps)
        assert answer["nll"] == pytest.approx(mine / (len(frames) - 1), rel=1e-4)
        total, count = total + mine, count + len(frames) - 1
        said.append(np.stack(likely))
        wanted.append(frames[1:])
    loss = total / count
    return {"nll": loss, "loss": loss, "accuracy": of_hits(said, wanted)}


def rolls_baseline(trained: Trained, part: str) -> dict[str, float]:
    seen = np.concatenate([frames_of(piece)[1:] for piece in trained.parts.rows["train"]])
    # one more of each answer after each of the two that came before
    p = (seen.sum(0) + 2) / (len(seen) + 4)
    asked = [frames_of(piece)[1:] for piece in trained.parts.rows[part]]
    every = np.concatenate(asked)
    loss = -float((every * np.log(p) + (1 - every) * np.log(1 - p)).sum()) / len(every)
    said = [np.tile(p > 0.5, (len(one), 1)) for one in asked]
    return {"nll": loss, "loss": loss, "accuracy": of_hits(said, asked)}


def sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


def prose_ids(trained: Trained, part: str) -> list[int]:
    """Return the number of each character of a part, 0 between two texts."""
    stored = json.loads((trained.folder / "units.json").read_text())["vocabulary"]
    texts = [text for (text,) in trained.parts.rows[part]]
    return [0 if c == "\0" else stored.find(c) + 2 if c in stored else 1 for c in "\0".join(texts)]


def of_nats(nats: float, count: int, trained: Trained, part: str) -> dict[str, float]:
    letters = sum(len(text) for (text,) in trained.parts.rows[part])
    loss = nats / count
    bits = nats / math.log(2) / letters
    return {"bits_per_character": bits, "perplexity": math.exp(loss), "loss": loss}


def of_prose(trained: Trained, part: str) -> dict[str, float]:
    """Return the figures of all texts read as one, a character at a time."""
    ids, network = prose_ids(trained, part), trained.model.network
    nats = told_step_by_step(network, torch.zeros(1, 0, dtype=torch.long), ids, 0)
    return of_nats(nats, len(ids), trained, part)


def prose_baseline(trained: Trained, part: str) -> dict[str, float]:
    seen, asked = (prose_ids(trained, name) for name in ("train", part))
    size = trained.model.network.head[-1].out_features
    counts = Counter(seen)
    nats = -sum(math.log((counts[one] + 1) / (len(seen) + size)) for one in asked)
    return of_nats(nats, len(asked), trained, part)


def levels_of(trained: Trained, part: str) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Return what came, and what was printed: each series alone, from a file of its past."""
    rows = np.array(trained.parts.rows[part])
    answers = [answer["forecasts"][0] for answer in trained.predict(part)]
    for answer in answers:
        assert answer["times"] == ["2021-03-07", "2021-03-08", "2021-03-09"]
        assert answer["median"] == answer["quantiles"]["0.5"]
    told = {q: np.array([answer["quantiles"][q] for answer in answers]) for q in Q}
    return rows, told


Q = ("0.05", "0.1", "0.25", "0.5", "0.75", "0.9", "0.95")


def errors_of(rows: np.ndarray, answers: np.ndarray, deviation: float) -> dict[str, float]:
    """Return the errors of the last three of nine steps."""
    y = rows[:, 6:]
    error = np.abs(y - answers)
    naive = np.abs(rows[:, 2:6] - rows[:, :4]).mean(1, keepdims=True)
    return {
        "mse": float(((error / deviation) ** 2).mean()),
        "mae": float(error.mean() / deviation),
        "mae_units": float(error.mean()),
        "mase": float((error / naive).mean()),
        "smape": float((200 * error / (np.abs(y) + np.abs(answers))).mean()),
        "crps": float(error.mean() / deviation),
    }


def of_levels(trained: Trained, part: str) -> dict[str, float]:
    """Return the errors of what was printed; of the validation part the loss too."""
    rows, told = levels_of(trained, part)
    deviation = float(np.std(trained.parts.rows["train"]))
    y = rows[:, 6:]
    found = errors_of(rows, told["0.5"], deviation)
    losses = [
        2 * np.maximum(float(q) * (y - told[q]), (float(q) - 1) * (y - told[q])).mean() for q in Q
    ]
    levels = [float(q) for q in Q]
    ends = 0.0
    for q, side in (("0.05", 0.05), ("0.95", 0.95)):
        e = y - told[q]
        up, down = (side**2, 1 - (1 - side) ** 2) if side < 0.5 else (1 - side**2, (1 - side) ** 2)
        ends += float(np.where(e > 0, e * up, -e * down).mean())
    inner = sum(
        (a + b) / 2 * (m - n)
        for (a, b), (n, m) in zip(
            itertools.pairwise(losses), itertools.pairwise(levels), strict=True
        )
    )
    found["crps"] = (inner + ends) / deviation
    for name, low, high in (("coverage_80", "0.1", "0.9"), ("coverage_90", "0.05", "0.95")):
        found[name] = float(((y >= told[low]) & (y <= told[high])).mean())
    if part == "valid":
        found["loss"] = loss_of_levels(trained, rows)
    return found


def loss_of_levels(trained: Trained, rows: np.ndarray) -> float:
    """Return the pinball loss of what the network says, whatever the order of its quantiles."""
    seen = np.array(trained.parts.rows["train"])
    scaled = torch.tensor((rows - seen.mean()) / seen.std(), dtype=torch.float32)
    nothing = torch.zeros(1, 9, 0)
    losses = []
    for row in scaled:
        raw, scale = trained.model.network(row[None, :6, None], nothing)
        assert float(scale.middle) == float(row[5])
        e = (row[6:] - row[5])[:, None] - raw[0, :, 0].detach()
        q = torch.tensor([float(level) for level in Q])
        losses.append(float((2 * torch.maximum(q * e, (q - 1) * e)).mean()))
    return float(np.mean(losses))


def levels_baseline(trained: Trained, part: str) -> dict[str, float]:
    rows = np.array(trained.parts.rows[part])
    deviation = float(np.std(trained.parts.rows["train"]))
    return errors_of(rows, rows[:, [4, 5, 4]], deviation)


def edits(wanted: Sequence[str], answer: Sequence[str]) -> int:
    """Return the fewest insertions, deletions and substitutions: Wagner and Fischer's table."""
    row = list(range(len(answer) + 1))
    for i, one in enumerate(wanted, 1):
        before, row[0] = row[0], i
        for j, other in enumerate(answer, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (one != other))
    return row[-1]


def rates(answers: Sequence[str], wanted: Sequence[str]) -> dict[str, float]:
    pairs = list(zip(wanted, answers, strict=True))
    words_wrong = sum(edits(a.split(), b.split()) for a, b in pairs)
    letters_wrong = sum(edits(a, b) for a, b in pairs)
    return {
        "wer": words_wrong / sum(len(a.split()) for a in wanted),
        "cer": letters_wrong / sum(map(len, wanted)),
    }


def of_speech(trained: Trained, part: str) -> dict[str, float]:
    """Return the rates of the texts printed; the loss by a sum over alignments, row by row."""
    rows, answers = trained.parts.rows[part], trained.predict(part)
    assert all(
        answer["text"] == " ".join(word["word"] for word in answer["words"]) for answer in answers
    )
    codec, total, count = trained.model.codec, 0.0, 0
    spoken = trained.task.read(trained.model.recipe).parts[["train", "valid", "test"].index(part)]
    for example, (_, text) in zip(spoken, rows, strict=True):
        symbols = [codec.units.known.tokens.index(word) for word in text.split()]
        whole = np.append(example.samples, np.zeros(-len(example.samples) % codec.frame))
        x = torch.tensor(whole.reshape(1, -1, codec.frame), dtype=torch.float32)
        logp = log_softmax(trained.model.network(x)[0])
        # alignments that end in a blank and in the symbol, after each of the first symbols
        blank = np.full(len(symbols) + 1, -np.inf)
        symbol = np.full(len(symbols) + 1, -np.inf)
        blank[0] = 0.0
        for frame in logp:
            moved = np.full(len(symbols) + 1, -np.inf)
            for i, one in enumerate(symbols, 1):
                again = i > 1 and symbols[i - 2] == one
                come = [symbol[i], blank[i - 1], *([] if again else [symbol[i - 1]])]
                moved[i] = np.logaddexp.reduce(come) + frame[one]
            blank, symbol = np.logaddexp(blank, symbol) + frame[0], moved
        total -= np.logaddexp(blank[-1], symbol[-1])
        count += len(symbols)
    return {
        **rates([answer["text"] for answer in answers], [t for _, t in rows]),
        "loss": total / count,
    }


def speech_baseline(trained: Trained, part: str) -> dict[str, float]:
    seen, asked = ([text for _, text in trained.parts.rows[name]] for name in ("train", part))
    usual = Counter(seen).most_common(1)[0][0]
    answer = min(usual, "", key=lambda text: rates([text] * len(seen), seen)["wer"])
    loss = prior(" ".join(seen).split(), " ".join(asked).split())
    return {**rates([answer] * len(asked), asked), "loss": loss}


def walked(values: Sequence[float]) -> tuple[np.ndarray, np.ndarray]:
    """Return what is read of each step beside the calendar, and how far it moved."""
    x = np.array(values)
    read, moved = np.zeros((len(x), 3)), np.full(len(x), np.nan)
    for t in range(len(x)):
        size, before = x[: t + 1].std() or 1.0, x[:t].std() if t else 0.0
        away = x[t] - x[t - 1] if t else 0.0
        read[t] = [
            np.clip((x[t] - x[: t + 1].mean()) / size, -8, 8),
            np.clip(away / size, -8, 8),
            1,
        ]
        if t > 1:
            moved[t] = np.clip(away / (before or 1.0), -64, 64)
    return read, moved


def days(count: int) -> np.ndarray:
    """Return sine and cosine of the weekday from 2021-03-01 on, a Monday."""
    turns = 2 * np.pi * (np.arange(count) % 7) / 7
    return np.stack([np.sin(turns), np.cos(turns)], 1)


def unusual(errors: Sequence[float], memory: float, smooth: float = 5.0) -> np.ndarray:
    """Return z of each step by its equation, 0 at least; steps without a number change nothing."""
    share, kept = 1 - 0.5 ** (1 / smooth), 1 - 0.5 ** (1 / memory)
    short = mean = variance = 0.0
    n, found = 0, []
    for error in errors:
        if not math.isnan(error):
            n += 1
            short += max(share, 1 / n) * (error - short)
        seen = n - (not math.isnan(error))
        spread = max(math.sqrt(variance), 1e-6) * math.sqrt(share / (2 - share))
        z = (short - mean) / spread if seen >= 20 else 0.0
        found.append(max(z, 0.0))
        if not math.isnan(error):
            b, apart = max(kept, 1 / n), error - mean
            mean += b * apart
            variance = (1 - b) * (variance + b * apart * apart)
    return np.array(found)


def far_off(values: Sequence[float]) -> np.ndarray:
    """Return z of each value's distance from the mean so far; no row is as long as its memory."""
    x = np.array(values)
    distances = [
        abs(x[t] - x[:t].mean()) / (x[:t].std() or 1.0) if t >= 20 else math.nan
        for t in range(len(x))
    ]
    return unusual(distances, 3000.0, 3.0)


def score(z: np.ndarray) -> np.ndarray:
    return np.asarray(1 - 2 ** (-z / 4))


def of_scores(rows: Sequence[Sequence[float]], scores: Any, limit: float) -> dict[str, float]:
    """Return the figures of alarms; no series has more than one alarm, so rest plays no part."""
    from sklearn.metrics import average_precision_score

    marks = [[value > 50 for value in row] for row in rows]
    begun = [[t for t, score in enumerate(some) if score >= limit][:1] for some in scores]
    found = {"alarms_per_1000": 1000 * sum(map(len, begun)) / sum(map(len, rows))}
    if not any(map(any, marks)):
        return found
    hits = total = 0
    worth = 0.0
    for marked, alarm in zip(marks, begun, strict=True):
        if any(marked):
            total += 1
            first, last = marked.index(True), len(marked) - 1 - marked[::-1].index(True)
            if alarm and first <= alarm[0] <= last:
                hits += 1
                place = (alarm[0] - last - 1) / (last - first + 1)
                worth += (2 / (1 + math.exp(5 * place)) - 1) / (2 / (1 + math.exp(-5)) - 1)
                continue
            worth -= 1
            if alarm and alarm[0] > last:
                place = (alarm[0] - last) / max(last - first, 1)
                worth += 0.11 * (-1.0 if place > 3 else 2 / (1 + math.exp(5 * place)) - 1)
                continue
        worth -= 0.11 * len(alarm)
    said = sum(map(len, begun))
    return {
        **found,
        "average_precision": float(
            average_precision_score([*itertools.chain(*marks)], [*itertools.chain(*scores)])
        ),
        "event_precision": hits / max(said, 1),
        "event_recall": hits / total,
        "event_f1": 2 * hits / (said + total) if hits else 0.0,
        "nab": 100 * (worth + total) / (2 * total),
    }


def of_watch(trained: Trained, part: str) -> dict[str, float]:
    """Return the figures of the scores that are printed; the loss by scipy's density."""
    from scipy import stats

    rows, answers = trained.parts.rows[part], trained.predict(part)
    network, total, count = trained.model.network, 0.0, 0
    for row, answer in zip(rows, answers, strict=True):
        (one,) = answer["series"]
        read, moved = walked(row)
        x = torch.tensor(np.concatenate([read, days(len(row))], 1), dtype=torch.float32)
        raw = network(x[None])[0].detach().double().numpy()
        place, scale, freedom = raw.T
        told = stats.t(2 + np.logaddexp(0, freedom), place, np.logaddexp(0, scale) + 0.001).logpdf(
            np.append(moved[1:], np.nan)
        )
        total, count = total - np.nansum(told), count + int((~np.isnan(moved[1:])).sum())
        errors = [math.nan, *np.abs(moved[1:] - place[:-1])]
        z = np.hypot(unusual(errors, 12.0), far_off(row))
        assert one["scores"] == pytest.approx(score(z), abs=1e-4)
    limit = answers[0]["series"][0]["threshold"]
    scores = [answer["series"][0]["scores"] for answer in answers]
    return {"loss": total / count, **of_scores(rows, scores, limit)}


def watch_baseline(trained: Trained, part: str) -> dict[str, float]:
    parts = trained.parts.rows
    moves = np.concatenate([walked(row)[1] for row in parts["train"]])
    size = float(np.nanstd(moves)) + 1e-6
    asked = np.concatenate([walked(row)[1] for row in parts[part]])
    normal = 0.5 * np.log(2 * np.pi) + np.log(size) + np.nanmean((asked / size) ** 2) / 2

    def far(rows: Any) -> list[list[float]]:
        return [score(unusual(np.abs(walked(row)[0][:, 0]), 12.0)).tolist() for row in rows]

    z = -4 * np.log2(1 - np.concatenate(far(parts["train"])))
    t = np.quantile(z, 0.98)
    above = z[z > t] - t
    tail = t + above.mean() * np.log(len(above) / (1e-3 * len(z))) if len(above) else t
    limit = 1 - 2 ** (-max(tail, t, 3.0) / 4)
    found = of_scores(parts[part], far(parts[part]), limit)
    del found["alarms_per_1000"]
    return {"loss": float(normal), **found}


FIGURES = {
    "speech_recognition": (of_speech, speech_baseline),
    "audio_classification": (of_labels, labels_baseline),
    "sentiment": (of_labels, labels_baseline),
    "image_classification": (of_labels, labels_baseline),
    "signal_classification": (of_labels, labels_baseline),
    "ner": (of_tags, tags_baseline),
    "translation": (of_pairs, pairs_baseline),
    "image_captioning": (of_captions, captions_baseline),
    "music_generation": (of_tunes, tunes_baseline),
    "polyphonic_music": (of_rolls, rolls_baseline),
    "language_model": (of_prose, prose_baseline),
    "forecasting": (of_levels, levels_baseline),
    "anomaly_detection": (of_watch, watch_baseline),
}
