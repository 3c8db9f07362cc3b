// == fires: in a middleware
app.use("*", async (c) => {
  const visit = { lastSeen: Date.now() };
  await c.env.SESSIONS.put(`seen:${c.req.header("x-id")}`, JSON.stringify(visit)); // fault
});
// == fires: through a helper
export default {
  async fetch(request: Request, env: Env) {
    await mark(env, request.headers.get("x-device") ?? "none");
    return new Response("ok");
  },
};
const mark = (env: Env, id: string) =>
  env.SESSIONS.put(id, JSON.stringify({ last_active: new Date(Date.now()) })); // fault
// == quiet: once in ten minutes
export default {
  async fetch(request: Request, env: Env) {
    const id = request.headers.get("x-id") ?? "none";
    const lastSeen = Number(await env.SESSIONS.get(id));
    if (Date.now() - lastSeen > 600_000) await env.SESSIONS.put(id, String(Date.now()));
    return new Response("ok");
  },
};
// == quiet: when somebody saves
export async function save(env: Env, id: string, text: string) {
  await env.CONFIG.put(id, JSON.stringify({ text, savedAt: Date.now() }));
}
// == fires: settings put right by every request
export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    const settings = new Settings(env.CONFIG);
    const known = await settings.all();
    known.features = features();
    await settings.save(known); // fault
    return new Response(JSON.stringify(known));
  },
};
class Settings {
  constructor(private kv: KVNamespace) {}
  async all() {
    return JSON.parse((await this.kv.get("settings")) ?? "{}");
  }
  async save(value: unknown) {
    await this.kv.put("settings", JSON.stringify(value));
  }
}
// == quiet: settings put right by who may
export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    const known = JSON.parse((await env.CONFIG.get("settings")) ?? "{}");
    if (request.method === "PUT") {
      await env.CONFIG.put("settings", JSON.stringify({ ...known, ...(await request.json<object>()) }));
    }
    return new Response(JSON.stringify(known));
  },
};
