// == fires: literal
export const save = (env: Env, k: string, v: string) =>
  env.CACHE.put(k, v, { expirationTtl: 30 }); // fault
// == fires: constant of the module
const QUOTE_TTL = 15;
export class Quotes {
  constructor(private env: Env) {}
  async save(symbol: string, price: number) {
    await this.env.CACHE.put(symbol, String(price), { expirationTtl: QUOTE_TTL }); // fault
  }
}
// == fires: product of constants
app.post("/lock", async (c) => {
  await c.env.CACHE.put("lock", "1", { expirationTtl: 0.5 * 60 }); // fault
  return c.text("locked");
});
// == fires: table of lifetimes
const TTL = { quote: 10, report: 86_400 } as const;
export async function save({ CACHE }: Env, k: string, v: string) {
  await CACHE.put(k, v, { expirationTtl: TTL.quote }); // fault
}
// == fires: static field
class Cache {
  static readonly SHORT = 45;
  constructor(private kv: KVNamespace) {}
  put(k: string, v: string) {
    return this.kv.put(k, v, { expirationTtl: Cache.SHORT }); // fault
  }
}
// == fires: absolute expiration
export const save = (env: Env, k: string, v: string) =>
  env.CACHE.put(k, v, { expiration: Math.floor(Date.now() / 1000) + 20 }); // fault
// == fires (js): constant in a cron job
const ttl = 30;
export default {
  async scheduled(e, env) {
    await env.CACHE.put("k", "v", { expirationTtl: ttl }); // fault
  },
};
// == fires: enumeration
enum Ttl {
  Short = 10,
  Long = 600,
}
export const f = (env: Env) => env.CACHE.put("k", "v", { expirationTtl: Ttl.Short }); // fault
// == fires: nested settings
const CONFIG = { cache: { ttl: 20 } };
export const f = (env: Env) => env.CACHE.put("k", "v", { expirationTtl: CONFIG.cache.ttl }); // fault
// == fires: product in options with metadata
export const f = (env: Env, long: boolean) =>
  env.CACHE.put("k", "v", { metadata: { a: 1 }, expirationTtl: 5 * 10 }); // fault
// == fires: options in a constant
const opts: KVNamespacePutOptions = { expirationTtl: 45 }; // fault
export const f = (env: Env) => env.CACHE.put("k", "v", opts);
// == fires: field of the class
export class C {
  private readonly ttl = 10;
  constructor(private kv: KVNamespace) {}
  w() {
    return this.kv.put("k", "v", { expirationTtl: this.ttl }); // fault
  }
}
// == fires: absolute end counted from a constant
export const f = (env: Env) => {
  const now = Math.floor(Date.now() / 1000);
  return env.CACHE.put("k", "v", { expiration: now + 10 }); // fault
};
// == quiet: the minimum itself
export const save = (env: Env, k: string, v: string) => env.CACHE.put(k, v, { expirationTtl: 60 });
// == quiet: five minutes in a product
const MINUTE = 60;
export const save = (env: Env, k: string, v: string) =>
  env.CACHE.put(k, v, { expirationTtl: 5 * MINUTE });
// == quiet: not known here
export const save = (env: Env, k: string, v: string, ttl: number) =>
  env.CACHE.put(k, v, { expirationTtl: Math.max(60, ttl) });
// == quiet: cacheTtl of a read has another minimum
export const read = (env: Env, k: string) => env.CACHE.get(k, { cacheTtl: 30 });
// == quiet: a lifetime of another store
export const remember = (redis: Redis, k: string, v: string) => redis.put(k, v, { expirationTtl: 5 });
// == fires: a bound from below that is too low
export async function hit(env: Env, key: string, count: number, resetAt: number) {
  const ttl = Math.max(1, Math.ceil((resetAt - Date.now()) / 1000)); // a comment
  await env.CACHE.put(key, String(count), { expirationTtl: ttl }); // fault
}
// == quiet: a bound from below
export async function keep(env: Env, key: string, count: number, resetAt: number) {
  const ttl = Math.max(60, Math.ceil((resetAt - Date.now()) / 1000));
  await env.CACHE.put(key, String(count), { expirationTtl: ttl });
}
