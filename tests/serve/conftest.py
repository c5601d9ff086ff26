"""Tiny models that are served by all tests of this folder."""

from collections.abc import Iterator, Mapping

import pytest

from recurra.tasks.model import Model
from tests.serve.serving import Running, running
from tests.tasks.streams.made import made

Models = Mapping[str, Model]


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Models:
    folder = tmp_path_factory.mktemp("served")
    one_way = {"bidirectional": False, "lookahead": 2}
    return {
        "sentiment": made("sentiment", folder, bidirectional=False),
        "both-ways": made("sentiment", folder, bidirectional=True),
        "ner": made("ner", folder, output="softmax", **one_way),
        "signals": made("signal_classification", folder),
        "language": made("language_model", folder),
        "images": made("image_classification", folder),
        "tunes": made("music_generation", folder, max_length=40),
    }


@pytest.fixture(scope="session")
def server(models: Models) -> Iterator[Running]:
    with running(models) as one:
        yield one
