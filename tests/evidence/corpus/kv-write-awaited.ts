// == fires: read-through in the handler
export default {
  async fetch(request: Request, env: Env, ctx: ExecutionContext): Promise<Response> {
    const known = await env.CACHE.get(request.url);
    if (known) return new Response(known);
    const page = await render(request);
    await env.CACHE.put(request.url, page, { expirationTtl: 3600 }); // fault
    return new Response(page);
  },
};
// == fires: Hono
app.get("/quotes/:symbol", async (c) => {
  const symbol = c.req.param("symbol");
  const quote = await fetchQuote(symbol);
  await c.env.CACHE.put(symbol, JSON.stringify(quote), { expirationTtl: 60 }); // fault
  return c.json(quote);
});
// == fires: destructured environment, no return type
export async function onRequest({ request, env, waitUntil }) {
  const { CACHE } = env;
  const body = await build(request);
  await CACHE.put(new URL(request.url).pathname, body, { expirationTtl: 300 }); // fault
  return new Response(body);
}
// == fires: method that answers
export class Api {
  constructor(private env: Env, private ctx: ExecutionContext) {}
  async page(path: string): Promise<Response> {
    const html = await renderPage(path);
    const kv = this.env.CACHE;
    await kv.put(path, html, { expirationTtl: 300 }); // fault
    return new Response(html, { headers: { "content-type": "text/html" } });
  }
}
// == fires (js): helper that responds
async function respond(kv, key, value) {
  await kv.put(key, value, { expirationTtl: 300 }); // fault
  return new Response(value);
}
export default { fetch: async (request, env) => respond(env.CACHE, "k", await render(request)) };
// == fires (js): value in one variable
export default {
  async fetch(request, env, ctx) {
    const key = new URL(request.url).pathname;
    let body = await env.CACHE.get(key);
    if (!body) {
      const res = await fetch("https://origin" + key);
      body = await res.text();
      await env.CACHE.put(key, body, { expirationTtl: 300 }); // fault
    }
    return new Response(body);
  },
};
// == fires: handler that is exported by name
async function handle(request: Request, env: Env, ctx: ExecutionContext) {
  const cached = await env.CACHE.get("k");
  if (cached) return new Response(cached);
  const data = await compute();
  await env.CACHE.put("k", data, { expirationTtl: 60 }); // fault
  return new Response(data);
}
export default { fetch: handle };
// == fires (js): result of the write kept
export async function GET({ env, request }) {
  const data = await compute(request);
  const result = await env.CACHE.put("k", data, { expirationTtl: 60 }); // fault
  return Response.json(data);
}
// == quiet: waitUntil
app.get("/quotes/:symbol", async (c) => {
  const quote = await fetchQuote(c.req.param("symbol"));
  c.executionCtx.waitUntil(c.env.CACHE.put("q", JSON.stringify(quote), { expirationTtl: 60 }));
  return c.json(quote);
});
// == quiet: storing is the purpose
export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    if (request.method !== "PUT") return new Response(null, { status: 405 });
    await env.CACHE.put(new URL(request.url).pathname, await request.text(), { expirationTtl: 300 });
    return new Response("stored", { status: 201 });
  },
};
// == quiet: a route that stores
app.post("/notes", async (c) => {
  const id = crypto.randomUUID();
  await c.env.SESSIONS.put(id, c.req.query("text")!, { expirationTtl: 3600 });
  return c.json({ id });
});
// == quiet: a session must exist before the redirect
export async function callback(env: Env, code: string): Promise<Response> {
  const session = await exchange(code);
  await env.SESSIONS.put(session.id, JSON.stringify(session), { expirationTtl: 3600 });
  return Response.redirect("https://app.example/");
}
// == quiet: nobody waits in a cron job
export default {
  async scheduled(_: ScheduledEvent, env: Env) {
    await env.CACHE.put("rates", await download(), { expirationTtl: 3600 });
  },
};
// == quiet: a Durable Object's storage
export class Room {
  constructor(private state: DurableObjectState) {}
  async fetch(request: Request): Promise<Response> {
    await this.state.storage.put("last", request.url);
    return new Response("ok");
  }
}
