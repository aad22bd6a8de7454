"""Opening a graph with ONNX Runtime."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

import onnxruntime as ort

from models.errors import ModelError
from models.manifest import Head

# The variable that `models` sets counts everywhere but on Windows: there it is this call. Set to 0 it undoes both.
if os.environ["ORT_DISABLE_TELEMETRY"] != "0":
    ort.disable_telemetry_events()

CPU = "CPUExecutionProvider"

TEXT_INPUT = "input_ids"
SPAN_INPUTS = ("span_text", "span_shares")
"""What a graph takes: for all, and with the head `entity` besides."""

MASK_INPUT = "attention_mask"
"""What the graphs of older releases take besides; nothing is ever masked, as no text is padded."""


def open_session(
    graph: bytes,
    *,
    where: str,
    providers: Sequence[str] = (CPU,),
    threads: int = 1,
    optimise: bool = True,
    allow_fallback: bool = False,
) -> ort.InferenceSession:
    """A session for `graph`, which was read at `where`.

    Args:
        graph: a whole ONNX model.
        where: what it is called in an error.
        providers: what shall run it, the preferred one first.
        threads: how many cores one pass may use.
        optimise: False for a graph that was optimised when it was exported; doing it again only costs time.
        allow_fallback: run on the processor where the preferred provider is not to be had.

    Raises:
        ModelError: if the runtime refuses the graph, or the preferred provider is not to be had.
    """
    wanted = providers[0] if providers else CPU
    if not allow_fallback and wanted not in ort.get_available_providers():
        raise ModelError(
            f"providers asks for {wanted}, but this installation of onnxruntime has"
            f" {', '.join(ort.get_available_providers())}: choose one of them, or allow the fallback"
        )
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # It lays out memory anew for each shape that it meets, and batches of news hardly ever have the same shape.
    options.enable_mem_pattern = False
    # Nor does it pay to write where something else was read: with a buffer each newstide-en is 2 to 4 % faster.
    options.enable_mem_reuse = False
    options.log_severity_level = 4  # what goes wrong is told below, once
    level = ort.GraphOptimizationLevel
    options.graph_optimization_level = level.ORT_ENABLE_ALL if optimise else level.ORT_DISABLE_ALL
    try:
        session = ort.InferenceSession(graph, options, providers=list(providers) or [CPU])
    except Exception as error:  # the runtime's own errors have no common base
        raise ModelError(f"{where} cannot be loaded: {error}. Export it again") from error
    found = session.get_providers()[0]
    # The GPU build lists CUDA even where there is no driver, and then falls back with no more than a log line.
    if found != wanted and not allow_fallback:
        raise ModelError(
            f"providers asks for {wanted}, but the session runs on {found}: mend the driver and its libraries,"
            f" set providers to {found}, or allow the fallback"
        )
    return session


def takes_mask(session: ort.InferenceSession) -> bool:
    """Whether the graph is one of an older release, which takes `MASK_INPUT` besides."""
    return any(each.name == MASK_INPUT for each in session.get_inputs())


def check_graph(session: ort.InferenceSession, heads: Mapping[str, Head], label: str) -> None:
    """Make sure that `session` takes what is fed to it and gives one logit for each label of each head.

    Raises:
        ModelError: if it does not; the text names the input, output or head.
    """
    inputs = {each.name for each in session.get_inputs()} - {MASK_INPUT}
    wanted = {TEXT_INPUT, *SPAN_INPUTS} if "entity" in heads else {TEXT_INPUT}
    if inputs != wanted:
        raise ModelError(
            f"{label}: the graph takes {', '.join(sorted(inputs))} instead of {', '.join(sorted(wanted))}:"
            " export it again"
        )
    widths = {each.name: each.shape[-1] for each in session.get_outputs()}
    for task, head in heads.items():
        if task not in widths:
            raise ModelError(f"{label}: the graph has no output {task}, which the manifest has a head for")
        if isinstance(widths[task], int) and widths[task] != len(head.labels):
            raise ModelError(
                f"{label}: output {task} of the graph has {widths[task]} logits, but heads.{task}.labels names"
                f" {len(head.labels)}: write the release with the labels it was trained on"
            )
