// Which Workers run in the instance, and what is bound to them.
import { fileURLToPath } from "node:url";
import { bundle } from "./bundle.js";
import { ownTopology } from "./own/topology.js";

const HERE = fileURLToPath(new URL(".", import.meta.url));
const COMPATIBILITY_DATE = "2026-07-01";

export async function topology({ designs, own }, require) {
  const esbuild = require("esbuild");
  const worker = async (script) => ({
    name: script,
    modules: await bundle(esbuild, { entryPoints: [`${HERE}${script}.js`] }),
    compatibilityDate: COMPATIBILITY_DATE,
  });
  const isolates = own
    ? await ownTopology(own, require)
    : await designsTopology(designs, worker);
  return { workers: [{ ...(await worker("driver")), serviceBindings: isolates.bound }, ...isolates.workers] };
}

// Each design has a room: stores in which nobody else has written.
async function designsTopology({ isolates, rooms = 1 }, worker) {
  const stores = storesOf(Array.from({ length: rooms }, (_, room) => room));
  const names = Array.from({ length: isolates }, (_, i) => `isolate-${i}`);
  const isolate = await worker("isolate");
  return {
    bound: Object.fromEntries(names.map((name) => [name, name])),
    workers: [
      { ...(await worker("object")), durableObjects: { CACHE: OBJECT } },
      ...names.map((name) => ({ ...isolate, ...stores, name })),
    ],
  };
}

const OBJECT = {
  className: "CacheObject",
  scriptName: "object",
  useSQLite: true,
  unsafePreventEviction: true, // eviction goes by the real clock
};

const storesOf = (rooms) => ({
  kvNamespaces: Object.fromEntries(rooms.map((room) => [`KV${room}`, `shared-${room}`])),
  r2Buckets: Object.fromEntries(rooms.map((room) => [`R2${room}`, `shared-${room}`])),
  durableObjects: { CACHE: OBJECT },
});
