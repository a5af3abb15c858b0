/// What was asked of a speaker, and what came of it. Pure.
import type { Order, SelfTestView } from "./types";

export type OrderState =
  /// It may still come.
  | "open"
  | "done"
  /// The speaker did not do it in time, and will not do it any more.
  | "expired";

export function orderState(order: Order, now: number): OrderState {
  if (order.done !== null) return "done";
  return now > Date.parse(order.until) ? "expired" : "open";
}

/// The latest first, and only what is fresh enough to be of use.
export function recent(orders: Order[], now: number, withinMs = 24 * 3_600_000): Order[] {
  return orders.filter((one) => now - Date.parse(one.asked) < withinMs).sort((a, b) => Date.parse(b.asked) - Date.parse(a.asked));
}

/// What the test that was asked for found: the first asked one since then.
export function resultOf(order: Order, tests: SelfTestView[]): SelfTestView | null {
  if (order.what !== "self_test" || order.done === null) return null;
  // The speaker's clock and the office's may differ by a little.
  const since = Date.parse(order.asked) - 60_000;
  const after = tests.filter((one) => one.asked && Date.parse(one.at) >= since);
  return after.sort((a, b) => Date.parse(a.at) - Date.parse(b.at))[0] ?? null;
}

/// The result follows the order within seconds, or is lost.
const RESULT_MS = 120_000;
/// Is anything still to come: the order itself, or what the test found?
export function waits(orders: Order[], tests: SelfTestView[], now: number): boolean {
  const awaitsResult = (one: Order) =>
    one.what === "self_test" && one.done !== null && now - Date.parse(one.done) < RESULT_MS && resultOf(one, tests) === null;
  return orders.some((one) => orderState(one, now) === "open" || awaitsResult(one));
}
