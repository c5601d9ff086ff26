"""Requests: what is answered is what the model says in Python, whoever else asks."""

import base64
import io
import json
import socket
import threading
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from PIL import Image

from recurra.tasks.model import Model
from tests.serve.serving import Running, running

TEXTS = ["good film", "a bad one , and long", "good"]


def near(some: Any, others: Any) -> bool:
    """Whether two answers are the same but for the last digits."""
    if isinstance(some, dict):
        return some.keys() == others.keys() and all(near(some[k], others[k]) for k in some)
    if isinstance(some, list | tuple):
        return len(some) == len(others) and all(map(near, some, others))
    return bool(some == (pytest.approx(others, abs=1e-5) if isinstance(some, float) else others))


def test_texts_are_answered_as_in_python(server: Running, models: Mapping[str, Model]) -> None:
    wanted = [one.asdict() for one in models["sentiment"].predict(TEXTS)]
    assert near(server.predict("sentiment", *TEXTS), wanted)


def test_many_who_ask_at_once_get_their_own_answers(
    server: Running, models: Mapping[str, Model]
) -> None:
    texts = [" ".join(["good", "bad", "film"][: i % 3 + 1] * (i % 5 + 1)) for i in range(24)]
    wanted = [one.asdict() for one in models["sentiment"].predict(texts)]
    found: list[Any] = [None] * len(texts)

    def ask(i: int) -> None:
        (found[i],) = server.predict("sentiment", texts[i])

    threads = [threading.Thread(target=ask, args=(i,)) for i in range(len(texts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert near(found, wanted)
    assert batches(server, "sentiment") < server_requests(server), "some were answered together"


def batches(server: Running, model: str) -> float:
    _, text, _ = server.ask("GET", "/metrics")
    head = f'recurra_batch_rows_count{{kind="predict",model="{model}"}} '
    return float(next(x for x in text.decode().splitlines() if x.startswith(head)).split()[-1])


def server_requests(server: Running) -> float:
    _, text, _ = server.ask("GET", "/metrics")
    lines = [x for x in text.decode().splitlines() if x.startswith("recurra_requests_total")]
    return sum(float(x.split()[-1]) for x in lines if "predict" in x)


def test_an_input_that_is_wrong_has_an_error_in_its_place(
    server: Running, models: Mapping[str, Model]
) -> None:
    wanted = [one.asdict() for one in models["sentiment"].predict(["good film"])]
    found = server.predict("sentiment", "", "good film", 3, None, ["good"])
    assert near(found[1], wanted[0])
    assert found[0] == {"error": "is empty; give a text"}
    assert [one["error"].split(";")[0] for one in found[2:]] == [
        "is a number",
        "is null",
        "is a list",
    ]


def test_words_are_taken_as_they_are(server: Running, models: Mapping[str, Model]) -> None:
    words = ["Anna", "lives", "in", "Oslo."]
    wanted = [one.asdict() for one in models["ner"].predict([words])]
    assert near(
        json.loads(json.dumps(server.predict("ner", words))), json.loads(json.dumps(wanted))
    )


def test_a_picture_comes_as_a_file_or_as_pixels(
    server: Running, models: Mapping[str, Model]
) -> None:
    height, width, channels = models["images"].codec.shape  # type: ignore[attr-defined] # of images
    pixels = np.random.default_rng(0).integers(0, 255, (height, width, channels), dtype=np.uint8)
    content = io.BytesIO()
    Image.fromarray(pixels.squeeze()).save(content, "PNG")
    file = {"file": base64.b64encode(content.getvalue()).decode(), "form": "png"}
    wanted = models["images"].predict([pixels])[0].asdict()["probabilities"]
    by_file, by_pixels = server.predict("images", file, {"pixels": pixels.tolist()})
    assert near(by_pixels["probabilities"], wanted)
    assert near(by_file["probabilities"], wanted)
    assert by_file["image"] == "the image", "no place of the server's own is told"


def test_signals_are_rows_of_numbers(server: Running, models: Mapping[str, Model]) -> None:
    channels = len(models["signals"].codec.channels)  # type: ignore[attr-defined] # of signals
    values = np.random.default_rng(1).normal(size=(9, channels))
    wanted = models["signals"].predict([values])[0].asdict()
    found, wrong = server.predict(
        "signals", {"values": values.tolist()}, {"values": [[1.0] * channels, [2.0]]}
    )
    assert near(found["probabilities"], wanted["probabilities"])
    assert "rows of numbers" in wrong["error"]


def test_what_a_file_has_wrong_names_no_place_of_the_server(
    server: Running, capfd: pytest.CaptureFixture[str]
) -> None:
    text = base64.b64encode("a;é\n1;2\n".encode("cp1252")).decode()
    capfd.readouterr()
    (wrong,) = server.predict("signals", {"file": text, "form": "csv"})
    assert "/" not in wrong["error"]
    assert capfd.readouterr() == ("", ""), "nor is anything of it on the server's own terminal"
    assert not list(server.server.desk.iterdir()), "files go with their request"


def test_pieces_that_are_drawn_are_the_same_alone_and_beside_others(
    server: Running, models: Mapping[str, Model]
) -> None:
    wanted = models["tunes"].predict([(0, "major")], seed=3)[0].tokens
    found: list[Any] = [None] * 4

    def ask(i: int) -> None:
        (found[i],) = server.predict("tunes", "C major", seed=3)

    threads = [threading.Thread(target=ask, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [one["tokens"] for one in found] == [wanted] * 4
    assert base64.b64decode(found[0]["midi"])[:4] == b"MThd"


@pytest.mark.parametrize(
    ("path", "body", "status", "told"),
    [
        ("none/predict", {"inputs": ["x"]}, 404, "no model 'none'"),
        ("ner/predict", {"inputs": []}, 422, "give 1 to"),
        ("ner/predict", {"input": ["x"]}, 422, "inputs: Field required"),
        ("ner/predict", b"{", 422, "JSON"),
        ("ner/predict", {"inputs": ["x"], "options": {"beam": 4}}, 422, "option 'beam'"),
        ("tunes/predict", {"inputs": ["C major"], "options": {"top_p": 7}}, 422, "top_p"),
        ("tunes/predict", {"inputs": ["x"], "options": {"max_length": 10**9}}, 422, "up to 1024"),
        ("ner/generate", {"prompt": "x"}, 422, "writes nothing"),
        ("tunes/generate", {"prompt": "H flat"}, 422, "H flat"),
        ("ner/nothing", {}, 405, "Not Allowed"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(
    server: Running, path: str, body: Any, status: int, told: str
) -> None:
    found, answer, _ = server.ask("POST", f"/v1/models/{path}", body)
    assert (found, list(answer)) == (status, ["error"])
    assert told in answer["error"]
    assert "\n" not in answer["error"]


def test_models_are_described(server: Running, models: Mapping[str, Model]) -> None:
    _, told, _ = server.ask("GET", "/v1/models")
    found = {one["name"]: one for one in told["models"]}
    assert set(found) == set(models)
    assert found["ner"]["stream"] == {"unit": "word", "delay": 2, "says": "tag", "seconds": None}
    assert found["both-ways"]["stream"] is None
    assert "bidirectional" in found["both-ways"]["why_no_stream"]
    assert found["tunes"]["generates"]
    assert (found["tunes"]["resolution"], found["ner"]["resolution"]) == (8, None)
    assert not found["ner"]["generates"]
    assert found["sentiment"]["hash"] != found["both-ways"]["hash"]


def test_a_piece_is_told_as_it_is_written(server: Running, models: Mapping[str, Model]) -> None:
    body = {"prompt": "the ", "options": {"seed": 5, "max_length": 12}}
    status, text, headers = server.ask("POST", "/v1/models/language/generate", body)
    assert (status, headers["content-type"].split(";")[0]) == (200, "text/event-stream")
    events = [block.split("\n") for block in text.decode().strip().split("\n\n")]
    kinds = [lines[0].removeprefix("event: ") for lines in events]
    datas = [json.loads(lines[1].removeprefix("data: ")) for lines in events]
    (wanted,) = models["language"].write(["the "], seed=5, max_length=12)
    assert kinds[-1] == "done"
    assert datas[-1] == wanted.asdict()
    assert "".join(data["text"] for data in datas[:-1]) == wanted.text


def test_tokens_of_music_are_told_by_name(server: Running) -> None:
    body = {"prompt": "C major", "options": {"seed": 1}}
    _, text, _ = server.ask("POST", "/v1/models/tunes/generate", body)
    events = text.decode().strip().split("\n\n")
    names = [json.loads(one.split("data: ")[1])["text"] for one in events[:-1]]
    assert names
    assert all("_" in name for name in names)
    assert len(json.loads(events[-1].split("data: ")[1])["tokens"]) in (len(names), len(names) - 1)


def test_keys_are_asked_for(models: Mapping[str, Model]) -> None:
    key = "k" * 20
    with running({"ner": models["ner"]}, f"anna:{key}") as server:
        for given in ({}, {"authorization": "Bearer wrong"}, {"authorization": key}):
            status, told, _ = server.ask("GET", "/v1/models", headers=given)
            assert (status, list(told)) == (401, ["error"])
        status, _, _ = server.ask("GET", "/v1/models", headers={"authorization": f"Bearer {key}"})
        assert status == 200
        assert server.ask("GET", "/metrics")[0] == 401
        assert [server.ask("GET", path)[0] for path in ("/", "/healthz", "/readyz")] == [200] * 3


def test_more_than_is_allowed_is_turned_away(models: Mapping[str, Model]) -> None:
    limits = {"max_body": 1000, "max_inputs": 2, "requests_per_second": 2.0}
    with running({"ner": models["ner"]}, **limits) as server:
        status, told, _ = server.ask("POST", "/v1/models/ner/predict", {"inputs": ["x" * 2000]})
        assert (status, told["error"].split(";")[0]) == (413, "a request has at most 1000 bytes")
        asked = [server.ask("POST", "/v1/models/ner/predict", {"inputs": ["x"] * 3})]
        while asked[-1][0] == 422:
            asked.append(server.ask("POST", "/v1/models/ner/predict", {"inputs": ["x"] * 3}))
        status, told, headers = asked[-1]
        assert (status, headers["retry-after"]) == (429, "1")
        assert len(asked) < 5


def test_a_full_queue_is_told(models: Mapping[str, Model]) -> None:
    with running({"ner": models["ner"]}, max_queue=2, max_wait_ms=300.0) as server:
        statuses = list[int]()

        def ask() -> None:
            told = server.ask("POST", "/v1/models/ner/predict", {"inputs": ["a", "b"]})
            statuses.append(told[0])
            assert told[0] == 200 or "retry-after" in told[2]

        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(statuses) == [200, 503, 503, 503]


def test_a_server_that_is_told_to_stop_answers_what_it_has(models: Mapping[str, Model]) -> None:
    with running({"ner": models["ner"]}, max_wait_ms=400.0) as server:
        answers = list[Any]()

        def ask() -> None:
            answers.append(server.ask("POST", "/v1/models/ner/predict", {"inputs": ["Anna"]}))

        thread = threading.Thread(target=ask)
        thread.start()
        while not server.server.requests:
            thread.join(0.01)
        server.stop()
        thread.join()
        assert answers[0][0] == 200


def test_the_routes_are_on_a_page_that_asks_nobody_else(server: Running) -> None:
    _, text, headers = server.ask("GET", "/docs")
    page = text.decode()
    assert "POST /v1/models/{name}/predict" in page
    assert "<td><code>inputs</code></td>" in page
    assert "http://" not in page
    assert "https://" not in page
    assert "default-src 'self'" in headers["content-security-policy"]
    assert server.ask("GET", "/openapi.json")[1]["info"]["title"] == "recurra"


def test_who_connects_and_says_nothing_is_let_go(models: Mapping[str, Model]) -> None:
    with running({"ner": models["ner"]}, timeout=0.3) as server:
        with socket.create_connection(("127.0.0.1", server.port)) as silent:
            silent.sendall(b"POST /v1/models/ner/predict HTTP/1.1\r\nhos")
            silent.settimeout(10)
            assert silent.recv(100) == b""
        with socket.create_connection(("127.0.0.1", server.port)) as slow:
            slow.sendall(b"POST /v1/models/ner/predict HTTP/1.1\r\nhost: localhost\r\n")
            slow.sendall(b'content-type: application/json\r\ncontent-length: 99\r\n\r\n{"inp')
            slow.settimeout(10)
            assert b" 408 " in slow.recv(100)
        assert server.predict("ner", "Anna")[0]["tokens"] == ["Anna"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"origin": "http://127.0.0.1:{port}"}, 200),
        ({"host": "localhost:{port}", "origin": "http://localhost:{port}"}, 200),
        ({"origin": "https://elsewhere.example"}, 403),
        ({"origin": "null"}, 403),
        ({"host": "elsewhere.example", "origin": "http://elsewhere.example"}, 403),
        ({"host": "[", "origin": "http://["}, 403),
    ],
)
def test_a_page_of_somebody_else_may_not_ask(
    server: Running, headers: dict[str, str], status: int
) -> None:
    given = {name: value.format(port=server.port) for name, value in headers.items()}
    assert server.ask("GET", "/v1/models", headers=given)[0] == status
    origin = given.get("origin")
    host = given.get("host", f"127.0.0.1:{server.port}")
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as raw:
        raw.sendall(
            f"GET /v1/models/ner/stream HTTP/1.1\r\nHost: {host}\r\nOrigin: {origin}\r\n"
            "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n".encode()
        )
        told = b""
        while b"}" not in told and b"another page" not in told and (more := raw.recv(1000)):
            told += more
        assert (b'"session"' in told) == (status == 200)
