"""A wrangler configuration and what each of its environments is given.

Inheritance as documented for wrangler 4.164.0 (its config-schema.json and the configuration page
of the vendor's documentation, read 2026-11-23): bindings must be repeated in every named
environment, the other keys are inherited from the top level.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import MappingProxyType

from cachelib.evidence.errors import EvidenceError
from cachelib.evidence.files import MAX_BYTES, regular
from cachelib.evidence.located import (
    Comment,
    Document,
    Located,
    UnreadableError,
    read_jsonc,
    read_toml,
)
from cachelib.evidence.mask import MASK, hide, mask, promises_secret, shorten

# In the order in which wrangler itself looks for them.
FILE_NAMES = ("wrangler.json", "wrangler.jsonc", "wrangler.toml")

NOT_INHERITED = frozenset(
    [
        *("define", "vars", "secrets", "kv_namespaces", "r2_buckets", "d1_databases", "queues"),
        *("services", "ai", "vectorize", "hyperdrive", "analytics_engine_datasets"),
        *("tail_consumers", "workflows", "containers", "ratelimits", "dispatch_namespaces"),
        *("mtls_certificates", "pipelines", "secrets_store_secrets", "browser", "images"),
        *("durable_objects", "send_email", "logfwdr", "unsafe", "version_metadata"),
        *("media", "stream", "worker_loaders", "vpc_services", "vpc_networks"),
    ]
)
TOP_LEVEL_ONLY = frozenset(
    [
        *("env", "dev", "site", "send_metrics", "keep_vars", "alias", "pages_build_output_dir"),
        *("wasm_modules", "text_blobs", "data_blobs", "dependencies_instrumentation"),
    ]
)
_IDENTIFIER = re.compile(r"[0-9a-f-]{16,36}")
_SHORTEST_SECRET = 4
_WITH_VALUES = {"vars", "define", "unsafe"}  # what stands below is the user's own
_PRIVATE = ("_id", "token", "secret", "password", "connectionstring", "connection_string", "_key")


@dataclass(frozen=True)
class Setting:
    """A key in force in an environment; `inherited` when it stands at the top level only."""

    key: str
    value: Located
    inherited: bool


class Wrangler:
    """One configuration file: the environments it defines and the lines it is made of.

    `beside` is the text of the folder's other configurations, which `--config` may choose;
    `deploying` that of other tools' files, by path, which may declare bindings, too.
    """

    beside: str = ""
    deploying: Mapping[str, str] = MappingProxyType({})

    def __init__(self, file: str, source: str, document: Document, *, reveal: bool = False) -> None:
        self.file = file
        self.root = document.root
        self._source = source
        self._reveal = reveal
        self._comments = document.comments

    @property
    def environments(self) -> list[str]:
        named = self.root.get("env")
        return [str(name) for name in named.children] if named else []

    @property
    def name(self) -> str:
        return self.text("name") or "worker"

    def text(self, key: str) -> str | None:
        node = self.root.get(key)
        return node.value if node is not None and isinstance(node.value, str) else None

    def settings(self, env: str | None) -> list[Setting]:
        """The keys in force in an environment; None is the top level."""
        top = {str(k): v for k, v in self.root.children.items() if k != "env"}
        if env is None:
            return [Setting(key, value, False) for key, value in top.items()]
        own = self.root.get("env", env)
        if own is None:
            known = ", ".join(self.environments) or "none"
            raise EvidenceError(
                f"{self.file}: no environment {env!r}; it defines: {known}. Choose one of them"
            )
        inherited = {
            key: value for key, value in top.items() if key not in NOT_INHERITED | TOP_LEVEL_ONLY
        }
        return [Setting(str(key), value, False) for key, value in own.children.items()] + [
            Setting(key, value, True) for key, value in inherited.items() if key not in own.children
        ]

    @property
    def comments(self) -> list[Comment]:
        return [Comment(hide(mask(each.text), self.secrets), each.line) for each in self._comments]

    @cached_property
    def secrets(self) -> frozenset[str]:
        """The values of settings that are named like a secret, by line: hidden wherever they are.

        What takes the names of secrets, `secrets.required`, has none of their values.
        """
        found = (node.value for path, node in self.root.scalars() if _is_secret(path))
        lines = (line.strip() for value in found for line in str(value).split("\n"))
        return frozenset(line for line in lines if len(line) >= _SHORTEST_SECRET)

    def lines(self, first: int, last: int) -> str:
        """Lines of the file, both included, fit to be shown."""
        return "\n".join(self._shown[first - 1 : last])

    def shown(self, path: tuple[str | int, ...], value: object) -> str:
        """A scalar fit to be shown: identifiers and the values of vars only shortened."""
        if _is_secret(path) or str(value) in self.secrets:
            return MASK
        if self._reveal or not _is_private(path):
            return mask(str(value), self._revealed)
        return shorten(str(value))

    @cached_property
    def _revealed(self) -> set[str]:
        """The identifiers that were asked for; a credential in their place stays masked."""
        scalars = self.root.scalars() if self._reveal else ()
        values = {str(node.value) for path, node in scalars if _is_private(path)}
        return {value for value in values if _IDENTIFIER.fullmatch(value)}

    @cached_property
    def _shown(self) -> list[str]:
        """Later values are replaced first, so that earlier places stay true."""
        raw = self._source.encode()
        for path, node in sorted(self.root.scalars(), key=lambda each: -each[1].span.start):
            is_hidden = _is_secret(path) or (not self._reveal and _is_private(path))
            if is_hidden and node.value not in ({}, []):
                start, end = node.span.start, node.span.end
                short = self.shown(path, node.value).replace("\n", " ").replace('"', " ")
                kept = "\n" * raw[start:end].count(b"\n")
                raw = raw[:start] + f'"{short}"{kept}'.encode() + raw[end:]
        shown = hide(mask(raw.decode(), self._revealed), self.secrets)
        return [each.rstrip("\r") for each in shown.split("\n")]


def _is_private(path: tuple[str | int, ...]) -> bool:
    """A variable's value, an identifier, or a setting that is named like a secret."""
    names = [str(step).lower() for step in path if isinstance(step, str)]
    last = names[-1] if names else ""
    return bool(_WITH_VALUES & set(names)) or last == "id" or last.endswith(_PRIVATE)


def _is_secret(path: tuple[str | int, ...]) -> bool:
    """A variable, or a password of the vendor's own settings: not even its first letters."""
    names = [step for step in path if isinstance(step, str)]
    if _WITH_VALUES & set(names):
        at = next(n for n, step in enumerate(names) if step in _WITH_VALUES)
        return any(promises_secret(name, of_setting=True) for name in names[at + 1 :])
    return bool(names) and names[-1].lower() in ("password", "localconnectionstring")


def configuration_in(directory: Path) -> Path | None:
    """The configuration that wrangler would take."""
    present = [directory / name for name in FILE_NAMES if (directory / name).is_file()]
    return _within(directory, present[0]) if present else None


def find_configuration(directory: Path) -> Path:
    path = configuration_in(directory)
    if path is not None:
        return path
    nested = sorted(path for name in FILE_NAMES for path in directory.glob(f"*/**/{name}"))
    hint = [path for path in nested if "node_modules" not in path.parts][:1]
    where = f"point at {hint[0].parent} instead" if hint else "point at a folder that has one"
    raise EvidenceError(f"{directory}: no {', '.join(FILE_NAMES)} here; {where}")


def _within(directory: Path, path: Path) -> Path:
    if not path.resolve().is_relative_to(directory):
        raise EvidenceError(
            f"{path}: a symbolic link out of the directory is not followed; copy the file here"
        )
    if path.stat().st_size > MAX_BYTES:
        raise EvidenceError(f"{path}: larger than 1 MB; is this a wrangler configuration?")
    return path


def read_configuration(path: Path, *, name: str = "", reveal: bool = False) -> Wrangler:
    """`name` is how it is shown, by default its own name without folders.

    Raises EvidenceError with file and line for a file that does not parse.
    """
    name = name or path.name
    try:
        source = regular(path).read_text(encoding="utf-8-sig")
        document = read_toml(source) if path.suffix == ".toml" else read_jsonc(source)
        if not isinstance(document.root.value, dict):
            raise UnreadableError(1, "holds no table of settings")
    except OSError as error:
        raise EvidenceError(f"{name}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise EvidenceError(f"{name}:1: not UTF-8 text; save it as UTF-8") from None
    except RecursionError:
        raise EvidenceError(f"{name}:1: nested too deeply to be a configuration") from None
    except UnreadableError as error:
        raise EvidenceError(
            f"{name}:{error.line}: {error.reason}; correct this line and try again"
        ) from None
    return Wrangler(name, source, document, reveal=reveal)
