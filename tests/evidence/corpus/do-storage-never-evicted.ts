// == fires: by the path of the request
export class EdgeCache {
  constructor(private state: DurableObjectState) {}
  async fetch(request: Request) {
    const path = new URL(request.url).pathname;
    const known = await this.state.storage.get<string>(path);
    if (known) return new Response(known);
    const fresh = await draw(path);
    await this.state.storage.put(path, fresh); // fault
    return new Response(fresh);
  }
}
// == quiet: old ones are deleted
export class EdgeCache extends DurableObject<Env> {
  async keep(path: string, page: string) {
    if ((await this.ctx.storage.get("oldest")) === path) await this.ctx.storage.delete(path);
    await this.ctx.storage.put(path, page);
  }
}
// == quiet: a document is no cache
export class Document extends DurableObject<Env> {
  async set(cell: string, value: string) {
    await this.ctx.storage.put(cell, value);
    return this.ctx.storage.get(cell);
  }
}
