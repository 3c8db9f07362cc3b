// == fires: a tick
export class Game extends DurableObject<Env> {
  start() {
    setInterval(() => this.tick(), 1000); // fault
  }
}
// == fires: a socket taken the old way
export class Hub {
  constructor(private state: DurableObjectState) {}
  async fetch() {
    const pair = new WebSocketPair();
    pair[1].accept(); // fault
    return new Response(null, { status: 101, webSocket: pair[0] });
  }
}
// == quiet: a Worker between client and origin
export default {
  async fetch() {
    const pair = new WebSocketPair();
    pair[1].accept();
    return new Response(null, { status: 101, webSocket: pair[0] });
  },
};
// == quiet: hibernation
export class Hub extends DurableObject<Env> {
  async fetch() {
    const pair = new WebSocketPair();
    this.ctx.acceptWebSocket(pair[1]);
    return new Response(null, { status: 101, webSocket: pair[0] });
  }
}
