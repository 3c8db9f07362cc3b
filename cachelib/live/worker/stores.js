// The L2 back ends: `get` gives an entry, expired or not, and where in the store it was.
import { fresh, orNever } from "./expiry.js";

const opened = (value, { expiresAt, refreshAt }) => ({
  value,
  expiresAt: orNever(expiresAt),
  refreshAt: orNever(refreshAt),
});

const times = ({ expiresAt, refreshAt }) => ({ expiresAt, refreshAt });

const SHORTEST = 60; // seconds for which KV keeps a value at least

export class KvStore {
  // `told`: KV is told when values expire, and forgets them by itself.
  constructor(kv, { told, now }) {
    this.kv = kv;
    this.told = told;
    this.now = now;
  }

  async get(key) {
    const { value, metadata } = await this.kv.getWithMetadata(key);
    return { place: "KV central", entry: value === null ? null : opened(value, metadata) };
  }

  set(key, entry) {
    const expires = Math.max(entry.expiresAt, this.now + SHORTEST);
    const expiration = this.told && expires < Infinity ? expires : undefined;
    return this.kv.put(key, entry.value, { expiration, metadata: times(entry) });
  }

  delete(key) {
    return this.kv.delete(key);
  }

  // The routine that lists every key and deletes the expired ones.
  async cleanUp(now) {
    const expired = [];
    let page = { list_complete: false };
    while (!page.list_complete) {
      page = await this.kv.list({ cursor: page.cursor });
      expired.push(...page.keys.filter(({ metadata }) => orNever(metadata.expiresAt) <= now));
    }
    for (const { name } of expired) await this.kv.delete(name);
  }
}

// Stores one before the other: what a farther one has is copied into those before it, to end there
// when it does.
export class LayeredStore {
  constructor(stores, now) {
    this.stores = stores;
    this.now = now;
  }

  async get(key) {
    let found;
    for (const [nth, store] of this.stores.entries()) {
      found = await store.get(key);
      if (found.entry === null || !fresh(found.entry, this.now)) continue;
      for (const before of this.stores.slice(0, nth)) await before.set(key, found.entry);
      break;
    }
    return found;
  }

  async set(key, entry) {
    for (const store of this.stores.toReversed()) await store.set(key, entry);
  }

  async delete(key) {
    for (const store of this.stores.toReversed()) await store.delete(key);
  }

  cleanUp(now) {
    return this.stores.at(-1).cleanUp(now);
  }
}

export class R2Store {
  constructor(bucket) {
    this.bucket = bucket;
  }

  async get(key) {
    const object = await this.bucket.get(key);
    if (object === null) return { place: "R2", entry: null };
    const kept = JSON.parse(object.customMetadata.times);
    return { place: "R2", entry: opened(await object.text(), kept) };
  }

  set(key, entry) {
    const customMetadata = { times: JSON.stringify(times(entry)) };
    return this.bucket.put(key, entry.value, { customMetadata });
  }

  delete(key) {
    return this.bucket.delete(key);
  }
}

export class CacheApiStore {
  constructor(cache, now) {
    this.cache = cache;
    this.now = now;
  }

  async get(key) {
    const response = await this.cache.match(url(key));
    if (response === undefined) return { place: "Cache API", entry: null };
    const kept = JSON.parse(response.headers.get("x-times"));
    return { place: "Cache API", entry: opened(await response.text(), kept) };
  }

  set(key, entry) {
    const life = Math.min(Math.ceil(entry.expiresAt - this.now), 31_536_000);
    const headers = { "cache-control": `max-age=${life}`, "x-times": JSON.stringify(times(entry)) };
    return this.cache.put(url(key), new Response(entry.value, { headers }));
  }

  delete(key) {
    return this.cache.delete(url(key));
  }
}

const url = (key) => `https://cache.example/?key=${encodeURIComponent(key)}`;

export class ObjectStore {
  constructor(stub, note, stores = true) {
    this.stub = stub;
    this.note = note;
    this.stores = stores;
  }

  get(key) {
    return this.#ask(key, "get", this.stores);
  }

  set(key, entry) {
    return this.#ask(key, "set", entry, this.stores);
  }

  delete(key) {
    return this.#ask(key, "delete", this.stores);
  }

  async #ask(key, method, ...given) {
    const [answer, operations] = await this.stub[method](key, ...given);
    operations.forEach(this.note);
    return answer;
  }
}
