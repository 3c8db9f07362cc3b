// A user's Worker, bundled as it is and run as so many isolates; its Durable Objects in one more.
import { fileURLToPath } from "node:url";
import { bundle } from "../bundle.js";

const HARNESS = fileURLToPath(new URL("harness.js", import.meta.url));
const ENTRY = "CachelibHarness";

export async function ownTopology(config, esbuild) {
  const modules = await bundled(config, esbuild);
  const names = Array.from({ length: config.isolates }, (_, i) => `isolate-${i}`);
  const one = (name) => instance(name, modules, config);
  return {
    bound: Object.fromEntries(names.map((name) => [name, { name, entrypoint: ENTRY }])),
    workers: [...names.map(one), ...(config.objects.length ? [one("objects")] : [])],
  };
}

function bundled({ root, main, kinds, objects, define }, esbuild) {
  const given = JSON.stringify(kinds);
  const contents = [
    `import { harness, observedObject } from ${JSON.stringify(HARNESS)};`,
    `import user, * as all from ${JSON.stringify(main)};`,
    `export const ${ENTRY} = harness(user, ${given});`,
    ...objects.map(({ className: c }) => `export const ${c} = observedObject(all.${c}, ${given});`),
    `export default {};`,
  ].join("\n");
  return bundle(esbuild, {
    stdin: { contents, resolveDir: root, sourcefile: "cachelib-entry.js" },
    absWorkingDir: root,
    loader: { ".txt": "text", ".html": "text", ".sql": "text", ".bin": "binary" },
    define,
  });
}

function instance(name, modules, config) {
  const of = (kind) => Object.entries(config.kinds).filter((each) => each[1] === kind);
  const shared = (kind) => Object.fromEntries(of(kind).map(([binding]) => [binding, binding]));
  const object = ({ binding, className, sqlite }) => [
    binding,
    {
      className,
      scriptName: "objects",
      useSQLite: sqlite,
      unsafePreventEviction: true, // eviction goes by the real clock
    },
  ];
  return {
    name,
    modules,
    compatibilityDate: config.compatibilityDate,
    compatibilityFlags: config.compatibilityFlags,
    bindings: config.vars,
    kvNamespaces: shared("kv"),
    r2Buckets: shared("r2"),
    d1Databases: shared("d1"),
    queueProducers: shared("queue"),
    durableObjects: Object.fromEntries(config.objects.map(object)),
    serviceBindings:
      config.objects.length && name !== "objects"
        ? { CACHELIB_OBJECTS: { name: "objects", entrypoint: ENTRY } }
        : {},
    outboundService: { network: { allow: ["local"] } }, // no way out but the loopback
  };
}
