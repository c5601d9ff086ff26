"""Every task by its name: one import line here makes a task known to the command line."""

from recurra.errors import unknown
from recurra.tasks.image_captioning import IMAGE_CAPTIONING
from recurra.tasks.image_classification import IMAGE_CLASSIFICATION
from recurra.tasks.music_generation import MUSIC_GENERATION
from recurra.tasks.ner import NER
from recurra.tasks.sentiment import SENTIMENT
from recurra.tasks.task import Task
from recurra.tasks.translation import TRANSLATION

TASKS: tuple[Task, ...] = (
    IMAGE_CLASSIFICATION,
    MUSIC_GENERATION,
    IMAGE_CAPTIONING,
    SENTIMENT,
    NER,
    TRANSLATION,
)


def find(name: str) -> Task:
    """Return the task of this name.

    Raises:
        RecurraError: there is no such task.
    """
    known = {task.name: task for task in TASKS}
    normal = name.lower().replace("-", "_")
    if normal not in known:
        raise unknown("task", name, list(known))
    return known[normal]
