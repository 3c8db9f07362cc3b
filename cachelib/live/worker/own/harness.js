// Runs a user's Worker unchanged: its own clock, its bindings counted, one request at a time.
import { WorkerEntrypoint, env, withEnv } from "cloudflare:workers";
import { setClock } from "./clock.js";
import { countedCaches, countedEnvironment, countedFetch, countedStorage } from "./environment.js";

const turn = ((set) => () => new Promise((done) => set(done, 0)))(setTimeout);

let operations = [];
let underway = 0; // calls to stores
let answered = false; // the request in hand has its answer

const note = (operation) => operations.push([...operation, answered]);
note.began = (store) => (underway += store !== "origin");
note.ended = (store) => (underway -= store !== "origin");

// What stands for the origin. A text is there at once, so an answer that waits for it would look
// like one that only refreshes meanwhile (`waitUntil`): it is held back until the answer is given,
// or until nothing else goes on that the answer could be waiting for.
const origin = {
  text: null,
  open: [],
  async answer(what) {
    for (let quiet = 0; quiet < 2 && !answered; quiet = underway ? 0 : quiet + 1) await turn();
    if (origin.text !== null) return origin.text;
    const how = /^(localhost|127\.0\.0\.1|\[::1\]):/.test(what)
      ? `open it by name: --connect ${what}`
      : "say what it answers: --origin-response FILE";
    throw new TypeError(`no network: ${what} was not asked; ${how}`);
  },
};

Object.defineProperty(globalThis, "caches", { value: countedCaches(caches, note) });
const { CACHELIB_OPEN: services } = env; // while a request is served, `env` is the user's
globalThis.fetch = countedFetch((request) => services.fetch(request), origin, note);

const drain = () => {
  const drained = operations;
  operations = [];
  return drained;
};

export const harness = (user, kinds) =>
  class extends WorkerEntrypoint {
    async configure(settings) {
      if (typeof user !== "function" && typeof user?.fetch !== "function") {
        throw new TypeError("the Worker's code has no `export default` with a fetch handler");
      }
      origin.text = settings.originResponse;
      origin.open = settings.open;
      await this.env.CACHELIB_OBJECTS?.configure(settings);
    }

    // The status or the error, the milliseconds, and every call to a binding.
    async serve(op, key, now, size) {
      const { CACHELIB_OBJECTS: objects, CACHELIB_OPEN, ...own } = this.env;
      this.begin(now);
      await objects?.begin(now);
      const start = performance.now();
      const answer = await answerTo(user, request(op, key, size), own, this.ctx, kinds);
      const took = performance.now() - start;
      return [answer, took, [...drain(), ...((await objects?.drain()) ?? [])]];
    }

    begin(now) {
      setClock(now * 1000);
      answered = false;
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
      const { CACHELIB_OBJECTS, CACHELIB_OPEN, ...own } = env;
      super(ctx, countedEnvironment(own, kinds, note, origin));
    }
  };

async function answerTo(user, request, env, ctx, kinds) {
  const pending = [];
  Object.defineProperty(ctx, "waitUntil", { value: (promise) => pending.push(promise) });
  const counted = countedEnvironment(env, kinds, note, origin);
  try {
    const response = await withEnv(counted, () => handler(user, ctx, counted)(request, counted, ctx));
    answered = true;
    await response.arrayBuffer();
    await Promise.all(pending);
    return response.status;
  } catch (error) {
    return String(error);
  } finally {
    answered = true;
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
