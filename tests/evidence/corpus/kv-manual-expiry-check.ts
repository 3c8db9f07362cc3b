// == fires: end in the entry
export async function read(env: Env, key: string) {
  const entry = await env.CACHE.get<Entry>(key, "json");
  if (entry && Date.now() > entry.expiresAt) { // fault
    await env.CACHE.delete(key);
    return null;
  }
  return entry?.value ?? null;
}
// == fires: age against a TTL
app.get("/prices/:id", async (c) => {
  const cached = await c.env.CACHE.get(c.req.param("id"), { type: "json" });
  if (cached && Date.now() - cached.timestamp < 300_000) return c.json(cached.data); // fault
  return c.json(await load(c.req.param("id")));
});
// == fires: text parsed by hand
export async function read({ CACHE }: Env, key: string) {
  const raw = await CACHE.get(key);
  if (!raw) return null;
  const entry = JSON.parse(raw);
  return entry.expires > Date.now() ? entry.value : null; // fault
}
// == fires: metadata
export class Cache {
  constructor(private kv: KVNamespace) {}
  async read(key: string) {
    const { value, metadata } = await this.kv.getWithMetadata<{ storedAt: number }>(key);
    const now = Date.now();
    if (!metadata || now - metadata.storedAt > this.ttl) return null; // fault
    return value;
  }
}
// == fires: check in a helper
export async function read(env: Env, key: string) {
  const entry = await env.CACHE.get<Entry>(key, "json");
  return entry && !isExpired(entry) ? entry.value : null;
}
function isExpired(entry: Entry): boolean {
  return entry.expiresAt <= Date.now(); // fault
}
// == fires: check in a method, named result
export class CacheManager {
  constructor(private env: Env) {}
  async get(key: string) {
    const entry = await this.fromKv(key);
    if (!entry) return undefined;
    const expired = new Date().getTime() - entry.createdAt > entry.ttl * 1000; // fault
    return expired ? undefined : entry.value;
  }
  private async fromKv(key: string): Promise<Entry | null> {
    const stored = await this.env.CACHE.get(key);
    return stored ? (JSON.parse(stored) as Entry) : null;
  }
}
// == fires: read with a cast
async function getCached(kv: KVNamespace, key: string) {
  const data = (await kv.get(key, { type: "json" })) as {
    value: string;
    expiry: number;
  } | null;
  if (!data) return null;
  if (data.expiry < Date.now()) { // fault
    await kv.delete(key);
    return null;
  }
  return data.value;
}
// == fires: age in a variable of its own
export async function getCached(env: Env, key: string) {
  const raw = await env.CACHE.get(key);
  if (raw) {
    const { value, timestamp } = JSON.parse(raw);
    const age = Date.now() - timestamp;
    if (age < 60000) return value; // fault
  }
  return null;
}
// == fires: verdict in a variable of its own
export async function getCached(env: Env, key: string) {
  const item = await env.CACHE.get<Item>(key, "json");
  const isExpired = item ? Date.now() > item.expiresAt : true; // fault
  return isExpired ? null : item;
}
// == fires: in then
export async function getCached(env: Env, key: string) {
  return env.CACHE.get(key, "json").then((e) => (e && e.exp > Date.now() / 1000 ? e.v : null)); // fault
}
// == fires: method with another name
export class C {
  constructor(private kv: KVNamespace) {}
  async get(key: string) {
    const cached = (await this.kv.get(key, "json")) as Entry | null;
    if (!cached || this.isStale(cached)) return null;
    return cached.data;
  }
  private isStale(e: Entry) {
    return (Date.now() - e.timestamp) / 1000 > e.ttl; // fault
  }
}
// == fires: dates compared
export async function get(env: Env, k: string) {
  const e = JSON.parse((await env.CACHE.get(k)) || "null");
  if (e && new Date(e.expiresAt) > new Date()) return e.value; // fault
  return null;
}
// == fires: metadata of the entry
export async function get(env: Env, k: string) {
  const { value, metadata } = await env.CACHE.getWithMetadata(k, "json");
  if (metadata?.expiresAt && metadata.expiresAt < Date.now()) return null; // fault
  return value;
}
// == quiet: KV decides
export async function read(env: Env, key: string) {
  return (await env.CACHE.get<Entry>(key, "json"))?.value ?? null;
}
// == quiet: an entry of the memory cache
const l1 = new Map<string, Entry>();
export function peek(key: string) {
  const entry = l1.get(key);
  return entry && entry.expiresAt > Date.now() ? entry.value : undefined;
}
// == quiet: stale is served, refreshed in the background
export async function read(env: Env, ctx: ExecutionContext, key: string) {
  const entry = await env.CACHE.get<Entry>(key, "json");
  if (entry && Date.now() > entry.staleAt) ctx.waitUntil(refresh(env, key));
  return entry?.value ?? null;
}
// == quiet: a comparison of values
export async function cheaper(env: Env, key: string, price: number) {
  const known = await env.CACHE.get<{ price: number }>(key, "json");
  return known !== null && price < known.price;
}
// == quiet: a token from the request
export async function authorise(env: Env, claims: Claims) {
  if (claims.exp * 1000 < Date.now()) throw new Error("expired");
  return env.CACHE.get(claims.sub);
}
// == quiet: time spent
export async function timed(env: Env, key: string) {
  const start = Date.now();
  const value = await env.CACHE.get(key);
  if (Date.now() - start > 100) console.warn("slow read", key);
  return value;
}
// == quiet: fresh ones at once, old ones while they are refreshed
export async function labels(env: Env, ctx: ExecutionContext) {
  const known = await env.CACHE.get<{ labels: string[]; builtAt: number; expiresAt: number }>("labels", "json");
  if (known && known.expiresAt > Date.now()) return known.labels;
  if (known) {
    ctx.waitUntil(build(env));
    return known.labels;
  }
  return build(env);
}
async function build(env: Env) {
  const { results } = await env.DB.prepare("SELECT DISTINCT label FROM notes").all();
  const labels = results.map((row) => String(row.label));
  const entry = { labels, expiresAt: Date.now() + 86_400_000 };
  await env.CACHE.put("labels", JSON.stringify(entry), { expirationTtl: 604_800 });
  return labels;
}
