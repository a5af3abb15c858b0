import { describe, expect, it } from "vitest";
import type { BulletinView } from "$/api/types";
import { at } from "$/lib/testing";
import { lacking, turnOf } from "./endorsing";
import type { EndorsementView } from "./types";

const NOW = at("2026-11-26T10:00");
const endorsement: EndorsementView = {
  in_force: "passkey",
  needed: 2,
  until: "2026-11-26T05:00:00Z",
  given: [{ user: "minh", name: "Minh", at: "2026-11-26T02:58:00Z" }],
  challenge: "AAAA",
  mine: ["BBBB"],
};
const b = (given: Partial<EndorsementView> | null, other: Partial<BulletinView> = {}) =>
  ({
    state: "awaiting",
    may: { approve: true },
    ...other,
    endorsement: given && { ...endorsement, ...given },
  }) as BulletinView;

describe("an emergency that keys must sign", () => {
  it("is signed by whoever has a key that counts, once", () => {
    expect(turnOf(b({}), "lan", NOW)).toBe("sign");
    expect(turnOf(b({}), "minh", NOW)).toBe("signed");
    expect(turnOf(b({ mine: [] }), "lan", NOW)).toBe("unnamed");
    expect(turnOf(b({ mine: [] }, { may: { approve: false } as BulletinView["may"] }), "pao", NOW)).toBe("others");
  });
  it("is signed by nobody once its time is over", () => {
    expect(turnOf(b({ until: "2026-11-26T02:00:00Z" }), "lan", NOW)).toBe("late");
  });
  it("is nothing of the kind under the weaker rule, or when it was decided", () => {
    expect(turnOf(b({ in_force: "office" }), "lan", NOW)).toBeNull();
    expect(turnOf(b(null), "lan", NOW)).toBeNull();
    expect(turnOf(b({}, { state: "planned" }), "lan", NOW)).toBeNull();
  });
  it("says how many are still to come", () => {
    expect(lacking(b({}))).toBe(1);
    expect(lacking(b({ needed: 1 }))).toBe(0);
    expect(lacking(b(null))).toBe(0);
  });
});
