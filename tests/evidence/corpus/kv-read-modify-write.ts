// == fires: counter
export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    const count = parseInt((await env.CACHE.get("count")) ?? "0") + 1;
    await env.CACHE.put("count", count.toString(), { expirationTtl: 3600 }); // fault
    return new Response(`${count}`);
  },
};
// == fires: list that grows
app.post("/todos", async (c) => {
  const todos = (await c.env.CACHE.get("todos", "json")) || [];
  todos.push(await c.req.json());
  await c.env.CACHE.put("todos", JSON.stringify(todos)); // fault
  return c.json(todos);
});
// == fires: object changed in place, key in a variable
export class Profiles {
  constructor(private kv: KVNamespace) {}
  async touch(id: string) {
    const key = `profile:${id}`;
    const profile = await this.kv.get<Profile>(key, "json");
    if (!profile) return;
    profile.seenAt = Date.now();
    await this.kv.put(key, JSON.stringify(profile)); // fault
  }
}
// == fires: a default when missing
export async function record({ CACHE }: Env, id: string) {
  let stats = await CACHE.get<Stats>(id, "json");
  if (!stats) stats = { hits: 0 };
  stats.hits += 1;
  await CACHE.put(id, JSON.stringify(stats)); // fault
}
// == fires: spread into a new object
export async function merge(env: Env, id: string, patch: object) {
  const kv = env.SESSIONS;
  const session = await kv.get(id, { type: "json" });
  const next = { ...session, ...patch };
  await kv.put(id, JSON.stringify(next), { expirationTtl: 3600 }); // fault
}
// == fires (js): in one expression
export const bump = (env, key) =>
  env.CACHE.get(key).then((n) => env.CACHE.put(key, String(Number(n) + 1))); // fault
// == quiet: read-through
export async function read(env: Env, key: string) {
  const cached = await env.CACHE.get(key);
  if (cached !== null) return cached;
  const fresh = await load(key);
  await env.CACHE.put(key, fresh, { expirationTtl: 300 });
  return fresh;
}
// == quiet: read-through in one variable
export async function read(env: Env, key: string) {
  let value = await env.CACHE.get(key);
  if (!value) {
    value = await load(key);
    await env.CACHE.put(key, value, { expirationTtl: 300 });
  }
  return value;
}
// == quiet: written only when changed
export async function save(env: Env, key: string, next: string) {
  const known = await env.CACHE.get(key);
  if (known !== next) await env.CACHE.put(key, next, { expirationTtl: 300 });
}
// == quiet: another key
export async function copy(env: Env, from: string, to: string) {
  const value = await env.CACHE.get(from);
  if (value !== null) await env.CACHE.put(to, value, { expirationTtl: 300 });
}
// == quiet: another namespace
export async function publish(env: Env, id: string) {
  const draft = await env.SESSIONS.get(id);
  if (draft) await env.CACHE.put(id, draft, { expirationTtl: 300 });
}
// == quiet: coalesced, written when missing
export async function read(env: Env, key: string) {
  const cached = await env.CACHE.get(key);
  const value = cached ?? (await load(key));
  if (!cached) await env.CACHE.put(key, value, { expirationTtl: 300 });
  return value;
}
