// Runs under Node: Workers KV's REST routes on a free port of the loopback, until stdin ends.
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

const { Miniflare } = createRequire(`${process.argv[2]}/`)("miniflare");
const instance = new Miniflare({
  host: "127.0.0.1",
  port: 0,
  cf: false,
  modules: true,
  modulesRules: [{ type: "ESModule", include: ["**/*.js"] }],
  modulesRoot: fileURLToPath(new URL("../../..", import.meta.url)),
  scriptPath: fileURLToPath(new URL("worker.js", import.meta.url)),
  compatibilityDate: "2026-07-01",
  kvNamespaces: ["KV"],
});
console.log(String(await instance.ready));
process.stdin.resume().once("end", () => instance.dispose().then(() => process.exit()));
