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
// == fires: a prefix that the caller gives
export async function streams(kv: KVNamespace, project: string) {
  const prefix = `${project}/`;
  const list = await kv.list({ prefix }); // fault
  return list.keys.map((key) => key.name.slice(prefix.length));
}
// == fires: through a wrapper with a prefix
class Store {
  constructor(private kv: KVNamespace) {}
  async names(prefix: string): Promise<string[]> {
    const { keys } = await this.kv.list({ prefix }); // fault
    return keys.map((key) => key.name);
  }
}
export async function posts(env: Env, language: string) {
  return new Store(env.CONTENT).names(`posts/${language}/`);
}
// == fires: a language
export async function front(request: Request, env: Env, text: Texts) {
  const locale = await text.localeOf(request);
  const { keys } = await env.CONTENT.list({ prefix: `posts/${locale}/` }); // fault
  return keys.map((key) => key.name);
}
// == quiet: the few keys of one user
export async function sessions(env: Env, userId: string) {
  const { keys } = await env.SESSIONS.list({ prefix: `session:${userId}:` });
  return keys.map((key) => key.name);
}
// == quiet: whether there is one
export async function isTaken(env: Env, name: string) {
  const { keys } = await env.CONTENT.list({ prefix: `page:${name}:` });
  return keys.length > 0;
}
