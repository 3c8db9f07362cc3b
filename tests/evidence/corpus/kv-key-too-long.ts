// == fires: in a template
export async function remember(request: Request, env: Env, page: string) {
  await env.CACHE.put(`page:${request.url}`, page, { expirationTtl: 300 }); // fault
}
// == fires: by way of a variable
export async function recall(c: Context) {
  const key = c.req.url;
  return c.env.CACHE.get(key); // fault
}
// == quiet: a digest of it
export async function remember(request: Request, env: Env, page: string) {
  await env.CACHE.put(await digest(request.url), page, { expirationTtl: 300 });
}
// == quiet: without the query
export async function remember(request: Request, env: Env, page: string) {
  const url = new URL(request.url);
  url.search = "";
  await env.CACHE.put(url.href, page, { expirationTtl: 300 });
}
