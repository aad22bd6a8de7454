from __future__ import annotations

import io
import json
import logging
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stream.errors import UsageError
from stream.logs import configure_logging, log_fields, mask


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    root, client = logging.getLogger(), logging.getLogger("aiokafka")
    handlers, level, client_level = root.handlers[:], root.level, client.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    client.setLevel(client_level)
    logging.captureWarnings(capture=False)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def fail(text: str) -> None:
    raise ValueError(text)


def test_a_json_line_has_time_level_logger_message_and_fields() -> None:
    stream = io.StringIO()
    configure_logging("json", "INFO", stream)
    logging.getLogger("stream.score").warning(
        "%d records refused", 3, extra={"topic": "news.raw", "at": Path("x")}
    )
    (line,) = lines(stream)
    assert line.pop("time").endswith("+00:00")
    assert line == {
        "level": "WARNING",
        "logger": "stream.score",
        "message": "3 records refused",
        "topic": "news.raw",
        "at": "x",
    }


def test_an_exception_stays_in_its_line() -> None:
    stream = io.StringIO()
    configure_logging("json", "INFO", stream)
    try:
        fail("odd\nvalue")
    except ValueError:
        logging.getLogger("stream").exception("failed")
    (line,) = lines(stream)
    assert "ValueError: odd\nvalue" in line["exception"]


def test_fields_of_a_block_are_added_to_all_that_is_logged_in_it() -> None:
    stream = io.StringIO()
    configure_logging("json", "INFO", stream)
    log = logging.getLogger("stream")
    with log_fields(loop="score"), log_fields(partition=2):
        log.info("inside", extra={"partition": 3})
    log.info("outside")
    inside, outside = lines(stream)
    assert (inside["loop"], inside["partition"]) == ("score", 3)
    assert "loop" not in outside


def test_a_field_never_replaces_what_a_line_is_made_of() -> None:
    stream = io.StringIO()
    configure_logging("json", "INFO", stream)
    with log_fields(level="none", logger="none"):
        logging.getLogger("stream").info("said")
    (line,) = lines(stream)
    assert (line["level"], line["logger"]) == ("INFO", "stream")


def test_text_is_one_line_even_when_the_message_has_several() -> None:
    stream = io.StringIO()
    configure_logging("text", "INFO", stream)
    logging.getLogger("stream").info("headline: a\r\nERROR forged", extra={"partition": 1})
    (line,) = stream.getvalue().splitlines()
    assert line.endswith(r"INFO     stream: headline: a\r\nERROR forged partition=1")


def test_text_shows_an_exception_below_its_line() -> None:
    stream = io.StringIO()
    configure_logging("text", "INFO", stream)
    try:
        fail("odd")
    except ValueError:
        logging.getLogger("stream").exception("failed")
    assert stream.getvalue().splitlines()[-1] == "ValueError: odd"


def test_auto_is_readable_on_a_terminal_and_json_elsewhere() -> None:
    terminal, file = Terminal(), io.StringIO()
    configure_logging("auto", "INFO", terminal)
    logging.getLogger("stream").info("hello")
    configure_logging("auto", "INFO", file)
    logging.getLogger("stream").info("hello")
    assert "INFO     stream: hello" in terminal.getvalue()
    assert lines(file)[0]["message"] == "hello"


def test_a_second_call_replaces_the_first() -> None:
    first, second = io.StringIO(), io.StringIO()
    configure_logging("json", "INFO", first)
    configure_logging("json", "error", second)
    logging.getLogger("stream").info("quiet")
    logging.getLogger("stream").error("loud")
    assert first.getvalue() == ""
    assert [line["message"] for line in lines(second)] == ["loud"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(("xml", "INFO"), "log.format is 'xml'"), (("json", "loud"), "log.level is 'loud'")],
)
def test_an_unknown_format_or_level_is_named(arguments: tuple[Any, str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        configure_logging(*arguments)


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("s3://user:hunter2@store/x", "s3://user:***@store/x"),
        ("connect to kafka://host:9092/x", "connect to kafka://host:9092/x"),
        ("sasl_plain_password='hunter2', next", "sasl_plain_password=***, next"),
        ('{"password": "hun ter2"}', '{"password": ***}'),
        ("Authorization: Bearer abc.def", "Authorization: ***"),
        ("api_key=abc123;x", "api_key=***;x"),
        ("12 tokens, 3 secrets", "12 tokens, 3 secrets"),
    ],
)
def test_what_looks_like_a_secret_is_masked(text: str, masked: str) -> None:
    assert mask(text) == masked


def test_secrets_are_masked_in_messages_fields_and_exceptions() -> None:
    stream = io.StringIO()
    configure_logging("json", "INFO", stream)
    try:
        fail("password=hunter2")
    except ValueError:
        logging.getLogger("stream").exception(
            "store s3://u:hunter2@host", extra={"sasl_password": "hunter2", "url": "https://u:hunter2@x"}
        )
    assert "hunter2" not in stream.getvalue()
    assert '"sasl_password": "***"' in stream.getvalue()


def test_the_retries_that_aiokafka_calls_errors_are_left_out_and_its_real_errors_are_not() -> None:
    stream = io.StringIO()
    configure_logging("json", "DEBUG", stream)
    sender = logging.getLogger("aiokafka.producer.sender")
    sender.error("Could not add partition x due to unexpected error: %s", "ConcurrentTransactions")
    sender.warning("Got error produce response on topic-partition, retrying. Error: NotEnoughReplicasError")
    sender.debug("Sending")
    sender.error("Unexpected error in sender routine")
    logging.getLogger("stream").error("ConcurrentTransactions")
    assert [line["message"] for line in lines(stream)] == [
        "Unexpected error in sender routine",
        "ConcurrentTransactions",
    ]


def test_an_address_where_nobody_answers_is_left_to_our_own_line() -> None:
    stream = io.StringIO()
    configure_logging("json", "INFO", stream)
    client = logging.getLogger("aiokafka")
    client.error('Unable connect to "%s:%s": %s', "127.0.0.1", 1, "[Errno 111] Connect call failed")
    client.error("Unable connect to node with id %s: %s", 2, "[Errno 111] Connect call failed")
    assert [line["message"] for line in lines(stream)] == [
        "Unable connect to node with id 2: [Errno 111] Connect call failed"
    ]


def test_warnings_are_logged_too() -> None:
    stream = io.StringIO()
    configure_logging("json", "INFO", stream)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(capture=True)
        warnings.warn("old setting", UserWarning, stacklevel=1)
    assert lines(stream)[0]["logger"] == "py.warnings"
