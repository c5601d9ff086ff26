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
    metrics.requested("/v1/models/{name}/predict", 200, 0.003)
    metrics.requested("/v1/models/{name}/predict", 200, 0.3)
    metrics.streamed("ner", 1013)
    metrics.refused("rate")
    metrics.predicted("ner", 0.02, inputs=3)
    metrics.answered("ner", 0.002, frames=5)
    metrics.batch("ner", 3)
    metrics.batch("ner", 4, "frames")
    metrics.queue("ner", 7)
    metrics.queue("ner", 6)
    metrics.sessions("ner", 9, 9000)
    metrics.stored("ner", 5000)
    metrics.resumed("ner")
    metrics.store_error()
    told = samples(metrics)
    predict = "/v1/models/{name}/predict"
    wanted = {
        ("recurra_requests_total", predict, "200"): 2,
        ("recurra_request_seconds_count", predict): 2,
        ("recurra_request_seconds_bucket", predict, "0.005"): 1,
        ("recurra_streams_total", "ner", "1013"): 1,
        ("recurra_refused_total", "rate"): 1,
        ("recurra_predict_seconds_sum", "ner"): 0.02,
        ("recurra_inputs_total", "ner"): 3,
        ("recurra_frame_seconds_count", "ner"): 1,
        ("recurra_frames_total", "ner"): 5,
        ("recurra_batch_rows_bucket", "ner", "inputs", "2.0"): 0,
        ("recurra_batch_rows_bucket", "ner", "inputs", "4.0"): 1,
        ("recurra_batch_rows_sum", "ner", "frames"): 4,
        ("recurra_queue", "ner", "inputs"): 6,
        ("recurra_sessions", "ner"): 9,
        ("recurra_session_bytes", "ner"): 9000,
        ("recurra_sessions_stored_total", "ner"): 1,
        ("recurra_sessions_resumed_total", "ner"): 1,
        ("recurra_state_bytes_sum", "ner"): 5000,
        ("recurra_store_errors_total",): 1,
    }
    for (name, *labels), value in wanted.items():
        assert told.get((name, *sorted(labels))) == value, (name, labels)


def test_two_servers_of_a_process_count_apart() -> None:
    one, other = Metrics(), Metrics()
    one.store_error()
    assert samples(other)[("recurra_store_errors_total",)] == 0
    assert "version=" in one.media_type
