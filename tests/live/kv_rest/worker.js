// The REST routes of Workers KV over the runtime's own KV, under a clock that the test sets.
// https://developers.cloudflare.com/api/resources/kv, read 2026-11-23.
import { virtualKv } from "../../../cachelib/live/worker/virtual/kv.js";

const ROOT = "/accounts/acc/storage/kv/namespaces/ns/";
const state = { now: 0, faults: [], requests: [], written: {} };

export default {
  async fetch(request, env) {
    const url = new URL(request.url);
    if (url.pathname === "/test") return control(request, env.KV);
    const path = url.pathname.slice(ROOT.length);
    state.requests.push(`${request.method} ${path}`);
    if (!url.pathname.startsWith(ROOT)) return failure(404);
    if (request.headers.get("authorization") !== "Bearer t") return failure(403);
    const fault = state.faults.shift();
    if (fault) return failure(...fault);
    const kv = virtualKv(env.KV, () => state.now);
    if (path.startsWith("values/")) {
      const key = decodeURIComponent(path.slice("values/".length));
      return one[request.method](kv, key, request, url.searchParams);
    }
    return many[`${request.method} ${path}`](kv, await request.json());
  },
};

// A test sets the clock and the faults, reads what was asked, and begins with nothing stored.
async function control(request, kv) {
  const { anew, ...changes } = await request.json();
  if (anew) {
    Object.assign(state, { faults: [], requests: [], written: {} });
    for (const { name } of (await kv.list()).keys) await kv.delete(name);
  }
  Object.assign(state, changes);
  return Response.json(state);
}

const one = {
  async GET(kv, key) {
    const value = await kv.get(key, "arrayBuffer");
    return value === null ? failure(404) : new Response(value);
  },
  async PUT(kv, key, request, query) {
    if (!take(key)) return failure(429);
    const form = await request.formData();
    const value = await new Response(form.get("value")).arrayBuffer(); // text or a file
    return write(kv, key, value, query.get("expiration_ttl"));
  },
  async DELETE(kv, key) {
    if (!take(key)) return failure(429);
    await kv.delete(key);
    return success();
  },
};

const many = {
  async "POST bulk/get"(kv, { keys }) {
    return success({ values: Object.fromEntries(await kv.get(keys)) });
  },
  async "PUT bulk"(kv, pairs) {
    const late = pairs.filter(({ key }) => !take(key)).map(({ key }) => key);
    for (const { key, value, expiration_ttl } of pairs) {
      if (!late.includes(key)) await write(kv, key, value, expiration_ttl);
    }
    return success(outcome(pairs, late));
  },
  async "POST bulk/delete"(kv, keys) {
    const late = keys.filter((key) => !take(key));
    for (const key of keys) if (!late.includes(key)) await kv.delete(key);
    return success(outcome(keys, late));
  },
};

// One write a second for each key.
function take(key) {
  if (state.now - (state.written[key] ?? -Infinity) < 1) return false;
  state.written[key] = state.now;
  return true;
}

async function write(kv, key, value, ttl) {
  try {
    await kv.put(key, value, ttl ? { expirationTtl: Number(ttl) } : {});
    return success();
  } catch (error) {
    return failure(400, {}, error.message);
  }
}

const outcome = (all, late) => ({
  successful_key_count: all.length - late.length,
  unsuccessful_keys: late,
});

const success = (result = {}) => Response.json({ success: true, errors: [], messages: [], result });

const failure = (status, headers = {}, message = "no") =>
  Response.json(
    { success: false, errors: [{ code: 10000, message }], messages: [], result: null },
    { status, headers },
  );
