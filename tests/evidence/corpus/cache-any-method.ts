// == fires: whatever comes in
export const onRequest = async ({ request, next, waitUntil }: Context) => {
  const answer = await next();
  waitUntil(caches.default.put(request, answer.clone())); // fault
  return answer;
};
// == quiet: a route of its own
app.get("/*", async (c) => {
  const answer = await draw(c.req.raw);
  const request = c.req.raw;
  c.executionCtx.waitUntil(caches.default.put(request, answer.clone()));
  return answer;
});
// == quiet: the method is looked at by whoever calls
export default {
  async fetch(request: Request, env: Env, ctx: ExecutionContext) {
    if (request.method !== "GET") return fetch(request);
    return cached(request, ctx);
  },
};
async function cached(request: Request, ctx: ExecutionContext) {
  const answer = await fetch(request);
  ctx.waitUntil(caches.default.put(request, answer.clone()));
  return answer;
}
// == quiet: routed for GET, wrapped
import { Router } from "itty-router";
export async function metrics(request: Request, env: Env, ctx: ExecutionContext) {
  const answer = new Response("up 1", { headers: { "cache-control": "max-age=10" } });
  ctx.waitUntil(caches.default.put(request, answer.clone()));
  return answer;
}
export default Router().get("/metrics", withCors(metrics));
