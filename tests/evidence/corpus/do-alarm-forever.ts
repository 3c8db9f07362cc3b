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
