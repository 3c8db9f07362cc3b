// == fires: a helper loads, and nobody asks how it went
const load = async (id: string) => (await fetch(`https://api.example/${id}`)).text();
export async function item(env: Env, id: string) {
  const known = await env.CACHE.get(`item:${id}`);
  if (known !== null) return known;
  const fresh = await load(id);
  await env.CACHE.put(`item:${id}`, fresh, { expirationTtl: 600 }); // fault
  return fresh;
}
// == fires: a response given a life of its own
export async function page(request: Request, ctx: ExecutionContext) {
  const answer = await fetch("https://origin.example/");
  const kept = new Response(answer.body, answer);
  kept.headers.set("Cache-Control", "max-age=3600");
  ctx.waitUntil(caches.default.put(request.url, kept.clone())); // fault
  return kept;
}
// == quiet: the helper throws
async function load(id: string) {
  const answer = await fetch(`https://api.example/${id}`);
  if (!answer.ok) throw new Error(`status ${answer.status}`);
  return answer.text();
}
export async function item(env: Env, id: string) {
  const known = await env.CACHE.get(`item:${id}`);
  if (known !== null) return known;
  const fresh = await load(id);
  await env.CACHE.put(`item:${id}`, fresh, { expirationTtl: 600 });
  return fresh;
}
// == quiet: a database throws by itself
export async function row(env: Env, id: string) {
  const known = await env.CACHE.get(`row:${id}`);
  if (known !== null) return known;
  const fresh = JSON.stringify(await env.DB.prepare("SELECT 1").first());
  await env.CACHE.put(`row:${id}`, fresh, { expirationTtl: 600 });
  return fresh;
}
