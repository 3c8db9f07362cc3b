"""Which sources run in a Worker: from its entry along the imports, and what belongs to none.

Scripts, tests, load tests, command lines and browser code share the repository with the Worker and
know nothing of isolates, so they are no part of any program here.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from cachelib.evidence.facts import bindings_of
from cachelib.evidence.imports import Imports, specifiers, type_specifiers
from cachelib.evidence.module import Module
from cachelib.evidence.workspace import Workspace
from cachelib.evidence.wrangler import Wrangler

_ASIDE = frozenset(
    [
        *("public", "static", "scripts", "script", "bin", "cli", "bench", "benchmark", "docs"),
        *("tools", "tooling", "lint", "react", "components", "hooks", "ui", "frontend", "browser"),
        *("benchmarks", "k6", "cypress", "stories", "storybook", "fixtures", "load", "loadtest"),
    ]
)
_TESTING = re.compile(r"(?:^|[-_.])(?:e2e|tests?|specs?|fixtures?|mocks?|load-?tests?)(?:[-_.]|$)")
_TOOLING = re.compile(r"\.(?:config|stories|test|spec|bench|setup)\.\w+$|^(?:gulpfile|Gruntfile)")
_WORKER = re.compile(
    r"(?<!process\.)(?<!import\.meta\.)\benv\b(?!\.NODE_ENV)|\b(?:KVNamespace|R2Bucket|D1Database"
    r"|DurableObject\w*|ExecutionContext|ExportedHandler|FetchEvent|WorkerEntrypoint)\b"
    r"|\bcaches\.(?:default|open)|[\"']cloudflare:|addEventListener\(\s*[\"'](?:fetch|scheduled)"
)
_BROWSER = re.compile(
    r"\bdocument\.(?:getElementById|querySelector|createElement|addEventListener|body|head|cookie"
    r"|documentElement)|\bwindow\.(?:location|addEventListener|document|localStorage)"
    r"|\b(?:local|session)Storage\.|[\"']use client[\"']|[\"']react-dom/client[\"']"
    r"|\buse(?:State|Effect|Ref|LayoutEffect|Reducer)\s*[(<]"
    r"|\bfrom\s*[\"'](?:zustand|jotai|recoil|sonner|react-hot-toast)[\"']"
)
_CLIENT = re.compile(r"\A(?:\s|//[^\n]*\n|/\*(?:[^*]|\*(?!/))*\*/)*[\"']use client[\"']")
_BROWSER_CACHES = re.compile(r"\bcaches\.open\b")  # browsers have them too
_FOREIGN = re.compile(
    r"\A#!|\b(?:from|import|require\()\s*[\"'](?:k6(?:/[\w-]+)?|vitest|@playwright/test|@jest/globals"
    r"|commander|yargs|(?:node:)?child_process|inquirer|prompts|execa|puppeteer)[\"']"
    r"|\bprocess\.(?:argv|exit)\b|\bDeno\.(?:serve|listen\w*|args)\b|\bBun\.(?:serve|argv)\b"
    r"|\bfs\.\w+Sync\(|[\"'](?:node:)?(?:cluster|http2|tls|net|dgram|readline)[\"']|\bhttps?\.createServer\("
    r"|[\"']@hono/node-server[\"']|[\"']fastly:"
)
_FRAMEWORK = re.compile(
    r"(?:nuxt|astro|svelte|next|open-next|vite|remix|react-router|app|nitro|solid)\.config\.\w+$"
)
_ROUTED = re.compile(
    r"[\"'](?:virtual:|@remix-run/dev/server-build|\.\.?/build/|\$server-index|astro:"
    r"|[^\"']*server-build|[^\"']*entrypoints?/server|@tanstack/react-start/server-entry)"
)


@dataclass(frozen=True)
class Worker:
    """One program: its configuration, None for code that no configuration claims.

    `has_entry` is false where the entry is built by a framework, which sees more than the sources.
    `beside` are the sources in its folder that it does not run.
    """

    folder: str
    modules: list[Module]
    config: Wrangler | None = None
    declared: dict[str, str] = field(default_factory=dict)
    has_entry: bool = True
    beside: list[Module] = field(default_factory=list)

    @property
    def configured(self) -> dict[str, str]:
        """The kinds of the bindings by name, over all environments."""
        if self.config is None:
            return {}
        environments: list[str | None] = [None, *self.config.environments]
        facts = [fact for env in environments for fact in bindings_of(self.config, env)]
        return {fact.name: fact.kind for fact in facts}


class Workers:
    """The Workers of a workspace; iterating gives each with the modules it runs."""

    def __init__(self, workspace: Workspace, modules: list[Module]) -> None:
        self.workspace = workspace
        self.modules = {module.path: module for module in modules}
        self.imports = Imports(self.modules, workspace.packages)
        self._imported: dict[str, list[str]] = {}
        self._browsers: dict[str, bool] = {}
        self._foreign: dict[str, bool] = {}
        self._owners: dict[str, str | None] = {}

    def __iter__(self) -> Iterator[Worker]:
        claimed: set[str] = set()
        for folder, config in self.workspace.configurations.items():
            paths = self._reached(self._entries(folder, config))
            claimed |= paths
            yield self._worker(folder, paths, config)
        paths = self._unclaimed() - claimed
        if paths or not self.workspace.configurations:
            yield self._worker("", paths, None)

    def _worker(self, folder: str, paths: Iterable[str], config: Wrangler | None) -> Worker:
        modules = [self.modules[path] for path in self.modules if path in set(paths)]
        declared: dict[str, str] = {}
        for place in sorted(self.workspace.declared):
            if _within(place, folder) or _within(folder, place):
                declared |= self.workspace.declared[place]
        built = config is not None and not self._mains(folder, config) and self._is_built(folder)
        beside = [
            module
            for path, module in self.modules.items()
            if path not in set(paths) and _within(path, folder)
        ]
        return Worker(folder, modules, config, declared, has_entry=not built, beside=beside)

    def _is_built(self, folder: str) -> bool:
        """By a framework, whose configuration stands beside that of wrangler; or from elsewhere."""
        config = self.workspace.configurations[folder]
        beside = (PurePosixPath(path) for path in self.modules if self._owner(path) == folder)
        frameworks = any(_FRAMEWORK.match(path.name) for path in beside)
        return bool(_mains(config)) or frameworks

    def _mains(self, folder: str, config: Wrangler) -> set[str]:
        """The sources that a configuration names as `main`, in any environment."""
        files = (self.imports.file(_below(folder, name)) for name in _mains(config))
        return {path for path in files if path is not None}

    def _entries(self, folder: str, config: Wrangler) -> set[str]:
        """`main` of every environment, the functions of Pages, or whatever a framework routes."""
        own = [path for path in self.modules if self._owner(path) == folder]
        found = self._mains(folder, config)
        if not found:
            functions = _below(folder, "functions")
            found = {path for path in own if path.startswith(f"{functions}/")}
            found |= {path for path in own if path == _below(folder, "_worker.js")}
        sources = [self.modules[path].source for path in self._reached(found)]
        if not found or any(_ROUTED.search(source) for source in sources):
            found |= {path for path in own if self._may_run(path, folder, config)}
        return found

    def _owner(self, path: str) -> str | None:
        """The nearest folder above with a configuration."""
        folder = path.rpartition("/")[0]
        if folder not in self._owners:
            known = folder in self.workspace.configurations
            self._owners[folder] = folder if known else self._owner(folder) if folder else None
        return self._owners[folder]

    def _unclaimed(self) -> set[str]:
        """Code for Workers outside the folders of all of them, as in a library."""
        apart = {folder for folder in self.workspace.packages.values() if folder}
        free = {
            path
            for path in self.modules
            if self._may_run(path, "", None)
            and ((owner := self._owner(path)) is None or _between(path, owner, apart))
        }
        spoken = {path for path in free if _WORKER.search(self.modules[path].source)}
        reached = self._reached(spoken)
        if not self.workspace.configurations:
            return free - (self._with_imports(self._in_browsers()) - reached)
        return reached & free

    def _in_browsers(self) -> set[str]:
        return {path for path in self.modules if self._is_browser(path)}

    def _with_imports(self, paths: Iterable[str]) -> set[str]:
        found: set[str] = set()
        waiting = list(paths)
        while waiting:
            if (path := waiting.pop()) not in found:
                found.add(path)
                waiting += self._imports_of(path)
        return found

    def _may_run(self, path: str, folder: str, config: Wrangler | None) -> bool:
        """Neither by its place nor by its text something else than a Worker's code."""
        inner = PurePosixPath(path[len(folder) :].lstrip("/"))
        aside = any(part in _ASIDE or _TESTING.search(part) for part in inner.parts[:-1])
        if aside or _TOOLING.search(inner.name) or _TESTING.search(inner.stem):
            return False
        if config is not None and any(_within(path, place) for place in _assets(config, folder)):
            return False
        return not self._is_foreign(path) and not self._is_browser(path)

    def _is_foreign(self, path: str) -> bool:
        if path not in self._foreign:
            self._foreign[path] = _FOREIGN.search(self.modules[path].source) is not None
        return self._foreign[path]

    def _is_browser(self, path: str) -> bool:
        if path not in self._browsers:
            source = self.modules[path].source
            uses = _BROWSER.search(source) is not None
            server = _WORKER.search(_BROWSER_CACHES.sub("", source) if uses else source)
            self._browsers[path] = _CLIENT.match(source) is not None or (uses and server is None)
        return self._browsers[path]

    def _reached(self, entries: Iterable[str]) -> set[str]:
        """The entries and what they import, without what runs in a browser only."""
        found: set[str] = set()
        waiting = list(entries)
        while waiting:
            path = waiting.pop()
            if path not in found and (path in entries or not self._is_browser(path)):
                found.add(path)
                waiting += self._imports_of(path)
        return found

    def _imports_of(self, path: str) -> list[str]:
        if path not in self._imported:
            source = self.modules[path].source
            resolved = {name: self.imports.resolve(path, name) for name in specifiers(source)}
            for name in type_specifiers(source):
                if self._is_of_another_worker(resolved[name], path):
                    resolved[name] = None
            self._imported[path] = [each for each in resolved.values() if each is not None]
        return self._imported[path]

    def _is_of_another_worker(self, path: str | None, importer: str) -> bool:
        """In the folder of a Worker that is called, not run: its types say what it answers."""
        owner = self._owner(path) if path is not None else None
        return owner is not None and not _within(importer, owner)


def _mains(config: Wrangler) -> list[str]:
    tables = [config.root, *(config.root.get("env", env) for env in config.environments)]
    values = [node.value for table in tables if table is not None and (node := table.get("main"))]
    return [value for value in values if isinstance(value, str)]


def _assets(config: Wrangler, folder: str) -> list[str]:
    """The folders that are uploaded to be served as they are."""
    tables = [config.root.get("assets", "directory"), config.root.get("site", "bucket")]
    values = [node.value for node in tables if node is not None]
    return [_below(folder, value) for value in values if isinstance(value, str)]


def _below(folder: str, name: str) -> str:
    return str(PurePosixPath(folder) / name.removeprefix("./")) if folder else _clean(name)


def _clean(name: str) -> str:
    return str(PurePosixPath(name.removeprefix("./")))


def _within(path: str, folder: str) -> bool:
    return not folder or path == folder or path.startswith(f"{folder}/")


def _between(path: str, owner: str, packages: set[str]) -> bool:
    """A package of its own inside the folder of a Worker."""
    return any(_within(path, each) and each != owner and _within(each, owner) for each in packages)
