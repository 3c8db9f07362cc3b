// == quiet (js): one read with cacheTtl
export default {
  async fetch(request, env, ctx) {
    return new Response(await env.CACHE.get("a:" + request.url, { cacheTtl: 300 }));
  },
};
// == quiet: sessions
export async function createSession(env: Env, user: User) {
  const id = crypto.randomUUID();
  await env.SESSIONS.put(`s:${id}`, JSON.stringify(user), { expirationTtl: 86400 });
  return id;
}
export const getSession = (env: Env, id: string) => env.SESSIONS.get<User>(`s:${id}`, "json");
export const endSession = (env: Env, id: string) => env.SESSIONS.delete(`s:${id}`);
// == quiet: two tiers done well
const TTL = 300;
class Lru<V> {
  private m = new Map<string, V>();
  constructor(private max: number) {}
  get(k: string) {
    const v = this.m.get(k);
    if (v !== undefined) {
      this.m.delete(k);
      this.m.set(k, v);
    }
    return v;
  }
  set(k: string, v: V) {
    this.m.set(k, v);
    if (this.m.size > this.max) this.m.delete(this.m.keys().next().value!);
  }
}
const l1 = new Lru<{ v: string; end: number }>(100);
const inflight = new Map<string, Promise<string>>();
export async function get(env: Env, key: string) {
  const near = l1.get(key);
  if (near && near.end > Date.now()) return near.v;
  const { value, metadata } = await env.CACHE.getWithMetadata<{ end: number }>(key, {
    type: "text",
    cacheTtl: 60,
  });
  if (value !== null && metadata) {
    l1.set(key, { v: value, end: metadata.end });
    return value;
  }
  const running = inflight.get(key) ?? load(env, key).finally(() => inflight.delete(key));
  inflight.set(key, running);
  return running;
}
async function load(env: Env, key: string) {
  const v = await (await fetch("https://o/" + key)).text();
  const end = Date.now() + TTL * 1000;
  await env.CACHE.put(key, v, { expirationTtl: TTL, metadata: { end } });
  l1.set(key, { v, end });
  return v;
}
// == quiet: state in a Durable Object
export class Counter extends DurableObject<Env> {
  async increment() {
    let n = (await this.ctx.storage.get<number>("n")) ?? 0;
    n++;
    await this.ctx.storage.put("n", n);
    return n;
  }
}
export default {
  fetch(req: Request, env: Env) {
    const stub = env.COUNTER.getByName(new URL(req.url).pathname);
    return stub.increment().then((n: number) => new Response(String(n)));
  },
};
// == quiet: R2
export async function upload(env: Env, req: Request) {
  const k = crypto.randomUUID();
  await env.BUCKET.put(k, req.body, { httpMetadata: req.headers });
  return Response.json({ k });
}
export async function list(env: Env) {
  const r = await env.BUCKET.list();
  for (const o of r.objects) await env.BUCKET.delete(o.key);
  return new Response("ok");
}
// == quiet: table of routes
const routes = new Map<string, Handler>();
export function route(path: string, h: Handler) {
  routes.set(path, h);
}
route("/", home);
export const match = (p: string) => routes.get(p);
// == quiet: Hono read-through
import { Hono } from "hono";
const app = new Hono<{ Bindings: Env }>();
app.get("/p/:id", async (c) => {
  const id = c.req.param("id");
  const hit = await c.env.CACHE.get(id, { cacheTtl: 120 });
  if (hit) return c.text(hit);
  const v = await build(id);
  c.executionCtx.waitUntil(c.env.CACHE.put(id, v, { expirationTtl: 600 }));
  return c.text(v);
});
export default app;
// == quiet: many keys written once each
export async function migrate(env: Env, items: Item[]) {
  for (const item of items) {
    await env.CACHE.put(`item:${item.id}`, JSON.stringify(item), { expirationTtl: 3600 });
  }
}
// == quiet: made once, kept for good
let initialized = false;
export async function init(env: Env) {
  if (initialized) return;
  await setup(env);
  initialized = true;
}
let config: Config | null = null;
export async function getConfig(env: Env) {
  if (config === null) {
    config = await env.CACHE.get<Config>("config", { type: "json", cacheTtl: 600 });
  }
  return config;
}
// == quiet: failure logged
export async function get(env: Env, key: string) {
  try {
    return await env.CACHE.get(key, { cacheTtl: 60 });
  } catch (err) {
    logger.warn({ err }, "kv read failed");
    return null;
  }
}
// == quiet: expiry of a token
export const authenticate = async (env: Env, token: string) => {
  const payload = await verify(token, env.JWT_SECRET);
  if (payload.exp < Math.floor(Date.now() / 1000)) throw new Error("expired");
  return payload;
};
// == quiet: pages of a listing
export async function paginate(env: Env) {
  const names: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await env.CACHE.list({ cursor });
    names.push(...page.keys.map((k) => k.name));
    cursor = page.list_complete ? undefined : page.cursor;
  } while (cursor);
  return names;
}
// == quiet: a database with a put of its own
export class Repo {
  constructor(private db: D1Database) {}
  async all() {
    return this.db.prepare("select 1").all();
  }
  async put(k: string, v: string) {
    await this.db.prepare("insert").bind(k, v).run();
  }
}
// == quiet: a client of another store
const client = new Redis();
export async function f() {
  await client.put("a", "b");
  const x = await client.get("a");
  for (const k of ["a"]) await client.get(k);
}
// == quiet: the Cache API
export async function handler(request: Request, ctx: ExecutionContext) {
  const cache = caches.default;
  if (request.method !== "GET") return fetch(request);
  const hit = await cache.match(request);
  if (hit) return hit;
  const res = await fetch(request);
  ctx.waitUntil(cache.put(request, res.clone()));
  return res;
}
// == quiet: parameters and headers
const params = new URLSearchParams();
const headers = new Headers();
export function f(m: Map<string, string>) {
  for (const k of m.keys()) {
    params.set(k, m.get(k)!);
    headers.delete(k);
  }
  return params.get("a");
}
// == quiet: a flag for a year
export async function setFlag(env: Env, name: string, on: boolean) {
  await env.CACHE.put(`flag:${name}`, on ? "1" : "0", { expirationTtl: 60 * 60 * 24 * 365 });
}
// == quiet: a cron job that fills the cache
export default {
  async scheduled(e: ScheduledEvent, env: Env, ctx: ExecutionContext) {
    const data = await fetch("https://x").then((r) => r.text());
    ctx.waitUntil(env.CACHE.put("data", data, { expirationTtl: 7200 }));
  },
};
// == quiet: sockets of a Durable Object
export class Room extends DurableObject {
  private sessions = new Map<WebSocket, string>();
  fetch(r: Request) {
    const [a, b] = Object.values(new WebSocketPair());
    this.sessions.set(b, "x");
    this.ctx.acceptWebSocket(b);
    return new Response(null, { status: 101, webSocket: a });
  }
  webSocketClose(ws: WebSocket) {
    this.sessions.delete(ws);
  }
}
// == quiet: filled while the module loads
const store = new Map<string, string>();
export function setup() {
  store.set("a", "b");
}
setup();
export const a = () => store.get("a");
// == quiet: a retry that waits
export async function retry(env: Env, k: string, v: string) {
  let n = 0;
  while (true) {
    try {
      return await env.CACHE.put(k, v, { expirationTtl: 60 });
    } catch (e) {
      if (++n > 3) throw e;
      await scheduler.wait(1000 * n);
    }
  }
}
// == quiet: stale while revalidate
export async function swr(env: Env, ctx: ExecutionContext, k: string) {
  const { value, metadata } = await env.CACHE.getWithMetadata<string, { freshUntil: number }>(
    k,
    { cacheTtl: 60 },
  );
  if (value && metadata && Date.now() > metadata.freshUntil) {
    ctx.waitUntil(revalidate(env, k));
  }
  return value;
}
// == quiet: an object for each id
export async function upsert(env: Env, id: string, patch: Patch) {
  const stub = env.COUNTER.get(env.COUNTER.idFromName(id));
  return stub.update(patch);
}
// == quiet: a bulk read
export async function multi(env: Env, ids: string[]) {
  const found = await env.CACHE.get(
    ids.map((i) => `p:${i}`),
    { cacheTtl: 60 },
  );
  for (const [k, v] of found) {
    if (v === null) console.log("missing", k);
  }
  return found;
}
