// == fires: one key for every request
export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    const flags = await env.CONFIG.get("flags", "json"); // fault
    return Response.json(flags);
  },
};
// == fires: key in a constant
const MENU = "menu:v3";
app.get("/menu", async (c) => c.json(await c.env.CONFIG.get(MENU, { type: "json" }))); // fault
// == fires: data that may be an hour old
export class Pages {
  constructor(private kv: KVNamespace) {}
  async read(path: string) {
    return this.kv.get(path); // fault
  }
  async write(path: string, html: string) {
    await this.kv.put(path, html, { expirationTtl: 3600 });
  }
}
// == fires: destructured, with metadata
export async function banner({ CONFIG }: Env) {
  const { value } = await CONFIG.getWithMetadata("banner"); // fault
  return value;
}
// == fires: aliased, a day old at most
const DAY = 24 * 60 * 60;
export async function read(env: Env, id: string) {
  const kv = env.CACHE;
  const known = await kv.get(id); // fault
  if (known) return known;
  const fresh = await load(id);
  await kv.put(id, fresh, { expirationTtl: DAY });
  return fresh;
}
// == fires: page for everybody
app.get("/", async (c) => {
  const html = await c.env.CACHE.get("index.html"); // fault
  return c.html(html ?? "");
});
// == quiet: set
export const flags = (env: Env) => env.CONFIG.get("flags", { type: "json", cacheTtl: 600 });
// == quiet: set on one of the reads
export const flags = (env: Env) => env.CONFIG.get("flags", { cacheTtl: 600 });
export const check = (env: Env) => env.CONFIG.get("flags");
// == quiet: a key of each user, of unknown age
export const session = (env: Env, id: string) => env.SESSIONS.get(id, "json");
// == quiet: in a cron job
export default {
  async scheduled(_: ScheduledEvent, env: Env) {
    await report(await env.CONFIG.get("flags"));
  },
};
// == quiet: data at most a minute old
export async function read(env: Env, id: string) {
  const known = await env.CACHE.get(id);
  if (known) return known;
  const fresh = await load(id);
  await env.CACHE.put(id, fresh, { expirationTtl: 60 });
  return fresh;
}
// == quiet: options from the caller
export const read = (env: Env, options: KVNamespaceGetOptions<"json">) =>
  env.CONFIG.get("flags", options);
// == unsure: a download for an administrator, a key for each day
export const onRequestGet = async ({ request, env }: EventContext<Env, string, unknown>) => {
  const day = new URL(request.url).searchParams.get("day");
  const log = await env.LOGS.get(`log:${day}`); // fault
  return new Response(log ?? "");
};
// == quiet: each caller's own token
export async function cachedToken(c: Context<{ Bindings: Env }>, key: string) {
  const known = await c.env.CACHE.get(key);
  if (known) return known;
  const fresh = await (await fetch("https://login.example/")).text();
  await c.env.CACHE.put(key, fresh, { expirationTtl: 3600 });
  return fresh;
}
