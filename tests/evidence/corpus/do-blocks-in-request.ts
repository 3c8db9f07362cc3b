// == fires: a model is asked while all others wait
export class Chat extends DurableObject<Env> {
  async ask(question: string) {
    return this.ctx.blockConcurrencyWhile(() => this.env.AI.run("model", { question })); // fault
  }
}
// == quiet: when the object starts
export class Chat extends DurableObject<Env> {
  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    ctx.blockConcurrencyWhile(async () => {
      this.rules = await (await fetch("https://rules.example/")).text();
    });
  }
}
// == quiet: only its own storage
export class Chat extends DurableObject<Env> {
  async add(text: string) {
    await this.ctx.blockConcurrencyWhile(() => this.ctx.storage.put("last", text));
  }
}
// == quiet: what is outside is done later
export class Stream extends DurableObject<Env> {
  async remove(id: string): Promise<Response> {
    return this.ctx.blockConcurrencyWhile(async () => {
      const segments = (await this.ctx.storage.get<string[]>(id)) ?? [];
      await this.ctx.storage.delete(id);
      this.ctx.waitUntil(Promise.allSettled(segments.map((each) => this.env.BUCKET.delete(each))));
      return new Response(null, { status: 204 });
    });
  }
}
// == quiet: before its first use
export class Workspace extends DurableObject<Env> {
  private owner = "";
  async open(user: string) {
    const first = !this.owner;
    if (first) {
      await this.ctx.blockConcurrencyWhile(async () => {
        if (!(await this.env.SERVICE.knows(user))) throw new Error("unknown");
        this.owner = user;
      });
    }
    return this.owner;
  }
}
