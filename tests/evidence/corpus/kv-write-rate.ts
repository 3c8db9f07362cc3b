// == fires: progress
export async function run(env: Env, jobs: Job[]) {
  for (const [index, job] of jobs.entries()) {
    await job.run();
    await env.CACHE.put("progress", String(index), { expirationTtl: 3600 }); // fault
  }
}
// == fires: the key is fixed before the loop
export class Import {
  constructor(private kv: KVNamespace) {}
  async rows(id: string, rows: Row[]) {
    const key = `import:${id}`;
    for (let i = 0; i < rows.length; i++) {
      await this.kv.put(key, JSON.stringify({ done: i }), { expirationTtl: 600 }); // fault
    }
  }
}
// == fires: forEach
app.post("/events", async (c) => {
  const events = await c.req.json();
  events.forEach((event) => c.env.CACHE.put("last-event", JSON.stringify(event))); // fault
  return c.text("ok");
});
// == fires: while
export async function drain({ CACHE }: Env, queue: Item[]) {
  let item: Item | undefined;
  while ((item = queue.shift())) {
    await handle(item);
    await CACHE.put("cursor", item.id, { expirationTtl: 86400 }); // fault
  }
}
// == fires (js): a stream of a queue
export default {
  async queue(batch, env) {
    const kv = env.CACHE;
    for (const message of batch.messages) {
      await kv.put("latest", message.body); // fault
      message.ack();
    }
  },
};
// == fires: key fixed outside
export async function f(env: Env, xs: string[]) {
  const key = "state";
  for (const x of xs) {
    await step(x);
    await env.CACHE.put(key, x, { expirationTtl: 60 }); // fault
  }
}
// == fires: interval of a tenth of a second
export async function f(env: Env) {
  setInterval(() => env.CACHE.put("hb", "1", { expirationTtl: 60 }), 100); // fault
}
// == fires: sum written in every round
export async function f(env: Env, events: Event[]) {
  let total = 0;
  for (const e of events) {
    total += e.amount;
    await env.CACHE.put(`total`, String(total), { expirationTtl: 60 }); // fault
  }
}
// == fires: all at once
export async function f(env: Env, xs: X[]) {
  await Promise.all(
    xs.map((x) => env.CACHE.put("latest", JSON.stringify(x), { expirationTtl: 60 })), // fault
  );
}
// == quiet: a key for each
export async function save(env: Env, quotes: Quote[]) {
  for (const quote of quotes) {
    await env.CACHE.put(`quote:${quote.symbol}`, String(quote.price), { expirationTtl: 60 });
  }
}
// == quiet: once, after the loop
export async function run(env: Env, jobs: Job[]) {
  let done = 0;
  for (const job of jobs) done += await job.run();
  await env.CACHE.put("done", String(done), { expirationTtl: 3600 });
}
// == quiet: a retry
export async function save(env: Env, key: string, value: string) {
  for (let attempt = 0; attempt < 3; attempt++) {
    try {
      await env.CACHE.put(key, value, { expirationTtl: 300 });
      return;
    } catch (error) {
      console.warn("retrying", attempt, error);
    }
  }
}
// == quiet: a pause in each round
export async function heartbeat(env: Env, rounds: number) {
  for (let i = 0; i < rounds; i++) {
    await env.CACHE.put("alive", String(i), { expirationTtl: 60 });
    await scheduler.wait(5000);
  }
}
// == quiet: R2
export async function upload(env: Env, parts: string[]) {
  for (const part of parts) await env.BUCKET.put("latest", part);
}
