"""The usual way to classify text: a transformers pipeline that takes the texts one by one. For comparison only.

    python -m models.training.usual TEXTS.json      (a JSON list of texts)

prints {"per_s": …}, on one thread, in 32-bit floats, with the encoder that newstide's own releases begin from.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer, pipeline

from models.training.encoders import packaged_encoder

_WARM_UP = 10


def main(file: Path) -> None:
    """Measure the texts in `file` and print news per second."""
    torch.set_num_threads(1)
    texts: list[str] = json.loads(file.read_text(encoding="utf-8"))
    where = str(packaged_encoder())
    classify = pipeline(
        "text-classification",
        model=AutoModelForSequenceClassification.from_pretrained(where, num_labels=3),
        tokenizer=AutoTokenizer.from_pretrained(where),
        device="cpu",
    )
    for text in texts[:_WARM_UP]:
        classify(text)
    began = time.perf_counter()
    for text in texts:
        classify(text)
    sys.stdout.write(json.dumps({"per_s": len(texts) / (time.perf_counter() - began)}) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
