"""What `newstide doctor` looks at on this machine: packages, folders, the model, the port."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import TYPE_CHECKING, Literal

from models.errors import ModelError
from stream.errors import NewstideError

if TYPE_CHECKING:
    from stream.settings import Loaded, Settings

OLDEST_PYTHON = (3, 11)
_PACKAGES = ("aiokafka", "tokenizers", "numpy", "pydantic")
_RUNTIMES = ("onnxruntime", "onnxruntime-gpu")


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found. `fix` says what to do; it is empty where all is well."""

    check: str
    status: Literal["ok", "warn", "fail"]
    says: str
    fix: str = ""


def check_python() -> Iterator[Finding]:
    """The interpreter, and the packages that a bad install is seen by."""
    here = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info[:2] < OLDEST_PYTHON:
        yield Finding("python", "fail", here, "install Python 3.11 or newer")
    else:
        yield Finding("python", "ok", here)
    missing = [name for name in _PACKAGES if _version(name) is None]
    if missing:
        yield Finding(
            "packages", "fail", f"missing: {', '.join(missing)}", "pip install --force-reinstall newstide"
        )
    else:
        yield Finding("packages", "ok", ", ".join(f"{name} {_version(name)}" for name in _PACKAGES))
    yield _check_runtime()


def _check_runtime() -> Finding:
    found = [f"{name} {_version(name)}" for name in _RUNTIMES if _version(name) is not None]
    if not found:
        return Finding("runtime", "fail", "ONNX Runtime is missing", "pip install onnxruntime")
    if len(found) > 1:
        return Finding(
            "runtime",
            "warn",
            f"{' and '.join(found)} lie over each other",
            "pip uninstall both, then install the one you want",
        )
    return Finding("runtime", "ok", found[0])


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def check_config(loaded: Loaded) -> Iterator[Finding]:
    """How much was set, and where; and the folder for data."""
    origins = [origin for origin in loaded.origins.values() if origin != "default"]
    where = ", ".join(sorted({origin.split()[0] for origin in origins}))
    yield Finding("config", "ok", f"{len(origins)} settings from {where}" if origins else "all defaults")
    folder = loaded.settings.broker.data_dir
    nearest = next(path for path in (folder, *folder.parents) if path.exists())
    if nearest.is_dir() and os.access(nearest, os.W_OK):
        yield Finding("data", "ok", str(folder))
    else:
        fix = "set broker.data_dir to a folder that you may write to"
        yield Finding("data", "fail", f"{folder} can't be written to", fix)


def check_model(settings: Settings) -> Iterator[Finding]:
    """The release opens, is whole, and gives its golden answers on the chosen provider."""
    from functools import partial

    from models.slot import ModelSlot
    from stream.parts import load_scorer, release_of

    began = time.perf_counter()
    try:
        release = release_of(settings)
        slot = ModelSlot.open(release, load=partial(load_scorer, settings))
    except (ModelError, NewstideError) as error:
        yield Finding("model", "fail", str(error), "")
        return
    took = time.perf_counter() - began
    megabytes = sum(entry.bytes for entry in release.manifest.files.values()) / 1e6
    says = f"{slot.current.release}, {megabytes:.0f} MB: whole, golden answers right, ready in {took:.1f} s"
    yield Finding("model", "ok", says)
    yield Finding("provider", "ok", f"{settings.score.provider}, {os.cpu_count()} cores")
    signed = release.signature is not None
    if settings.releases.key is not None and not signed:
        yield Finding(
            "signature",
            "warn",
            "releases.key is set, but this release is not signed",
            "sign it, or unset the key",
        )


def check_languages(settings: Settings) -> Iterator[Finding]:
    """The releases that languages have of their own load, and are made for those languages."""
    from stream.serving import open_language, wanted

    for which, languages in wanted(settings).items():
        if which is None:
            continue
        name = f"model {','.join(languages)}"
        try:
            found = open_language(settings, which, languages)
        except (ModelError, NewstideError) as error:
            yield Finding(name, "fail", str(error), "change releases.languages, or promote that release")
            continue
        says = f"{found.slot.current.release}: whole, golden answers right"
        if found.unfit:
            says += f", but not made for {', '.join(found.unfit)}"
            yield Finding(name, "warn", says, "name a release that is, in releases.languages")
        else:
            yield Finding(name, "ok", says)


def check_companies(settings: Settings) -> Iterator[Finding]:
    """The company tables can be read."""
    from stream.parts import tagger_of

    yield _tried(
        "companies", lambda: tagger_of(settings), f"{len(settings.score.companies)} tables of your own"
    )


def check_port(settings: Settings) -> Iterator[Finding]:
    """The metrics port is free, or a newstide already listens there."""
    import httpx
    from prometheus_client import CollectorRegistry

    from stream.health import Health, HealthServer

    host, port = settings.metrics.host, settings.metrics.port
    try:
        HealthServer(CollectorRegistry(), Health(), clock=time.monotonic, host=host, port=port).close()
    except NewstideError as error:
        try:
            answer = httpx.get(f"http://{host}:{port}/readyz", timeout=2, trust_env=False)
            ours = "checks" in answer.json()
        except (httpx.HTTPError, ValueError):
            ours = False
        if ours:
            yield Finding(
                "port", "ok", f"a newstide listens on {host}:{port}; it answers {answer.status_code}"
            )
        else:
            yield Finding("port", "fail", str(error), f"--set metrics.port=0, or stop what listens on {port}")
        return
    yield Finding("port", "ok", f"{host}:{port} is free")


def check_embedded(settings: Settings) -> Iterator[Finding]:
    """The embedded broker is installed, where it is what the settings mean."""
    if not settings.kafka.embedded:
        return
    if find_spec("noida_db") is None:
        yield Finding(
            "embedded",
            "fail",
            "the embedded broker is not installed",
            'pip install "newstide[embedded]", or name your Kafka with --bootstrap',
        )
    else:
        yield Finding("embedded", "ok", f"noida-db {_version('noida-db')}")


def _tried(check: str, work: Callable[[], object], says: str) -> Finding:
    try:
        work()
    except (NewstideError, ModelError) as error:
        return Finding(check, "fail", str(error), "mend what it names")
    return Finding(check, "ok", says)
