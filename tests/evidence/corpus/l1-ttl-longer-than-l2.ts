// == fires: an hour against five minutes
const l1 = new Map<string, Entry>();
export async function save(env: Env, key: string, value: string) {
  l1.set(key, { value, expiresAt: Date.now() + 60 * 60 * 1000 }); // fault
  await env.CACHE.put(key, value, { expirationTtl: 300 });
}
// == fires: settings in one object
export const settings = {
  l1TtlSeconds: 900, // fault
  l2TtlSeconds: 300,
};
// == fires: constants with their units
const MEMORY_TTL_MS = 600_000; // fault
const KV_TTL_SECONDS = 120;
// == fires: judged by age, in a class
export class Cache {
  private l1 = new Map<string, { value: string; storedAt: number }>();
  constructor(private kv: KVNamespace) {}
  peek(key: string) {
    const entry = this.l1.get(key);
    if (entry && Date.now() - entry.storedAt < 3_600_000) return entry.value; // fault
    return undefined;
  }
  async set(key: string, value: string) {
    this.l1.set(key, { value, storedAt: Date.now() });
    await this.kv.put(key, value, { expirationTtl: 600 });
  }
}
// == fires: static fields
export class CacheManager {
  static readonly L1_TTL = 7200; // fault
  static readonly L2_TTL = 3600;
}
// == fires: memory and kv beside each other
const CACHE_CONFIG = { memory: { ttl: 3600 }, kv: { ttl: 600 } }; // fault
// == fires: l1 and l2 beside each other
export const DEFAULTS: CacheConfig = {
  l1: { ttlSeconds: 900, maxSize: 10 }, // fault
  l2: { ttlSeconds: 60 },
};
// == fires: constants in different units
const L1_TTL = 10 * 60 * 1000; // ms
const KV_TTL = 300; // s
const l1 = new Map<string, { v: string; t: number }>();
export async function put(env: Env, k: string, v: string) {
  l1.set(k, { v, t: Date.now() + L1_TTL }); // fault
  await env.CACHE.put(k, v, { expirationTtl: KV_TTL });
}
// == fires: library with a TTL
const lru = new LRUCache<string, string>({ max: 10, ttl: 1000 * 60 * 60 }); // fault
export async function put(env: Env, k: string, v: string) {
  lru.set(k, v);
  await env.CACHE.put(k, v, { expirationTtl: 600 });
}
// == quiet: a minute against an hour
const l1 = new Map<string, Entry>();
export async function save(env: Env, key: string, value: string) {
  l1.set(key, { value, expiresAt: Date.now() + 60_000 });
  await env.CACHE.put(key, value, { expirationTtl: 3600 });
}
// == quiet: settings in order
export const settings = { l1TtlSeconds: 60, l2TtlSeconds: 3600 };
// == quiet: milliseconds against seconds
const L1_TTL_MS = 60_000;
const L2_TTL_SECONDS = 300;
// == quiet: the same for both
const TTL = 300;
const l1 = new Map<string, Entry>();
export async function save(env: Env, key: string, value: string) {
  l1.set(key, { value, expiresAt: Date.now() + TTL * 1000 });
  await env.CACHE.put(key, value, { expirationTtl: TTL });
}
// == quiet: not stated
export function remember(l1: Map<string, Entry>, key: string, value: string, ttl: number) {
  l1.set(key, { value, expiresAt: Date.now() + ttl });
}
