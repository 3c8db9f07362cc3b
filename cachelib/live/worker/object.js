// The Durable Object that keeps entries for all isolates: in memory, and in storage behind it.
import { DurableObject } from "cloudflare:workers";
import { counted } from "./counted.js";

export class CacheObject extends DurableObject {
  #memory = new Map();

  get(key) {
    return this.#observed(async (storage) => {
      const near = this.#memory.get(key);
      if (near) return { place: "object's memory", entry: near };
      const entry = (await storage.get(key)) ?? null;
      if (entry) this.#memory.set(key, entry);
      return { place: "object's storage", entry };
    });
  }

  set(key, entry) {
    return this.#observed(async (storage) => {
      await storage.put(key, entry);
      this.#memory.set(key, entry);
    });
  }

  delete(key) {
    return this.#observed(async (storage) => {
      await storage.delete(key);
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
