import { describe, expect, it } from "vitest";
import type { AreaView, GroupView, SpeakerView } from "../api/types";
import { at, say, ZONE } from "../lib/testing";
import { newDraft } from "./draft";
import { above, isHamlet, plain, reached } from "./reach";
import { bodyOf, sentence, titleOf } from "./sentence";
import { plan } from "./when";

const NOW = at("2026-11-26T10:28");
const hamlet = { channel: "area.ban-chuong", name: "Bản Chương" };
const draft = newDraft("d", "2026-11-26", [hamlet]);

describe("the one sentence before sending", () => {
  it("says where, how many, when, how long", () => {
    const said = { names: ["Bản Chương"], speakers: 3, durationS: 42, when: "05:30 sáng mai" };
    expect(sentence(say, said)).toBe("Bản Chương (3 loa), 05:30 sáng mai, dài 42 giây.");
    expect(sentence(say, { ...said, durationS: null })).toBe("Bản Chương (3 loa), 05:30 sáng mai.");
    expect(sentence(say, { ...said, times: 3 })).toBe("Bản Chương (3 loa), 05:30 sáng mai, dài 42 giây. Phát 3 lần.");
  });
  it("does not drown in names", () => {
    const said = { speakers: 9, durationS: 42, when: "ngay bây giờ" };
    expect(sentence(say, { ...said, names: ["Bản Chương", "Nà Lay"] })).toContain("Bản Chương và Nà Lay (9 loa)");
    expect(sentence(say, { ...said, names: ["Bản Chương", "Nà Lay", "Phú Cốc"] })).toContain("Bản Chương và 2 nơi khác (9 loa)");
  });
});

describe("a name that nobody typed", () => {
  it("is place and time of a recording", () => {
    expect(titleOf(say, draft, NOW, ZONE)).toBe("Thông báo Bản Chương 10:28 26/11");
  });
  it("is the beginning of a text, cut between words", () => {
    const text = "Kính mời bà con đến họp xóm tại nhà văn hóa vào lúc bảy giờ ba mươi tối mai để bàn việc làm đường";
    const title = titleOf(say, { ...draft, what: { kind: "speech", text, voice: "", speed: 1, audio: null } }, NOW, ZONE);
    expect(title).toBe("Kính mời bà con đến họp xóm tại nhà văn hóa vào lúc bảy giờ…");
  });
  it("gives way to one that somebody typed", () => {
    expect(titleOf(say, { ...draft, title: " Họp xóm " }, NOW, ZONE)).toBe("Họp xóm");
  });
});

it("the office is asked only for what was chosen", () => {
  const planned = plan(draft.when, NOW, ZONE);
  if (!planned.ok) throw new Error(planned.problem);
  expect(bodyOf(say, draft, planned, NOW, ZONE)).toEqual({
    title: "Thông báo Bản Chương 10:28 26/11",
    priority: "ordinary",
    status: "actual",
    targets: ["area.ban-chuong"],
    when: { now: true },
  });
  const rich = { ...draft, times: 3, everyS: 300, volume: 70, chime: "bell" as const, latenessS: 600, status: "exercise" as const };
  expect(bodyOf(say, rich, planned, NOW, ZONE)).toMatchObject({
    repeat: { times: 3, every_s: 300 },
    volume: 70,
    chime: "bell",
    lateness_s: 600,
    status: "exercise",
  });
});

describe("whom it reaches", () => {
  const area = (id: string, parent: string | null) => ({ id, parent, name: id, channel: `area.${id}` }) as AreaView;
  const areas = [area("commune", null), area("ban-chuong", "commune"), area("na-lay", "commune")];
  const speaker = (id: string, where: string) => ({ id, area: where }) as SpeakerView;
  const speakers = [speaker("b1", "ban-chuong"), speaker("b2", "ban-chuong"), speaker("n1", "na-lay")];
  const groups = [{ id: "schools", members: ["b1", "n1"] } as GroupView];
  const places = { areas, groups, speakers };

  it("counts each speaker once", () => {
    expect(reached(["area.commune"], places).size).toBe(3);
    expect(reached(["area.ban-chuong", "group.schools", "speaker.b2"], places)).toEqual(new Set(["b1", "b2", "n1"]));
  });
  it("knows a hamlet from a commune", () => {
    expect(isHamlet(areas, "na-lay")).toBe(true);
    expect(isHamlet(areas, "commune")).toBe(false);
    expect(isHamlet(areas, "elsewhere")).toBe(false);
    expect(above(areas, "na-lay").map((a) => a.id)).toEqual(["commune"]);
  });
  it("is found by who types without marks", () => {
    expect(plain("Bản Chương")).toBe("ban chuong");
    expect(plain("Đình Phú Cốc")).toBe("dinh phu coc");
  });
});
