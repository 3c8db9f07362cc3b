"""The GitHub Action and the pre-commit hook, run step by step as their runners run them."""

import json
import re
import shlex
import subprocess
import sys
import sysconfig
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]
ACTION = YAML(typ="safe").load(ROOT / "action.yml")
(HOOK,) = YAML(typ="safe").load(ROOT / ".pre-commit-hooks.yaml")
STEPS = [step for step in ACTION["runs"]["steps"] if "run" in step]
SOURCES = {
    "app/wrangler.toml": "name = 'w'\nmain = 'a.ts'\n",
    "app/a.ts": "export default { fetch: (r: Request, env: Env) =>\n"
    "  env.CACHE.put('k', 'v', { expirationTtl: 5 }) };\n",
}

UNSURE = {
    "wrangler.toml": "name = 'w'\nmain = 'a.ts'\n[[kv_namespaces]]\nbinding = 'CACHE'\nid = 'x'\n",
    "a.ts": "export default { async scheduled(_: unknown, env: Env) {\n"
    "  const listed = await env.CACHE.list();\n"
    "  for (const key of listed.keys) await env.CACHE.delete(key.name);\n} };\n",
}
"""A routine that clears all: whether that is a fault depends on what it is for."""


@dataclass
class Runner:
    """A workflow's runner: each step in a shell of its own, with nothing of our environment.

    Packages come from where the tests' own lie, so that no index is asked.
    """

    home: Path
    inputs: dict[str, str] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)

    @property
    def workspace(self) -> Path:
        return self.home / "workspace"

    def environment(self) -> dict[str, str]:
        python = Path(sys.executable).parent
        return {
            "PATH": f"{python}:/usr/bin:/bin",
            "HOME": str(self.home),
            "RUNNER_TEMP": str(self.home / "temp"),
            "GITHUB_ACTION_PATH": str(ROOT),
            "GITHUB_WORKSPACE": str(self.workspace),
            "GITHUB_OUTPUT": str(self.home / "output"),
            "PYTHONPATH": sysconfig.get_path("purelib"),
            "PIP_NO_INDEX": "1",
            "PIP_NO_BUILD_ISOLATION": "0",  # pip reads it the other way round
            "PIP_NO_DEPENDENCIES": "1",
        }

    def value(self, text: str) -> str:
        return re.sub(r"\$\{\{ inputs\.([\w-]+) \}\}", lambda found: self.inputs[found[1]], text)

    def run(self, step: dict[str, Any]) -> subprocess.CompletedProcess[str]:
        env = self.environment() | {k: self.value(v) for k, v in step.get("env", {}).items()}
        script = self.home / "step.sh"
        script.write_text(step["run"])
        done = subprocess.run(
            ["/bin/bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)],
            cwd=self.workspace, env=env, capture_output=True, text=True, check=False,
        )  # fmt: skip
        written = (self.home / "output").read_text().splitlines()
        self.outputs = dict(line.split("=", 1) for line in written)
        return done


@pytest.fixture(scope="module")
def runner(tmp_path_factory: pytest.TempPathFactory) -> Runner:
    """With the repository checked out and the action's other steps done."""
    home = tmp_path_factory.mktemp("runner")
    (home / "temp").mkdir()
    (home / "output").touch()
    made = Runner(home)
    for name, source in SOURCES.items():
        (made.workspace / name).parent.mkdir(parents=True, exist_ok=True)
        (made.workspace / name).write_text(source)
    # What a stranger's repository may bring: modules that Python would take first.
    for name in ("venv", "ensurepip", "click", "json", "cachelib"):
        (made.workspace / f"{name}.py").write_text(f"open({str(home / 'ran')!r}, 'w')\n")
    subprocess.run(["git", "init", "-q", str(made.workspace)], check=True)
    *before, _ = STEPS
    for step in before:
        done = made.run(step)
        assert done.returncode == 0, done.stderr
    return made


def audited(runner: Runner, **inputs: str) -> subprocess.CompletedProcess[str]:
    defaults = {name: each["default"] for name, each in ACTION["inputs"].items()}
    runner.inputs = defaults | {name.replace("_", "-"): value for name, value in inputs.items()}
    (runner.home / "output").write_text("")
    return runner.run(STEPS[-1])


def test_the_action_annotates_gates_and_writes_sarif(runner: Runner) -> None:
    done = audited(runner, path="app")
    assert done.returncode == 1, done.stderr
    assert "::error file=app/a.ts,line=2," in done.stdout
    log = json.loads((runner.workspace / runner.outputs["sarif"]).read_text())
    locations = [r["locations"][0]["physicalLocation"] for r in log["runs"][0]["results"]]
    assert {each["artifactLocation"]["uri"] for each in locations} == {"app/a.ts"}


def test_the_action_takes_a_gate_and_a_baseline(runner: Runner) -> None:
    assert audited(runner, path="app", fail_on="never").returncode == 0
    env = runner.environment()
    tool = runner.home / "temp" / "cachelib" / "bin" / "cachelib"
    words = [str(tool), "audit", "app", "--write-baseline", "known.json"]
    subprocess.run(words, cwd=runner.workspace, env=env, check=True, capture_output=True)
    done = audited(runner, path="app", baseline="known.json")
    assert (done.returncode, done.stdout) == (0, "")


def test_the_action_takes_how_sure_one_must_be(runner: Runner) -> None:
    folder = runner.workspace / "unsure"
    folder.mkdir()
    for name, source in UNSURE.items():
        (folder / name).write_text(source)
    assert "kv-cleanup-loop" not in audited(runner, path="unsure").stdout
    assert "kv-cleanup-loop" in audited(runner, path="unsure", confidence="low").stdout
    assert audited(runner, path="unsure", confidence="somewhat").returncode == 2


@pytest.mark.parametrize(
    "words", ["$(touch ran)", "; touch ran", "--no-config", "a\nb", "--help", "`touch ran`"]
)
def test_inputs_are_words_and_nothing_more(words: str, runner: Runner) -> None:
    assert audited(runner, path=words).returncode == 2
    assert audited(runner, path="app", changed_since=words).returncode == 2
    assert not (runner.workspace / "ran").exists()


def test_no_python_of_the_audited_repository_is_run(runner: Runner) -> None:
    audited(runner, path="app")
    assert not (runner.home / "ran").exists()


def test_no_script_of_the_action_is_made_of_inputs() -> None:
    assert all("${{" not in step["run"] for step in STEPS)
    used = {name for step in STEPS for text in step.get("env", {}).values()
            for name in re.findall(r"inputs\.([\w-]+)", text)}  # fmt: skip
    assert used | {"python-version"} == set(ACTION["inputs"])


def test_the_hook_runs_as_pre_commit_runs_it(runner: Runner) -> None:
    """In its environment's folder of programs, at the root, without names of files."""
    env = runner.environment()
    env["PATH"] = f"{runner.home / 'temp' / 'cachelib' / 'bin'}:{env['PATH']}"
    words = [*shlex.split(HOOK["entry"]), "app"]
    done = subprocess.run(
        words, cwd=runner.workspace, env=env, capture_output=True, text=True, check=False
    )
    assert (HOOK["pass_filenames"], done.returncode) == (False, 1)
    assert "kv-ttl-under-minimum" in done.stdout
    assert not (runner.home / "ran").exists()


def test_the_hook_installs_what_the_audit_needs() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert HOOK["additional_dependencies"] == project["optional-dependencies"]["audit"]
    assert set(HOOK["additional_dependencies"]) <= set(project["optional-dependencies"]["report"])


@pytest.mark.parametrize(
    ("name", "is_audited"),
    [("src/a.ts", True), ("a.mjs", True), ("a.vue", True), ("app/wrangler.jsonc", True),
     ("cachelib.toml", True), ("README.md", False), ("a.json", False)],
)  # fmt: skip
def test_the_hook_is_run_for_what_is_audited(name: str, is_audited: bool) -> None:
    assert bool(re.search(HOOK["files"], name)) is is_audited


ALONE = """
import sys
from importlib.abc import MetaPathFinder
from importlib.metadata import packages_distributions, requires
from packaging.requirements import Requirement

def needed(name, seen):
    if name not in seen:
        seen.add(name)
        for each in map(Requirement, requires(name) or []):
            if each.marker is None or each.marker.evaluate({"extra": ""}):
                needed(each.name.lower().replace("_", "-"), seen)
    return seen

of_extra = set()
for each in sys.argv[1].split():
    needed(Requirement(each).name, of_extra)
names = {module: {d.lower().replace("_", "-") for d in dists}
         for module, dists in packages_distributions().items()}
others = {module for module, dists in names.items() if not dists & of_extra} - {"cachelib"}

class Nothing(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in others and name.split(".")[0] not in sys.modules:
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Nothing())
from cachelib.cli import main
main(["audit", sys.argv[2], "--format", sys.argv[3], "--fail-on", "never"])
"""


@pytest.mark.parametrize("form", ["text", "json", "sarif", "github"])
def test_the_audit_needs_no_more_than_its_extra(form: str, tmp_path: Path) -> None:
    (tmp_path / "a.ts").write_text(SOURCES["app/a.ts"])
    needs = " ".join(HOOK["additional_dependencies"])
    done = subprocess.run(
        [sys.executable, "-c", ALONE, needs, str(tmp_path), form],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, "kv-ttl-under-minimum" in done.stdout) == (0, True), done.stderr
