// == fires: a value and its age
export async function save(env: Env, id: string, html: string) {
  await env.CACHE.put(`html:${id}`, html, { expirationTtl: 600 });
  await env.CACHE.put(`time:${id}`, String(Date.now()), { expirationTtl: 600 }); // fault
}
export async function load(env: Env, id: string) {
  const [html, time] = await Promise.all([env.CACHE.get(`html:${id}`), env.CACHE.get(`time:${id}`)]);
  return { html, time };
}
// == quiet: an index beside the record
export async function save(env: Env, user: User) {
  await env.CONFIG.put(`user:${user.id}`, JSON.stringify(user));
  await env.CONFIG.put(`mail:${user.mail}`, user.id);
}
// == quiet: two entries that are read apart
export async function save(env: Env, id: string, a: string, b: string) {
  await env.CACHE.put(`a:${id}`, a, { expirationTtl: 600 });
  await env.CACHE.put(`b:${id}`, b, { expirationTtl: 600 });
}
export const readA = (env: Env, id: string) => env.CACHE.get(`a:${id}`);
export const readB = (env: Env, id: string) => env.CACHE.get(`b:${id}`);
// == quiet: two ways to one user
export async function register(env: Env, email: string, id: string, user: string) {
  await env.CACHE.put(`user:${id}`, user);
  await env.CACHE.put(`email:${email}:${id}`, id);
}
export async function find(env: Env, email: string, id: string) {
  const known = await env.CACHE.get(`email:${email}:${id}`);
  return known ?? (await env.CACHE.get(`user:${id}`));
}
