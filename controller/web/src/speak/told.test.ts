import { expect, it } from "vitest";
import type { CallPole, CallView } from "$/api/types";
import { told } from "./told";

const pole = (heard: CallPole["heard"], outcome: string | null, online = true) => ({ heard, outcome, online }) as CallPole;
const call = (poles: CallPole[], state: CallView["state"] = "ended") => ({ state, of: poles.length, poles }) as CallView;

it("right after the last word nobody is said not to have heard it", () => {
  expect(told(null)).toBeNull();
  expect(told(call([pole("waiting", null), pole("not", null)]))).toBeNull();
  // As the call was when it began.
  expect(told(call([pole("waiting", null, false)], "ringing"))).toBeNull();
});
it("is counted as soon as a pole has told", () => {
  const weak = pole("waiting", "interrupted");
  expect(told(call([pole("live", "completed"), weak, pole("not", null)]))).toEqual({ live: 1, later: 1, of: 3 });
});
it("and one that is there and has not told yet is not said to hear it later: it may have heard it live", () => {
  const off = pole("waiting", null, false);
  expect(told(call([pole("live", "completed"), pole("waiting", null), off]))).toEqual({ live: 1, later: 1, of: 3 });
});
it("and at once where none is there to tell", () => {
  expect(told(call([pole("waiting", null, false), pole("later", "completed", false)]))).toEqual({ live: 0, later: 2, of: 2 });
  expect(told(call([pole("waiting", null, false)]))).toEqual({ live: 0, later: 1, of: 1 });
});
