// The L2 back ends. Each keeps an entry's expiry time beside its value, so that a virtual clock
// can judge it; the platform's own expiration goes by the real clock and is not used.
import { fresh } from "./expiry.js";

const ifFresh = (entry, now) => (entry !== null && fresh(entry, now) ? entry : null);

export class KvStore {
  constructor(kv) {
    this.kv = kv;
  }

  async get(key, now) {
    const { value, metadata } = await this.kv.getWithMetadata(key);
    return ifFresh(value === null ? null : { value, expiresAt: metadata.expiresAt }, now);
  }

  set(key, { value, expiresAt }) {
    return this.kv.put(key, value, { metadata: { expiresAt } });
  }

  delete(key) {
    return this.kv.delete(key);
  }
}

export class R2Store {
  constructor(bucket) {
    this.bucket = bucket;
  }

  async get(key, now) {
    const object = await this.bucket.get(key);
    if (object === null) return null;
    const value = await object.text();
    return ifFresh({ value, expiresAt: JSON.parse(object.customMetadata.expiresAt) }, now);
  }

  set(key, { value, expiresAt }) {
    return this.bucket.put(key, value, {
      customMetadata: { expiresAt: JSON.stringify(expiresAt) },
    });
  }

  delete(key) {
    return this.bucket.delete(key);
  }
}

export class CacheApiStore {
  constructor(cache) {
    this.cache = cache;
  }

  async get(key, now) {
    const response = await this.cache.match(url(key));
    if (response === undefined) return null;
    const expiresAt = JSON.parse(response.headers.get("x-expires-at"));
    return ifFresh({ value: await response.text(), expiresAt }, now);
  }

  set(key, { value, expiresAt }) {
    const headers = { "cache-control": "max-age=31536000", "x-expires-at": JSON.stringify(expiresAt) };
    return this.cache.put(url(key), new Response(value, { headers }));
  }

  delete(key) {
    return this.cache.delete(url(key));
  }
}

const url = (key) => `https://cache.example/?key=${encodeURIComponent(key)}`;
