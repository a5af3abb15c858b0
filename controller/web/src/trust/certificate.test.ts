import { describe, expect, it } from "vitest";
import { at } from "$/lib/testing";
import { isOpen, standing } from "./certificate";
import type { CertificateRow } from "./types";

const NOW = at("2026-11-26T10:00");
const row = (given: Partial<CertificateRow>): CertificateRow => ({
  serial: "0a",
  made: "2026-10-01T00:00:00Z",
  expires: "2026-12-30T00:00:00Z",
  revoked: null,
  reason: null,
  ...given,
});
const of = (...certificates: CertificateRow[]) => standing({ certificates, enrolment: null }, NOW);

describe("a pole", () => {
  it("is enrolled as long as one of its certificates is good, and until the last of them ends", () => {
    expect(of(row({}), row({ expires: "2027-02-01T00:00:00Z" }))).toEqual({ is: "enrolled", until: "2027-02-01T00:00:00Z" });
  });
  it("whose certificate was revoked is a stranger", () => {
    expect(of(row({ revoked: "2026-11-20T00:00:00Z", reason: "replaced" }))).toEqual({ is: "none" });
    expect(of()).toEqual({ is: "none" });
  });
  it("that was dark for too long has one that ran out", () => {
    expect(of(row({ expires: "2026-11-01T00:00:00Z" }))).toEqual({ is: "ran_out", since: "2026-11-01T00:00:00Z" });
  });
  it("can be enrolled as long as its code is good", () => {
    expect(isOpen({ certificates: [], enrolment: null }, NOW)).toBe(false);
    expect(isOpen({ certificates: [], enrolment: { expires: "2026-11-26T02:00:00Z" } }, NOW)).toBe(false);
    expect(isOpen({ certificates: [], enrolment: { expires: "2026-11-30T02:00:00Z" } }, NOW)).toBe(true);
  });
});
