"""`newstide doctor` says whether somebody listens where alerts are told."""

from __future__ import annotations

import json
import socket

from stream.cli.check_sinks import check_sinks
from stream.settings import Settings, load_settings


def settings_to(*sinks: dict[str, str]) -> Settings:
    return load_settings(None, {"notify.sinks": json.dumps(sinks)}).settings


def test_a_sink_that_listens_is_told_from_one_that_does_not() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        here, gone = server.getsockname()[1], taken.getsockname()[1]
        good, bad = check_sinks(
            settings_to(
                {"type": "alertmanager", "url": f"http://127.0.0.1:{here}"},
                {"type": "webhook", "name": "desk", "url": f"http://u:pw@127.0.0.1:{gone}/secret"},
            )
        )
    assert (good.check, good.status) == ("sink", "ok")
    assert good.says == f"alertmanager: 127.0.0.1:{here} listens, alertmanager"
    assert bad.status == "warn"
    assert bad.says == f"desk: 127.0.0.1:{gone} can't be reached: Connection refused"
    assert "correct its url under notify.sinks" in bad.fix


def test_without_sinks_there_is_nothing_to_look_at() -> None:
    assert list(check_sinks(Settings())) == []
