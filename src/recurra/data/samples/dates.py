"""Dates as ten languages write them, and ISO 8601: the sample for translation."""

import datetime
import random
from importlib import import_module
from typing import Any, NamedTuple

from recurra.data.readers.parallel import Pair
from recurra.data.splits import Splits
from recurra.errors import MissingExtra
from recurra.training.recipe import Recipe

SIZES = {"valid": 500, "test": 500, "train": 8000}
LANGUAGES = ("de", "en", "en_GB", "es", "fr", "it", "nl", "pl", "pt", "sv")
NAMED = ("full", "long", "medium", "short")
SKELETONS = ("yMMMMd", "yMMMEd", "yMd", "yMEd")
FIRST, LAST = datetime.date(1950, 1, 1), datetime.date(2049, 12, 31)
# Written forms that only the test has; the language's other forms show its names and its order.
UNSEEN = frozenset(
    {("de", "full"), ("en_GB", "yMMMEd"), ("es", "long"), ("fr", "full"), ("it", "yMMMEd")}
    | {("nl", "yMMMEd"), ("pl", "full"), ("pt", "long")}
)
UNSEEN_SHARE = 0.3
TAGGED_SHARE = 0.15
LETTER_CASES = (str, str, str, str.lower, str.lower, str.upper)


class Form(NamedTuple):
    """One way in which a language writes dates: a pattern of the CLDR."""

    language: str
    name: str
    pattern: str

    @property
    def numeric(self) -> bool:
        """Whether the month is a number, so that the order of day and month needs a hint."""
        return "MMM" not in self.pattern

    @property
    def unseen(self) -> bool:
        """Whether only the test has it."""
        return (self.language, self.name) in UNSEEN


def babel() -> Any:
    """Return the Babel library, with its dates.

    Raises:
        MissingExtra: it is not installed.
    """
    try:
        import_module("babel.dates")
        return import_module("babel")
    except ImportError as error:
        raise MissingExtra("the dates sample", "babel", "demo") from error


def load(recipe: Recipe) -> Splits[Pair]:
    """Return 8,000 / 500 / 500 dates of 1950–2049 with their ISO form; the seed shuffles training.

    No day is in two parts, and three tenths of the test are written in forms of which the language
    shows no example in training. Where the month is a number, the language stands before the
    date: `[fr] 03/04/2021`; elsewhere it may. Years of two digits lie in 1950–2049.

    Raises:
        MissingExtra: Babel is not installed.
    """
    known = [form for form in forms() if not form.unseen]
    unseen = [form for form in forms() if form.unseen]
    choice = random.Random("dates")
    days = iter(choice.sample(range((LAST - FIRST).days + 1), sum(SIZES.values())))
    parts: dict[str, list[Pair]] = {}
    for part, size in SIZES.items():
        parts[part] = []
        for i in range(size):
            among = unseen if part == "test" and i < UNSEEN_SHARE * size else known
            form = choice.choice(among)
            day = FIRST + datetime.timedelta(days=next(days))
            text = choice.choice(LETTER_CASES)(write(day, form))
            if form.numeric or choice.random() < TAGGED_SHARE:
                text = f"[{form.language.replace('_', '-')}] {text}"
            where = f"dates/{form.language}/{form.name}:{i + 1}"
            parts[part].append(Pair(text, day.isoformat(), where))
    random.Random(recipe.seed).shuffle(parts["train"])
    return Splits(parts["train"], parts["valid"], parts["test"])


def forms() -> list[Form]:
    """Return every different pattern of every language, named once."""
    library = babel()
    found = []
    for language in LANGUAGES:
        locale = library.Locale.parse(language)
        patterns = {name: locale.date_formats[name].pattern for name in NAMED}
        skeletons = locale.datetime_skeletons
        patterns |= {name: skeletons[name].pattern for name in SKELETONS if name in skeletons}
        distinct: dict[str, str] = {}
        for name, pattern in patterns.items():
            distinct.setdefault(pattern, name)
        found += [Form(language, name, pattern) for pattern, name in distinct.items()]
    return found


def write(day: datetime.date, form: Form) -> str:
    """Return the day in one written form."""
    return str(babel().dates.format_date(day, form.pattern, locale=form.language))
