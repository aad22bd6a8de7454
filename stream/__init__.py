"""The running monitor.

The way of a record, file by file:

1. `sources/` (`rss.py`, `files.py`, `replay.py`) brings an article to `news.raw`, by the commands `ingest`, `send`
   and `replay`; any other program may write there too.
2. `bus/loop.py` polls a batch, hands it to a pipeline, and writes what comes of it together with the offsets, one
   transaction for each input partition (`bus/partition.py`).
3. SCORE, `score/pipeline.py`: `score/decode.py` reads the record or says why it can't be read; `score/entities/`
   names the companies; the scorer of `models.scorer` answers; `score/scoring.py` makes the scored article and its
   signals; `score/fingerprint.py` adds what copies are known by. Out go `news.scored`, `news.signals` and
   `news.rejected`. Nothing is kept between two batches.
4. WATCH, `watch/pipeline.py`, with one `watch/watcher.py` for each partition of `news.signals`: `watch/series.py`
   holds a series; `watch/novelty.py` counts a story once; `watch/baseline.py` knows what is usual;
   `watch/surge.py` judges a window by its `watch/chances.py`; `watch/alerts.py` leads an alert's life;
   `watch/stories.py` tells a story; `watch/state.py` saves and restores. Out go `news.alerts`, `news.stories` and
   `news.baselines`.
5. NOTIFY, `notify/pipeline.py`: alerts of one cause become a group, and `sinks/` tells people; `explainer.py` asks
   the model which words moved the first article's score, where that is wanted. Out go `news.groups` and
   `news.undelivered`.
6. `follow.py` hears of a new model on `models.releases` and swaps it in between two batches; `serving.py` keeps
   one for each language that has a release of its own.

Around them: `events.py` says what stands in each topic, `topics.py` which topics there are, `contracts.py` what
may change in a record; `settings/` is what can be set; `app.py` builds one process of it, with `parts.py` and
`connect.py`; `collecting.py` has Python collect garbage seldom; `metrics/` and `health/` tell how it is;
`broker.py` is the embedded broker; `releases.py` and `labels.py` serve the retraining; `retry_after.py` reads how
long a server asks to wait; `cli/` is the command, `demo/` its invented day, `bench/` its measurements; `backtest/`
replays recorded news through the same code, with no broker.
"""
