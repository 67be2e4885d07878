import json
import logging
import urllib.request
from collections.abc import Iterator

import pytest

from serving import telemetry
from serving.settings import ServerSettings
from tests.servers import free_port


@pytest.fixture(autouse=True)
def root_logger() -> Iterator[None]:
    """The root logger, put back as it was afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    root.handlers.clear()
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture
def request_id() -> Iterator[str]:
    token = telemetry._request_id.set("")
    yield telemetry.begin_request([("x-request-id", "abc-123")])
    telemetry._request_id.reset(token)


def test_a_json_log_line_bears_service_message_and_request_id(
    capsys: pytest.CaptureFixture[str], request_id: str
) -> None:
    telemetry.configure_logging(ServerSettings(log_format="json"), "embed")
    try:
        raise ValueError("the inside")
    except ValueError:
        logging.getLogger("test").exception('a "bad"\nline: %s', "衣")
    (line,) = capsys.readouterr().err.splitlines()
    entry = json.loads(line)
    assert (entry["level"], entry["service"], entry["request_id"]) == ("ERROR", "embed", request_id)
    assert entry["message"] == 'a "bad"\nline: 衣'
    assert "ValueError: the inside" in entry["exception"]


def test_a_text_log_line_bears_the_request_id_only_inside_a_call(capsys: pytest.CaptureFixture[str]) -> None:
    telemetry.configure_logging(ServerSettings(log_level="INFO"), "embed")
    logging.getLogger("test").info("outside")
    logging.getLogger("test").debug("unseen")
    token = telemetry._request_id.set("abc-123")
    logging.getLogger("test").info("inside")
    telemetry._request_id.reset(token)
    outside, inside = capsys.readouterr().err.splitlines()
    assert "embed" in outside
    assert "request_id" not in outside
    assert inside.endswith("inside  request_id=abc-123")


def test_metrics_are_served_where_they_are_asked_for() -> None:
    port = free_port()
    telemetry.serve_metrics(ServerSettings(metrics_listen=f"127.0.0.1:{port}"))
    telemetry.DROPPED.labels("test", "deadline").inc()
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as response:
        text = response.read().decode()
    for name in (
        "rpc_calls",
        "rpc_seconds",
        "admitted",
        "queue_length",
        "queue_seconds",
        "compute_seconds",
        "batch_size",
    ):
        assert f"clothing_{name}" in text
    assert 'clothing_dropped_total{stage="test",why="deadline"}' in text
    assert "_created" not in text


def test_metrics_are_served_nowhere_by_default() -> None:
    telemetry.serve_metrics(ServerSettings())
