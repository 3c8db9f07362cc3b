"""The audit as a linter in daily use: settings, remarks, baselines, revisions, gates."""

import json
import os
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from cachelib.cli import main

PUT = "kv-put-without-expiration"  # a warning
TTL = "kv-ttl-under-minimum"  # an error
WARNING = "export const save = (e: Env, k: string) => e.CACHE.put(k, 'v');\n"
ERROR = "export const brief = (e: Env) => e.CACHE.put('k', 'v', { expirationTtl: 5 });\n"


def run(*words: object) -> tuple[int, str]:
    done = CliRunner().invoke(main, ["audit", *map(str, words)])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.output


def found(*words: object) -> list[tuple[str, str, int]]:
    _, output = run(*words, "--format", "json")
    return [(f["rule"], f["file"], f["line"]) for f in json.loads(output)["findings"]]


def write(directory: Path, **files: str) -> Path:
    for name, source in files.items():
        path = directory / name.replace("__", "/").replace("_toml", ".toml").replace("_ts", ".ts")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source)
    return directory


# -- gates ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "gate", "status"),
    [
        (WARNING, None, 0),
        (ERROR, None, 1),
        (WARNING, "warning", 1),
        (WARNING, "error", 0),
        (ERROR, "never", 0),
    ],
)
def test_the_status_gates(source: str, gate: str | None, status: int, tmp_path: Path) -> None:
    write(tmp_path, a_ts=source)
    assert run(tmp_path, *(["--fail-on", gate] if gate else []))[0] == status


# -- confidence -----------------------------------------------------------------------------------

GUESS = """from cachelib.evidence import Hit, NotModelled, Rule


def find(examined):
    for operation in examined.operations:
        yield Hit("may be", operation.call, operation.module, confidence="low", because="a guess")


RULES = [Rule(id="guess", severity="warning", title="Guess", why="A guess.", source="this project",
              counterfactual=NotModelled("a guess"), find=find, fires="", quiet="")]
"""


def test_what_is_not_sure_is_counted_and_shown_when_asked_for(tmp_path: Path) -> None:
    rules = tmp_path / "rules.py"
    rules.write_text(GUESS)
    home = write(tmp_path / "code", a_ts=ERROR)
    shown = [rule for rule, _, _ in found(home, "--rules", rules)]
    assert shown == [TTL]
    assert "1 unsure, shown with --confidence low" in run(home, "--rules", rules)[1]
    assert "1 unsure" in run(home, "--rules", rules, "--format", "github")[1]
    asked = [rule for rule, _, _ in found(home, "--rules", rules, "--confidence", "low")]
    assert sorted(asked) == ["guess", TTL]
    write(home, cachelib_toml='[audit]\nconfidence = "low"\n')
    assert sorted(rule for rule, _, _ in found(home, "--rules", rules)) == ["guess", TTL]


def test_what_is_not_shown_does_not_gate(tmp_path: Path) -> None:
    rules = tmp_path / "rules.py"
    rules.write_text(GUESS)
    home = write(tmp_path / "code", a_ts="export const read = (e: Env) => e.CACHE.get('k');\n")
    assert run(home, "--rules", rules, "--fail-on", "warning")[0] == 0
    assert run(home, "--rules", rules, "--fail-on", "warning", "--confidence", "low")[0] == 1


def test_what_cannot_run_has_a_status_of_its_own(tmp_path: Path) -> None:
    assert run(tmp_path)[0] == 2
    assert run(tmp_path / "none")[0] == 2


# -- settings ------------------------------------------------------------------------------------


def test_settings_grade_rules_turn_them_off_and_choose_paths(tmp_path: Path) -> None:
    write(
        tmp_path,
        cachelib_toml=f"""[audit]
rules = {{ "kv-*" = "note", "{TTL}" = "off" }}
exclude = ["legacy/"]
fail-on = "note"
[[audit.overrides]]
paths = ["src/hot.ts"]
rules = {{ {PUT} = "error" }}
""",
        src__a_ts=WARNING + ERROR,
        src__hot_ts=WARNING,
        legacy__b_ts=WARNING,
    )
    status, output = run(tmp_path, "--format", "json")
    graded = {(f["file"], f["severity"]) for f in json.loads(output)["findings"]}
    assert (status, graded) == (1, {("src/a.ts", "note"), ("src/hot.ts", "error")})


def test_settings_of_a_repository_hold_in_its_folders(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    write(
        tmp_path,
        pyproject_toml='[tool.cachelib.audit]\ninclude = ["worker/src/*.ts"]\n',
        worker__src__a_ts=WARNING,
        worker__b_ts=WARNING,
    )
    assert found(tmp_path / "worker") == [(PUT, "src/a.ts", 1)]
    assert len(found(tmp_path / "worker", "--no-config")) == 2


def test_settings_beyond_the_repository_are_not_taken(tmp_path: Path) -> None:
    write(tmp_path, cachelib_toml='[audit]\nexclude = ["*.ts"]\n', inner__a_ts=WARNING)
    assert found(tmp_path / "inner") == [(PUT, "a.ts", 1)]
    assert found(tmp_path / "inner", "--config", tmp_path / "cachelib.toml") == []


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ("[audit]\nrule = {}", ":2: unknown key 'rule'; did you mean 'rules'?"),
        ("[audit]\n\nfail-on = 'fatal'", ":3: 'fatal': must be one of note, warning, error, never"),
        ("[audit.rules]\nkv-write-rat = 'off'", "no rule 'kv-write-rat'; did you mean 'kv-write-"),
        ("[audit.rules]\nkv-write-rate = 'loud'", ":2: 'loud': must be one of"),
        ("[audit]\nexclude = 3", ":2: exclude: must be a text, or a list of texts"),
        ("[audit]\nrules = 'off'", ":2: rules: must be a table"),
        ("[audit]\nbaseline = '../../b.json'", "must lie below"),
        ("[audit]\nbaseline = '/etc/passwd'", "must lie below"),
        ("[audit]\nown-rules = ['../*.yml']", "must lie below"),
        ("[audit]\nown-rules = ['none.yml']", "no file none.yml"),
        ("[audit]\nown-rules = ['*.py']", "rules in Python are run, so name them on the command"),
        ("[audit", ":1: "),
        ("[[audit]]", ":1: must be a table"),
    ],
)
def test_a_mistake_in_the_settings_is_told_with_its_line(
    settings: str, message: str, tmp_path: Path
) -> None:
    write(tmp_path, cachelib_toml=settings, a_ts=WARNING)
    (tmp_path / "evil.py").write_text("open('ran', 'w')")
    status, output = run(tmp_path)
    assert (status, message in output) == (2, True), output
    assert not Path("ran").exists()


# -- remarks -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "source",
    [
        f"{WARNING.rstrip()} // cachelib-ignore {PUT} -- kept for ever by contract\n",
        f"// cachelib-ignore {PUT} -- by contract\n{WARNING}",
        f"/* cachelib-ignore {TTL}, {PUT} -- by contract */\n// and another\n\n{ERROR.strip()}"
        f" {WARNING}",
        f"{WARNING}{ERROR}// cachelib-ignore-file {PUT}, {TTL} -- generated\n",
    ],
)
def test_a_remark_with_a_reason_silences_its_line(source: str, tmp_path: Path) -> None:
    write(tmp_path, a_ts=source)
    assert found(tmp_path) == []
    assert "ignored)" in run(tmp_path)[1]


@pytest.mark.parametrize(
    ("remark", "rule", "message"),
    [
        (f"// cachelib-ignore {PUT}", "ignore-without-reason", "add a reason"),
        (f"// cachelib-ignore {PUT} -- ", "ignore-without-reason", "add a reason"),
        (f"// cachelib-ignore {TTL} -- why", "ignore-unused", f"{TTL} finds nothing on line 2"),
        ("// cachelib-ignore kv-put -- why", "ignore-unused", "there is no rule kv-put"),
    ],
)
def test_a_remark_that_does_not_hold_is_a_finding(
    remark: str, rule: str, message: str, tmp_path: Path
) -> None:
    write(tmp_path, a_ts=f"{remark}\n{WARNING}")
    assert found(tmp_path) == [(rule, "a.ts", 1), (PUT, "a.ts", 2)]
    assert message in run(tmp_path)[1]


def test_a_remark_on_a_rule_that_is_off_is_not_called_idle(tmp_path: Path) -> None:
    settings = f'[audit.rules]\n{TTL} = "off"\n'
    source = f"// cachelib-ignore {TTL} -- why\nexport {{}};\n"
    write(tmp_path, cachelib_toml=settings, a_ts=source)
    assert found(tmp_path) == []


def test_words_in_a_text_are_no_remark(tmp_path: Path) -> None:
    write(tmp_path, a_ts=f"const s = `// cachelib-ignore-file {PUT} -- no`;\n{WARNING}")
    assert found(tmp_path) == [(PUT, "a.ts", 2)]


def test_a_configuration_takes_remarks_too(tmp_path: Path) -> None:
    unused = "# cachelib-ignore binding-not-used -- for the next release\n"
    binding = '[[kv_namespaces]]\nbinding = "LATER"\nid = "1"\n'
    source = "export default { fetch: () => new Response() };\n"
    write(tmp_path, wrangler_toml="name = 'w'\nmain = 'a.ts'\n" + binding, a_ts=source)
    (finding,) = found(tmp_path)
    lines = (tmp_path / "wrangler.toml").read_text().splitlines(keepends=True)
    at = finding[2] - 1
    (tmp_path / "wrangler.toml").write_text("".join([*lines[:at], unused, *lines[at:]]))
    assert found(tmp_path) == []


# -- baselines -----------------------------------------------------------------------------------


def test_a_baseline_survives_moved_and_reformatted_lines(tmp_path: Path) -> None:
    write(tmp_path, a_ts=WARNING + ERROR)
    assert run(tmp_path, "--write-baseline", tmp_path / "known.json")[0] == 0
    moved = WARNING.replace("put(k, 'v')", "put(\n    k,\n    'v'\n  )")
    write(tmp_path, a_ts="// licence\n\n" + ERROR + "\n" + moved)
    status, output = run(tmp_path, "--baseline", tmp_path / "known.json", "--fail-on", "note")
    assert status == 0
    assert output.endswith("no finding (2 known)\n")


def test_a_second_fault_of_the_same_words_is_new(tmp_path: Path) -> None:
    body = "export async function f(e: Env) {{ {0} }}\n"
    put = "await e.CACHE.put('k', 'v');"
    write(tmp_path, a_ts=body.format(put))
    run(tmp_path, "--write-baseline", tmp_path / "known.json")
    write(tmp_path, a_ts=body.format(put + "\n  " + put))
    new = found(tmp_path, "--baseline", tmp_path / "known.json")
    assert [each for each in new if each[0] == PUT] == [(PUT, "a.ts", 2)]


def test_settings_name_a_baseline(tmp_path: Path) -> None:
    write(tmp_path, a_ts=WARNING, cachelib_toml="[audit]\nbaseline = 'known.json'\n")
    assert "known.json: no such baseline" in run(tmp_path)[1]
    run(tmp_path, "--write-baseline", tmp_path / "known.json")
    assert found(tmp_path) == []


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"version": 9, "findings": []}', "[" * 9999])
def test_what_is_no_baseline_is_told(text: str, tmp_path: Path) -> None:
    write(tmp_path, a_ts=WARNING)
    (tmp_path / "b.json").write_text(text)
    status, output = run(tmp_path, "--baseline", tmp_path / "b.json")
    assert (status, "b.json: " in output) == (2, True)


def test_a_fingerprint_tells_nothing_of_a_secret(tmp_path: Path) -> None:
    prints = []
    for secret in ("correcthorsebattery", "tr0ub4dor-and-three"):
        write(tmp_path, a_ts=WARNING.replace("'v'", f'login("password", "{secret}")'))
        findings = json.loads(run(tmp_path, "--format", "json")[1])["findings"]
        prints.append([each["fingerprint"] for each in findings])
    assert prints[0]
    assert prints[0] == prints[1]


# -- revisions -----------------------------------------------------------------------------------


def git(directory: Path, *words: str) -> None:
    who = ["-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", "-C", str(directory), *who, *words], check=True, capture_output=True)


def committed(directory: Path) -> Path:
    git(directory, "init", "-q", "-b", "main")
    git(directory, "add", ".")
    git(directory, "commit", "-q", "-m", "first")
    return directory


def test_only_what_a_branch_brought_is_shown(tmp_path: Path) -> None:
    committed(write(tmp_path, app__a_ts=WARNING, app__b_ts=WARNING))
    git(tmp_path, "checkout", "-q", "-b", "topic")
    write(tmp_path, app__a_ts="// moved\n" + WARNING + ERROR, app__c_ts=WARNING)
    app = tmp_path / "app"
    assert found(app, "--changed-since", "main") == [(TTL, "a.ts", 3), (PUT, "c.ts", 1)]
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-q", "-m", "second")
    assert len(found(app, "--changed-since", "main")) == 2
    assert found(app, "--changed-since", "HEAD") == []


def test_what_a_change_breaks_in_another_file_is_shown(tmp_path: Path) -> None:
    put = "import { TTL } from './b';\n" + ERROR.replace("5", "TTL")
    committed(write(tmp_path, a_ts=put, b_ts="export const TTL = 600;\n"))
    write(tmp_path, b_ts="export const TTL = 6;\n")
    assert found(tmp_path, "--changed-since", "HEAD") == [(TTL, "a.ts", 2)]


def test_what_came_to_the_other_branch_later_does_not_count(tmp_path: Path) -> None:
    committed(write(tmp_path, a_ts=WARNING))
    git(tmp_path, "checkout", "-q", "-b", "topic")
    git(tmp_path, "checkout", "-q", "main")
    write(tmp_path, a_ts="export {};\n")
    git(tmp_path, "commit", "-q", "-a", "-m", "mended there")
    git(tmp_path, "checkout", "-q", "topic")
    assert found(tmp_path, "--changed-since", "main") == []


def test_no_program_of_the_repository_is_run(tmp_path: Path) -> None:
    committed(write(tmp_path, a_ts=WARNING))
    (tmp_path / ".gitattributes").write_text("* filter=evil diff=evil\n")
    touch = f"touch {tmp_path / 'ran'}; cat"
    for key in ("core.fsmonitor", "core.pager", "filter.evil.clean", "filter.evil.smudge",
                "filter.evil.process", "diff.external", "diff.evil.textconv", "core.sshCommand",
                "core.editor", "credential.helper"):  # fmt: skip
        git(tmp_path, "config", key, touch)
    hook = tmp_path / ".git" / "hooks" / "post-index-change"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\n{touch}\n")
    hook.chmod(0o755)
    write(tmp_path, a_ts=WARNING + ERROR)
    assert found(tmp_path, "--changed-since", "HEAD") == [(TTL, "a.ts", 2)]
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("revision", ["none", "--output=ran", "HEAD:a.ts", "-h", "HEAD\nHEAD"])
def test_a_revision_that_is_none_is_told(revision: str, tmp_path: Path) -> None:
    committed(write(tmp_path, a_ts=WARNING))
    status, output = run(tmp_path, f"--changed-since={revision}")
    assert (status, "no such revision" in output) == (2, True)
    assert sorted(os.listdir(tmp_path)) == [".git", "a.ts"]


def test_a_folder_outside_of_git_is_told(tmp_path: Path) -> None:
    status, output = run(write(tmp_path, a_ts=WARNING), "--changed-since", "main")
    assert (status, "in no git repository" in output) == (2, True)


# -- formats -------------------------------------------------------------------------------------


def test_a_workflow_is_told_the_gravest_first_with_the_way_from_the_root(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    write(tmp_path, worker__a_ts=WARNING + ERROR)
    first, second, *_ = run(tmp_path / "worker", "--format", "github")[1].splitlines()
    assert first.startswith("::error file=worker/a.ts,line=2,endLine=2,col=")
    assert second.startswith("::warning file=worker/a.ts,line=1,")
    assert "%0Awhy: " in first


def test_no_text_of_a_source_begins_a_command_of_a_workflow(tmp_path: Path) -> None:
    name = "a,line=9::b%0A.ts"
    (tmp_path / name).write_text("e => e['X\\n::error::'].put(`\n::stop-commands::x\n`, 'v');\n")
    write(tmp_path, b_ts=WARNING.replace("CACHE", "CACHE_KV"))
    lines = run(tmp_path, "--format", "github")[1].splitlines()
    assert all(
        line.startswith(("::warning file=", "::error file=", "::notice file=")) for line in lines
    )
    assert not any("::b" in line for line in lines)


def test_the_output_is_a_file_where_one_is_named(tmp_path: Path) -> None:
    write(tmp_path, a_ts=ERROR)
    status, output = run(tmp_path, "--format", "sarif", "--output", tmp_path / "out.sarif")
    assert (status, output) == (1, "")
    assert json.loads((tmp_path / "out.sarif").read_text())["version"] == "2.1.0"
    status, output = run(tmp_path, "--output", tmp_path / "none" / "out")
    assert (status, "cannot be written" in output) == (2, True)


# -- rules of one's own --------------------------------------------------------------------------

YAML = """id: no-plain-get
severity: error
message: $KV is read without a type
note: Text is parsed twice.
files: ["src/"]
rule: { pattern: $KV.get($KEY) }
fix: $KV.get($KEY, "json")
"""
PYTHON = """from cachelib.evidence import Hit, NotModelled, Rule

def find(examined):
    for put in examined.of("put"):
        yield Hit(f"{put.namespace} is written", put.call, put.module)

RULES = [Rule(id="no-writes", severity="note", title="Writes", why="We only read.",
              source="our handbook", counterfactual=NotModelled("ours"), find=find,
              fires="", quiet="")]
"""


BOMB = "\n".join(
    ["utils:", "  a0: &a0 {pattern: a}"]
    + [f"  a{n}: &a{n} {{any: [*a{n - 1}, *a{n - 1}]}}" for n in range(1, 40)]
    + ["rule: *a39"]
)
"""A file of forty lines that stands for 2^39 patterns."""


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes on this system")
@pytest.mark.timeout(30)
@pytest.mark.parametrize(
    "option", [["--config"], ["--baseline"], ["--no-config", "--baseline"], ["--rules"]]
)
def test_a_pipe_is_refused_and_not_waited_for(option: list[str], tmp_path: Path) -> None:
    if "--rules" in option:
        pytest.importorskip("ast_grep_py", reason="the extra `rules` is not installed")
    os.mkfifo(tmp_path / "own.yml")
    write(tmp_path, a_ts=WARNING)
    status, output = run(tmp_path, *option, tmp_path / "own.yml")
    assert (status, "own.yml: cannot be read" in output) == (2, True), output


def test_a_rule_in_yaml_finds_and_repairs(tmp_path: Path) -> None:
    pytest.importorskip("ast_grep_py", reason="the extra `rules` is not installed")
    (tmp_path / "own.yml").write_text(YAML)
    write(
        tmp_path,
        src__a_ts="const é = (e: Env) => e.CACHE.get('k');\n",
        b_ts="export const f = (e: Env) => e.CACHE.get('k');\n",
        cachelib_toml="[audit]\nown-rules = ['*.yml']\n",
    )
    output = run(tmp_path, "--format", "sarif")[1]
    (result,) = (
        r for r in json.loads(output)["runs"][0]["results"] if r["ruleId"] == "no-plain-get"
    )
    (change,) = result["fixes"][0]["artifactChanges"]
    assert change["replacements"][0]["insertedContent"]["text"] == "e.CACHE.get('k', \"json\")"
    assert change["replacements"][0]["deletedRegion"]["startColumn"] == 23
    assert result["message"]["text"] == "e.CACHE is read without a type"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id: x\n", "a rule is a table with id, message and rule"),
        (YAML.replace("pattern", "patern"), "unknown field `patern`"),
        (YAML.replace("no-plain-get", PUT), "is there already"),
        (YAML.replace("severity: error", "severity: fatal"), "severity: one of"),
        (YAML + "rulez: 1\n", "unknown key 'rulez'"),
        ("a: [\n", "no YAML"),
        (BOMB, "write out what its references (*name) stand for"),
        ("!!python/object/apply:os.system [touch ran]", "no YAML"),
    ],
)
def test_a_mistake_in_a_rule_is_told(text: str, message: str, tmp_path: Path) -> None:
    pytest.importorskip("ast_grep_py", reason="the extra `rules` is not installed")
    (tmp_path / "own.yml").write_text(text)
    write(tmp_path, a_ts=WARNING)
    status, output = run(tmp_path, "--rules", tmp_path / "own.yml")
    assert (status, message in output) == (2, True), output


def test_a_rule_in_python_is_run_where_the_command_line_names_it(tmp_path: Path) -> None:
    write(tmp_path, a_ts=WARNING)
    (tmp_path / "own.py").write_text(PYTHON)
    assert "no-writes" not in {rule for rule, _, _ in found(tmp_path)}
    assert "no-writes" in {rule for rule, _, _ in found(tmp_path, "--rules", tmp_path / "own.py")}


def test_a_rule_that_breaks_takes_nothing_from_the_others(tmp_path: Path) -> None:
    write(tmp_path, a_ts=WARNING)
    (tmp_path / "own.py").write_text(PYTHON.replace("put.namespace", "1 / 0"))
    status, output = run(tmp_path, "--rules", tmp_path / "own.py")
    assert status == 1
    assert PUT in output
    assert "no-writes broke on this program (ZeroDivisionError)" in output
