"""What Prometheus reads, by its own parser."""

from prometheus_client.parser import text_string_to_metric_families

from recurra.serve.metrics import Metrics


def samples(metrics: Metrics) -> dict[tuple[str, ...], float]:
    families = text_string_to_metric_families(metrics.text().decode())
    return {
        (one.name, *sorted(one.labels.values())): one.value
        for family in families
        for one in family.samples
    }


def test_what_happened_is_counted() -> None:
    metrics = Metrics()
    metrics.request("/v1/models/{name}/predict", "POST", 200, 0.003)
    metrics.request("/v1/models/{name}/predict", "POST", 200, 0.3)
    metrics.request("/v1/models/{name}/stream", "WS", 1000, None)
    metrics.refused("rate")
    metrics.predicted("ner", 0.02)
    metrics.stepped("ner", frames=5, answers=4)
    metrics.waited("ner")(0.002)
    metrics.batch("ner", "frames", 3)
    metrics.queue("ner", "predict", 7)
    metrics.queue("ner", "predict", 6)
    metrics.sessions("ner", 9)
    metrics.stored("ner", 5000)
    metrics.resumed("ner")
    metrics.store_failed()
    told = samples(metrics)
    predict, stream = "/v1/models/{name}/predict", "/v1/models/{name}/stream"
    wanted = {
        ("recurra_requests_total", predict, "POST", "200"): 2,
        ("recurra_requests_total", stream, "WS", "1000"): 1,
        ("recurra_request_seconds_count", predict): 2,
        ("recurra_request_seconds_bucket", predict, "0.005"): 1,
        ("recurra_refused_total", "rate"): 1,
        ("recurra_predict_seconds_sum", "ner"): 0.02,
        ("recurra_frame_seconds_count", "ner"): 1,
        ("recurra_frames_total", "ner"): 5,
        ("recurra_answers_total", "ner"): 4,
        ("recurra_batch_rows_bucket", "ner", "frames", "2.0"): 0,
        ("recurra_batch_rows_bucket", "ner", "frames", "4.0"): 1,
        ("recurra_queue", "ner", "predict"): 6,
        ("recurra_sessions", "ner"): 9,
        ("recurra_sessions_stored_total", "ner"): 1,
        ("recurra_sessions_resumed_total", "ner"): 1,
        ("recurra_state_bytes_sum", "ner"): 5000,
        ("recurra_store_errors_total",): 1,
    }
    for (name, *labels), value in wanted.items():
        assert told.get((name, *sorted(labels))) == value, (name, labels)
    assert ("recurra_request_seconds_count", stream) not in told


def test_two_servers_of_a_process_count_apart() -> None:
    one, other = Metrics(), Metrics()
    one.store_failed()
    assert samples(other)[("recurra_store_errors_total",)] == 0
    assert "version=" in one.media_type
