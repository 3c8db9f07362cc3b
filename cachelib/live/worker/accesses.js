// One access to each tier, for the stopwatch.
import { Memory } from "./memory.js";
import { KvStore, ObjectStore, R2Store } from "./stores.js";

const KEYS = 100;
const key = (i) => `key ${i % KEYS}`;

export async function accesses(env, value) {
  const entry = { value, expiresAt: Infinity, refreshAt: Infinity, until: Infinity, size: 1 };
  const memory = new Memory(Infinity, Infinity);
  for (let i = 0; i < KEYS; i++) memory.set(key(i), entry);
  const object = new ObjectStore(env.CACHE.getByName("stopwatch"), () => {});
  const cache = await caches.open("stopwatch");
  const url = (i) => `https://cache.example/${i % KEYS}`;
  const headers = { "cache-control": "max-age=3600" };
  return {
    l1: (i) => memory.get(key(i), 0),
    ...store("kv", new KvStore(env.KV0, { told: true, now: 0 }), entry),
    ...store("r2", new R2Store(env.R20), entry),
    do_memory: (i) => object.get(key(i)),
    do_storage: (i) => object.get(`missing ${i}`), // what is missing is looked for in storage
    do_write: (i) => object.set(key(i), entry),
    cache_api: async (i) => (await cache.match(url(i)))?.text(),
    cache_api_write: (i) => cache.put(url(i), new Response(value, { headers })),
  };
}

const store = (name, l2, entry) => ({
  [`${name}_read`]: (i) => l2.get(key(i)),
  [`${name}_write`]: (i) => l2.set(key(i), entry),
});
