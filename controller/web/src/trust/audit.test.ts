import { describe, expect, it } from "vitest";
import { deedOf, linesOf, pageOf, witnessed } from "./audit";

describe("an entry of the log", () => {
  it("is named by its deed, whatever it was done to", () => {
    expect(deedOf("POST /bulletins/{id}/approve")).toBe("post.bulletins.approve");
    expect(deedOf("DELETE /users/{id}")).toBe("delete.users");
    expect(deedOf("sign_in_failed")).toBe("sign_in_failed");
  });
  it("tells its details line by line, and not without end", () => {
    const details = { title: "Họp xóm", targets: ["area.a", "area.b"], when: { at: "2026-11-26T05:30" }, text: null };
    expect(linesOf(details)).toEqual([["title", "Họp xóm"], ["targets", "area.a, area.b"], ["when.at", "2026-11-26T05:30"], ["text", ""]]);
    expect(linesOf({ members: [{ name: "Lan" }] })).toEqual([["members.1.name", "Lan"]]);
    expect(linesOf(Object.fromEntries(Array.from({ length: 99 }, (_, i) => [`k${i}`, i])))).toHaveLength(40);
    expect(linesOf({})).toEqual([]);
  });
  it("leads to what it was done to", () => {
    expect(pageOf("post.bulletins.approve", "b01")).toBe("#/bulletin/b01");
    expect(pageOf("patch.speakers", "loa-1")).toBe("#/speaker/loa-1");
    expect(pageOf("post.bulletins", "")).toBeNull();
    expect(pageOf("delete.users", "u1")).toBeNull();
  });
  it("has poles that saw the same, or not", () => {
    expect(witnessed([{ agrees: true }, { agrees: false }, { agrees: true }])).toEqual({ agree: 2, differ: 1 });
  });
});
