// == fires: whatever it finds
export class Watch extends DurableObject<Env> {
  async start() {
    if ((await this.ctx.storage.getAlarm()) === null) await this.ctx.storage.setAlarm(Date.now());
  }
  async alarm() {
    const status = await this.look();
    await this.ctx.storage.put("status", status);
    this.ctx.storage.setAlarm(Date.now() + 1000 * 60); // fault
  }
}
// == quiet: until nobody watches
export class Watch extends DurableObject<Env> {
  async alarm() {
    if (this.ctx.getWebSockets().length === 0) return;
    await this.ctx.storage.setAlarm(Date.now() + 60_000);
  }
}
// == quiet: set by a request
export class Watch extends DurableObject<Env> {
  async start() {
    await this.ctx.storage.setAlarm(Date.now() + 60_000);
  }
  async alarm() {
    await this.ctx.storage.deleteAll();
  }
}
// == quiet: nothing ever sets the first one
export class Watch extends DurableObject<Env> {
  async alarm() {
    await this.look();
    await this.ctx.storage.setAlarm(Date.now() + 60_000);
  }
}
// == unsure: the one listener there is
// -- file: wrangler.toml
name = "listener"
main = "src/index.ts"
[[durable_objects.bindings]]
name = "LISTENER"
class_name = "Listener"
// -- file: src/index.ts
export class Listener extends DurableObject<Env> {
  async start() {
    await this.ctx.storage.setAlarm(Date.now());
  }
  async alarm() {
    await this.ctx.storage.setAlarm(Date.now() + 120_000); // fault
    try {
      await this.drain();
    } finally {
      await this.ctx.storage.setAlarm(Date.now() + 60_000);
    }
  }
}
export default {
  async scheduled(event: ScheduledEvent, env: Env) {
    await env.LISTENER.get(env.LISTENER.idFromName("the one")).start();
  },
};
