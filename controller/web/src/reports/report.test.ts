import { describe, expect, it } from "vitest";
import { causeWords, endingLines, totals } from "./report";
import { figures, tongue } from "./testing";

describe("the totals in words", () => {
  const month = figures({
    speakers: 103,
    measured_s: 100 * 86_400,
    connected_s: 98 * 86_400,
    unmeasured_s: 7200,
    due: 2940,
    completed: 2850,
    heard: 1200,
    unverified: 1611,
    not_heard: 39,
    late: 12,
    due_s: 88_200,
    sounded_s: 85_500,
    error_p95_ms: 12,
  });
  it("say the share with what it is of, and what of it was measured", () => {
    const said = totals(tongue, month);
    expect(said).toContain("Nghe được: 95,6 % (2.811 trên 2.940) lượt phải phát.");
    expect(said.join(" ")).toContain("micro nghe thấy 1.200 lượt; 1.611 lượt loa báo đã phát hết, chưa kiểm chứng");
    expect(said.join(" ")).toContain("39 lượt loa báo đã phát hết mà micro không nghe thấy tiếng");
  });
  it("say what was not measured", () => {
    expect(totals(tongue, month)).toContain("Có 2 giờ không đo được (cộng mọi loa), vì máy chủ không chạy; thời gian đó không tính vào tỷ lệ kết nối.");
    expect(totals(tongue, figures({ speakers: 1 })).join(" ")).not.toContain("không đo được (cộng");
  });
  it("say the airtime in minutes", () => {
    expect(totals(tongue, month)).toContain("Thời lượng phải phát 1.470 phút, đã phát 1.425 phút (96,9 %).");
  });
  it("give no share of a month in which nothing was due", () => {
    const said = totals(tongue, figures({ speakers: 5 })).join(" ");
    expect(said).toContain("Không có lượt nào phải phát");
    expect(said).toContain("không có tỷ lệ kết nối");
    expect(said).not.toContain("0 %");
  });
});

describe("what became of each", () => {
  it("has its reasons, most often first, and only its own", () => {
    const lines = endingLines(tongue, {
      total: figures({ due: 20, heard: 10, missed: 7, skipped: 3 }),
      reasons: [
        { outcome: "missed", reason: "no_content", n: 2 },
        { outcome: "missed", reason: "off", n: 5 },
        { outcome: "skipped", reason: "quiet_hours", n: 3 },
        { outcome: "pre_empted", reason: null, n: 1 },
      ],
    });
    expect(lines.map((line) => [line.ending, line.n])).toEqual([
      ["heard", 10],
      ["missed", 7],
      ["skipped", 3],
    ]);
    expect(lines[1]?.reasons.map((reason) => reason.words)).toEqual(["loa không chạy, thường do mất điện", "chưa nhận đủ âm thanh"]);
  });
});

describe("causes", () => {
  it("stand in order of the time they took", () => {
    expect(
      causeWords(tongue, [
        { cause: "network", n: 4, seconds: 1200 },
        { cause: "power", n: 1, seconds: 10_800 },
        { cause: "agent", n: 0, seconds: 0 },
      ]),
    ).toBe("mất điện: 1 lần, 3 giờ; mất mạng: 4 lần, 20 phút");
  });
});
