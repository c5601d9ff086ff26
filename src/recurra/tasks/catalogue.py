"""Every task by its name: one import line here makes a task known to the command line."""

from collections.abc import Iterable
from typing import Any

from recurra.errors import RecurraError, unknown
from recurra.tasks.anomaly_detection import ANOMALY_DETECTION
from recurra.tasks.audio_classification import AUDIO_CLASSIFICATION
from recurra.tasks.forecasting import FORECASTING
from recurra.tasks.image_captioning import IMAGE_CAPTIONING
from recurra.tasks.image_classification import IMAGE_CLASSIFICATION
from recurra.tasks.language_model import LANGUAGE_MODEL
from recurra.tasks.music_generation import MUSIC_GENERATION
from recurra.tasks.ner import NER
from recurra.tasks.polyphonic_music import POLYPHONIC_MUSIC
from recurra.tasks.sentiment import SENTIMENT
from recurra.tasks.signal_classification import SIGNAL_CLASSIFICATION
from recurra.tasks.speech_recognition import SPEECH_RECOGNITION
from recurra.tasks.task import Task
from recurra.tasks.translation import TRANSLATION

TASKS: tuple[Task[Any], ...] = (
    IMAGE_CLASSIFICATION,
    MUSIC_GENERATION,
    POLYPHONIC_MUSIC,
    IMAGE_CAPTIONING,
    SENTIMENT,
    NER,
    TRANSLATION,
    LANGUAGE_MODEL,
    SIGNAL_CLASSIFICATION,
    AUDIO_CLASSIFICATION,
    FORECASTING,
    SPEECH_RECOGNITION,
    ANOMALY_DETECTION,
)


def find(name: str) -> Task[Any]:
    """Return the task of this name.

    Raises:
        RecurraError: there is no such task.
    """
    known = {task.name: task for task in TASKS}
    normal = name.lower().replace("-", "_")
    if normal not in known:
        raise unknown("task", name, list(known))
    return known[normal]


def refuse(task: Task[Any], names: Iterable[str]) -> None:
    """Refuse options that other tasks have and this one has not.

    Raises:
        RecurraError: with the first such option.
    """
    for name in names:
        if name not in task.options and any(name in other.options for other in TASKS):
            raise RecurraError(f"{name}: {task.name} has no use for it; leave it out")
