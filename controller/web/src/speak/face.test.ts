import { describe, expect, it } from "vitest";
import { tenths } from "$/lib/words";
import { again, type Face, face, isCalling, type Known, usual } from "./face";


const known = (more: Partial<Known>): Known => ({ mic: "open", call: "none", letGo: false, isUp: false, wasUp: false, untilMs: null, ...more });

describe("the screen", () => {
  it("asks for the microphone, is ready, or says that there is none", () => {
    expect(face(known({ mic: "asking" }))).toBe("asking");
    expect(face(known({}))).toBe("ready");
    expect(face(known({ mic: "failed" }))).toBe("deaf");
  });
  it("goes from connecting over the chime to on air, and says at once that the line is lost", () => {
    const way: Face[] = [
      face(known({ call: "asked" })),
      face(known({ call: "open" })),
      face(known({ call: "open", isUp: true, wasUp: true })),
      face(known({ call: "open", isUp: true, wasUp: true, untilMs: 900 })),
      face(known({ call: "open", isUp: true, wasUp: true, untilMs: 0 })),
      face(known({ call: "open", isUp: false, wasUp: true, untilMs: -500 })),
      face(known({ call: "ending", isUp: true, wasUp: true, untilMs: -900 })),
      face(known({ call: "ended" })),
    ];
    expect(way).toEqual(["connecting", "connecting", "connecting", "chime", "on_air", "lost", "ending", "ended"]);
    expect(way.map(isCalling)).toEqual([true, true, true, true, true, true, false, false]);
  });
  it("ends at once where the button is let go before the office has answered", () => {
    expect(face(known({ call: "asked", letGo: true }))).toBe("ending");
  });
  it("tells the delay in tenths of a second, in its language's digits", () => {
    expect(tenths(412, "vi")).toBe("0,4");
    expect(tenths(1_000, "en")).toBe("1.0");
  });
});

describe("what was chosen the last time", () => {
  const own = [{ channel: "area.ban", name: "Bản Chương" }];
  it("is chosen again, but for an emergency and for what is gone", () => {
    const kept = { targets: [{ channel: "area.xa", name: "Xã" }, { channel: "group.g", name: "G" }], mode: "tap" as const, priority: "emergency" as const };
    expect(again(kept, own, new Set(["area.xa"]), ["ordinary", "priority", "emergency"])).toEqual({
      targets: [{ channel: "area.xa", name: "Xã" }],
      mode: "tap",
      priority: "priority",
    });
  });
  it("without any the own hamlet is, held, with priority", () => {
    expect(again(undefined, own, new Set(), ["ordinary", "priority"])).toEqual({ targets: own, mode: "hold", priority: "priority" });
    expect(usual(["ordinary"])).toBe("ordinary");
  });
});
