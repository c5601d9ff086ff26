"""What a task's answers are looked at by: shared by the tasks, a file for each kind of answer.

Each returns parts of a page (recurra.reports); a task's `review` chooses among them.
"""

from recurra.tasks.review.alarms import of_alarms
from recurra.tasks.review.forecasts import of_forecasts
from recurra.tasks.review.labels import of_labels, of_steps
from recurra.tasks.review.pieces import of_pieces
from recurra.tasks.review.prose import of_surprises
from recurra.tasks.review.tags import of_tags
from recurra.tasks.review.writings import of_texts, of_transcripts

__all__ = [
    "of_alarms",
    "of_forecasts",
    "of_labels",
    "of_pieces",
    "of_steps",
    "of_surprises",
    "of_tags",
    "of_texts",
    "of_transcripts",
]
