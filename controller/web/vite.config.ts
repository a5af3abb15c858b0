/// The build: hashed assets, a service worker that knows their names, nothing inline (the page's CSP forbids it).
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig, type Plugin } from "vite";

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/// Writes `/sw.js` from `src/sw.js`: its list of files to keep is this build's, its version their hash.
function serviceWorker(): Plugin {
  return {
    name: "loa-service-worker",
    apply: "build",
    enforce: "post",
    generateBundle(_, bundle) {
      const files = Object.keys(bundle)
        .filter((name) => !name.endsWith(".map") && name !== "index.html")
        .map((name) => `/${name}`)
        .sort();
      const kept = ["/", ...files, "/manifest.webmanifest", "/icons/icon.svg", "/icons/icon-192.png"];
      const hash = createHash("sha256");
      for (const name of Object.keys(bundle).sort()) {
        const item = bundle[name];
        if (item) hash.update(name).update(item.type === "chunk" ? item.code : item.source);
      }
      const worker = readFileSync(at("./src/sw.js"), "utf8");
      hash.update(worker);
      const source = worker
        .replace("__FILES__", JSON.stringify(kept))
        .replace("__VERSION__", hash.digest("hex").slice(0, 12));
      this.emitFile({ type: "asset", fileName: "sw.js", source });
    },
  };
}

/// Few and whole: what one speaks and stops with; speaking live; the desk's screens and what guards it all; the watch; the map; a
/// file for each language. On a weak line ten requests cost more than their bytes.
function chunk(id: string): string | undefined {
  const name = id.split("?")[0] ?? id;
  if (name.includes("/leaflet/") || /\/(MapScreen\.svelte|poleMap\.ts)$/.test(name)) return "map";
  if (/\/i18n\/(?!vi)\w+(\.screens)?\.json$/.test(name)) return name.match(/(\w+)(\.screens)?\.json$/)?.[1];
  if (/\/src\/reports\//.test(name) || /\/screens\/(Alerts|AlertRules|Repairs|MonthReport|DayReport)\.svelte$/.test(name)) {
    return name.includes("/words/") && !/\/vi\.json$/.test(name) ? undefined : "reports";
  }
  if (/\/src\/speak\//.test(name) || /\/screens\/Speak\.svelte$/.test(name)) {
    return name.includes("/words/") && !/\/vi\.json$/.test(name) ? undefined : "speak";
  }
  if (/\/src\/(calls|day|desk|relay|trust)\//.test(name)) return name.includes("/words/") && !/\/vi\.json$/.test(name) ? undefined : "desk";
  if (/\/src\/watch\//.test(name)) return name.includes("/words/") && !/\/vi\.json$/.test(name) ? undefined : "watch";
  if (/\/screens\/(Board|Speaker)\.svelte$/.test(name)) return "watch";
  if (/\/src\/screens\//.test(name) && !/\/(Announce|Compose|Expired|Outbox|Record|Sent|SetUp|SignIn|Stop|Text)\.svelte$/.test(name)) return "desk";
  // Their addresses are known from the start, they themselves are not.
  if (name.endsWith("/src/routes.screens.ts")) return "base";
  // The helper that loads the others has no file of its own.
  if (/\/src\/(api|announce|components|lib|outbox|proof)\//.test(name) || name.includes("/node_modules/") || name.includes("vite/preload-helper")) return "base";
  return undefined;
}

export default defineConfig({
  plugins: [svelte(), serviceWorker()],
  resolve: { alias: { $: at("./src") } },
  build: {
    target: "es2022",
    outDir: "dist",
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    rollupOptions: { output: { manualChunks: chunk } },
  },
  server: {
    port: 5173,
    proxy: { "/api": { target: process.env.LOA_OFFICE ?? "http://127.0.0.1:8080", changeOrigin: false, ws: true } },
  },
  test: { include: ["src/**/*.test.ts"], environment: "node" },
} as Parameters<typeof defineConfig>[0]);
