import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Hold, type Holding, whenLetGo } from "./hold.svelte";

let told: string[] = [];
const shake = vi.fn();
const holding = (more: Partial<Holding> = {}) =>
  new Hold({ afterMs: () => 1_000, shakeMs: 80, begin: () => true, onheld: () => told.push("held"), ...more });
const captured: number[] = [];
const finger = (button = 0, pointerId = 7) =>
  ({ button, pointerId, currentTarget: { setPointerCapture: (id: number) => captured.push(id) } }) as unknown as PointerEvent & { currentTarget: HTMLElement };
const prevented = vi.fn();
const key = (name: string, repeat = false) => ({ key: name, repeat, preventDefault: prevented }) as unknown as KeyboardEvent;

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("navigator", { vibrate: shake });
  told = [];
  captured.length = 0;
  shake.mockReset();
  prevented.mockReset();
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

it("is done when it was held long enough, once, and may be held again", () => {
  const hold = holding();
  hold.on.onpointerdown(finger());
  vi.advanceTimersByTime(999);
  expect([hold.isArming, told]).toEqual([true, []]);
  vi.advanceTimersByTime(1);
  expect([hold.isArming, hold.isDown, told]).toEqual([false, false, ["held"]]);
  expect(shake).toHaveBeenCalledExactlyOnceWith(80);
  hold.on.onpointerup(finger());
  expect(hold.isShort).toBe(false);
  hold.on.onpointerdown(finger());
  vi.advanceTimersByTime(1_000);
  expect(told).toEqual(["held", "held"]);
});

it("a short press does nothing, and says so for four seconds or until the next press", () => {
  const hold = holding();
  hold.on.onpointerdown(finger());
  vi.advanceTimersByTime(900);
  hold.on.onpointerup(finger());
  expect([hold.isArming, hold.isShort]).toEqual([false, true]);
  vi.advanceTimersByTime(3_999);
  expect(hold.isShort).toBe(true);
  vi.advanceTimersByTime(1);
  expect(hold.isShort).toBe(false);
  hold.on.onpointerdown(finger());
  hold.on.onpointerup(finger());
  hold.on.onpointerdown(finger());
  expect(hold.isShort).toBe(false);
  hold.on.onpointercancel(finger());
  vi.advanceTimersByTime(10_000);
  expect(told).toEqual([]);
});

it("whatever takes the finger or the focus away lets go", () => {
  for (const away of ["onpointerup", "onpointercancel", "onpointerleave", "onblur"] as const) {
    const hold = holding();
    hold.on.onpointerdown(finger());
    hold.on[away](finger());
    vi.advanceTimersByTime(5_000);
    expect([away, told]).toEqual([away, []]);
  }
  expect(captured).toEqual([]);
});

it("where it may, the finger wanders and still holds, until it is lifted or the browser takes it", () => {
  const hold = holding({ wanders: true, onletgo: () => told.push("let go") });
  hold.on.onpointerdown(finger());
  expect(captured).toEqual([7]);
  hold.on.onpointerleave(finger());
  vi.advanceTimersByTime(1_000);
  hold.on.onpointerleave(finger());
  expect([hold.isDown, told]).toEqual([true, ["held"]]);
  hold.on.onpointerup(finger());
  hold.on.onlostpointercapture(finger());
  expect([hold.isDown, told]).toEqual([false, ["held", "let go"]]);
});

it("a second finger neither begins nor ends it", () => {
  const hold = holding({ wanders: true, onletgo: () => told.push("let go") });
  hold.on.onpointerdown(finger());
  vi.advanceTimersByTime(1_000);
  hold.on.onpointerdown(finger(0, 8));
  for (const away of ["onpointerup", "onpointercancel", "onlostpointercapture"] as const) hold.on[away](finger(0, 8));
  hold.on.onkeydown(key(" "));
  hold.on.onkeyup(key(" "));
  vi.advanceTimersByTime(5_000);
  expect([hold.isDown, told]).toEqual([true, ["held"]]);
  hold.on.onpointerup(finger());
  expect([hold.isDown, told]).toEqual([false, ["held", "let go"]]);
});

it("a Stop that is half held goes on when a second finger lifts, and when a finger brushes it that holds no key", () => {
  const hold = holding();
  hold.on.onpointerdown(finger());
  vi.advanceTimersByTime(900);
  for (const away of ["onpointerup", "onpointercancel", "onpointerleave"] as const) hold.on[away](finger(0, 8));
  vi.advanceTimersByTime(100);
  expect(told).toEqual(["held"]);
  hold.on.onkeydown(key("Enter"));
  vi.advanceTimersByTime(900);
  hold.on.onpointerleave(finger());
  hold.on.onkeyup(key(" "));
  vi.advanceTimersByTime(100);
  expect(told).toEqual(["held", "held"]);
});

it("the next screen waits for a Stop that is half held: until it is done, let go, or gone", async () => {
  const settle = () => vi.advanceTimersByTimeAsync(0);
  for (const end of ["held", "let go", "gone"] as const) {
    const hold = holding();
    hold.on.onpointerdown(finger());
    let screen = "";
    void whenLetGo(Promise.resolve("calls")).then((name) => (screen = name));
    const missing = whenLetGo(Promise.reject(new Error("no line"))).catch(() => (screen += " missing"));
    await vi.advanceTimersByTimeAsync(900);
    expect([end, screen]).toEqual([end, ""]);
    if (end === "held") vi.advanceTimersByTime(100);
    else if (end === "let go") hold.on.onpointerup(finger());
    else hold.end();
    await settle();
    await missing;
    expect([end, screen]).toEqual([end, "calls missing"]);
  }
  expect(told).toEqual(["held"]);
});

it("Space and Enter held down are a finger; their repetition, other keys and other mouse buttons are none", () => {
  for (const name of [" ", "Enter"]) {
    const hold = holding();
    hold.on.onkeydown(key(name));
    vi.advanceTimersByTime(500);
    hold.on.onkeydown(key(name, true));
    vi.advanceTimersByTime(500);
    hold.on.onkeydown(key(name, true));
    hold.on.onkeyup(key(name));
    vi.advanceTimersByTime(5_000);
  }
  expect(told).toEqual(["held", "held"]);
  // A page would scroll by Space.
  expect(prevented).toHaveBeenCalledTimes(6);
  const hold = holding();
  hold.on.onkeydown(key("Tab"));
  hold.on.onpointerdown(finger(2));
  vi.advanceTimersByTime(5_000);
  expect([told.length, hold.isDown, prevented.mock.calls.length]).toEqual([2, false, 6]);
});

it("a press that may not begin is none, nor its end", () => {
  const hold = holding({ begin: () => false, onletgo: () => told.push("let go") });
  hold.on.onpointerdown(finger());
  vi.advanceTimersByTime(5_000);
  hold.on.onpointerup(finger());
  expect([told, hold.isShort]).toEqual([[], false]);
});

it("switched off it leaves fingers and keys to the button, but for an Enter that stays down", () => {
  const hold = holding({ isOff: () => true, wanders: true });
  hold.on.onpointerdown(finger());
  hold.on.onkeydown(key("Enter"));
  hold.on.onkeydown(key(" ", true));
  expect(prevented).not.toHaveBeenCalled();
  hold.on.onkeydown(key("Enter", true));
  expect(prevented).toHaveBeenCalledTimes(1);
  vi.advanceTimersByTime(5_000);
  expect([told, captured]).toEqual([[], []]);
});

it("a long touch calls no menu, and a button that goes away does nothing later", () => {
  const hold = holding();
  hold.on.oncontextmenu({ preventDefault: prevented } as unknown as Event);
  expect(prevented).toHaveBeenCalledTimes(1);
  hold.on.onpointerdown(finger());
  hold.end();
  vi.advanceTimersByTime(5_000);
  expect(told).toEqual([]);
});
