import { describe, expect, it } from "vitest";
import { failureOf, support } from "./passkeys";

describe("passkeys", () => {
  const at = { isSecureContext: true, hostname: "loa.sangmoc.vn", hasPasskeys: true };
  it("are there where the page is secure, has a name, and the browser is new enough", () => {
    expect(support(at)).toBe("yes");
    expect(support({ ...at, hostname: "localhost" })).toBe("yes");
    expect(support({ ...at, hasPasskeys: false })).toBe("missing");
  });
  it("are not there on plain http or at an address of numbers, and the page knows why", () => {
    expect(support({ ...at, isSecureContext: false, hasPasskeys: false })).toBe("insecure");
    expect(support({ ...at, hostname: "127.0.0.1" })).toBe("number");
    expect(support({ ...at, hostname: "[::1]" })).toBe("number");
  });
  it("come to nothing for reasons that a person understands", () => {
    expect(failureOf("NotAllowedError")).toBe("cancelled");
    expect(failureOf("InvalidStateError")).toBe("known");
    expect(failureOf("SecurityError")).toBe("elsewhere");
    expect(failureOf("NotSupportedError")).toBe("unable");
  });
});
