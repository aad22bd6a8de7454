"""Kafka, and nothing else: connections, short-lived clients, topics, and the loop that SCORE and WATCH share."""

from __future__ import annotations

from stream.bus.admin import TopicState, create_topics, describe_topics
from stream.bus.clients import open_producer, open_reader, read_partition, send_all
from stream.bus.connection import Connection, explained
from stream.bus.loop import BatchLoop, LoopLimits
from stream.bus.pipeline import LoopWatcher, Pipeline
from stream.bus.records import Outcome, Outgoing, Record

__all__ = [
    "BatchLoop",
    "Connection",
    "LoopLimits",
    "LoopWatcher",
    "Outcome",
    "Outgoing",
    "Pipeline",
    "Record",
    "TopicState",
    "create_topics",
    "describe_topics",
    "explained",
    "open_producer",
    "open_reader",
    "read_partition",
    "send_all",
]
