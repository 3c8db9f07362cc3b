"""Facts of a wrangler configuration, each with its place."""

import json
from pathlib import Path

import pytest

from cachelib.evidence import EvidenceError, Inventory, architecture, inventory, inventory_text
from cachelib.evidence.imports import Imports

TOML = """\
name = "shop"
main = "src/index.ts"
routes = ["shop.example/*", { pattern = "api.example/*", zone_id = "0123456789abcdef0123456789abcdef" }]
secrets = { required = ["API_TOKEN"] }
placement.mode = "smart"
kv_namespaces = [
  { binding = "CACHE", id = "1" }, # shared cache, saves 30% of the reads
  { binding = "FLAGS", id = "2" },
]

[[durable_objects.bindings]]
name = "CART"
class_name = "Cart"

[[durable_objects.bindings]]
name = "STOCK"
class_name = "Stock"
script_name = "warehouse"

[[migrations]]
tag = "v1"
new_sqlite_classes = ["Cart"]

[[r2_buckets]]
binding = "IMAGES"
bucket_name = "images"

[[d1_databases]]
binding = "DB"
database_name = "orders"
database_id = "3"

[ai]
binding = "AI"

[[queues.producers]]
binding = "MAILS"
queue = "mails"

[[queues.consumers]]
queue = "mails"

[[services]]
binding = "USERS"
service = "users"

[vars]
LEVEL = "info"

[env.staging]
vars = { LEVEL = "debug" }
kv_namespaces = [{ binding = "CACHE", id = "4" }]

[env."eu west"]
name = "shop-eu"
"""  # noqa: E501

JSONC = """\
// the shop
{
  "name": "shop", "main": "src/index.ts",
  "routes": ["shop.example/*", { "pattern": "api.example/*", "zone_id": "0" }],
  "secrets": { "required": ["API_TOKEN"] },
  "placement": { "mode": "smart" },
  "kv_namespaces": [
    { "binding": "CACHE", "id": "1" }, /* shared cache */
    { "binding": "FLAGS", "id": "2", },
  ],
  "durable_objects": { "bindings": [
    { "name": "CART", "class_name": "Cart" },
    { "name": "STOCK", "class_name": "Stock", "script_name": "warehouse" },
  ] },
  "exports": { "Cart": { "type": "durable-object", "storage": "sqlite" } },
  "r2_buckets": [{ "binding": "IMAGES", "bucket_name": "images" }],
  "d1_databases": [{ "binding": "DB", "database_name": "orders", "database_id": "3" }],
  "ai": { "binding": "AI" },
  "queues": {
    "producers": [{ "binding": "MAILS", "queue": "mails" }],
    "consumers": [{ "queue": "mails" }],
  },
  "services": [{ "binding": "USERS", "service": "users" }],
  "vars": { "LEVEL": "info" },
  "env": {
    "staging": { "vars": { "LEVEL": "debug" }, "kv_namespaces": [{ "binding": "CACHE" }] },
    "eu west": { "name": "shop-eu" },
  },
}
"""


def read(directory: Path, source: str, name: str = "wrangler.toml") -> Inventory:
    (directory / name).write_text(source)
    return inventory(directory)


def bound(found: Inventory, environment: str | None = None) -> set[tuple[str, str]]:
    kinds = {"kv", "durable_object", "r2", "d1", "ai", "queue", "service", "var", "secret"}
    kinds |= {"queue_consumer", "placement", "route"}
    return {
        (fact.kind, fact.name)
        for fact in found.facts
        if fact.kind in kinds and fact.environment == environment
    }


def test_toml_and_json_with_comments_say_the_same(tmp_path: Path) -> None:
    (tmp_path / "toml").mkdir()
    (tmp_path / "json").mkdir()
    toml = read(tmp_path / "toml", TOML)
    jsonc = read(tmp_path / "json", JSONC, "wrangler.jsonc")
    for environment in (None, "staging", "eu west"):
        assert bound(toml, environment) == bound(jsonc, environment)
    assert ("secret", "API_TOKEN") in bound(toml)
    assert ("placement", "smart") in bound(toml)


@pytest.mark.parametrize(("name", "source"), [("wrangler.toml", TOML), ("wrangler.jsonc", JSONC)])
def test_every_fact_stands_where_it_says(name: str, source: str, tmp_path: Path) -> None:
    found = read(tmp_path, source, name)
    lines = source.splitlines()
    for fact in found.facts:
        assert fact.file == name
        assert fact.name in "\n".join(lines[fact.line - 1 : fact.end_line])


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_lines_are_counted_alike_for_every_line_ending(ending: str, tmp_path: Path) -> None:
    (tmp_path / "wrangler.toml").write_bytes(TOML.replace("\n", ending).encode())
    (cart,) = [fact for fact in inventory(tmp_path).facts if fact.name == "CART"]
    assert (cart.line, cart.end_line) == (11, 13)


def test_a_class_of_another_script_is_told(tmp_path: Path) -> None:
    objects = {fact.name: fact.details for fact in read(tmp_path, TOML).of("durable_object")}
    assert objects["CART"]["defined_in"] == "this worker"
    assert objects["STOCK"]["defined_in"] == "warehouse"


def test_classes_are_declared_by_migrations_or_exports(tmp_path: Path) -> None:
    assert [fact.name for fact in read(tmp_path, TOML).of("migration")] == ["v1"]
    exported = read(tmp_path, JSONC, "wrangler.jsonc").of("export")
    assert [fact.name for fact in exported] == ["Cart"]


def test_an_environment_inherits_settings_but_no_bindings(tmp_path: Path) -> None:
    found = read(tmp_path, TOML)
    staging = [fact for fact in found.facts if fact.environment == "staging"]
    assert {(f.name, f.inherited) for f in staging if f.kind in ("kv", "placement", "worker")} == {
        ("CACHE", False),
        ("smart", True),
        ("shop", True),
        ("src/index.ts", True),
    }
    missing = {gap.name for gap in found.gaps if gap.environment == "staging"}
    assert {"FLAGS", "CART", "STOCK", "IMAGES", "DB", "AI", "MAILS", "USERS"} == missing


def test_a_name_of_the_environment_overrides_the_top_level(tmp_path: Path) -> None:
    found = read(tmp_path, TOML)
    names = [f.name for f in found.of("worker", "eu west") if f.label == "name"]
    assert names == ["shop-eu"]


def test_one_environment_alone(tmp_path: Path) -> None:
    (tmp_path / "wrangler.toml").write_text(TOML)
    found = inventory(tmp_path, "staging")
    assert {fact.environment for fact in found.facts} == {"staging"}
    assert "no Durable Objects binding in environment staging" in [a.text for a in found.absent]


def test_an_unknown_environment_names_the_known_ones(tmp_path: Path) -> None:
    (tmp_path / "wrangler.toml").write_text(TOML)
    with pytest.raises(EvidenceError, match="no environment 'prod'; it defines: staging, eu west"):
        inventory(tmp_path, "prod")


def test_what_is_absent_comes_with_the_configuration_it_takes(tmp_path: Path) -> None:
    found = read(tmp_path, "name = 'w'")
    absent = {each.kind: each.snippet for each in found.absent}
    assert set(absent) == {"kv", "durable_object", "r2", "d1", "ai", "queue", "service"}
    for snippet in absent.values():
        (tmp_path / "wrangler.toml").write_text(snippet)
        assert len(inventory(tmp_path).absent) == 6


def test_a_comment_beside_a_binding_is_a_claim_when_it_asserts(tmp_path: Path) -> None:
    source = "# settings\n\n# one namespace\nkv_namespaces = [{ binding = 'C' }] # never expires\n"
    found = {each.text: each for each in read(tmp_path, source).comments}
    assert found["never expires"].claim
    assert found["never expires"].near == "C"
    assert not found["one namespace"].claim
    assert "settings" not in found


def test_figures_in_a_claim_are_kept(tmp_path: Path) -> None:
    (remark,) = read(tmp_path, TOML).comments
    assert (remark.line, remark.near, remark.figures) == (7, "CACHE", ["30%"])


def test_wrangler_prefers_json_and_the_rest_is_told(tmp_path: Path) -> None:
    (tmp_path / "wrangler.toml").write_text("name = 'toml'")
    found = read(tmp_path, '{"name": "json"}', "wrangler.json")
    assert (found.worker, found.ignored) == ("json", ["wrangler.toml"])


def test_local_secrets_are_named_but_not_shown(tmp_path: Path) -> None:
    (tmp_path / ".dev.vars").write_text("# local\nAPI_TOKEN=abc=def\nexport OTHER = 'x'\n")
    found = read(tmp_path, "name = 'w'")
    secrets = [(f.name, f.file, f.line) for f in found.of("secret")]
    assert secrets == [("API_TOKEN", ".dev.vars", 2), ("OTHER", ".dev.vars", 3)]
    assert "abc" not in repr(found)


@pytest.mark.parametrize(
    ("name", "source", "message"),
    [
        ("wrangler.toml", "name = 'w'\nmain = \n", r"wrangler.toml:2: .*correct this line"),
        ("wrangler.toml", "a = 1\na = 2\n", r"wrangler.toml:2: "),
        ("wrangler.json", '{\n  "name": "w"\n  "main": 1 }', r"wrangler.json:2: "),
        (
            "wrangler.jsonc",
            "{\n 'name': 'w' }",
            r"wrangler.jsonc:2: not valid JSON: names and values",
        ),
        ("wrangler.json", "[]", r"wrangler.json:1: holds no table"),
        ("wrangler.json", "", r"wrangler.json:1: "),
        ("wrangler.json", '{"a":' * 5000, r"wrangler.json:1: "),
        ("wrangler.json", '{"a":' * 5000 + "1" + "}" * 5000, r"wrangler.json:1: nested too deeply"),
    ],
)
def test_a_configuration_that_does_not_parse(
    name: str, source: str, message: str, tmp_path: Path
) -> None:
    with pytest.raises(EvidenceError, match=message):
        read(tmp_path, source, name)


def test_a_syntax_error_does_not_show_the_secret_beside_it(tmp_path: Path) -> None:
    for name, source in {
        "wrangler.json": '{ "vars": { "TOKEN": \'correct-horse\' } }',
        "wrangler.toml": "[vars]\nTOKEN = correct-horse\n",
    }.items():
        (tmp_path / name).write_text(source)
        with pytest.raises(EvidenceError) as raised:
            inventory(tmp_path)
        assert "correct" not in str(raised.value).replace("correct this line", "")
        (tmp_path / name).unlink()


def test_unusual_line_separators_do_not_shift_the_excerpts(tmp_path: Path) -> None:
    source = "name = 'a\u2028b'\n[[kv_namespaces]]\nbinding = 'CACHE'\n"
    (namespace,) = read(tmp_path, source).of("kv")
    assert namespace.excerpt.splitlines()[0] == "[[kv_namespaces]]"


def test_a_directory_without_configuration_points_at_one_below(tmp_path: Path) -> None:
    (tmp_path / "packages" / "api").mkdir(parents=True)
    (tmp_path / "packages" / "api" / "wrangler.toml").write_text("")
    with pytest.raises(EvidenceError, match=r"point at .*packages/api instead"):
        inventory(tmp_path)


def test_a_wrong_directory(tmp_path: Path) -> None:
    with pytest.raises(EvidenceError, match="no such directory"):
        inventory(tmp_path / "nowhere")
    (tmp_path / "file").write_text("")
    with pytest.raises(EvidenceError, match="not a directory"):
        inventory(tmp_path / "file")


def test_a_link_out_of_the_directory_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "outside.toml").write_text("name = 'w'")
    (tmp_path / "inside").mkdir()
    (tmp_path / "inside" / "wrangler.toml").symlink_to(tmp_path / "outside.toml")
    with pytest.raises(EvidenceError, match="symbolic link out of the directory"):
        inventory(tmp_path / "inside")


@pytest.mark.parametrize(
    "source",
    [
        "kv_namespaces = 3",
        "ai = []",
        "durable_objects = 'x'",
        "env = 1",
        "routes = 'a'",
        "vars = []",
    ],
)
def test_settings_of_another_shape_are_passed_over(source: str, tmp_path: Path) -> None:
    found = read(tmp_path, source)
    assert found.facts == []


def test_the_text_shows_places_absences_and_claims(tmp_path: Path) -> None:
    text = inventory_text(read(tmp_path, TOML))
    assert "wrangler.toml:11-13    Durable Objects CART  class_name Cart" in text
    assert "env.staging does not have it" in text
    assert "wrangler.toml:7  “shared cache, saves 30% of the reads”" in text


def test_the_inventory_is_plain_json(tmp_path: Path) -> None:
    data = json.loads(json.dumps(read(tmp_path, TOML).to_json()))
    assert data["facts"][0]["line"] == 1


def test_the_architecture_has_what_the_environment_has(tmp_path: Path) -> None:
    found = read(tmp_path, TOML)
    labels = {node.label for node in architecture(found).nodes}
    assert {"shop", "KV namespace CACHE", "Durable Objects Stock of warehouse"} <= labels
    staging = architecture(found, "staging")
    assert {node.id for node in staging.nodes} == {"client", "worker", "kv:CACHE"}


def test_a_queue_leads_to_the_worker_and_back(tmp_path: Path) -> None:
    edges = {(e.source, e.target) for e in architecture(read(tmp_path, TOML)).edges}
    assert {("worker", "queue:mails"), ("queue:mails", "worker")} <= edges


def test_the_text_has_each_fact_under_its_own_environment(tmp_path: Path) -> None:
    parts = inventory_text(read(tmp_path, TOML)).split("\n\n")
    (top,) = (part for part in parts if part.startswith("top level\n"))
    (staging,) = (part for part in parts if part.startswith("environment staging\n"))
    assert "Durable Objects CART" in top
    assert "Durable Objects CART" not in staging
    assert top.count("Variable LEVEL") == staging.count("Variable LEVEL") == 1
    assert staging.count("KV namespace") == 1


def test_an_alias_means_the_file_with_most_folders_in_common_of_equals_the_shorter_path() -> None:
    paths = ["apps/a/lib/store.ts", "apps/b/lib/store.ts", "apps/b/old/lib/store.ts"]
    imports = Imports(paths, {})
    assert imports.resolve("apps/b/src/index.ts", "@/lib/store") == "apps/b/lib/store.ts"
    assert imports.resolve("apps/a/src/index.ts", "@/lib/store") == "apps/a/lib/store.ts"
    assert imports.resolve("apps/b/old/index.ts", "@/lib/store") == "apps/b/old/lib/store.ts"
