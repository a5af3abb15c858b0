// What the phone pays: bytes over the wire until the first screen is there, and the time until it is there again without signal.
import { at, script, signIn, task } from "./lib.mjs";

const TIMES = 10;

await script(async ({ open, device }) => {
  const phone = await device(await open());
  const wire = await phone.context().newCDPSession(phone);
  await wire.send("Network.enable");
  let bytes = 0;
  wire.on("Network.loadingFinished", (done) => {
    bytes += done.encodedDataLength;
  });
  await signIn(phone, task.head);
  await at(phone, "record").waitFor();
  const first_load_bytes = bytes;

  await phone.evaluate(() => navigator.serviceWorker.ready.then(() => {}));
  // Everything that the worker keeps, as it comes over the wire.
  const kept_bytes = await phone.evaluate(async () => {
    const names = await caches.keys();
    const requests = (await Promise.all(names.map(async (name) => (await caches.open(name)).keys()))).flat();
    const sizes = await Promise.all(
      requests.map(async (request) => {
        const answer = await fetch(request.url, { cache: "reload" });
        await answer.arrayBuffer();
        return performance.getEntriesByName(request.url).at(-1)?.encodedBodySize ?? 0;
      }),
    );
    return sizes.reduce((sum, size) => sum + size, 0);
  });
  await phone.reload();
  await at(phone, "record").waitFor();
  await phone.context().setOffline(true);
  const opened_ms = [];
  for (let n = 0; n < TIMES; n += 1) {
    const began = performance.now();
    await phone.reload({ waitUntil: "commit" });
    await at(phone, "record").waitFor();
    opened_ms.push(performance.now() - began);
  }
  return { first_load_bytes, kept_bytes, opened_ms };
});
