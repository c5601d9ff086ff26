"""Every exam by its name."""

from recurra.benchmarks.quality.exam import Exam
from recurra.benchmarks.quality.exams.entities import ENTITIES
from recurra.benchmarks.quality.exams.ett import ETT
from recurra.benchmarks.quality.exams.flickr8k import FLICKR8K
from recurra.benchmarks.quality.exams.fsdd import FSDD
from recurra.benchmarks.quality.exams.mnist import MNIST
from recurra.benchmarks.quality.exams.multi30k import MULTI30K
from recurra.benchmarks.quality.exams.music import MUSIC
from recurra.benchmarks.quality.exams.nab import NAB
from recurra.benchmarks.quality.exams.prose import PROSE
from recurra.benchmarks.quality.exams.signals import SIGNALS
from recurra.benchmarks.quality.exams.sst2 import SST2
from recurra.errors import unknown

EXAMS: tuple[Exam, ...] = (
    *MNIST, *MUSIC, *FLICKR8K, *SST2, *ENTITIES, *MULTI30K, *ETT, NAB, *SIGNALS, *FSDD, *PROSE,
)  # fmt: skip  # by task


def find(name: str) -> Exam:
    """Return the exam of this name.

    Raises:
        RecurraError: there is none.
    """
    known = {exam.name: exam for exam in EXAMS}
    if name not in known:
        raise unknown("exam", name, list(known))
    return known[name]
