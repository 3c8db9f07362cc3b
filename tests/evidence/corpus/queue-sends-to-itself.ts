// == fires: each message comes back
// -- file: wrangler.toml
name = "w"
main = "src/index.ts"
[[queues.producers]]
binding = "WORK"
queue = "work"
[[queues.consumers]]
queue = "work"
// -- file: src/index.ts
export default {
  async queue(batch: MessageBatch<string>, env: Env) {
    await env.WORK.send("again"); // fault
  },
};
// == quiet: to another queue
// -- file: wrangler.toml
name = "w"
main = "src/index.ts"
[[queues.producers]]
binding = "DONE"
queue = "done"
[[queues.consumers]]
queue = "work"
// -- file: src/index.ts
export default {
  async queue(batch: MessageBatch<string>, env: Env) {
    await env.DONE.send("done");
  },
};
// == quiet: until there is nothing left
// -- file: wrangler.toml
name = "w"
main = "src/index.ts"
[[queues.producers]]
binding = "WORK"
queue = "work"
[[queues.consumers]]
queue = "work"
// -- file: src/index.ts
export default {
  async queue(batch: MessageBatch<{ next?: string }>, env: Env) {
    for (const each of batch.messages) {
      if (!each.body.next) continue;
      await env.WORK.send(each.body.next);
    }
  },
};
