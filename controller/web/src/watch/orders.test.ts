import { describe, expect, it } from "vitest";
import { orderState, recent, resultOf, waits } from "./orders";
import { iso, NOW } from "./sample";
import type { Order, SelfTestView } from "./types";

const order = (over: Partial<Order> = {}): Order => ({ number: 1, what: "self_test", asked: iso("2026-11-26T13:58"), asked_by: "u1", until: iso("2026-11-26T14:08"), done: null, ...over });
const test = (time: string, asked = true): SelfTestView => ({ at: iso(time), hearing: "heard", clarity: 24, delay_ms: 180, asked, trouble: null });

describe("an order", () => {
  it("waits until its time is over, and is then not done any more", () => {
    expect(orderState(order(), NOW)).toBe("open");
    expect(orderState(order({ until: iso("2026-11-26T13:59") }), NOW)).toBe("expired");
    expect(orderState(order({ done: iso("2026-11-26T13:59"), until: iso("2026-11-26T13:59") }), NOW)).toBe("done");
  });
  it("of last week is of no use any more", () => {
    const old = order({ number: 2, asked: iso("2026-11-19T10:00"), until: iso("2026-11-19T10:10") });
    expect(recent([old, order()], NOW).map((one) => one.number)).toEqual([1]);
    expect(waits([old], [], NOW)).toBe(false);
    expect(waits([old, order()], [], NOW)).toBe(true);
  });
});

describe("a self-test that was asked for", () => {
  const done = order({ done: iso("2026-11-26T13:59") });
  it("has as result the first one asked for since then, not the daily one", () => {
    const tests = [test("2026-11-26T13:59"), test("2026-11-26T13:58", false), test("2026-11-26T09:00")];
    expect(resultOf(done, tests)?.at).toBe(iso("2026-11-26T13:59"));
  });
  it("is looked for as long as it may still come", () => {
    expect(waits([done], [], NOW)).toBe(true);
    expect(waits([done], [test("2026-11-26T13:59")], NOW)).toBe(false);
    expect(waits([order({ done: iso("2026-11-26T13:50") })], [], NOW)).toBe(false);
  });
  it("has none while it waits, and a restart never has one", () => {
    expect(resultOf(order(), [test("2026-11-26T13:59")])).toBeNull();
    expect(resultOf({ ...done, what: "restart" }, [test("2026-11-26T13:59")])).toBeNull();
  });
});
