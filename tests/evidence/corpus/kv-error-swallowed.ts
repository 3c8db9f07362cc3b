// == fires: empty catch
export async function save(env: Env, k: string, v: string) {
  try {
    await env.CACHE.put(k, v, { expirationTtl: 60 });
  } catch {} // fault
}
// == fires: null instead of an error
export class Store {
  constructor(private kv: KVNamespace) {}
  async read(key: string) {
    try {
      return await this.kv.get(key, "json");
    } catch (error) { // fault
      return null;
    }
  }
}
// == fires: catch with an empty callback
app.get("/", async (c) => {
  c.executionCtx.waitUntil(c.env.CACHE.put("seen", "1", { expirationTtl: 60 }).catch(() => {})); // fault
  return c.text("hello");
});
// == fires: catch with a value
export const read = ({ CACHE }: Env, key: string) => CACHE.get(key).catch(() => null); // fault
// == fires (js): a comment only
export async function forget(env, key) {
  const kv = env.CACHE;
  try {
    await kv.delete(key);
  } catch (e) { // fault
    // never mind
  }
}
// == fires: undefined instead of an error
export async function f(env: Env) {
  try {
    const v = await env.CACHE.get("k");
    return v;
  } catch (e) { // fault
    return undefined;
  }
}
// == fires: the read is in a method
export class S {
  constructor(private kv: KVNamespace) {}
  async get(k: string) {
    try {
      return await this.load(k);
    } catch { // fault
      return null;
    }
  }
  private async load(k: string) {
    return this.kv.get(k);
  }
}
// == fires: catch after then
export const f = (env: Env) =>
  env.CACHE.put("k", "v", { expirationTtl: 60 })
    .then(() => true)
    .catch(() => false); // fault
// == fires: variable set to null
export async function f(env: Env) {
  let v = null;
  try {
    v = await env.CACHE.get("k");
  } catch (_) { // fault
    v = null;
  }
  return v;
}
// == quiet: logged
export async function save(env: Env, k: string, v: string) {
  try {
    await env.CACHE.put(k, v, { expirationTtl: 60 });
  } catch (error) {
    console.error("KV write failed", error);
  }
}
// == quiet: thrown again
export async function read(env: Env, k: string) {
  try {
    return await env.CACHE.get(k);
  } catch (error) {
    throw new CacheError("read failed", { cause: error });
  }
}
// == quiet: counted
export class Store {
  private failures = 0;
  constructor(private kv: KVNamespace) {}
  async read(key: string) {
    try {
      return await this.kv.get(key);
    } catch {
      this.failures++;
      return null;
    }
  }
}
// == quiet: callback that reports
export const save = (env: Env, k: string, v: string) =>
  env.CACHE.put(k, v, { expirationTtl: 60 }).catch((error) => report(error));
// == quiet: only the parsing is tried
export async function read(env: Env, k: string) {
  const raw = await env.CACHE.get(k);
  try {
    return JSON.parse(raw ?? "");
  } catch {
    return null;
  }
}
// == quiet: no KV in it
export async function load(url: string) {
  try {
    return await fetch(url);
  } catch {
    return null;
  }
}
// == quiet: whoever asks is told
export async function health(env: Env) {
  try {
    await env.CACHE.get("health");
    return { status: "ok" };
  } catch {
    return { status: "error", message: "KV is unreachable" };
  }
}
export async function pause(kv: KVNamespace, note: string): Promise<boolean> {
  try {
    await kv.put("paused", note);
    return true;
  } catch {
    return false;
  }
}
// == fires: told where it happens, and nowhere else
export async function purge(env: Env, keys: string[]) {
  try {
    await sweep();
    await Promise.all(keys.map((key) => env.CACHE.delete(key).catch(() => {}))); // fault
  } catch {}
}
