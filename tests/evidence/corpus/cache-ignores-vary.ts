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
// == fires: the key is the address without what decides
export async function translated(request: Request, ctx: ExecutionContext) {
  const url = new URL(request.url);
  url.search = "";
  const key = new Request(url.toString());
  const known = await caches.default.match(key);
  if (known) return known;
  const language = request.headers.get("Accept-Language") ?? "en";
  const answer = new Response(await words(language));
  ctx.waitUntil(caches.default.put(key, answer.clone())); // fault
  return answer;
}
// == fires: what decides is in another address, and in the fragment
export async function asked(request: Request, ctx: ExecutionContext) {
  const url = new URL(request.url);
  const upstream = new URL("https://words.example");
  const language = request.headers.get("Accept-Language") ?? "en";
  upstream.pathname = `/${language}`;
  url.hash = language;
  const key = new Request(url.toString());
  const answer = new Response(await words(language, upstream));
  ctx.waitUntil(caches.default.put(key, answer.clone())); // fault
  return answer;
}
// == quiet: the language is made the query of the key's address
export async function inQuery(request: Request, ctx: ExecutionContext) {
  const url = new URL(request.url);
  const language = (request.headers.get("Accept-Language") ?? "en").slice(0, 2);
  url.search = `?lang=${language}`;
  const key = new Request(url.toString());
  const known = await caches.default.match(key);
  if (known) return known;
  const answer = new Response(await words(language));
  ctx.waitUntil(caches.default.put(key, answer.clone()));
  return answer;
}
// == quiet: the language is put before the path
export async function inPath(request: Request, ctx: ExecutionContext) {
  const url = new URL(request.url);
  const language = request.headers.get("Accept-Language") ?? "en";
  url.pathname = "/" + language + url.pathname;
  const answer = new Response(await words(language));
  ctx.waitUntil(caches.default.put(url.href, answer.clone()));
  return answer;
}
// == quiet: the language is added to the query
export async function added(request: Request, ctx: ExecutionContext) {
  const url = new URL(request.url);
  const language = request.headers.get("Accept-Language") ?? "en";
  url.search += `&lang=${language}`;
  const answer = new Response(await words(language));
  ctx.waitUntil(caches.default.put(new Request(url), answer.clone()));
  return answer;
}
