"""Every task by its name: one line here makes a task known to the runtime."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING

from recurra.errors import BundleError
from recurra.runtime.tasks.base import Task

if TYPE_CHECKING:
    from recurra.runtime.model import Exported

__all__ = ["TASKS", "Task", "find"]
TASKS = {
    "sentiment": "Sentiment",
    "ner": "Ner",
    "translation": "Translation",
    "language_model": "LanguageModel",
    "image_classification": "ImageClassification",
    "signal_classification": "SignalClassification",
    "music_generation": "MusicGeneration",
    "image_captioning": "ImageCaptioning",
    "speech_recognition": "SpeechRecognition",
    "audio_classification": "AudioClassification",
    "anomaly_detection": "AnomalyDetection",
    "forecasting": "Forecasting",
    "polyphonic_music": "PolyphonicMusic",
}


def find(name: str, graphs: Exported, files: Mapping[str, str]) -> Task:
    """Return the task of this name on an exported folder.

    Raises:
        BundleError: it is unknown, or the codec's files are not its own.
    """
    if name not in TASKS:
        raise BundleError(f"{graphs.folder} is of the task {name!r}, which this does not know")
    # found on first use: what one task reads, another need not have installed
    kind: type[Task] = getattr(import_module(f"recurra.runtime.tasks.{name}"), TASKS[name])
    try:
        return kind(graphs, files)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BundleError(f"{graphs.folder}: its files do not fit together: {error!r}") from error
