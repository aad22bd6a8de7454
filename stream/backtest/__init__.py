"""Proof by replay: what the monitor would have said of a span of the past, and how often it would have been wrong.

`tables.py` reads what is given: news, scored news, signals, or a count series with the windows in which people
saw something unusual. `news.py` takes news through SCORE and WATCH without a broker, `scoring.py` builds SCORE for
it; `counts.py` judges a plain count series at a level from `excursions.py`, `volume.py` makes alerts of that.
`null.py` makes a span in which nothing is unusual, and `poisson.py` says how sure a count of false alarms is.
`nab.py` scores alarms as the Numenta Anomaly Benchmark does. `figures.py` sums up; `report.py`, `band.py` and
`drawing.py` make the page; `whole.py` puts it together. All of it is a function of its input: the same files give
the same bytes.
"""
