// == fires: a promise whose errors are caught, and nobody waits for it
app.get("/page", async (c) => {
  const page = await draw(c.req.path);
  c.env.CACHE.put("page", page, { expirationTtl: 300 }).catch(console.error); // fault
  return c.text(page);
});
// == fires: void says that it is meant, and it is lost all the same
export const onRequest = async ({ env }: Context) => {
  void env.CACHE.delete("front"); // fault
  return new Response("ok");
};
// == fires: the Cache API
export default {
  async fetch(request: Request): Promise<Response> {
    const answer = await draw(request);
    caches.default.put(request.url, answer.clone()); // fault
    return answer;
  },
};
// == quiet: gathered and waited for
export async function both(env: Env, a: string, b: string) {
  const writes = [env.CACHE.put("a", a, { expirationTtl: 60 })];
  writes.push(env.CACHE.put("b", b, { expirationTtl: 60 }));
  await Promise.all(writes);
}
// == quiet: returned to whoever calls
export const forget = (env: Env, id: string) => env.CACHE.delete(id);
// == quiet: an object lives as long as its promises
export class Room extends DurableObject<Env> {
  touch(id: string) {
    this.env.CACHE.put(id, "seen", { expirationTtl: 600 });
  }
}
