/// The service worker: the app opens without a line. It keeps this build's files and nothing of the office's answers (the
/// app keeps those itself, with their age). The build puts in the list and the version.
const VERSION = "__VERSION__";
const CACHE = `loa-${VERSION}`;
const FILES = __FILES__;

self.addEventListener("install", (event) => {
  // All or nothing: a half-kept build would open and then miss a part.
  event.waitUntil(
    caches.open(CACHE).then((cache) => cache.addAll(FILES.map((file) => new Request(file, { cache: "no-cache" })))),
  );
});

self.addEventListener("activate", (event) => {
  event.waitUntil(
    (async () => {
      for (const name of await caches.keys()) {
        if (name.startsWith("loa-") && name !== CACHE) await caches.delete(name);
      }
      await self.clients.claim();
    })(),
  );
});

self.addEventListener("message", (event) => {
  if (event.data === "take over") self.skipWaiting();
});

/// From the cache, always: on a weak line a newer page would wait for newer parts. A newer build comes with its own worker,
/// which fetches all of itself first and then takes over.
async function page(request) {
  return (await (await caches.open(CACHE)).match("/")) ?? fetch(request);
}

async function file(request) {
  const kept = await (await caches.open(CACHE)).match(request, { ignoreVary: true });
  return kept ?? fetch(request);
}

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== self.location.origin || url.pathname.startsWith("/api/")) return;
  if (request.mode === "navigate") {
    if (["/", "/setup", "/enrol"].includes(url.pathname)) event.respondWith(page(request));
  } else if (FILES.includes(url.pathname)) event.respondWith(file(request));
});
