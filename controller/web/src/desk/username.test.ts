import { expect, it } from "vitest";
import { username } from "./username";

it("a name to sign in with needs no Vietnamese keyboard", () => {
  expect(username("Hoàng Thị Thơm")).toBe("hoang.thi.thom");
  expect(username("Đặng  Văn-Đức ")).toBe("dang.van.duc");
  expect(username("")).toBe("");
});
