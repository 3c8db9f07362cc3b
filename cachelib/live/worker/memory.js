// The L1: a map in the isolate's memory, least recently used first out.

export class Memory {
  #entries = new Map(); // in the order of use
  #bytes = 0;

  constructor(maxEntries, maxBytes) {
    this.maxEntries = maxEntries;
    this.maxBytes = maxBytes;
  }

  get(key, now) {
    const entry = this.#entries.get(key);
    if (entry === undefined || entry.until <= now) return null;
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    return entry;
  }

  set(key, entry) {
    this.delete(key);
    if (entry.size > this.maxBytes) return; // it would push out all others, and then itself
    this.#entries.set(key, entry);
    this.#bytes += entry.size;
    while (this.#entries.size > this.maxEntries || this.#bytes > this.maxBytes) {
      this.delete(this.#entries.keys().next().value);
    }
  }

  delete(key) {
    this.#bytes -= this.#entries.get(key)?.size ?? 0;
    this.#entries.delete(key);
  }
}
