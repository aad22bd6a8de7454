"""What each sink is sent."""

from __future__ import annotations

import hmac
import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from alerting import NOTED, T0, alert, evidence, explanation, notification

from stream.events import MovedWord, Notification
from stream.sinks import AlertmanagerSink, PagerDutySink, SlackSink, WebhookSink, sign
from stream.sinks.request import Sink
from stream.sinks.slack import escape

NOW = NOTED


def sent(sink: Sink, said: Notification, now: datetime = NOW) -> Any:
    return json.loads(sink.request(said, now).body)


def text_of(blocks: list[dict[str, Any]]) -> str:
    return "\n".join(
        str(each.get("text", {}).get("text", "")) + "".join(e["text"] for e in each.get("elements", ()))
        for each in blocks
    )


EXPLAINED = (
    "Words that moved the score of the first article towards AAPL (-0.82): stops -0.41, withdrawals -0.22"
)


class TestWebhook:
    sink = WebhookSink("desk", "https://example.com/hook", "s3cret", "t0ken")

    def test_the_body_is_the_notification_and_its_key_is_in_a_header(self) -> None:
        request = self.sink.request(notification(), NOW)
        assert Notification.model_validate_json(request.body) == notification()
        assert request.headers["Idempotency-Key"] == "k1"
        assert request.headers["Content-Type"] == "application/json"
        assert request.headers["Authorization"] == "Bearer t0ken"

    def test_an_explanation_is_a_field_and_changes_no_key(self) -> None:
        request = self.sink.request(notification(explanation=explanation()), NOW)
        assert json.loads(request.body)["explanation"] == {
            "news_id": "n1",
            "towards": "AAPL",
            "score": -0.82,
            "words": [{"word": "stops", "shift": -0.41}, {"word": "withdrawals", "shift": -0.224}],
            "model": "newstide-en@1.1.0",
        }
        without = self.sink.request(notification(), NOW)
        assert "explanation" not in json.loads(without.body)
        assert request.headers["Idempotency-Key"] == without.headers["Idempotency-Key"]

    def test_the_signature_is_over_the_time_stamp_and_the_body(self) -> None:
        request = self.sink.request(notification(), NOW)
        stamp = request.headers["X-Newstide-Timestamp"]
        assert stamp == str(int(NOW.timestamp()))
        right = hmac.new(b"s3cret", stamp.encode() + b"." + request.body, "sha256").hexdigest()
        assert request.headers["X-Newstide-Signature"] == f"sha256={right}"
        assert right == sign("s3cret", stamp, request.body)

    def test_a_second_try_has_the_same_body_and_key_and_a_signature_of_its_own(self) -> None:
        first, second = (self.sink.request(notification(), NOW + timedelta(seconds=n)) for n in (0, 9))
        assert first.body == second.body
        assert first.headers["Idempotency-Key"] == second.headers["Idempotency-Key"]
        assert first.headers["X-Newstide-Signature"] != second.headers["X-Newstide-Signature"]

    def test_without_a_secret_nothing_is_signed(self) -> None:
        headers = WebhookSink("desk", "https://example.com").request(notification(), NOW).headers
        assert "X-Newstide-Signature" not in headers
        assert "Authorization" not in headers


class TestAlertmanager:
    sink = AlertmanagerSink("am", "http://am:9093/", timedelta(minutes=1))

    def test_labels_are_what_the_group_was_named_and_texts_are_annotations(self) -> None:
        assert self.sink.request(notification(), NOW).url == "http://am:9093/api/v2/alerts"
        (only,) = sent(self.sink, notification(link="https://newstide.example/a"))
        assert only["labels"] == {
            "alertname": "negative_surge",
            "series": "market",
            "severity": "warning",
            "cause": "g1",
            "source": "newstide",
        }
        assert only["annotations"]["lead"] == "company:AAPL"
        assert only["annotations"]["others"] == "market, mean shift: warning, firing"
        assert only["annotations"]["evidence"].count("\n") == 2
        assert "acknowledged_by" not in only["annotations"]
        assert only["generatorURL"] == "https://newstide.example/a"

    def test_an_explanation_is_an_annotation_and_no_label(self) -> None:
        (explained,) = sent(self.sink, notification(explanation=explanation()))
        (without,) = sent(self.sink, notification())
        assert explained["annotations"].pop("explanation") == EXPLAINED
        assert explained == without

    def test_an_open_alert_ends_four_intervals_ahead_and_one_that_is_over_now(self) -> None:
        (firing,) = sent(self.sink, notification())
        assert datetime.fromisoformat(firing["startsAt"]) == T0
        assert datetime.fromisoformat(firing["endsAt"]) == NOW + timedelta(minutes=4)
        for status in ("resolved", "retracted"):
            (ended,) = sent(self.sink, notification(status))
            assert datetime.fromisoformat(ended["endsAt"]) == NOW

    def test_when_the_severity_rises_the_former_alert_ends_in_the_same_request(self) -> None:
        new, old = sent(self.sink, notification("updated", severity="critical", before="warning"))
        assert [each["labels"]["severity"] for each in (new, old)] == ["critical", "warning"]
        assert datetime.fromisoformat(old["endsAt"]) == NOW
        assert datetime.fromisoformat(new["endsAt"]) > NOW
        assert len(sent(self.sink, notification("updated", before="warning"))) == 1

    def test_an_alert_never_ends_before_it_starts(self) -> None:
        (only,) = sent(self.sink, notification("resolved", lead=alert(onset=NOW + timedelta(hours=1))))
        assert only["startsAt"] == only["endsAt"]

    def test_without_any_link_there_is_no_generator(self) -> None:
        (only,) = sent(self.sink, notification(lead=alert(articles=())))
        assert "generatorURL" not in only
        assert "evidence" not in only["annotations"]

    def test_it_signs_in_with_its_token(self) -> None:
        sink = AlertmanagerSink("am", "http://am:9093", token="t0ken")
        assert sink.request(notification(), NOW).headers["Authorization"] == "Bearer t0ken"


class TestSlack:
    sink = SlackSink("chat", "https://hooks.slack.com/services/T/B/x")

    def test_a_message_has_title_sentence_articles_and_what_refers_to_it(self) -> None:
        body = sent(self.sink, notification())
        assert body["text"] == "[FIRING] warning: company:AAPL, negative surge"
        text = text_of(body["blocks"])
        assert ":large_orange_circle: [FIRING] warning" in text
        assert "7 stories in 15 min where 0.4 are usual, from 5 sources" in text
        assert "<https://news.example/n1|Girderson stops withdrawals, says n1>" in text
        assert "*Same cause:*\nmarket, mean shift: warning, firing" in text
        assert f"newstide ack {alert().alert_id}" in text

    def test_an_explanation_stands_under_the_articles_and_can_not_link_either(self) -> None:
        moved = (MovedWord(word="<!channel>", shift=-0.4),)
        body = sent(self.sink, notification(explanation=explanation(words=moved)))
        told = [each["text"]["text"] for each in body["blocks"] if "text" in each]
        assert told[2].startswith("• <https://news.example/n1|")
        assert told[3] == (
            "Words that moved the score of the first article towards AAPL (-0.82): &lt;!channel&gt; -0.40"
        )
        assert len(sent(self.sink, notification())["blocks"]) == len(body["blocks"]) - 1

    def test_a_headline_can_neither_link_nor_call_anybody(self) -> None:
        (one,) = evidence("n1")
        evil = one.model_copy(
            update={"headline": "<!channel> & <https://evil.example|x>", "url": "javascript:alert(1)"}
        )
        text = text_of(
            sent(self.sink, notification(lead=alert().model_copy(update={"evidence": (evil,)})))["blocks"]
        )
        assert "• &lt;!channel&gt; &amp; &lt;https://evil.example|x&gt; _" in text
        assert "javascript" not in text

    @pytest.mark.parametrize(
        "url", ["https://a.example/x|y", "https://a.example/ y", 'https://a.example/">', None]
    )
    def test_an_address_that_would_end_its_link_is_no_link(self, url: str | None) -> None:
        (one,) = evidence("n1")
        lead = alert().model_copy(update={"evidence": (one.model_copy(update={"url": url}),)})
        assert "a.example" not in text_of(sent(self.sink, notification(lead=lead))["blocks"])

    def test_it_stays_within_slacks_limits(self) -> None:
        (one,) = evidence("n1")
        long = one.model_copy(update={"headline": "&" * 1000, "url": "https://a.example/" + "x" * 1500})
        lead = alert("company:" + "A" * 240).model_copy(update={"evidence": (long,) * 9})
        other = notification().others[0]
        body = sent(self.sink, notification(lead=lead, others=(other,) * 40))
        assert len(body["blocks"]) <= 50
        for block in body["blocks"]:
            length = len(block["text"]["text"]) if "text" in block else 0
            assert length <= (150 if block["type"] == "header" else 3000)
        assert "and 30 more" in text_of(body["blocks"])

    def test_what_is_over_has_another_sign_and_what_was_taken_back_shows_no_articles(self) -> None:
        resolved = text_of(sent(self.sink, notification("resolved"))["blocks"])
        assert ":white_check_mark: [RESOLVED]" in resolved
        assert "Back to usual at 2026-03-02 14:33 UTC. Mean score -0.60, usually +0.05." in resolved
        retracted = text_of(sent(self.sink, notification("retracted"))["blocks"])
        assert "the news behind it was withdrawn" in retracted
        assert "news.example" not in retracted

    def test_a_link_that_is_set_stands_at_the_foot(self) -> None:
        body = sent(self.sink, notification(link="https://newstide.example/a?x=1&y=2", others=()))
        assert "<https://newstide.example/a?x=1&amp;y=2|more>" in text_of(body["blocks"])

    def test_what_slack_reads_as_its_own_is_escaped(self) -> None:
        assert escape("a < b > c & d") == "a &lt; b &gt; c &amp; d"


class TestPagerDuty:
    sink = PagerDutySink("duty", "rk", "https://events.example/v2/enqueue")

    @pytest.mark.parametrize(
        ("status", "action"),
        [
            ("firing", "trigger"),
            ("updated", "trigger"),
            ("acknowledged", "acknowledge"),
            ("resolved", "resolve"),
            ("retracted", "resolve"),
        ],
    )
    def test_every_event_of_a_group_has_its_dedup_key(self, status: str, action: str) -> None:
        event = sent(self.sink, notification(status))
        assert (event["event_action"], event["dedup_key"], event["routing_key"]) == (action, "g1", "rk")

    def test_the_payload_says_what_and_why(self) -> None:
        event = sent(self.sink, notification(link="https://newstide.example/a"))
        payload = event["payload"]
        assert payload["summary"].startswith(
            "[FIRING] warning: company:AAPL, negative surge. 7 stories in 15 min"
        )
        assert payload["severity"] == "warning"
        assert payload["component"] == "company:AAPL"
        assert payload["class"] == "negative_surge"
        assert payload["timestamp"] == T0.isoformat()
        assert len(payload["custom_details"]["evidence"]) == 3
        assert event["client_url"] == "https://newstide.example/a"
        assert [each["href"] for each in event["links"]][:2] == [
            "https://newstide.example/a",
            "https://news.example/n1",
        ]

    def test_an_explanation_is_a_custom_detail_and_changes_nothing_else(self) -> None:
        explained, without = (
            sent(self.sink, notification(explanation=each)) for each in (explanation(), None)
        )
        assert explained["payload"]["custom_details"].pop("explanation") == EXPLAINED
        assert explained == without

    def test_the_summary_stays_within_its_limit(self) -> None:
        event = sent(
            self.sink,
            notification(lead=alert("company:" + "A" * 240, rule="r" * 250), before="info", why="graver"),
        )
        assert len(event["payload"]["summary"]) <= 1024
        assert "client_url" not in event


@pytest.mark.parametrize(
    "sink",
    [
        WebhookSink("a", "https://u:pw@example.com/secret-path", "s3cret", "t0ken"),
        AlertmanagerSink("b", "https://u:pw@example.com", token="t0ken"),
        SlackSink("c", "https://hooks.slack.com/services/secret-path"),
        PagerDutySink("d", "s3cret"),
    ],
    ids=lambda sink: sink.kind,
)
def test_no_secret_is_shown_by_repr(sink: Sink) -> None:
    shown = repr(sink) + repr(sink.request(notification(), NOW))
    for secret in ("u:pw", "secret-path", "s3cret", "t0ken"):
        assert secret not in shown
