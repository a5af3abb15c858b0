import { expect, it } from "vitest";
import { readPlace } from "./place";

it("a place is typed with comma or point, whole or not at all", () => {
  expect(readPlace("21,846", " 106.021 ")).toEqual({ latitude: 21.846, longitude: 106.021 });
  expect(readPlace("", "")).toEqual({ latitude: null, longitude: null });
  for (const [lat, lon] of [["21.8", ""], ["106.1", "21.8"], ["a", "b"], ["21.8.4", "106"]] as const) {
    expect(readPlace(lat, lon)).toBeNull();
  }
});
