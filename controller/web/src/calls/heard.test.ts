import { expect, it } from "vitest";
import type { CallPole, Heard } from "$/api/types";
import { heardBy, isWrong } from "./heard";

const pole = (name: string, heard: Heard) => ({ speaker: name, name, heard }) as CallPole;

it("who did not hear it is told first, each group by name", () => {
  const all = heardBy([pole("Loa 3", "live"), pole("Loa 2", "not"), pole("Loa 1", "live"), pole("Loa 4", "waiting")]);
  expect(all.map((group) => [group.heard, group.poles.map((one) => one.name)])).toEqual([
    ["not", ["Loa 2"]],
    ["waiting", ["Loa 4"]],
    ["live", ["Loa 1", "Loa 3"]],
  ]);
  expect(all.filter((group) => isWrong(group.heard)).length).toBe(1);
});
