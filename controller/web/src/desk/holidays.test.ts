import { expect, it } from "vitest";
import { breaks } from "./holidays";

it("a week of Tết is one line, and another year's Tết is another", () => {
  const day = (id: string, date: string, name = "Tết") => ({ id, date, name });
  const all = [day("1", "2027-02-06"), day("2", "2027-02-05"), day("3", "2027-02-06", "Hội"), day("4", "2028-01-26")];
  expect(breaks(all)).toEqual([
    { name: "Tết", from: "2027-02-05", to: "2027-02-06", ids: ["2", "1"] },
    { name: "Hội", from: "2027-02-06", to: "2027-02-06", ids: ["3"] },
    { name: "Tết", from: "2028-01-26", to: "2028-01-26", ids: ["4"] },
  ]);
});
