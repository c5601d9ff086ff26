"""Every exam by its name."""

from recurra.benchmarks.quality.exam import Exam
from recurra.benchmarks.quality.exams.sst2 import SST2
from recurra.errors import unknown

EXAMS: tuple[Exam, ...] = (SST2,)


def find(name: str) -> Exam:
    """Return the exam of this name.

    Raises:
        RecurraError: there is none.
    """
    known = {exam.name: exam for exam in EXAMS}
    if name not in known:
        raise unknown("exam", name, list(known))
    return known[name]
