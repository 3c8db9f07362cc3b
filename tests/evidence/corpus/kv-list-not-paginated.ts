// == fires: counts what it was given
export async function count(env: Env) {
  const list = await env.CACHE.list(); // fault
  return list.keys.length;
}
// == fires: a fixed prefix
export const posts = async ({ CONFIG }: Env) => {
  const { keys } = await CONFIG.list({ prefix: "post:" }); // fault
  return keys.map((key) => key.name);
};
// == quiet: a page at a time, by the caller's cursor
export async function page(env: Env, cursor?: string) {
  const found = await env.CACHE.list({ cursor });
  return { names: found.keys.map((key) => key.name), next: found.cursor };
}
// == quiet: some are enough
export async function newest(env: Env) {
  const { keys } = await env.CACHE.list({ prefix: "post:", limit: 10 });
  return keys;
}
// == quiet: handed on as it is
export const list = (env: Env) => env.CACHE.list();
