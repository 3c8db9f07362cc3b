// == fires: the caller's token in the header, one key for all
export async function inbox(request: Request, env: Env) {
  const known = await env.CACHE.get("inbox", "json");
  if (known) return known;
  const answer = await fetch("https://mail.example/inbox", {
    headers: { Authorization: request.headers.get("Authorization") ?? "" },
  });
  if (!answer.ok) throw new Error("no inbox");
  const mails = await answer.json();
  await env.CACHE.put("inbox", JSON.stringify(mails), { expirationTtl: 300 }); // fault
  return mails;
}
// == fires: the tenant chooses the address and not the key
export async function plan(env: Env, tenantId: string) {
  const known = await env.CACHE.get("plan");
  if (known !== null) return known;
  const answer = await fetch(`https://billing.example/${tenantId}/plan`);
  if (!answer.ok) return null;
  const text = await answer.text();
  await env.CACHE.put("plan", text, { expirationTtl: 300 }); // fault
  return text;
}
// == quiet: the Worker's own secret is the same for everybody
export async function rates(env: Env) {
  const known = await env.CACHE.get("rates");
  if (known !== null) return known;
  const answer = await fetch("https://rates.example/", { headers: { apiKey: env.API_KEY } });
  if (!answer.ok) return null;
  const text = await answer.text();
  await env.CACHE.put("rates", text, { expirationTtl: 300 });
  return text;
}
// == quiet: the key says whose it is
export async function inbox(env: Env, userId: string, token: string) {
  const key = `inbox:${userId}`;
  const known = await env.CACHE.get(key, "json");
  if (known) return known;
  const answer = await fetch("https://mail.example/inbox", { headers: { token } });
  if (!answer.ok) throw new Error("no inbox");
  const mails = await answer.json();
  await env.CACHE.put(key, JSON.stringify(mails), { expirationTtl: 300 });
  return mails;
}
// == fires: a response fetched as one user, in the Cache API under the URL
export default {
  async fetch(request: Request, env: Env, ctx: ExecutionContext): Promise<Response> {
    const known = await caches.default.match(request.url);
    if (known) return known;
    const token = request.headers.get("Authorization");
    if (!token) return new Response("who are you?", { status: 401 });
    const answer = await fetch("https://api.example/me", { headers: { Authorization: token } });
    if (!answer.ok) return answer;
    ctx.waitUntil(caches.default.put(request.url, answer.clone())); // fault
    return answer;
  },
};
// == fires: the request itself as the key, of which only the URL counts
export async function orders(request: Request, ctx: ExecutionContext) {
  const known = await caches.default.match(request);
  if (known) return known;
  const headers = new Headers({ accept: "application/json" });
  headers.set("Authorization", request.headers.get("Authorization") ?? "");
  const answer = await fetch("https://api.example/orders", { headers });
  if (answer.ok) ctx.waitUntil(caches.default.put(request, answer.clone())); // fault
  return answer;
}
// == fires: Vary says whose it is, and the Cache API has no variants
export async function orders(request: Request, ctx: ExecutionContext) {
  const cache = await caches.open("orders");
  const known = await cache.match(request);
  if (known) return known;
  const token = request.headers.get("authorization") ?? "";
  const loaded = await fetch("https://api.example/orders", { headers: { authorization: token } });
  if (!loaded.ok) return loaded;
  const answer = new Response(loaded.body, loaded);
  answer.headers.set("Vary", "Authorization");
  ctx.waitUntil(cache.put(request, answer.clone())); // fault
  return answer;
}
// == fires: the token comes from the caller of a helper, the key is another request of the same URL
export async function profile(url: string, token: string, ctx: ExecutionContext) {
  const key = new Request("https://cache.example/profile");
  const known = await caches.default.match(key);
  if (known) return known;
  const answer = await fetch(url, { headers: { Authorization: `Bearer ${token}` } });
  if (answer.ok) ctx.waitUntil(caches.default.put(key, answer.clone())); // fault
  return answer;
}
// == unsure: the whole request goes on, and the token in it is looked at
export async function gate(request: Request, ctx: ExecutionContext) {
  if (!request.headers.get("Authorization")) return new Response(null, { status: 401 });
  const known = await caches.default.match(request.url);
  if (known) return known;
  const answer = await fetch(request);
  if (answer.ok) ctx.waitUntil(caches.default.put(request.url, answer.clone())); // fault
  return answer;
}
// == quiet: a hash of the token is in the key
async function hashed(text: string) {
  const bytes = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return btoa(String.fromCharCode(...new Uint8Array(bytes)));
}
export async function me(request: Request, ctx: ExecutionContext) {
  const token = request.headers.get("Authorization") ?? "";
  const key = new Request(`${request.url}?whose=${encodeURIComponent(await hashed(token))}`);
  const known = await caches.default.match(key);
  if (known) return known;
  const answer = await fetch("https://api.example/me", { headers: { Authorization: token } });
  if (answer.ok) ctx.waitUntil(caches.default.put(key, answer.clone()));
  return answer;
}
// == quiet: the user is added to the address of the key
export async function me(request: Request, ctx: ExecutionContext) {
  const token = request.headers.get("Authorization") ?? "";
  const key = new URL(request.url);
  key.searchParams.set("whose", token);
  const known = await caches.default.match(key.href);
  if (known) return known;
  const answer = await fetch("https://api.example/me", { headers: { Authorization: token } });
  if (answer.ok) ctx.waitUntil(caches.default.put(key.href, answer.clone()));
  return answer;
}
// == quiet: the Worker's own token is the same for all users
export async function catalogue(request: Request, env: Env, ctx: ExecutionContext) {
  const known = await caches.default.match(request.url);
  if (known) return known;
  const headers = { Authorization: `Bearer ${env.API_TOKEN}` };
  const answer = await fetch("https://api.example/catalogue", { headers });
  if (answer.ok) ctx.waitUntil(caches.default.put(request.url, answer.clone()));
  return answer;
}
// == quiet: private answers, which the Cache API does not keep
export async function me(request: Request, ctx: ExecutionContext) {
  const token = request.headers.get("Authorization") ?? "";
  const loaded = await fetch("https://api.example/me", { headers: { Authorization: token } });
  const answer = new Response(loaded.body, loaded);
  answer.headers.set("Cache-Control", "private, max-age=60");
  if (answer.ok) ctx.waitUntil(caches.default.put(request.url, answer.clone()));
  return answer;
}
// == quiet: the token is only checked, and what is fetched is the same for all
export async function news(request: Request, env: Env, ctx: ExecutionContext) {
  const token = request.headers.get("Authorization");
  if (token !== env.READERS_TOKEN) return new Response(null, { status: 401 });
  const known = await caches.default.match(request.url);
  if (known) return known;
  const answer = await fetch("https://api.example/news");
  if (answer.ok) ctx.waitUntil(caches.default.put(request.url, answer.clone()));
  return answer;
}
// == quiet: who is asked about is part of the address
export const onRequest: PagesFunction<Env> = async ({ request, params, waitUntil }) => {
  const known = await caches.default.match(request.url);
  if (known) return known;
  const answer = await fetch(`https://api.example/people/${params.userId}`);
  if (answer.ok) waitUntil(caches.default.put(request.url, answer.clone()));
  return answer;
};
// == quiet: a token in the query is part of the URL
export async function shared(request: Request, ctx: ExecutionContext) {
  const known = await caches.default.match(request.url);
  if (known) return known;
  const token = new URL(request.url).searchParams.get("token") ?? "";
  const answer = await fetch("https://api.example/shared", { headers: { Authorization: token } });
  if (answer.ok) ctx.waitUntil(caches.default.put(request.url, answer.clone()));
  return answer;
}
// == fires: read from KV under who asks, kept under the URL
async function caller(request: Request): Promise<string> {
  const token = request.headers.get("Authorization") ?? "";
  return (await verified(token)).sub;
}
export async function page(request: Request, env: Env, ctx: ExecutionContext) {
  const known = await caches.default.match(request.url);
  if (known) return known;
  const profile = await env.PROFILES.get(`profile:${await caller(request)}`);
  const answer = new Response(profile, { headers: { "cache-control": "max-age=60" } });
  ctx.waitUntil(caches.default.put(request.url, answer.clone())); // fault
  return answer;
}
// == quiet: a session opens the door, and what is behind it is the same for all
export async function page(request: Request, env: Env, ctx: ExecutionContext) {
  const session = await env.SESSIONS.get(request.headers.get("Authorization") ?? "");
  if (!session) return new Response("who are you?", { status: 401 });
  const known = await caches.default.match(request.url);
  if (known) return known;
  const answer = new Response(await env.PAGES.get("page:menu"));
  ctx.waitUntil(caches.default.put(request.url, answer.clone()));
  return answer;
}
