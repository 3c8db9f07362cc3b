// == fires: env in a module worker
export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    const page = await render(request);
    await env.CACHE.put(request.url, page); // fault
    return new Response(page);
  },
};
// == fires: this.env in a Durable Object
export class Room extends DurableObject<Env> {
  async remember(key: string, value: unknown) {
    await this.env.CACHE.put(key, JSON.stringify(value)); // fault
  }
}
// == fires: Hono context
app.get("/items/:id", async (c) => {
  const item = await load(c.req.param("id"));
  c.executionCtx.waitUntil(c.env.CACHE.put(`item:${item.id}`, JSON.stringify(item))); // fault
  return c.json(item);
});
// == fires: destructured from env
export async function warm(env: Env, urls: string[]) {
  const { CACHE } = env;
  await Promise.all(urls.map(async (url) => CACHE.put(url, await download(url)))); // fault
}
// == fires: destructured with another name in the parameters
export async function store(key: string, value: string, { CACHE: kv }: Env) {
  return kv.put(key, value); // fault
}
// == fires: alias, options without a lifetime
export async function tag(env: Env, key: string, value: string) {
  const target = env.CACHE;
  await target.put(key, value, { metadata: { version: 2 } }); // fault
}
// == fires: helper that is handed the namespace
export const handler = (env: Env) => save(env.CACHE, "motd", "hello");
function save(namespace, key, value) {
  return namespace.put(key, value); // fault
}
// == fires: class around the namespace
export class Store {
  constructor(private readonly kv: KVNamespace) {}
  async write(key: string, value: object): Promise<void> {
    await this.kv.put(key, JSON.stringify(value), {}); // fault
  }
}
// == fires (js): class field assigned in the constructor
class Store {
  constructor(env) {
    this.namespace = env.CACHE;
  }
  write(key, value) {
    return this.namespace.put(key, value); // fault
  }
}
export default { fetch: (request, env) => new Store(env).write("a", "b") };
// == fires: helper in another file
// -- file: src/store.ts
export async function persist(kv, key, value) {
  await kv.put(key, value, undefined); // fault
}
// -- file: src/index.ts
import { persist } from "./store";
export default {
  async scheduled(event: ScheduledEvent, env: Env) {
    await persist(env.CACHE, "last-run", String(event.scheduledTime));
  },
};
// == fires: bracket access and a cast
export const keep = (env: any, k: string, v: string) =>
  (env["CACHE"] as KVNamespace).put(k, v); // fault
// == fires: getter for the namespace
export class Repository {
  constructor(private env: Env) {}
  private get cache() {
    return this.env.CACHE;
  }
  put(key: string, value: string) {
    return this.cache.put(key, value); // fault
  }
}
// == fires: object of dependencies in the parameters
const store = async ({ env, key, data }: { env: Env; key: string; data: string }) => {
  await env.CACHE.put(key, data); // fault
};
// == fires: private field with a hash
export class KVCache {
  #kv;
  constructor(kv: KVNamespace) {
    this.#kv = kv;
  }
  async set(k: string, v: string) {
    await this.#kv.put(k, v); // fault
  }
}
// == fires: environment imported from the runtime
import { env } from "cloudflare:workers";
export async function set(k: string, v: string) {
  return env.CACHE.put(k, v); // fault
}
// == fires (js): Pages function
export async function onRequestPost(context) {
  const { env } = context;
  await env.CACHE.put("a", "b"); // fault
  return new Response("ok");
}
// == fires (js): service worker syntax, a global
addEventListener("fetch", (event) => event.respondWith(handle(event)));
async function handle(event) {
  await CACHE.put("k", "v"); // fault
  return new Response("x");
}
// == fires: factory of an object
export const makeCache = (kv: KVNamespace) => ({
  get: (k: string) => kv.get(k),
  set: (k: string, v: string) => kv.put(k, v), // fault
});
// == fires (js): closure over an alias
function createStore(env) {
  const cache = env.CACHE;
  async function save(k, v) {
    await cache.put(k, v, { metadata: {} }); // fault
  }
  return { save };
}
// == fires: options that no caller gives
const putJson = (ns: KVNamespace, k: string, v: unknown, opts?: KVNamespacePutOptions) =>
  ns.put(k, JSON.stringify(v), opts); // fault
export default {
  fetch: (r: Request, env: Env) => putJson(env.CACHE, "a", 1).then(() => new Response("x")),
};
// == fires: getter with a return type
export class SentimentCache {
  private readonly env: Env;
  constructor(env: Env) {
    this.env = env;
  }
  private get store(): KVNamespace {
    return this.env.TRADING_RESULTS;
  }
  async save(key: string, result: AnalysisResult): Promise<void> {
    const payload = JSON.stringify({ result, savedAt: Date.now() });
    await this.store.put(`sentiment_${key}`, payload); // fault
  }
}
// == fires: record of dependencies
type Deps = { kv: KVNamespace };
const save = async (deps: Deps, k: string, v: string) => {
  await deps.kv.put(k, v); // fault
};
export default {
  async fetch(req: Request, env: Env) {
    await save({ kv: env.CACHE }, "a", "b");
    return new Response(null);
  },
};
// == fires (js): optional chaining
export async function onRequest({ env, params }) {
  const { CACHE: cache } = env;
  await cache?.put(params.id, "1"); // fault
  return new Response("ok");
}
// == fires: Hono middleware with a cast
app.use("*", async (c, next) => {
  const kv = c.env.CACHE as KVNamespace;
  await next();
  await kv.put("last", new Date().toISOString()); // fault
});
// == fires: field of a base class
abstract class Base {
  constructor(protected kv: KVNamespace) {}
}
export class Impl extends Base {
  save(k: string, v: string) {
    return this.kv.put(k, v); // fault
  }
}
// == fires: arrow inside a function
export const handler = {
  async save(env: Env) {
    const put = (k: string, v: string) => env.CACHE.put(k, v); // fault
    await put("a", "b");
  },
};
// == fires (js): SvelteKit platform
export async function load({ platform }) {
  await platform.env.CACHE.put("a", "b"); // fault
  return {};
}
// == fires: OpenNext context
const { env } = getCloudflareContext();
export async function GET() {
  await env.CACHE.put("a", "b"); // fault
  return Response.json({});
}
// == quiet: expirationTtl
export const save = (env: Env, k: string, v: string) => env.CACHE.put(k, v, { expirationTtl: 86_400 });
// == quiet: expiration
export async function save(env: Env, k: string, v: string) {
  const expiration = Math.floor(Date.now() / 1000) + 3600;
  await env.CACHE.put(k, v, { expiration });
}
// == quiet: options built elsewhere
const OPTIONS = { expirationTtl: 600, metadata: { by: "cron" } };
export const save = (env: Env, k: string, v: string) => env.CACHE.put(k, v, OPTIONS);
// == quiet: options handed through
export class Store {
  constructor(private kv: KVNamespace) {}
  write(key: string, value: string, options: KVNamespacePutOptions) {
    return this.kv.put(key, value, options);
  }
}
// == quiet: spread of a conditional lifetime
export const save = (env: Env, k: string, v: string, ttl?: number) =>
  env.CACHE.put(k, v, { metadata: { v: 1 }, ...(ttl ? { expirationTtl: ttl } : {}) });
// == quiet: R2 has no expiration
export const upload = (env: Env, k: string, body: ReadableStream) => env.BUCKET.put(k, body);
// == quiet: storage of a Durable Object
export class Room {
  constructor(private state: DurableObjectState) {}
  save(key: string, value: number) {
    return this.state.storage.put(key, value);
  }
}
// == quiet: an HTTP client with a put of its own
const client = new ApiClient("https://api.example");
export const update = (id: string, body: object) => client.put(`/items/${id}`, body);
// == quiet: the Cache API
export const remember = (request: Request, response: Response) =>
  caches.default.put(request, response.clone());
// == quiet: an account made with a key of one's own
import { generateKeyPairSync } from "node:crypto";
export async function account(env: Env) {
  const known = await env.CACHE.get("account", "json");
  if (known) return known;
  const pair = generateKeyPairSync("x25519");
  const answer = await fetch("https://api.example/register", { method: "POST" });
  const made = { id: await answer.text(), privateKey: pair.privateKey };
  await env.CACHE.put("account", JSON.stringify(made));
  return made;
}
// == quiet: statistics of the last run, one key for each deployment
export async function report(env: Env) {
  await env.CACHE.put(`report:${env.NAME}`, JSON.stringify({ at: Date.now() }));
}
// == quiet: records that are looked for by their prefix
export async function relate(env: Env, user: string, post: string) {
  await env.RELATIONS.put(`${user}#${post}`, "1");
}
export const posts = async (env: Env, user: string) =>
  (await env.RELATIONS.list({ prefix: user })).keys;
interface Env { RELATIONS: KVNamespace }
// == quiet: the generation of a cache
const GENERATION_KEY = "pages:generation";
export const purge = (env: Env) => env.CACHE.put(GENERATION_KEY, Date.now().toString());
// == quiet: a bucket under a type of its own
interface Pages {
  put(key: string, body: string, options?: { httpMetadata?: { contentType?: string } }): Promise<unknown>;
}
export async function mirror(env: unknown, pages: Map<string, string>) {
  const bucket = (env as { FILES?: Pages } | null)?.FILES;
  for (const [path, page] of pages) {
    await bucket?.put(`pages/${path}`, page, { httpMetadata: { contentType: "text/html" } });
  }
}
// == quiet: what a player has left
const LEFT = (id: string) => `energy:${id}`;
const clamp = (value: number, low: number, high: number) => Math.max(low, Math.min(high, value));
const rules = (env: Env) => ({ most: Number(env.ENERGY_MOST ?? 100), each: Number(env.ENERGY_EACH ?? 1) });
export async function energy(env: Env, id: string) {
  const raw = await env.STATE.get(LEFT(id));
  const { most, each } = rules(env);
  if (!raw) {
    const first = { left: most, at: Date.now() };
    await env.STATE.put(LEFT(id), JSON.stringify(first));
    return first.left;
  }
  const known = JSON.parse(raw);
  const minutes = Math.floor((Date.now() - known.at) / 60_000);
  const left = clamp(known.left + minutes * each, 0, most);
  await env.STATE.put(LEFT(id), JSON.stringify({ left, at: Date.now() }));
  return left;
}
// == quiet: one key that is refreshed when it is old, and served meanwhile
export async function labels(env: Env, ctx: ExecutionContext) {
  const known = await env.TAGS.get<{ labels: string[]; builtAt: number }>("labels", "json");
  if (known && Date.now() - known.builtAt < 86_400_000) return known.labels;
  if (known) {
    ctx.waitUntil(build(env));
    return known.labels;
  }
  return build(env);
}
async function build(env: Env) {
  const { results } = await env.DB.prepare("SELECT DISTINCT label FROM notes").all();
  const labels = results.map((row) => String(row.label));
  await env.TAGS.put("labels", JSON.stringify({ labels, builtAt: Date.now() }));
  return labels;
}
// == quiet: a mark and a publication
export async function build(env: Env) {
  const answer = await fetch("https://game.example/build");
  if (!answer.ok) return false;
  const { id } = await answer.json<{ id: number }>();
  const known = await env.LOOKUP.get("build");
  if (known === String(id)) return false;
  await env.LOOKUP.put("build", String(id));
  return true;
}
export class Library extends DurableObject<Env> {
  async publish(domain: string, collections: string[]) {
    await this.ctx.storage.put(domain, collections);
    await this.env.COLLECTIONS.put(`public:${domain}`, JSON.stringify(collections));
  }
}
// == unsure: what keeps posts, in a file that is called a cache
// -- file: src/cache.ts
const keyOf = (id: string) => `post:${id}`;
export const load = (kv: KVNamespace, id: string) => kv.get(keyOf(id), "json");
export const store = async (kv: KVNamespace, id: string, post: Post) => {
  await kv.put(keyOf(id), JSON.stringify(post)); // fault
};
// == quiet: settings that are merged and written back
export async function settings(env: Env, id: string) {
  const stored = await env.CONFIG.get(`settings:${id}`, "json");
  return stored ?? (await defaults(id));
}
export async function update(env: Env, id: string, change: Partial<Settings>) {
  const current = await settings(env, id);
  const next = { ...current, ...change };
  await env.CONFIG.put(`settings:${id}`, JSON.stringify(next));
  return next;
}
// == quiet: one key, whose age the reader looks at
class ContextStore {
  constructor(private kv: KVNamespace) {}
  read = () => this.kv.get<Context>("context", "json");
  async write(context: Context) {
    await this.kv.put("context", JSON.stringify(context));
  }
}
export async function context(store: ContextStore, now: number) {
  const known = await store.read();
  if (known && now - known.fetchedAt < 3600) return known;
  const fresh = await (await fetch("https://origin.example/")).json<Context>();
  await store.write(fresh);
  return fresh;
}
// == fires: a copy of an origin's value that nothing loads again
export async function product(env: Env, id: string): Promise<unknown> {
  const found = await env.CATALOGUE.get("product:" + id, "json");
  if (found) return found;
  const answer = await fetch("https://origin.example/products/" + id);
  const fresh = await answer.json();
  await env.CATALOGUE.put("product:" + id, JSON.stringify(fresh)); // fault
  return fresh;
}
export const rename = (env: Env, id: string, name: string) => env.CATALOGUE.get("name:" + id + name);
interface Env { CATALOGUE: KVNamespace }
// == quiet: one key, which a cron loads anew and who misses loads too
interface Env { RATES: KVNamespace }
async function loaded(env: Env) {
  const rates = await (await fetch("https://bank.example/rates")).text();
  await env.RATES.put("rates", rates);
  return rates;
}
export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    return new Response((await env.RATES.get("rates")) ?? (await loaded(env)));
  },
  async scheduled(_: ScheduledController, env: Env) {
    await loaded(env);
  },
};
