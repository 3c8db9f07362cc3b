// The bindings of a user's Worker, each behind a counting proxy.
import { counted, countedStub, noted, passing } from "../counted.js";
import { virtualCache } from "../virtual/cache.js";
import { virtualKv } from "../virtual/kv.js";
import { seconds } from "./clock.js";

const wrap = {
  kv: (kv, note) => counted("kv", virtualKv(kv, seconds), note),
  r2: (bucket, note) => counted("r2", bucket, note),
  queue: (queue, note) => counted("queue", queue, note),
  d1: countedDatabase,
  ai: (_, note, origin) => ({ run: noted("origin", "run", () => answerOfModel(origin), note) }),
  "durable-object": (namespace, note) =>
    passing(namespace, (name, call) =>
      name === "get" || name === "getByName"
        ? (...args) => countedStub(call(...args), note)
        : call,
    ),
};

export function countedEnvironment(env, kinds, note, origin) {
  const changed = Object.entries(kinds).map(([name, kind]) => [
    name,
    wrap[kind](env[name], note, origin),
  ]);
  return { ...env, ...Object.fromEntries(changed) };
}

export function countedCaches(caches, note) {
  const one = (cache) => counted("cache", virtualCache(cache, seconds), note);
  return { default: one(caches.default), open: async (name) => one(await caches.open(name)) };
}

// Outbound requests. The runtime itself lets nothing out but to services that were opened by name;
// what asks for more gets the text that stands for the origin, or an error that says so.
export function countedFetch(fetch, origin, note) {
  const answer = async (request) => {
    const { hostname, port, protocol } = new URL(request.url);
    const service = `${hostname}:${port || (protocol === "https:" ? 443 : 80)}`;
    if (origin.open.includes(service)) return fetch(request);
    return new Response(await origin.answer(service));
  };
  return noted("origin", "fetch", (...args) => answer(new Request(...args)), note);
}

async function answerOfModel(origin) {
  const text = await origin.answer("the AI model");
  try {
    return JSON.parse(text);
  } catch {
    return { response: text };
  }
}

export function countedStorage(storage, note) {
  const sql = storage.sql && counted("sql", storage.sql, note);
  const changed = counted("object storage", storage, note);
  return new Proxy(changed, { get: (_, name) => (name === "sql" ? sql : changed[name]) });
}

function countedDatabase(database, note) {
  const raw = new WeakMap(); // batch() takes the platform's own statements
  const statement = (prepared) => {
    const proxy = passing(prepared, (name, call) =>
      name === "bind"
        ? (...args) => statement(call(...args))
        : ["run", "all", "first", "raw"].includes(name)
          ? noted("d1", name, call, note)
          : call,
    );
    raw.set(proxy, prepared);
    return proxy;
  };
  const changed = counted("d1", database, note);
  return {
    prepare: (query) => statement(database.prepare(query)),
    batch: (statements) => changed.batch(statements.map((one) => raw.get(one) ?? one)),
    exec: (query) => changed.exec(query),
  };
}
