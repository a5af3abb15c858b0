import { expect, it } from "vitest";
import type { StationTried } from "$/api/types";
import { isAddress, isSilent, nameOf } from "./station";

const tried = (more: Partial<StationTried>): StationTried => ({ ok: true, detail: null, codec: "aac", bitrate_kbps: 64, title: null, level_dbfs: -20, ...more });

it("a station has an address of the web", () => {
  expect(isAddress(" https://str.vov.gov.vn/vov1/live.m3u8 ")).toBe(true);
  expect(isAddress("http://10.0.0.7:8000/xa.mp3")).toBe(true);
  for (const text of ["", "vov1", "rtsp://vov.vn/1", "file:///etc/passwd", "javascript:alert(1)", "http://"]) expect(isAddress(text), text).toBe(false);
});
it("is called what somebody typed, else what it calls itself, else by its host", () => {
  expect(nameOf(" VOV1 ", "https://vov.vn/1", tried({ title: "Radio" }))).toBe("VOV1");
  expect(nameOf("", "https://vov.vn/1", tried({ title: "Radio" }))).toBe("Radio");
  expect(nameOf("", "https://vov.vn/1", null)).toBe("vov.vn");
});
it("may answer and yet be silent", () => {
  expect(isSilent(tried({ level_dbfs: -72 }))).toBe(true);
  expect(isSilent(tried({ level_dbfs: null }))).toBe(true);
  expect(isSilent(tried({}))).toBe(false);
  expect(isSilent(tried({ ok: false, level_dbfs: null }))).toBe(false);
});
