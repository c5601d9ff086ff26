"""What predictions are worth: thin wrappers over the libraries that the field reports with."""

from collections.abc import Hashable, Sequence

from recurra.errors import MissingExtra


def accuracy(gold: Sequence[Hashable], predicted: Sequence[Hashable]) -> float:
    """Return the share of equal pairs; 0 where there are none."""
    pairs = list(zip(gold, predicted, strict=True))
    return sum(a == b for a, b in pairs) / len(pairs) if pairs else 0.0


def exact_match(answers: Sequence[str], references: Sequence[Sequence[str]]) -> float:
    """Return the share of answers that equal one of their references; spaces at the ends pass."""
    pairs = list(zip(answers, references, strict=True))
    hits = sum(answer.strip() in {text.strip() for text in wanted} for answer, wanted in pairs)
    return hits / len(pairs) if pairs else 0.0


def span_f1(gold: Sequence[Sequence[str]], predicted: Sequence[Sequence[str]]) -> float:
    """Return the micro-averaged F1 of whole entities in IOB2 tags, as conlleval counts them.

    Raises:
        MissingExtra: seqeval is not installed.
    """
    try:
        from seqeval.metrics import f1_score
    except ImportError as error:
        raise MissingExtra("span F1", "seqeval", "text") from error
    spans = [list(tags) for tags in gold], [list(tags) for tags in predicted]
    return float(f1_score(*spans, zero_division=0)) if spans[0] else 0.0


def bleu(answers: Sequence[str], references: Sequence[Sequence[str]]) -> float:
    """Return corpus BLEU, 0 to 100; each answer has one or more references.

    Papineni et al. 2002, https://aclanthology.org/P02-1040, with sacreBLEU's tokens.

    Raises:
        MissingExtra: sacrebleu is not installed.
    """
    try:
        from sacrebleu import corpus_bleu
    except ImportError as error:
        raise MissingExtra("BLEU", "sacrebleu", "text") from error
    return (
        float(corpus_bleu(list(answers), _by_position(references), force=True).score)
        if answers
        else 0.0
    )


def bleu_1(answers: Sequence[str], references: Sequence[Sequence[str]]) -> float:
    """Return corpus BLEU of single words, 0 to 100: their precision, times the brevity penalty.

    Raises:
        MissingExtra: sacrebleu is not installed.
    """
    try:
        from sacrebleu.metrics import BLEU
    except ImportError as error:
        raise MissingExtra("BLEU", "sacrebleu", "text") from error
    words = BLEU(max_ngram_order=1, force=True)
    return (
        float(words.corpus_score(list(answers), _by_position(references)).score) if answers else 0.0
    )


def chrf(answers: Sequence[str], references: Sequence[Sequence[str]]) -> float:
    """Return corpus chrF, 0 to 100; each answer has one or more references.

    Popović 2015, https://aclanthology.org/W15-3049.

    Raises:
        MissingExtra: sacrebleu is not installed.
    """
    try:
        from sacrebleu import corpus_chrf
    except ImportError as error:
        raise MissingExtra("chrF", "sacrebleu", "text") from error
    return float(corpus_chrf(list(answers), _by_position(references)).score) if answers else 0.0


def length_ratio(answers: Sequence[str], references: Sequence[Sequence[str]]) -> float:
    """Return how long the answers are: their characters by those of their references; 0 of none.

        Σ_i |a_i| / Σ_i mean_j |r_ij|

    Below 1 a search favours what is short, as a wide beam does that adds up log probabilities:
    Koehn and Knowles 2017, https://aclanthology.org/W17-3204, section 3.6, in words. Characters
    are counted since not all scripts part words.
    """
    said = sum(len(answer) for answer in answers)
    asked = sum(sum(map(len, texts)) / len(texts) for texts in references if texts)
    return said / asked if asked else 0.0


def scores(answers: Sequence[str], wanted: Sequence[Sequence[str]]) -> dict[str, float]:
    """Return exact match, BLEU, chrF and length ratio of texts against their references.

    Raises:
        MissingExtra: sacrebleu is not installed.
    """
    return {
        "exact_match": exact_match(answers, wanted),
        "bleu": bleu(answers, wanted),
        "chrf": chrf(answers, wanted),
        "length_ratio": length_ratio(answers, wanted),
    }


def error_rates(answers: Sequence[str], wanted: Sequence[str]) -> dict[str, float]:
    """Return WER and CER: edits of words, and of characters, by how many are wanted.

        WER = (S + D + I) / N        S, D, I: substitutions, deletions, insertions; N: all words

    Over all texts together; above 1 where more is said than is wanted.

    Raises:
        MissingExtra: jiwer is not installed.
    """
    try:
        from jiwer import process_characters, process_words
    except ImportError as error:
        raise MissingExtra("word error rates", "jiwer", "speech") from error
    rates = {}
    for name, process in [("wer", process_words), ("cer", process_characters)]:
        edits, count = 0, 0
        for answer, text in zip(answers, wanted, strict=True):
            if not text.strip():  # jiwer takes no empty reference
                edits += len(answer.split() if name == "wer" else answer)
                continue
            found = process(text, answer)
            edits += found.substitutions + found.deletions + found.insertions
            count += found.hits + found.substitutions + found.deletions
        rates[name] = edits / max(count, 1)
    return rates


def _by_position(references: Sequence[Sequence[str]]) -> list[list[str | None]]:
    """Return all first references, all second ones, …; None where an answer has fewer."""
    most = max((len(texts) for texts in references), default=0)
    return [[texts[i] if i < len(texts) else None for texts in references] for i in range(most)]
