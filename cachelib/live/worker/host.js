// Runs under Node: starts workerd as the first line of stdin says, and ends with stdin.
import { rmSync } from "node:fs";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { topology } from "./topology.js";

const [modules, stores] = process.argv.slice(2);
const require = createRequire(`${modules}/`);
const say = (message) => process.stdout.write(`${JSON.stringify(message)}\n`);
let instance;

async function start(line) {
  const { Miniflare, NoOpLog } = require("miniflare");
  const options = await topology(JSON.parse(line), require);
  instance = new Miniflare({
    host: "127.0.0.1",
    port: 0,
    cf: false, // or Miniflare asks the vendor for one
    log: new NoOpLog(),
    ...options,
  });
  say({ ready: String(await instance.ready) });
}

const lines = createInterface({ input: process.stdin });
lines.once("line", (line) =>
  start(line).catch((error) => {
    say({ error: error.message });
    process.exitCode = 1;
    lines.close();
  }),
);
lines.once("close", async () => {
  await instance?.dispose();
  rmSync(stores, { recursive: true, force: true }); // whoever started us may be gone
  process.exit();
});
