// Replays batches of requests through service bindings, from inside the instance.

let lanesOf;

export default {
  async fetch(request, env) {
    const { settings, requests, width, measure } = await request.json();
    if (measure) return Response.json(await env["isolate-0"].measure(measure));
    if (settings) {
      lanesOf = lanes(settings);
      await Promise.all(Object.values(env).map((isolate) => isolate.configure(settings)));
    }
    const answers = new Array(requests.length);
    await inOrder(requests, width, async ([isolate, ...request], row) => {
      answers[row] = await env[`isolate-${isolate}`].serve(...request);
    });
    return Response.json(answers);
  },
};

// Requests that share a lane keep their order: those for one key, and, where the L1 is bounded and
// each look-up changes what is thrown out next, those of one isolate.
const lanes = ({ l1_max_entries, l1_max_bytes }) =>
  l1_max_entries || l1_max_bytes
    ? ([isolate, , key]) => [`key ${key}`, `isolate ${isolate}`]
    : ([, , key]) => [key];

async function inOrder(requests, width, serve) {
  const last = new Map();
  const running = new Set();
  for (const [row, request] of requests.entries()) {
    const [, op] = request;
    const alone = op === "cleanUp";
    if (alone) await Promise.all(running);
    const mine = lanesOf(request);
    const turn = Promise.all(mine.map((lane) => last.get(lane))).then(() => serve(request, row));
    for (const lane of mine) last.set(lane, turn);
    running.add(turn);
    const done = () => running.delete(turn);
    turn.then(done, done);
    if (alone) await turn;
    if (running.size >= width) await Promise.race(running);
  }
  await Promise.all(running);
}
