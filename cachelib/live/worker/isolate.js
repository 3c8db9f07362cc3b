// One isolate: a Worker with its own L1 and the instance's shared stores.
import { WorkerEntrypoint } from "cloudflare:workers";
import { TieredCache } from "./cache.js";
import { counted, countedStub } from "./counted.js";
import { orNever } from "./expiry.js";
import { Memory } from "./memory.js";
import { CacheApiStore, KvStore, ObjectStore, R2Store } from "./stores.js";
import { virtualCache } from "./virtual/cache.js";
import { virtualKv } from "./virtual/kv.js";

let memory; // outlives the request, and ends with the isolate

export default class extends WorkerEntrypoint {
  // What answered the request, after how many milliseconds and with which calls.
  async serve(design, request) {
    const operations = [];
    const later = [];
    const note = (operation) => operations.push(operation);
    const l2 = await this.#l2(design, request, note);
    const cache = new TieredCache(l1(design), l2, policy(design), {
      now: request.now,
      later: (work) => later.push(work),
      note,
    });
    const origin = counted("origin", { load: () => truth(request) }, note);
    const start = performance.now();
    const answer = await serve[request.op](cache, request, () => origin.load());
    const took = performance.now() - start;
    for (const work of later) await work();
    return [answer, took, operations];
  }

  async #l2({ l2 }, { now, colo, object }, note) {
    const clock = () => now;
    switch (l2) {
      case "kv":
        return new KvStore(counted("kv", virtualKv(this.env.KV, clock), note));
      case "r2":
        return new R2Store(counted("r2", this.env.R2, note));
      case "cache-api": {
        const cache = virtualCache(await caches.open(colo), clock);
        return new CacheApiStore(counted("cache", cache, note), now);
      }
      case "durable-object":
        return new ObjectStore(countedStub(this.env.CACHE.getByName(object), note), note);
    }
  }
}

function l1(design) {
  if (!design.l1) return undefined;
  memory ??= new Memory(orNever(design.l1_max_entries), orNever(design.l1_max_bytes));
  return memory;
}

const policy = (design) => ({
  l1Ttl: orNever(design.l1_ttl_s),
  hardTtl: Math.min(orNever(design.hard_ttl_s), design.l2 ? Infinity : orNever(design.l1_ttl_s)),
  softTtl: orNever(design.refresh_after_s),
  inherits: design.expiry === "inherited",
  same: design.write_only_if_changed ? (a, b) => versionOf(a) === versionOf(b) : () => false,
});

// The origin's value of a key begins with its version.
const truth = ({ version, size }) => `${version} `.padEnd(Math.max(size, 16), "x");
const versionOf = (value) => Number.parseInt(value, 10);

const serve = {
  async read(cache, { key, version }, load) {
    const { tier, place = "", value } = await cache.read(key, load);
    return [tier, place, versionOf(value) < version];
  },
  async write(cache, request) {
    await cache.write(request.key, truth(request));
    return ["write", "", false];
  },
  async delete(cache, { key }) {
    await cache.delete(key);
    return ["write", "", false];
  },
};
