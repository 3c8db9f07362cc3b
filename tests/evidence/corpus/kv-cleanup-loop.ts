// == unsure: for of over the listed keys
export async function cleanUp(env: Env) {
  const listed = await env.CACHE.list({ prefix: "tmp:" }); // fault
  for (const key of listed.keys) {
    await env.CACHE.delete(key.name);
  }
}
// == unsure: pages with a cursor, deletes at once
export default {
  async scheduled(_: ScheduledEvent, env: Env) {
    let cursor: string | undefined;
    do {
      const page = await env.CACHE.list({ cursor }); // fault
      await Promise.all(page.keys.map((k) => env.CACHE.delete(k.name)));
      cursor = page.list_complete ? undefined : page.cursor;
    } while (cursor);
  },
};
// == fires: expired entries only, in a class
export class Janitor {
  constructor(private readonly kv: KVNamespace) {}
  async sweep(now: number) {
    const { keys } = await this.kv.list<{ expiresAt: number }>(); // fault
    for (const { name, metadata } of keys) {
      if (metadata && metadata.expiresAt < now) {
        await this.kv.delete(name);
      }
    }
  }
}
// == unsure: the delete is in a method
export class CacheManager {
  private kv: KVNamespace;
  constructor(env: Env) {
    this.kv = env.CACHE;
  }
  async cleanup() {
    const list = await this.kv.list({ prefix: this.prefix }); // fault
    for (const item of list.keys) {
      if (await this.isOld(item.name)) await this.remove(item.name);
    }
  }
  private async remove(key: string) {
    await this.kv.delete(key);
  }
}
// == unsure (js): forEach on a destructured namespace
export const purge = async ({ CACHE }) => {
  const { keys } = await CACHE.list(); // fault
  keys.forEach((key) => CACHE.delete(key.name));
};
// == fires (js): each entry read to see whether it has ended
async function cleanup(env) {
  let done = false,
    cursor;
  while (!done) {
    const res = await env.CACHE.list({ cursor }); // fault
    for (let i = 0; i < res.keys.length; i++) {
      const v = await env.CACHE.get(res.keys[i].name);
      if (JSON.parse(v).expires < Date.now()) await env.CACHE.delete(res.keys[i].name);
    }
    done = res.list_complete;
    cursor = res.cursor;
  }
}
// == unsure: keys listed by another method
export class M {
  constructor(private env: Env) {}
  async purge() {
    const keys = await this.listKeys(); // fault
    await Promise.all(keys.map((k) => this.env.CACHE.delete(k)));
  }
  private async listKeys() {
    return (await this.env.CACHE.list()).keys.map((k) => k.name);
  }
}
// == fires: listed keys filtered first
export async function gc(kv: KVNamespace) {
  const { keys } = await kv.list(); // fault
  const expired = keys.filter((k) => k.metadata?.exp < Date.now());
  for (const k of expired) {
    await kv.delete(k.name);
  }
}
// == unsure: allSettled
export async function clearAll(env: Env) {
  const list = await env.CACHE.list(); // fault
  await Promise.allSettled(list.keys.map(({ name }) => env.CACHE.delete(name)));
}
// == quiet: one delete on request
app.delete("/items/:id", async (c) => {
  await c.env.CACHE.delete(c.req.param("id"));
  return c.body(null, 204);
});
// == quiet: listing only
export async function names(env: Env) {
  const { keys } = await env.CACHE.list({ prefix: "report:" });
  return keys.map((key) => key.name);
}
// == quiet: deletes what the caller names
export const forget = (env: Env, ids: string[]) =>
  Promise.all(ids.map((id) => env.CACHE.delete(`user:${id}`)));
// == quiet: lists KV, deletes from R2
export async function drop(env: Env) {
  const { keys } = await env.CACHE.list();
  for (const key of keys) await env.BUCKET.delete(key.name);
}
// == quiet: a map in memory is swept
const local = new Map<string, number>();
export function sweep(now: number) {
  for (const [key, end] of local) if (end < now) local.delete(key);
}
// == quiet: all but the newest five
export async function pruneArchives(env: Env, keep = 5) {
  const { keys } = await env.ARCHIVES.list({ prefix: "archive:" });
  const newest = keys.map((key) => key.name).sort().reverse();
  for (const name of newest.slice(keep)) await env.ARCHIVES.delete(name);
}
// == quiet: what another layout left, chosen elsewhere
const staleKeys = (names: string[], current: string) => names.filter((name) => !name.startsWith(current));
export async function pruneOldKeys(env: Env, current: string) {
  const { keys } = await env.STORE.list({ prefix: "chunk:" });
  for (const name of staleKeys(keys.map((key) => key.name), current)) await env.STORE.delete(name);
}
