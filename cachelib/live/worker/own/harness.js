// Runs a user's Worker unchanged: its own clock, its bindings counted, one request at a time.
import { WorkerEntrypoint, withEnv } from "cloudflare:workers";
import { setClock } from "./clock.js";
import { countedCaches, countedEnvironment, countedFetch, countedStorage } from "./environment.js";

let operations = [];
let origin = null; // what stands for an answer of it
const note = (operation) => operations.push(operation);

Object.defineProperty(globalThis, "caches", { value: countedCaches(caches, note) });
globalThis.fetch = countedFetch(globalThis.fetch, () => origin, note);

const drain = () => {
  const drained = operations;
  operations = [];
  return drained;
};

export const harness = (user, kinds) =>
  class extends WorkerEntrypoint {
    async configure(settings) {
      origin = settings.originResponse;
      await this.env.CACHELIB_OBJECTS?.configure(settings);
    }

    // The status or the error, the milliseconds, and every call to a binding.
    async serve(op, key, now, size) {
      const { CACHELIB_OBJECTS: objects, ...env } = this.env;
      setClock(now * 1000);
      await objects?.begin(now);
      const start = performance.now();
      const answer = await answerTo(user, request(op, key, size), env, this.ctx, kinds);
      const took = performance.now() - start;
      return [answer, took, [...drain(), ...((await objects?.drain()) ?? [])]];
    }

    begin(now) {
      setClock(now * 1000);
    }

    drain() {
      return drain();
    }
  };

// A Durable Object class of the user's, with its storage counted.
export const observedObject = (Class, kinds) =>
  class extends Class {
    constructor(ctx, env) {
      Object.defineProperty(ctx, "storage", { value: countedStorage(ctx.storage, note) });
      const { CACHELIB_OBJECTS, ...own } = env;
      super(ctx, countedEnvironment(own, kinds, note));
    }
  };

async function answerTo(user, request, env, ctx, kinds) {
  const pending = [];
  Object.defineProperty(ctx, "waitUntil", { value: (promise) => pending.push(promise) });
  const counted = countedEnvironment(env, kinds, note);
  try {
    const response = await withEnv(counted, () => handler(user, ctx, counted)(request, counted, ctx));
    await response.arrayBuffer();
    await Promise.all(pending);
    return response.status;
  } catch (error) {
    return String(error);
  }
}

function handler(user, ctx, env) {
  if (typeof user !== "function") return user.fetch.bind(user);
  const worker = new user(ctx, env);
  return worker.fetch.bind(worker);
}

const METHOD = { read: "GET", write: "PUT", delete: "DELETE" };

function request(op, key, size) {
  const url = new URL(key, "https://worker.example");
  const body = op === "write" ? "x".repeat(size) : undefined;
  return new Request(url, { method: METHOD[op], body });
}
