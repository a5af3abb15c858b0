import { afterEach, expect, it, vi } from "vitest";
import { MicFailure, Microphone } from "./microphone";

const open = () =>
  Microphone.open({ onframe: () => {}, onlost: () => {} }).then(
    () => "open",
    (error: unknown) => (error instanceof MicFailure ? error.why : String(error)),
  );
const given = (secure: boolean, ask: () => Promise<unknown>) => {
  vi.stubGlobal("isSecureContext", secure);
  vi.stubGlobal("navigator", { mediaDevices: { getUserMedia: ask } });
  vi.stubGlobal("AudioWorkletNode", class {});
};
afterEach(() => vi.unstubAllGlobals());

it("on a page without https nobody is asked for the microphone: it is said why", async () => {
  const ask = vi.fn();
  given(false, ask);
  expect(await open()).toBe("insecure");
  expect(ask).not.toHaveBeenCalled();
});
it("says whether it was refused, is not there, or is taken", async () => {
  for (const [name, why] of [["NotAllowedError", "denied"], ["NotFoundError", "absent"], ["NotReadableError", "failed"]] as const) {
    given(true, () => Promise.reject(new DOMException("", name)));
    expect(await open(), name).toBe(why);
  }
});
it("a browser without worklets is too old", async () => {
  given(true, vi.fn());
  vi.stubGlobal("AudioWorkletNode", undefined);
  expect(await open()).toBe("unable");
});
