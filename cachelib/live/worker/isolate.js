// One isolate: a Worker with its own L1 and the instance's shared stores.
import { WorkerEntrypoint } from "cloudflare:workers";
import { TieredCache } from "./cache.js";
import { counted } from "./counted.js";
import { Memory } from "./memory.js";
import { CacheApiStore, KvStore, R2Store } from "./stores.js";

let memory; // outlives the request, and ends with the isolate

export default class extends WorkerEntrypoint {
  // What answered the request, after how many milliseconds and which operations.
  async serve(design, { op, key, now, size }) {
    const operations = [];
    const note = (operation) => operations.push(operation);
    const cache = this.#cache(design, note);
    const origin = counted("origin", { load: (size) => "x".repeat(size) }, note);
    const start = performance.now();
    const tier = await serve[op](cache, key, now, () => origin.load(size), size);
    return [tier, performance.now() - start, operations];
  }

  #cache(design, note) {
    if (design.l1) memory ??= new Memory(design.l1_max_entries);
    return new TieredCache(design.l1 ? memory : null, l2(design, this.env, note), design);
  }
}

const serve = {
  read: async (cache, key, now, load) => (await cache.read(key, now, load)).tier,
  write: async (cache, key, now, _, size) => {
    await cache.write(key, "x".repeat(size), now);
    return "write";
  },
  delete: async (cache, key) => {
    await cache.delete(key);
    return "write";
  },
};

function l2(design, env, note) {
  switch (design.l2) {
    case "kv":
      return new KvStore(counted("kv", env.KV, note));
    case "r2":
      return new R2Store(counted("r2", env.R2, note));
    case "cache-api":
      return new CacheApiStore(counted("cache", caches.default, note));
    default:
      return null;
  }
}
