// == fires: more rounds than operations are allowed
const KEYS = 2 * 1024;
export async function warm(env: Env) {
  for (let n = 0; n < KEYS; n++) {
    await env.CACHE.put(`tile:${n}`, "", { expirationTtl: 3600 }); // fault
  }
}
// == fires: all pages, each key in parallel
export async function purge(env: Env) {
  let done = false;
  let cursor: string | undefined;
  while (!done) {
    const page = await env.CACHE.list({ prefix: "page:", cursor });
    await Promise.all(page.keys.map((key) => env.CACHE.delete(key.name))); // fault
    done = page.list_complete;
    cursor = page.list_complete ? undefined : page.cursor;
  }
}
// == quiet: the keys of one user
export async function forget(env: Env, user: string) {
  let cursor: string | undefined;
  do {
    const page = await env.CACHE.list({ prefix: `user:${user}:`, cursor });
    for (const key of page.keys) await env.CACHE.delete(key.name);
    cursor = page.list_complete ? undefined : page.cursor;
  } while (cursor);
}
// == quiet: only what lacks its metadata is read
export async function titles(env: Env) {
  const found: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await env.CACHE.list<{ title: string }>({ cursor });
    for (const key of page.keys) {
      if (key.metadata) found.push(key.metadata.title);
      else found.push((await env.CACHE.get(key.name)) ?? "");
    }
    cursor = page.list_complete ? undefined : page.cursor;
  } while (cursor);
  return found;
}
// == quiet: a few rounds
export async function digits(env: Env) {
  for (let n = 0; n < 10; n++) await env.CACHE.put(`digit:${n}`, "", { expirationTtl: 3600 });
}
// == quiet: the keys of one grant, with the options in a variable that is given its cursor later
export async function revoke(env: Env, user: string, grant: string) {
  const prefix = `token:${user}:${grant}:`;
  let cursor: string | undefined;
  let done = false;
  while (!done) {
    const options: KVNamespaceListOptions = { prefix };
    if (cursor) options.cursor = cursor;
    const page = await env.CACHE.list(options);
    await Promise.all(page.keys.map((key) => env.CACHE.delete(key.name)));
    done = page.list_complete;
    if (!page.list_complete) cursor = page.cursor;
  }
}
