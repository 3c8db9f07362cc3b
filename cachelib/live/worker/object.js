// The Durable Object that keeps entries for all isolates: in memory, and in storage behind it, if
// the design `stores`.
import { DurableObject } from "cloudflare:workers";
import { counted } from "./counted.js";

export class CacheObject extends DurableObject {
  #memory = new Map();

  get(key, stores = true) {
    return this.#observed(async (storage) => {
      const near = this.#memory.get(key);
      if (near || !stores) return { place: "object's memory", entry: near ?? null };
      const entry = (await storage.get(key)) ?? null;
      if (entry) this.#memory.set(key, entry);
      return { place: "object's storage", entry };
    });
  }

  set(key, entry, stores = true) {
    return this.#observed(async (storage) => {
      if (stores) await storage.put(key, entry);
      this.#memory.set(key, entry);
    });
  }

  delete(key, stores = true) {
    return this.#observed(async (storage) => {
      if (stores) await storage.delete(key);
      this.#memory.delete(key);
    });
  }

  // The answer, and what the storage was asked for it.
  async #observed(work) {
    const operations = [];
    const note = (operation) => operations.push(operation);
    return [await work(counted("object storage", this.ctx.storage, note)), operations];
  }
}

export default {
  fetch: () => new Response(null, { status: 404 }),
};
