// One isolate: a Worker with its own L1 and the instance's shared stores.
import { WorkerEntrypoint } from "cloudflare:workers";
import { accesses } from "./accesses.js";
import { TieredCache } from "./cache.js";
import { counted, countedStub } from "./counted.js";
import { orNever } from "./expiry.js";
import { Memory } from "./memory.js";
import { CacheApiStore, KvStore, LayeredStore, ObjectStore, R2Store } from "./stores.js";
import { virtualCache } from "./virtual/cache.js";
import { virtualKv } from "./virtual/kv.js";

// What outlives a request, and ends with the isolate.
let design;
let rules;
let memory;

export default class extends WorkerEntrypoint {
  configure(settings) {
    design = settings;
    rules = policy(settings);
    memory = design.tiers.includes("memory")
      ? new Memory(orNever(design.l1_max_entries), orNever(design.l1_max_bytes))
      : null;
  }

  // What answered the request, after how many milliseconds and with which calls.
  async serve(op, key, now, size, version, colo, object, ttl) {
    const operations = [];
    const later = [];
    const note = (operation) => operations.push(operation);
    const l1 = memory && counted("memory", memory, note);
    const l2 = await this.#l2(now, colo, object, note);
    const asked = ttl ? { ...rules, hardTtl: Math.min(ttl, rules.longest) } : rules;
    const cache = new TieredCache(l1, l2, asked, { now, later: (work) => later.push(work), note });
    const origin = counted("origin", { load: () => truth(version, size) }, note);
    const start = performance.now();
    const answer = await serve[op](cache, key, () => origin.load(), version, size);
    const took = performance.now() - start;
    for (const work of later) await work();
    return [answer, took, operations];
  }

  // Milliseconds of an access, each the mean over `times` of them, one after the other.
  async measure({ access, times, samples, value }) {
    const one = (await accesses(this.env, value))[access];
    const means = [];
    for (let sample = 0; sample < samples; sample++) {
      const start = performance.now();
      for (let i = 0; i < times; i++) await one(i);
      means.push((performance.now() - start) / times);
    }
    return means;
  }

  // All shared tiers as one.
  async #l2(now, colo, object, note) {
    const words = design.tiers.filter((word) => word !== "memory");
    const stores = await Promise.all(words.map((word) => this.#store(word, now, colo, object, note)));
    return stores.length > 1 ? new LayeredStore(stores, now) : stores[0];
  }

  async #store(word, now, colo, object, note) {
    const clock = () => now;
    switch (word) {
      case "kv": {
        const kv = counted("kv", virtualKv(this.env[`KV${design.room}`], clock), note);
        return new KvStore(kv, { told: rules.told, now });
      }
      case "r2":
        return new R2Store(counted("r2", this.env[`R2${design.room}`], note));
      case "cache-api": {
        const cache = virtualCache(await caches.open(`${design.room} ${colo}`), clock);
        return new CacheApiStore(counted("cache", cache, note), now);
      }
      case "durable-object":
        return new ObjectStore(
          countedStub(this.env.CACHE.getByName(`${design.room} ${object}`), note), note, design.object_storage,
        );
    }
  }
}

function policy(design) {
  const shared = design.tiers.some((word) => word !== "memory");
  const longest = shared ? Infinity : orNever(design.l1_ttl_s);
  return {
    longest,
    l1Ttl: orNever(design.l1_ttl_s),
    hardTtl: Math.min(orNever(design.hard_ttl_s), longest),
    softTtl: orNever(design.refresh_after_s),
    told: design.policy !== "clean-up", // KV knows when values expire
    inherits: design.expiry === "inherited",
    slides: design.expiry === "sliding", // every hit renews the TTL in L1
    same: design.write_only_if_changed ? (a, b) => versionOf(a) === versionOf(b) : () => false,
  };
}

// The origin's value of a key begins with its version.
const truth = (version, size) => `${version} `.padEnd(Math.max(size, 16), "x");
const versionOf = (value) => Number.parseInt(value, 10);

const serve = {
  async read(cache, key, load, version) {
    const { tier, place = "", value } = await cache.read(key, load);
    return [tier, place, versionOf(value) < version];
  },
  async write(cache, key, load, version, size) {
    await cache.write(key, truth(version, size));
    return ["write", "", false];
  },
  async delete(cache, key) {
    await cache.delete(key);
    return ["write", "", false];
  },
  async cleanUp(cache) {
    await cache.l2.cleanUp(cache.now);
    return ["clean-up", "", false];
  },
};
