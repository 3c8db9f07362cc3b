// == fires: the page says itself that it differs
export default {
  async fetch(request: Request, env: Env, ctx: ExecutionContext): Promise<Response> {
    const known = await caches.default.match(request);
    if (known) return known;
    const json = request.headers.get("accept")?.includes("json");
    const answer = new Response(json ? "{}" : "<p></p>", {
      headers: { vary: "accept", "cache-control": "max-age=60" },
    });
    ctx.waitUntil(caches.default.put(request, answer.clone())); // fault
    return answer;
  },
};
// == quiet: the language is in the key
export async function page(request: Request, env: Env, ctx: ExecutionContext) {
  const language = request.headers.get("accept-language") ?? "en";
  const key = new URL(request.url);
  key.searchParams.set("language", language);
  const known = await caches.default.match(key.href);
  if (known) return known;
  const answer = new Response(`<html lang="${language}">`);
  ctx.waitUntil(caches.default.put(key.href, answer.clone()));
  return answer;
}
// == quiet: a header is read for the log only
export async function logged(request: Request, ctx: ExecutionContext) {
  console.log(request.headers.get("user-agent"));
  const known = await caches.default.match(request.url);
  if (known) return known;
  const answer = new Response("the same for all", { headers: { vary: "accept-encoding" } });
  ctx.waitUntil(caches.default.put(request.url, answer.clone()));
  return answer;
}
