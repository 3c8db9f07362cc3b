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
