"""A wrangler configuration as the local runtime takes it; refused where it cannot."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from cachelib.errors import CachelibError
from cachelib.evidence.wrangler import Wrangler, find_configuration, read_configuration
from cachelib.live.node import runtime_versions

NEWEST = re.sub(r".*(\d{4})(\d\d)(\d\d).*", r"\1-\2-\3", runtime_versions()["workerd"])
"""The compatibility date of the runtime: the latest that it knows."""
LOCAL_FORM = {"kv_namespaces": "kv", "r2_buckets": "r2", "d1_databases": "d1", "queues": "queue"}
LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
ALSO_LOCAL = frozenset(["ai", "durable_objects", "vars"])
NO_BINDING = frozenset(
    [
        *("$schema", "name", "main", "account_id", "compatibility_date", "compatibility_flags"),
        *("workers_dev", "preview_urls", "route", "routes", "triggers", "limits", "build", "env"),
        *("minify", "logpush", "placement", "observability", "cache", "tsconfig", "no_bundle"),
        *("upload_source_maps", "keep_names", "migrations", "exports", "define", "dev", "secrets"),
        *("send_metrics", "keep_vars", "usage_model", "base_dir", "preserve_file_names"),
        *("find_additional_modules", "tail_consumers", "compliance_region"),
    ]
)
"""Keys that give the code nothing to call: wrangler 4.164.0, config-schema.json."""


class OwnWorkerError(CachelibError, ValueError):
    """The Worker cannot run here: which file, line and key, and what to do."""


def own_worker(
    folder: Path,
    environment: str | None = None,
    *,
    read: Sequence[Path] = (),
    connect: Sequence[str] = (),
) -> dict[str, Any]:
    """What the runtime is told of the Worker in `folder`.

    Its code may import files in its own folder, of packages installed there or above, and in the
    folders `read`; of this machine's services it may ask those in `connect` (`127.0.0.1:8787`).

    Raises `OwnWorkerError` for a binding that has no local form, `EvidenceError` for a
    configuration that cannot be read.
    """
    folder = folder.resolve()
    wrangler = read_configuration(find_configuration(folder))
    config = _settings(wrangler, environment)
    objects = list(_objects(wrangler.file, config))
    return {
        "root": str(folder),
        "main": str(_main(folder, wrangler.file, config)),
        "compatibilityDate": min(asked_date(config), NEWEST),
        "compatibilityFlags": config.get("compatibility_flags", []),
        "define": config.get("define", {}),
        "vars": config.get("vars", {}),
        "read": [str(each.resolve()) for each in read],
        "connect": list(map(_service, connect)),
        "asked": asked_date(config),
        "kinds": {
            **dict(_bindings(config)),
            **{each["binding"]: "durable-object" for each in objects},
        },
        "objects": objects,
    }


def asked_date(config: dict[str, Any]) -> str:
    """The compatibility date that the configuration asks for."""
    return str(config.get("compatibility_date", "2026-07-01"))


def _service(said: str) -> str:
    host, _, port = said.rpartition(":")
    if host not in LOOPBACK or not port.isdecimal():
        known = ", ".join(LOOPBACK)
        raise OwnWorkerError(f"--connect {said}: write HOST:PORT, with one of the hosts {known}")
    return said


def _settings(wrangler: Wrangler, environment: str | None) -> dict[str, Any]:
    settings = wrangler.settings(environment)
    for each in settings:
        if each.key not in LOCAL_FORM.keys() | ALSO_LOCAL | NO_BINDING:
            raise OwnWorkerError(
                f"{wrangler.file}:{each.value.span.line}: {each.key}: this has no local form here, "
                "and a run without it would not be your Worker's; give a named environment without "
                "it (--env NAME)"
            )
    values: dict[str, Any] = {each.key: each.value.value for each in settings}
    return values


def _main(folder: Path, file: str, config: dict[str, Any]) -> Path:
    main = config.get("main")
    if not main:
        raise OwnWorkerError(f"{file}: main: missing; there is no code to run")
    path: Path = (folder / main).resolve()
    if not path.is_relative_to(folder):
        raise OwnWorkerError(f"{file}: main: {main} lies outside of {folder}; point at its folder")
    if not path.is_file():
        raise OwnWorkerError(f"{file}: main: {path} is missing; build the Worker first")
    return path


def _bindings(config: dict[str, Any]) -> Iterator[tuple[str, str]]:
    producers = config.get("queues", {}).get("producers", [])
    if name := config.get("ai", {}).get("binding"):
        yield name, "ai"
    for key, kind in LOCAL_FORM.items():
        for entry in producers if key == "queues" else config.get(key, []):
            yield entry["binding"], kind


def _objects(file: str, config: dict[str, Any]) -> Iterator[dict[str, Any]]:
    sqlite = {
        name
        for migration in config.get("migrations", [])
        for name in migration.get("new_sqlite_classes", [])
    } | {name for name, of in config.get("exports", {}).items() if of.get("storage") == "sqlite"}
    for entry in config.get("durable_objects", {}).get("bindings", []):
        name = entry["class_name"]
        if entry.get("script_name", config.get("name")) != config.get("name"):
            raise OwnWorkerError(
                f"{file}: durable_objects: {name} belongs to the Worker {entry['script_name']!r}, "
                "which is not here; give a named environment without it (--env NAME)"
            )
        yield {"binding": entry["name"], "className": name, "sqlite": name in sqlite}
