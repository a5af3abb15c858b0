import { describe, expect, it } from "vitest";
import { toBytes, toText } from "./binary";

describe("bytes in the office's JSON", () => {
  it("come back as they went, whatever they are and however many", () => {
    for (let length = 0; length < 70; length++) {
      const bytes = Uint8Array.from({ length }, (_, i) => (i * 89 + length * 7) % 256);
      const text = toText(bytes);
      expect(text).toMatch(/^[\w-]*$/);
      expect(toBytes(text)).toEqual(bytes);
    }
  });
  it("are written as RFC 4648 says, without padding", () => {
    expect(toText(new Uint8Array([0xfb, 0xff, 0xbf]))).toBe("-_-_");
    expect(toText(new TextEncoder().encode("fo"))).toBe("Zm8");
  });
  it("are nothing else than that", () => {
    for (const text of ["Zm8=", "a+b/", "có dấu"]) expect(() => toBytes(text)).toThrow();
  });
});
