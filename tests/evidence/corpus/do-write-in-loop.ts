// == fires: an entry at a time
export class List extends DurableObject<Env> {
  async fill(items: string[]) {
    for (const item of items) {
      await this.ctx.storage.put(`item:${item}`, true); // fault
    }
  }
}
// == quiet: all at once
export class List extends DurableObject<Env> {
  async fill(items: string[]) {
    await this.ctx.storage.put(Object.fromEntries(items.map((item) => [item, true])));
  }
}
// == quiet: coalesced by the runtime
export class List extends DurableObject<Env> {
  fill(items: string[]) {
    for (const item of items) this.ctx.storage.put(item, true);
  }
}
// == quiet: 128 in each round
export class Ledger extends DurableObject<Env> {
  async migrate(entries: [string, unknown][], old: string[]) {
    for (let i = 0; i < entries.length; i += 128) {
      await this.ctx.storage.put(Object.fromEntries(entries.slice(i, i + 128)));
    }
    for (let i = 0; i < old.length; i += 128) await this.ctx.storage.delete(old.slice(i, i + 128));
  }
}
