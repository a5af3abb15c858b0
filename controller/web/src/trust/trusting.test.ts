import { expect, it } from "vitest";
import { byPerson, rootText } from "./trusting";

it("an approver with two keys is one person", () => {
  const key = (name: string, credential: string) => ({ name, credential, channels: ["area.x"], expires: "2027-01-01T00:00:00Z", area: null });
  const people = byPerson([key("Minh", "a"), key("Ân", "b"), key("Minh", "c")]);
  expect(people.map(({ name, keys }) => [name, keys.length])).toEqual([["Ân", 1], ["Minh", 2]]);
});
it("a signed root is read as text or as bytes", () => {
  expect(rootText(new TextEncoder().encode("aGVs\nbG8\n"))).toBe("aGVsbG8");
  expect(rootText(new Uint8Array([0xa4, 0x00, 0xff]))).toBe("pAD_");
});
