"""Bindings are recognised however the code comes by them, and what parses is audited.

Each source writes once into a cache without expiration; the rule that says so stands for all.
"""

from pathlib import Path

import pytest

from cachelib.evidence import audit

CONFIGURATION = """
name = "w"
compatibility_date = "2026-01-01"
[[kv_namespaces]]
binding = "CACHE"
id = "x"
"""

CONSTRUCTS: dict[str, dict[str, str]] = {
    "inline type": {
        "w.ts": (
            "export default { async fetch(r: Request, e: { CACHE: KVNamespace }) { "
            'await e.CACHE.put(r.url.slice(0,9), "1"); return new Response(); } };'
        ),
    },
    "inline helper": {
        "w.ts": (
            "export const save = (x: { myStore: KVNamespace }, k: string) => "
            'x.myStore.put("cache:" + k, "v");'
        ),
    },
    "alias": {
        "w.ts": (
            "type B = { PAGE_CACHE: KVNamespace };\n"
            'export const save = (x: B, k: string) => x.PAGE_CACHE.put(k, "v");'
        ),
    },
    "extends kv": {
        "w.ts": (
            "interface Typed extends KVNamespace { x: 1 }\n"
            "export const save = (cache: Typed, k: string) => "
            'cache.put("cache:"+k, "v");'
        ),
    },
    "extends Env": {
        "w.ts": (
            "interface Base { pageCache: KVNamespace }\n"
            "interface More extends Base { A: string }\n"
            'export const save = (x: More, k: string) => x.pageCache.put(k, "v");'
        ),
    },
    "intersection": {
        "w.ts": (
            "interface Base { pageCache: KVNamespace }\n"
            "type More = Base & { A: string };\n"
            'export const save = (x: More, k: string) => x.pageCache.put(k, "v");'
        ),
    },
    "generic KVNamespace<K>": {
        "w.ts": (
            'export const save = (cache: KVNamespace<"a" | "b">, k: "a") => '
            'cache.put("cache:"+k, "v");'
        ),
    },
    "union null": {
        "w.ts": (
            "export const save = (cache: KVNamespace | undefined, k: string) => "
            'cache?.put("cache:"+k, "v");'
        ),
    },
    "computed const": {
        "w.ts": (
            'const N = "CACHE";\nexport const save = (env: Env, k: string) => env[N].put(k, "v");'
        ),
    },
    "computed as const obj": {
        "w.ts": (
            'const NAMES = { pages: "PAGE_CACHE" } as const;\n'
            "export const save = (env: Env, k: string) => env[NAMES.pages].put(k, "
            '"v");'
        ),
    },
    "computed string": {
        "w.ts": ('export const save = (env: Env, k: string) => env["CACHE"].put(k, "v");'),
    },
    "second param other name": {
        "w.ts": (
            "export default { async fetch(req, bindings, c2) { await "
            'bindings.CACHE.put("page:" + req.headers.get("x"), "1"); return new '
            "Response(); } };"
        ),
    },
    "fetch function ref": {
        "w.ts": (
            'async function go(req, b) { await b.CACHE.put("p:" + req.url, "1"); '
            "return new Response(); }\n"
            "export default { fetch: go };"
        ),
    },
    "export class entrypoint": {
        "w.ts": (
            'import { WorkerEntrypoint } from "cloudflare:workers";\n'
            "export default class extends WorkerEntrypoint { async fetch(r) { "
            'await this.env.CACHE.put("p:" + r.url, "1"); return new Response(); } '
            "}"
        ),
    },
    "import env": {
        "w.ts": (
            'import { env } from "cloudflare:workers";\n'
            'export const save = (k: string) => env.CACHE.put(k, "v");'
        ),
    },
    "import env alias": {
        "w.ts": (
            'import { env as bindings } from "cloudflare:workers";\n'
            'export const save = (k: string) => bindings.CACHE.put(k, "v");'
        ),
    },
    "import star": {
        "s.ts": ('export const put = (env: Env, k: string) => env.CACHE.put(k, "v");'),
        "w.ts": (
            'import * as s from "./s";\n'
            'export default { fetch: (r: Request, env: Env) => s.put(env, "a" + '
            "r.url) };"
        ),
    },
    "import star cloudflare": {
        "w.ts": (
            'import * as cf from "cloudflare:workers";\n'
            'export const save = (k: string) => cf.env.CACHE.put(k, "v");'
        ),
    },
    "require": {
        "s.js": ('module.exports.put = (env, k) => env.CACHE.put(k, "v");'),
        "w.js": (
            'const { put } = require("./s");\n'
            'module.exports = { fetch: (r, env) => put(env, "a" + r.url) };'
        ),
    },
    "service worker global": {
        "w.js": (
            'addEventListener("fetch", (e) => e.respondWith(go(e.request)));\n'
            'async function go(r) { await CACHE.put("p" + r.url, "x"); return new '
            "Response(); }"
        ),
    },
    "service worker mixed case": {
        "w.js": (
            'addEventListener("fetch", (e) => e.respondWith(go(e.request)));\n'
            'async function go(r) { const k = await PagesCache.get("p" + r.url); '
            'await PagesCache.put("p" + r.url, "x"); return new Response(k); }'
        ),
    },
    "hono c.env": {
        "w.ts": (
            'import { Hono } from "hono";\n'
            "const app = new Hono<{ Bindings: { CACHE: KVNamespace } }>();\n"
            'app.get("/", async (c) => { await c.env.CACHE.put("p" + c.req.path, '
            '"x"); return c.text(""); });\n'
            "export default app;"
        ),
    },
    "hono env(c)": {
        "w.ts": (
            'import { env } from "hono/adapter";\n'
            "export const h = async (c) => { const { CACHE } = env<{ CACHE: "
            'KVNamespace }>(c); await CACHE.put("p" + c.req.path, "x"); return '
            'c.text(""); };'
        ),
    },
    "hono var": {
        "w.ts": (
            'import { Hono } from "hono";\n'
            "const app = new Hono();\n"
            'app.use(async (c, next) => { c.set("kv", c.env.CACHE); await next(); '
            "});\n"
            'app.get("/", async (c) => { await c.get("kv").put("p" + c.req.path, '
            '"x"); return c.text(""); });'
        ),
    },
    "hono c.var": {
        "w.ts": (
            'import { Hono } from "hono";\n'
            "const app = new Hono();\n"
            'app.use(async (c, next) => { c.set("kv", c.env.CACHE); await next(); '
            "});\n"
            'app.get("/", async (c) => { await c.var.kv.put("p" + c.req.path, '
            '"x"); return c.text(""); });'
        ),
    },
    "itty": {
        "w.ts": (
            'import { Router } from "itty-router";\n'
            "const r = Router();\n"
            'r.get("/:k", async ({ params }, env) => { await env.CACHE.put("p" + '
            'params.k, "x"); return new Response(); });\n'
            "export default { fetch: (q, e, c) => r.handle(q, e, c) };"
        ),
    },
    "itty other name": {
        "w.ts": (
            'import { Router } from "itty-router";\n'
            "const r = Router();\n"
            'r.get("/:k", async ({ params }, b) => { await b.CACHE.put("p" + '
            'params.k, "x"); return new Response(); });\n'
            "export default { fetch: (q, e, c) => r.handle(q, e, c) };"
        ),
    },
    "remix context": {
        "w.ts": (
            "export async function loader({ context, params }: LoaderFunctionArgs) "
            '{ await context.cloudflare.env.CACHE.put("p" + params.id, "x"); '
            "return null; }"
        ),
    },
    "remix destructured": {
        "w.ts": (
            "export async function action({ context: { cloudflare: { env } }, "
            'params }) { await env.CACHE.put("p" + params.id, "x"); return null; }'
        ),
    },
    "remix context.env": {
        "w.ts": (
            "export async function loader({ context, params }) { const { CACHE } = "
            'context.env; await CACHE.put("p" + params.id, "x"); return null; }'
        ),
    },
    "sveltekit platform": {
        "w.ts": (
            "export const GET = async ({ platform, params }) => { await "
            'platform?.env?.CACHE.put("p" + params.id, "x"); return new '
            "Response(); };"
        ),
    },
    "sveltekit alias": {
        "w.ts": (
            "export const load = async (event) => { const kv = "
            'event.platform!.env!.CACHE; await kv.put("p" + event.params.id, "x"); '
            "return {}; };"
        ),
    },
    "astro locals": {
        "p.astro": (
            "---\n"
            "const { env } = Astro.locals.runtime;\n"
            'await env.CACHE.put("p" + Astro.params.id, "x");\n'
            "---\n"
            "<p></p>"
        ),
    },
    "astro direct": {
        "p.astro": (
            "---\n"
            'await Astro.locals.runtime.env.CACHE.put("p" + Astro.params.id, "x");\n'
            "---\n"
            "<p></p>"
        ),
    },
    "astro api": {
        "w.ts": (
            "export const GET: APIRoute = async ({ locals, params }) => { const kv "
            '= locals.runtime.env.CACHE; await kv.put("p" + params.id, "x"); '
            "return new Response(); };"
        ),
    },
    "nuxt event": {
        "w.ts": (
            "export default defineEventHandler(async (event) => { await "
            'event.context.cloudflare.env.CACHE.put("p" + event.path, "x"); return '
            "{}; });"
        ),
    },
    "nuxt destructured": {
        "w.ts": (
            "export default defineEventHandler(async (event) => { const { "
            'cloudflare } = event.context; await cloudflare.env.CACHE.put("p" + '
            'event.path, "x"); return {}; });'
        ),
    },
    "nitro __env__": {
        "w.ts": ('export const save = (k: string) => globalThis.__env__.CACHE.put("p" + k, "x");'),
    },
    "opennext": {
        "w.ts": (
            'import { getCloudflareContext } from "@opennextjs/cloudflare";\n'
            "export async function GET(r: Request) { const { env } = "
            'getCloudflareContext(); await env.CACHE.put("p" + r.url, "x"); return '
            "new Response(); }"
        ),
    },
    "opennext async": {
        "w.ts": (
            'import { getCloudflareContext } from "@opennextjs/cloudflare";\n'
            "export async function GET(r: Request) { const kv = (await "
            'getCloudflareContext({ async: true })).env.CACHE; await kv.put("p" + '
            'r.url, "x"); return new Response(); }'
        ),
    },
    "next-on-pages": {
        "w.ts": (
            'import { getRequestContext } from "@cloudflare/next-on-pages";\n'
            "export async function GET(r: Request) { await "
            'getRequestContext().env.CACHE.put("p" + r.url, "x"); return new '
            "Response(); }"
        ),
    },
    "process.env opennext": {
        "w.ts": (
            "export async function GET(r: Request) { await (process.env.CACHE as "
            'unknown as KVNamespace).put("cache:" + r.url, "x"); return new '
            "Response(); }"
        ),
    },
    "pages fn": {
        "functions/a.ts": (
            "export const onRequestGet: PagesFunction<Env> = async ({ env, params "
            '}) => { await env.CACHE.put("p" + params.k, "x"); return new '
            "Response(); };"
        ),
    },
    "pages ctx": {
        "functions/a.js": (
            "export async function onRequest(context) { const { CACHE } = "
            'context.env; await CACHE.put("p" + context.params.k, "x"); return new '
            "Response(); }"
        ),
    },
    "class field": {
        "w.ts": (
            "class S { #kv; constructor(env) { this.#kv = env.CACHE; } put(k) { "
            'return this.#kv.put("p" + k, "x"); } }\n'
            "export default { fetch: (r, env) => new S(env).put(r.url) };"
        ),
    },
    "satisfies": {
        "w.ts": (
            'export default { async fetch(r, env) { await env.CACHE.put("p" + '
            'r.url, "x"); return new Response(); } } satisfies '
            "ExportedHandler<Env>;"
        ),
    },
    "handler const": {
        "w.ts": (
            "const handler: ExportedHandler<Env> = { async fetch(r, e) { await "
            'e.CACHE.put("p" + r.url, "x"); return new Response(); } };\n'
            "export default handler;"
        ),
    },
    "elysia/zod decl": {
        "w.ts": (
            'export const get = ({ CACHE }: Env) => async (k: string) => CACHE.put("p" + k, "x");'
        ),
    },
    "trpc ctx": {
        "w.ts": (
            "export const r = t.procedure.mutation(async ({ ctx, input }) => { "
            'await ctx.env.CACHE.put("p" + input, "x"); });'
        ),
    },
    "queue": {
        "w.ts": (
            "export default { async queue(batch, b) { for (const m of "
            'batch.messages) await b.CACHE.put("p" + m.id, "x"); } };'
        ),
    },
    "rpc DO": {
        "w.ts": (
            'import { DurableObject } from "cloudflare:workers";\n'
            "export class D extends DurableObject<Env> { async go(k: string) { "
            'await this.env.CACHE.put("p" + k, "x"); } }'
        ),
    },
    "old DO": {
        "w.js": (
            "export class D { constructor(state, b) { this.b = b; } async fetch(r) "
            '{ await this.b.CACHE.put("p" + r.url, "x"); return new Response(); } }'
        ),
    },
    "workflow": {
        "w.ts": (
            'import { WorkflowEntrypoint } from "cloudflare:workers";\n'
            "export class F extends WorkflowEntrypoint<Env> { async run(e, step) { "
            'await step.do("a", async () => { await this.env.CACHE.put("p" + e.id, '
            '"x"); }); } }'
        ),
    },
}


@pytest.mark.parametrize("configured", [True, False])
@pytest.mark.parametrize("name", CONSTRUCTS)
def test_a_binding_is_found_by_any_way_to_it(name: str, configured: bool, tmp_path: Path) -> None:
    for path, source in CONSTRUCTS[name].items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(source + "\n")
    if configured:
        (tmp_path / "wrangler.toml").write_text(CONFIGURATION)
    result = audit(tmp_path)
    found = [each for each in result.findings if each.rule == "kv-put-without-expiration"]
    assert len(found) == 1
    assert (result.unparsable, result.partly_read, result.failures) == ([], [], [])
