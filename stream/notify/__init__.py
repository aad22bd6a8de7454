"""Alerts become notifications: what is said to people, once for each cause, and kept saying until it is heard.

In the order in which an alert meets it: `cause.py` says whether two alerts have one cause; `group.py` is what is
known of a cause, and what each sink was told of it; `board.py` holds all groups; `desk.py` knows what people
silenced and acknowledged; `owed.py` says what a sink is owed now; `explained.py` says what the model is asked
about it; `wording.py` puts it into words. `pipeline.py` reads and writes; `stream.explainer` asks, `stream.sinks`
sends.

**What comes back after a restart, and why so.** A group lives in the compacted topic `news.groups`, with what each
sink was told. A group and the offsets of the alerts that changed it are one transaction, and a sink is given only
what is written there. So what is owed never lies in memory alone: it follows from the group, the time, the
silences and what was told. While a sink is away the offsets go on, and its debts stay in the topic; a restart
tells each sink what it has not been told, and not what it has. To build the groups anew from `news.alerts` would
be less to write but not sound: its partitions have no order between each other, so that other groups, with other
ids, could come of it, and nobody would end an incident that was opened under the former id.
"""
