// One module out of a Worker's many, as it is loaded once for each isolate.

export async function bundle(esbuild, options) {
  const { outputFiles } = await esbuild.build({
    bundle: true,
    write: false,
    format: "esm",
    target: "es2022",
    conditions: ["workerd", "worker", "browser"],
    external: ["cloudflare:*", "node:*"],
    logLevel: "silent",
    ...options,
  });
  return [{ type: "ESModule", path: "worker.js", contents: outputFiles[0].text }];
}
