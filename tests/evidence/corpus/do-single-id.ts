// == fires: idFromName with a literal
export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    const id = env.COUNTER.idFromName("singleton"); // fault
    return env.COUNTER.get(id).fetch(request);
  },
};
// == fires: getByName with a constant
const NAME = "global";
app.all("/api/*", (c) => c.env.COUNTER.getByName(NAME).fetch(c.req.raw)); // fault
// == fires: destructured
export async function forward(request: Request, { COUNTER }: Env) {
  const stub = COUNTER.get(COUNTER.idFromName("main")); // fault
  return stub.fetch(request);
}
// == fires: class around it
export class Cache {
  constructor(private readonly objects: DurableObjectNamespace) {}
  get(key: string) {
    return this.objects.get(this.objects.idFromName("cache")).fetch(`https://do/${key}`); // fault
  }
}
// == fires (js): alias, template without a variable
export function counter(env) {
  const namespace = env.COUNTER;
  return namespace.get(namespace.idFromName(`one`)); // fault
}
// == fires: id in a variable
export default {
  fetch(req: Request, env: Env) {
    const id = env.COUNTER.idFromName("counter"); // fault
    const stub = env.COUNTER.get(id);
    return stub.fetch(req);
  },
};
// == fires: name of a default
export const stub = (env: Env) => env.COUNTER.getByName("default"); // fault
// == quiet: an object for each room
export const room = (env: Env, name: string) => env.COUNTER.get(env.COUNTER.idFromName(name));
// == quiet: shards
const SHARDS = 16;
export function shard(env: Env, key: string) {
  return env.COUNTER.getByName(`shard-${hash(key) % SHARDS}`);
}
// == quiet: a registry beside many rooms
export async function join(env: Env, room: string) {
  await env.COUNTER.getByName("registry").add(room);
  return env.COUNTER.getByName(room);
}
// == quiet: ids of their own
export const create = (env: Env) => env.COUNTER.get(env.COUNTER.newUniqueId());
// == quiet: a stored id
export const open = ({ COUNTER }: Env, id: string) => COUNTER.get(COUNTER.idFromString(id));
// == quiet: a job of the night
export default {
  async scheduled(event: ScheduledController, env: Env, ctx: ExecutionContext) {
    const id = env.IMPORTER.idFromName("singleton");
    ctx.waitUntil(env.IMPORTER.get(id).fetch("https://importer/start"));
  },
};
