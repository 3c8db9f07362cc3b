"""Nothing that looks like a secret is ever shown."""

import json
from pathlib import Path

import pytest

from cachelib.evidence import (
    architecture,
    audit,
    audit_text,
    inventory,
    inventory_text,
    to_json,
    to_sarif,
)
from cachelib.evidence.mask import handed_on, mask, printable, shorten

LETTERS = "aB3dE6gH9jK2mN5pQ8sT1vW4xY7zC0fR"

# Built from parts, so that no scanner takes this file for a leak.
CREDENTIALS = {
    "AWS access key": "AKIA" + "IOSFODNN7QWERTYU",
    "AWS secret key": "wJalrXUtnFEMI/K7MDENG/" + "bPxRfiCYzQ8wErTyUi9",
    "GitHub token": "ghp_" + LETTERS + "1234",
    "GitHub fine-grained token": "github_pat_" + "11ABCDEFG0" + LETTERS,
    "GitLab token": "glpat-" + LETTERS[:20],
    "Slack token": "xoxb-" + "123456789012-1234567890123-" + LETTERS[:24],
    "Slack webhook": "https://hooks.slack.com/services/" + "T00000000/B00000000/" + LETTERS[:24],
    "Stripe key": "sk_live_" + LETTERS[:24],
    "OpenAI key": "sk-proj-" + LETTERS,
    "Anthropic key": "sk-ant-api03-" + LETTERS,
    "Google key": "AIza" + LETTERS + "abc",
    "Google OAuth token": "ya29." + LETTERS,
    "JSON web token": "eyJhbGciOiJIUzI1NiJ9." + "eyJzdWIiOiIxMjM0NTY3ODkwIn0." + LETTERS,
    "npm token": "npm_" + LETTERS + "wxyz",
    "PyPI token": "pypi-" + "AgEIcHlwaS5vcmc" + LETTERS,
    "SendGrid key": "SG." + LETTERS[:22] + "." + LETTERS,
    "Twilio key": "SK" + "0123456789abcdef" * 2,
    "Cloudflare token": "v1.0-" + "0123456789abcdef" * 3,
    "Cloudflare API token": LETTERS + "_Ab1Cd2E",
    "Telegram token": "123456789:" + "AAF" + LETTERS,
    "private key": "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkq" + LETTERS + "\n-----END PRIVATE KEY-----",  # noqa: E501
    "password in a URL": "postgres://admin:" + "correct-horse-battery" + "@db.example/prod",
    "bearer token": "Bearer " + LETTERS,
    "UUID": "3f2b8c1e-9d4a-4e6f-8a7b-0c1d2e3f4a5b",
    "hexadecimal key": "0123456789abcdef" * 2,
}  # fmt: skip

# What must not be found in any output: the longest part without the public beginning.
FRAGMENTS = {
    "private key": "MIIEvQIBADANBgkq",
    "password in a URL": "correct-horse-battery",
    "Slack webhook": LETTERS[:24],
    "bearer token": LETTERS,
}


def outputs(directory: Path, *, reveal: bool) -> str:
    found, result = inventory(directory, reveal=reveal), audit(directory)
    return "\n".join(
        [
            inventory_text(found),
            json.dumps(found.to_json(), ensure_ascii=False),
            repr(architecture(found)),
            audit_text(result),
            json.dumps(to_json(result)),
            json.dumps(to_sarif(result)),
        ]
    )


def planted(directory: Path, secret: str) -> None:
    quoted = json.dumps(secret)
    (directory / "wrangler.toml").write_text(
        f"name = 'w'\nroutes = [{quoted}]\n# password: {secret.splitlines()[0]}\n"
        f"[vars]\nAUTH_TOKEN = {quoted}\n"
        f"[[kv_namespaces]]\nbinding = 'CACHE'\nid = {quoted}\n"
        f"# KV, token {secret.splitlines()[0]}\n"
    )
    (directory / "index.ts").write_text(
        f"const PASSWORD = {quoted};\n"
        "export const save = (env: Env) =>\n"
        f"  env.CACHE.put({quoted}, 'v'); // {secret.splitlines()[0]}\n"
        f"const apiKey = {quoted};\n"
    )


@pytest.mark.parametrize("kind", CREDENTIALS)
def test_a_planted_credential_is_in_no_output(kind: str, tmp_path: Path) -> None:
    secret = CREDENTIALS[kind]
    fragment = FRAGMENTS.get(kind, secret)
    planted(tmp_path, secret)
    shown = outputs(tmp_path, reveal=kind not in ("UUID", "hexadecimal key"))
    assert "kv-put-without-expiration" in shown
    assert "AUTH_TOKEN" in shown
    assert fragment not in shown


def test_at_least_twenty_kinds_are_planted() -> None:
    assert len(CREDENTIALS) >= 20


def test_a_plain_word_is_masked_where_its_name_tells() -> None:
    assert "tr0ub4dor" not in mask('const password = "tr0ub4dor&3";')
    assert "hunter2x" not in mask("DB_PASSWORD=hunter2x")


# A secret in plain words: nothing but its place tells that it is one.
PLAIN = "correcthorsebattery"
IN_SOURCES = [
    'const DB_PASSWORD = "{}";',
    'const dbPassword: string = "{}";',
    'process.env.X || (password = "{}");',
    'headers["X-Api-Key"] = "{}";',
    'headers.set("x-api-key", "{}");',
    'headers.append("Authorization", `{}`);',
    'login("admin", "{}"); // the password',
    'const o = {{ user: "u", "secret": `{}` }};',
    'const password = ok ? "{}" : env.PASSWORD ?? "{}";',
    "// password: {}",
    "// the password is {}",
    "/* DB_PASSWORD={} */",
    'setPassword("{}");',
    'const PASSPHRASE = "battery" + "{}";',
    "const apikeys = [`{}`];",
    'new Client({{ user: "u", pwd: "{}" }});',
    'const dsn = "{}";',
    'const connection = "Server=x;Password={};";',
    'const url = "https://api.example/?token={}&page=1";',
    'await env.CACHE.put("password", "{}");',
    'const SECRET =\n  "{}";',
    'const SECRET = (\n  // long\n  "{}"\n);',
    'const password = "one\\\n{}";',
    "const password = `one\n{}\nthree`;",
    'if (password === "{}" || "{}" === token) use();',
    'switch (password) {{ case "{}": use(); }}',
    'enum Secret {{ A = "{}" }}',
    'const secrets = {{\n  first: "{}",\n}};',
    'const key = new TextEncoder().encode(SALT = "{}");',
    'const cookie = "session={}";',
    'function login(user = "u", password = "{}") {{}}',
    'class A {{ private readonly token = "{}"; }}',
]
IN_SETTINGS = [
    '[vars]\nDB_PASSWORD = "{}"',
    '[vars]\nDB_PASSWORD = """\n{}"""',
    "[vars]\nPWD = '{}'",
    '[vars]\nSENTRY_DSN = "{}"',
    '[vars.db]\npassword = "{}"',
    '[vars]\nCREDENTIALS = {{ user = "a", value = "{}" }}',
    '[vars]\nSECRETS = ["{}"]',
    '[vars]\nSTRIPE_KEY = "{}"',
    '[vars]\nDATABASE_URL = "postgres://u:{}@h/db"',
    '[vars]\nCONFIG = "{{\\"password\\": \\"{}\\"}}"',
    '[vars]\nBASIC_AUTH = "user:{}"',
    '[vars]\nPRIVATE = "{}"',
    '[vars]\nX = "y" # the KV password is {}',
    '[env.staging.vars]\n"db.password" = "{}"',
    "[define]\nDB_PASSWORD = \"'{}'\"",
    '[[unsafe.bindings]]\nname = "X"\ntext = "{0}"\npassword = "{0}"',
    '[[hyperdrive]]\nbinding = "H"\nid = "1"\nlocalConnectionString = "postgres://u:{}@h/d"',
]


@pytest.mark.parametrize("reveal", [False, True])
@pytest.mark.parametrize("source", IN_SOURCES)
def test_a_plain_secret_of_a_source_shows_nothing_of_itself(
    source: str, reveal: bool, tmp_path: Path
) -> None:
    secret = source.format(PLAIN, PLAIN)
    (tmp_path / "wrangler.toml").write_text("name = 'w'\n")
    (tmp_path / "index.ts").write_text(
        f"export const save = (env: Env) => {{\n{secret}\nenv.CACHE.put('k', 'v');\n}};\n"
    )
    shown = outputs(tmp_path, reveal=reveal)
    assert "kv-put-without-expiration" in shown
    assert PLAIN[:4] not in shown


@pytest.mark.parametrize("reveal", [False, True])
@pytest.mark.parametrize("setting", IN_SETTINGS)
def test_a_plain_secret_of_a_configuration_shows_nothing_of_itself(
    setting: str, reveal: bool, tmp_path: Path
) -> None:
    (tmp_path / "wrangler.toml").write_text(f"name = 'w'\n{setting.format(PLAIN)}\n")
    assert PLAIN[:4] not in outputs(tmp_path, reveal=reveal)


@pytest.mark.parametrize(
    "source",
    [
        "const token = await getToken(request);",
        "apiKey: string;",
        "headers: { authorization: `Bearer ${env.NEWS_API_TOKEN}` },",
        "const secret = env.API_SECRET;",
        "await this.kv.put(key, JSON.stringify(entry), { expirationTtl: 3600 });",
        "const MAX_ENTRIES_PER_SHARD_OF_CACHE = 2_000_000;",
        "const TOKEN_TTL = 3600, tokenUrl = 'https://auth.example/oauth/token';",
        "const cacheKey = `session:${id}`;",
        "const token = await env.CACHE.get('token:' + id);",
        "if (token === null) return new Response('token is missing', { status: 401 });",
        "import { normaliseSymbolForTheKey2025 } from './very/long/path/to/a/module';",
    ],
)
def test_code_without_a_secret_stays_readable(source: str, tmp_path: Path) -> None:
    assert mask(source) == source
    (tmp_path / "a.ts").write_text(f"async () => {{ {source}\n env.KEPT_CACHE.put('k', 'v'); }}")
    if not source.startswith(("import", "apiKey", "headers")):
        (finding,) = (f for f in audit(tmp_path).findings if "expiration" in f.rule)
        assert source in finding.code


def test_ids_and_vars_are_shortened_unless_asked_for(tmp_path: Path) -> None:
    (tmp_path / "wrangler.toml").write_text(
        "account_id = 'account-in-plain-words'\n[vars]\nLEVEL = 'production-eu'\nPORT = 123456\n"
    )
    short = inventory_text(inventory(tmp_path)) + json.dumps(inventory(tmp_path).to_json())
    full = json.dumps(inventory(tmp_path, reveal=True).to_json())
    for value in ("account-in-plain-words", "production-eu", "123456"):
        assert value not in short
        assert value in full


def test_identifiers_that_look_like_keys_are_shown_when_asked_for(tmp_path: Path) -> None:
    id_ = "0123456789abcdef" * 2
    (tmp_path / "wrangler.toml").write_text(f"kv_namespaces = [{{ binding = 'KV', id = '{id_}' }}]")
    assert id_ in inventory(tmp_path, reveal=True).of("kv")[0].excerpt
    assert id_ not in repr(inventory(tmp_path))


def test_masking_keeps_the_lines() -> None:
    text = "a\n-----BEGIN RSA PRIVATE KEY-----\nx\ny\n-----END RSA PRIVATE KEY-----\nb"
    assert mask(text).count("\n") == text.count("\n")


@pytest.mark.parametrize("above", [0, 60, 97, 98, 99, 100, 101, 160, 199])
def test_a_key_of_many_lines_is_masked_wherever_it_stands(above: int, tmp_path: Path) -> None:
    body = "\n".join(f"{LETTERS}{n:02}short" for n in range(20))
    key = f"-----BEGIN PRIVATE KEY-----\n{body}\nqQ1=\n-----END PRIVATE KEY-----"
    source = "// line\n" * above + f"const key = `{key}`; env.CACHE.put('k', 'v');\n"
    (tmp_path / "a.ts").write_text(source)
    finding = next(each for each in audit(tmp_path).findings if "expiration" in each.rule)
    assert "env.CACHE.put" in finding.code
    assert "qQ1=" not in finding.code


def test_a_short_value_is_not_shown_at_all() -> None:
    assert shorten("debug") == "…"
    assert shorten("0123456789abcdef") == "0123…"


def test_control_characters_do_not_reach_a_terminal(tmp_path: Path) -> None:
    assert printable("\x1b[31mred\x07") == "\\x1b[31mred\\x07"
    (tmp_path / "a.js").write_text("env.CACHE.put('\x1b]0;owned\x07', 'v');\n")
    assert "\x1b" not in audit_text(audit(tmp_path))


@pytest.mark.parametrize(
    "path",
    ["/v2/hotels/h439563/availability", "/API/V2/ORDERS/A1B2/LINES/L3", "/a/b1/c2/d3/e4/f5/g6/h7"],
)
def test_a_path_is_no_secret_for_having_letters_and_digits_in_turns(path: str) -> None:
    assert mask(f"asks {path} twice") == f"asks {path} twice"
    assert handed_on(path) == path


@pytest.mark.parametrize("kind", ["hexadecimal key", "UUID", "npm token", "Cloudflare API token"])
def test_of_a_path_the_part_that_looks_like_a_secret_is_masked_alone(kind: str) -> None:
    told = handed_on(f"shop.example/V2/Hotels/h439563/{CREDENTIALS[kind]}/rooms?day=3&of=me")
    assert told == "shop.example/V2/Hotels/h439563/•••/rooms?day=…&of=…"


def test_a_secret_that_begins_like_a_path_is_masked() -> None:
    assert mask("/" + CREDENTIALS["AWS secret key"]) == "•••"
