// == fires: in a named cache
export async function page(request: Request): Promise<Response> {
  const answer = await draw(request);
  const cache = await caches.open("pages");
  await cache.put(request.url, answer.clone()); // fault
  return answer;
}
// == quiet: after the response
export async function page(request: Request, ctx: ExecutionContext): Promise<Response> {
  const answer = await draw(request);
  ctx.waitUntil(caches.default.put(request.url, answer.clone()));
  return answer;
}
// == quiet: nobody waits for a cron
export default {
  async scheduled(event: ScheduledEvent) {
    await caches.default.put("https://x.example/front", await draw("front"));
    return;
  },
};
// == quiet: a mark that must stand before work begins
export default {
  async fetch(request: Request, env: Env, ctx: ExecutionContext): Promise<Response> {
    const lock = new Request(request.url + "/lock");
    if (!(await caches.default.match(lock))) {
      await caches.default.put(lock, new Response("1"));
      ctx.waitUntil(refresh(request));
    }
    return new Response(await render(request.url));
  },
};
// == quiet: a token for the next one who asks
async function accessToken(request: Request, env: Env) {
  const { token, seconds } = await login(env);
  await caches.default.put(
    "https://token.internal/",
    new Response(token, { headers: { "Cache-Control": `max-age=${seconds}` } }),
  );
  return token;
}
export default {
  fetch: async (request: Request, env: Env) => proxy(request, await accessToken(request, env)),
};
// == fires: another response of the same page
export default {
  async fetch(request: Request): Promise<Response> {
    const page = await render(request.url);
    await caches.default.put(request.url, new Response(page)); // fault
    return new Response(page);
  },
};
