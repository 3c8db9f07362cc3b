// == fires: new end
const l1 = new Map<string, Entry>();
export async function read(env: Env, key: string) {
  const value = await env.CACHE.get(key);
  if (value) {
    l1.set(key, { value, expiresAt: Date.now() + 60_000 }); // fault
  }
  return value;
}
// == fires: new time of storing, in a class
export class CacheManager {
  private l1 = new Map<string, { data: unknown; storedAt: number }>();
  constructor(private kv: KVNamespace) {}
  async get(key: string) {
    const stored = await this.kv.get(key, "json");
    if (stored !== null) this.l1.set(key, { data: stored, storedAt: Date.now() }); // fault
    return stored;
  }
}
// == fires: value of an entry, end of its own
const memory = new Map<string, Entry>();
app.get("/s/:id", async (c) => {
  const entry = await c.env.CACHE.get<Entry>(c.req.param("id"), "json");
  if (entry) memory.set(c.req.param("id"), { value: entry.value, expiresAt: Date.now() + TTL }); // fault
  return c.json(entry);
});
// == fires: library with one TTL for all
const lru = new LRUCache<string, string>({ max: 1000, ttl: 60_000 });
export async function read({ CACHE }: Env, key: string) {
  const value = await CACHE.get(key);
  if (value !== null) lru.set(key, value); // fault
  return value;
}
// == fires: through a method that reads
export class Tiered {
  private l1 = new Map<string, Entry>();
  constructor(private env: Env) {}
  async get(key: string) {
    const found = await this.fromKv(key);
    if (found) this.l1.set(key, { value: found, expiresAt: Date.now() + this.ttl }); // fault
    return found;
  }
  private async fromKv(key: string) {
    return this.env.CACHE.get(key, "json");
  }
}
// == fires: through a method that stores
class C {
  private mem = new Map<string, { v: string; exp: number }>();
  constructor(private kv: KVNamespace) {}
  private setMem(k: string, v: string, ttl: number) {
    this.mem.set(k, { v, exp: Date.now() + ttl * 1000 }); // fault
  }
  async get(k: string) {
    const v = await this.kv.get(k);
    if (v) this.setMem(k, v, 60);
    return v;
  }
  put = (k: string, v: string) => this.kv.put(k, v, { expirationTtl: 600 });
}
// == fires (js): entry in a variable
const mem = new Map();
export async function get(env, k) {
  const hit = await env.CACHE.get(k, "json");
  if (hit) {
    const entry = { value: hit, expires: Date.now() + 30000 };
    mem.set(k, entry); // fault
    return hit;
  }
}
// == fires: promotion in a method
export class T {
  private l1 = new Map<string, E>();
  constructor(private kv: KVNamespace) {}
  async get(k: string) {
    const e = await this.kv.get<E>(k, "json");
    if (e) {
      this.promote(k, e.value);
    }
    return e?.value;
  }
  private promote(k: string, value: unknown) {
    this.l1.set(k, { value, expiresAt: Date.now() + this.l1Ttl }); // fault
  }
  async put(k: string, value: unknown, options: KVNamespacePutOptions) {
    await this.kv.put(k, JSON.stringify({ value }), options);
  }
}
// == quiet: the entry with its own end
export class Tiered {
  private l1 = new Map<string, Entry>();
  constructor(private kv: KVNamespace) {}
  async get(key: string) {
    const entry = await this.kv.get<Entry>(key, "json");
    if (entry) this.l1.set(key, entry);
    return entry?.value;
  }
}
// == quiet: the earlier of both ends
const l1 = new Map<string, Entry>();
export async function read(env: Env, key: string) {
  const entry = await env.CACHE.get<Entry>(key, "json");
  if (entry) l1.set(key, { ...entry, expiresAt: Math.min(entry.expiresAt, Date.now() + 60_000) });
  return entry;
}
// == quiet: what the metadata leaves
const l1 = new Map<string, Entry>();
export async function read(env: Env, key: string) {
  const { value, metadata } = await env.CACHE.getWithMetadata<{ end: number }>(key);
  if (value && metadata) l1.set(key, { value, expiresAt: metadata.end });
  return value;
}
// == quiet: just loaded
const l1 = new Map<string, Entry>();
export async function load(env: Env, key: string) {
  const value = await (await fetch(`https://origin.example/${key}`)).text();
  l1.set(key, { value, expiresAt: Date.now() + 60_000 });
  await env.CACHE.put(key, value, { expirationTtl: 60 });
  return value;
}
// == quiet: no end in memory at all
const seen = new Map<string, string>();
export async function read(env: Env, key: string) {
  const value = await env.CACHE.get(key);
  if (value) seen.set(key, value);
  return value;
}
// == fires: into a variable of the module
let kept: { at: number; rates: string } | undefined;
export async function rates(env: Env): Promise<string> {
  if (kept && Date.now() - kept.at < 30_000) return kept.rates;
  const found = await env.CACHE.get("rates:all");
  const rates = found ?? (await (await fetch("https://bank.example/rates")).text());
  if (found === null) await env.CACHE.put("rates:all", rates, { expirationTtl: 3600 });
  kept = { at: Date.now(), rates }; // fault
  return rates;
}
// == fires: an entry whose age the reader knows
const recent = new Map<string, { value: string; until: number }>();
export async function read(env: Env, key: string) {
  const entry = await env.COPIES.get<{ value: string; storedAt: number }>(key, "json");
  if (!entry || entry.storedAt < Date.now() - 3_600_000) return null;
  recent.set(key, { value: entry.value, until: Date.now() + 60_000 }); // fault
  return entry.value;
}
interface Env { COPIES: KVNamespace }
// == unsure: nothing here says who writes it, or for how long
const entries = new Map<string, { value: string | null; until: number }>();
export async function page(env: Env, path: string) {
  const value = await env.PAGES.get(`page:${path}`);
  entries.set(path, { value, until: Date.now() + 60_000 }); // fault
  return value;
}
interface Env { PAGES: KVNamespace }
// == quiet: data that never expire in KV, seen late by a minute
const known = new Map<string, { until: number; value: unknown }>();
let banner: { at: number; text: string } | undefined;
export async function shop(env: Env, name: string) {
  const hit = known.get(name);
  if (hit && hit.until > Date.now()) return hit.value;
  const value = await env.SHOPS.get(`shop:${name}`, { type: "json", cacheTtl: 600 });
  known.set(name, { until: Date.now() + 60_000, value });
  return value;
}
export const open = (env: Env, name: string, shop: string) => env.SHOPS.put(`shop:${name}`, shop);
export async function top(env: Env) {
  if (banner && Date.now() - banner.at < 30_000) return banner.text;
  const text = (await env.SHOPS.get("banner", { cacheTtl: 300 })) ?? "";
  banner = { at: Date.now(), text };
  return text;
}
interface Env { SHOPS: KVNamespace }
// == fires: a helper keeps what its caller made, and one caller gives a whole new life
const lives = new Map<string, Entry>();
function keep(key: string, entry: Entry): void {
  if (lives.size > 1000) lives.clear();
  lives.set(key, entry);
}
export async function rest(env: Env, key: string) {
  const far = await env.CACHE.get<Entry>(key, "json");
  if (far && far.until > Date.now()) {
    keep(key, { value: far.value, until: Math.min(far.until, Date.now() + L1_MS) });
  }
  return far?.value;
}
export async function whole(env: Env, key: string) {
  const far = await env.CACHE.get<Entry>(key, "json");
  if (far && far.until > Date.now()) {
    keep(key, { value: far.value, until: Date.now() + L1_MS }); // fault
  }
  return far?.value;
}
// == fires: a helper takes value and end, and one caller gives a whole new life
const ends = new Map<string, Entry>();
function hold(key: string, value: string, until: number): void {
  ends.set(key, { value, until });
}
export async function left(env: Env, key: string) {
  const far = await env.CACHE.get<Entry>(key, "json");
  if (far) hold(key, far.value, Math.min(far.until, Date.now() + L1_MS));
  return far?.value;
}
export async function loaded(env: Env, key: string) {
  const value = await load(key);
  hold(key, value, Date.now() + L1_MS);
  return value;
}
export async function anew(env: Env, key: string) {
  const far = await env.CACHE.get<Entry>(key, "json");
  if (far) hold(key, far.value, Date.now() + L1_MS); // fault
  return far?.value;
}
