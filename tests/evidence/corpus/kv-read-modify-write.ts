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
// == fires: conditional start
export async function inc(env: Env, key: string) {
  const current = await env.CACHE.get(key);
  const next = current ? parseInt(current, 10) + 1 : 1;
  await env.CACHE.put(key, next.toString(), { expirationTtl: 60 }); // fault
}
// == fires: read and written by methods
class Limiter {
  constructor(private kv: KVNamespace) {}
  async hit(ip: string) {
    const n = await this.read(ip);
    await this.write(ip, n + 1); // fault
  }
  private async read(ip: string) {
    return Number(await this.kv.get(ip));
  }
  private async write(ip: string, n: number) {
    await this.kv.put(ip, String(n), { expirationTtl: 60 });
  }
}
// == fires: list that grows when new
export async function add(env: Env, id: string) {
  const raw = await env.CACHE.get("ids");
  const ids = raw ? JSON.parse(raw) : [];
  if (!ids.includes(id)) {
    ids.push(id);
    await env.CACHE.put("ids", JSON.stringify(ids), { expirationTtl: 600 }); // fault
  }
}
// == fires: appended and cut
export async function push(kv: KVNamespace, key: string, item: Item) {
  const list: Item[] = (await kv.get(key, "json")) ?? [];
  const updated = [...list, item].slice(-100);
  await kv.put(key, JSON.stringify(updated), { expirationTtl: 3600 }); // fault
}
// == fires: template with the sum
export async function like(c: Context) {
  const k = `likes:${c.req.param("id")}`;
  const n = +((await c.env.CACHE.get(k)) || 0);
  await c.env.CACHE.put(k, `${n + 1}`, { expirationTtl: 3600 }); // fault
  return c.json({ n });
}
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
// == fires: member by member
export async function save(env: Env, change: Record<string, unknown>) {
  const known = JSON.parse((await env.CONFIG.get("settings")) ?? "{}");
  const merged = { ...known, ...change };
  const sparse: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(merged)) {
    if (value !== null) sparse[name] = value;
  }
  await env.CONFIG.put("settings", JSON.stringify(sparse)); // fault
}
// == quiet: two keys of one user, in helpers
const profile = (env: Env, id: string) => env.STATE.get(`profile:${id}`);
const spend = (env: Env, id: string, left: string) => env.STATE.put(`energy:${id}`, left);
export async function answer(env: Env, id: string) {
  const known = await profile(env, id);
  const left = await ask(known, id);
  await spend(env, id, left);
  return left;
}
// == quiet: another token for one that is shown, under a key of its own
async function issue(env: Env, { user, props }: { user: string; props: string }) {
  const secret = crypto.randomUUID();
  const id = await hashOf(`${user}:${secret}`);
  await env.TOKENS.put(`token:${user}:${id}`, JSON.stringify({ props }), { expirationTtl: 3600 });
  return secret;
}
export async function exchange(env: Env, shown: { user: string; id: string }) {
  const stored = await env.TOKENS.get<Token>(`token:${shown.user}:${shown.id}`, "json");
  if (!stored) return null;
  return issue(env, { user: shown.user, props: stored.props });
}
interface Env { TOKENS: KVNamespace }
// == fires: under the name of what was spread into the new object
export async function edit(env: Env, request: Request) {
  const link = await request.json<Link>();
  const existing = await env.CACHE.get<Link>(`link:${link.slug}`, "json");
  if (existing) {
    const next = { ...existing, ...link, id: existing.id };
    await env.CACHE.put(`link:${next.slug}`, JSON.stringify(next), { expirationTtl: 60 }); // fault
  }
}
// == fires: under a name that the new object copies
export async function rename(env: Env, link: Link) {
  const old = await env.CACHE.get<Link>(link.slug, "json");
  const next = { ...old, slug: link.slug };
  await env.CACHE.put(next.slug, JSON.stringify(next), { expirationTtl: 60 }); // fault
}
// == quiet: under another name than what was spread has
export async function copy(env: Env, link: Link, taken: string) {
  const old = await env.CACHE.get<Link>(link.slug, "json");
  const next = { ...old, ...link, slug: taken };
  await env.CACHE.put(next.slug, JSON.stringify(next), { expirationTtl: 60 });
}
// == quiet: the name of the new object is changed afterwards
export async function move(env: Env, link: Link, taken: string) {
  const old = await env.CACHE.get<Link>(link.slug, "json");
  const next = { ...old, ...link };
  next.slug = taken;
  await env.CACHE.put(next.slug, JSON.stringify(next), { expirationTtl: 60 });
}
