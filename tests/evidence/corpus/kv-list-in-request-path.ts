// == fires: a route that shows everything
app.get("/posts", async (c) => {
  const { keys } = await c.env.CONFIG.list({ prefix: "post:", limit: 50 }); // fault
  return c.json(keys);
});
// == fires: a helper of a handler
export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    return Response.json(await titles(env));
  },
};
async function titles(env: Env) {
  const found = await env.CONFIG.list({ prefix: "title:", limit: 9 }); // fault
  return found.keys.map((key) => key.name);
}
// == quiet: once an hour
export default {
  async scheduled(event: ScheduledEvent, env: Env) {
    const { keys } = await env.CONFIG.list({ prefix: "post:", limit: 50 });
    await env.CONFIG.put("index", JSON.stringify(keys), { expirationTtl: 7200 });
  },
};
// == quiet: an administrator's page
export async function adminOverview(request: Request, env: Env): Promise<Response> {
  return Response.json((await env.CONFIG.list({ limit: 10 })).keys);
}
// == quiet: an index that is put right now and then
export async function repairIndex(request: Request, env: Env): Promise<Response> {
  const { keys } = await env.POSTS.list({ prefix: "post:", limit: 500 });
  for (const key of keys) await env.INDEX.put(key.name, "1", { expirationTtl: 86400 });
  return Response.json({ repaired: keys.length });
}
// == quiet: a job that a route for its author may start too
async function activeChats(env: Env) {
  const { keys } = await env.CHATS.list({ prefix: "chat:" });
  return keys.map((key) => key.name);
}
export async function nightlySummary(env: Env) {
  for (const chat of await activeChats(env)) await summarise(env, chat);
}
export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    const path = new URL(request.url).pathname;
    if (path === "/run") await nightlySummary(env);
    if (path === "/debug/chats") {
      const { keys } = await env.CHATS.list({ prefix: "chat:", limit: 100 });
      return Response.json(keys);
    }
    return new Response("ok");
  },
  async scheduled(event: ScheduledEvent, env: Env) {
    await nightlySummary(env);
  },
};
// == unsure: the page of one who may see it
export async function mine(request: Request, env: Env): Promise<Response> {
  const user = await userOf(request, env);
  if (!user) return new Response("Unauthorized", { status: 401 });
  const { keys } = await env.NOTES.list({ prefix: `note:${user.id}:`, limit: 100 }); // fault
  return Response.json(keys);
}
// == quiet: a helper that nobody calls, given a context of requests
export async function recent(context: RequestContext, limit = 50) {
  const { keys } = await context.env.CONFIG.list({ prefix: "log:", limit });
  return keys;
}
