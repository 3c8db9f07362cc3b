// The L1: a map in the isolate's memory, least recently used first out.
import { fresh } from "./expiry.js";

export class Memory {
  #entries = new Map(); // in the order of use
  #maxEntries;

  constructor(maxEntries) {
    this.#maxEntries = maxEntries ?? Infinity;
  }

  get(key, now) {
    const entry = this.#entries.get(key);
    if (entry === undefined) return null;
    this.#entries.delete(key);
    if (!fresh(entry, now)) return null;
    this.#entries.set(key, entry);
    return entry;
  }

  set(key, entry) {
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    if (this.#entries.size > this.#maxEntries) {
      this.#entries.delete(this.#entries.keys().next().value);
    }
  }

  delete(key) {
    this.#entries.delete(key);
  }
}
