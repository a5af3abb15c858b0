import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { hook } from "$/api/client";
import { knocking } from "./knock";

let answers: ((response: Response) => void)[] = [];
const ask = vi.fn(() => new Promise<Response>((resolve) => answers.push(resolve)));
const seen = { visibilityState: "visible" };

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("fetch", ask);
  vi.stubGlobal("navigator", { onLine: true });
  vi.stubGlobal("document", seen);
  answers = [];
  ask.mockClear();
  seen.visibilityState = "visible";
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

it("asks until the office answers, one question at a time, and tells the app", async () => {
  const reached = vi.fn();
  hook({ reached });
  const end = knocking();
  await vi.advanceTimersByTimeAsync(9_000);
  expect(ask).toHaveBeenCalledTimes(1);
  answers[0]?.(new Response("{}"));
  await vi.advanceTimersByTimeAsync(0);
  expect(reached).toHaveBeenLastCalledWith(true);
  end();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(ask).toHaveBeenCalledTimes(1);
});
it("asks nothing while nobody looks, or where there is no network at all", async () => {
  const end = knocking();
  seen.visibilityState = "hidden";
  await vi.advanceTimersByTimeAsync(20_000);
  seen.visibilityState = "visible";
  vi.stubGlobal("navigator", { onLine: false });
  await vi.advanceTimersByTimeAsync(20_000);
  expect(ask).not.toHaveBeenCalled();
  end();
});
