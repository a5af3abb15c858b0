import { expect, it } from "vitest";
import { programOf } from "./program";

it("a device is known by what its browser says of itself", () => {
  const android = "Mozilla/5.0 (Linux; Android 13; SM-A146P) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0 Mobile Safari/537.36";
  expect(programOf(android)).toEqual({ device: "android", browser: "Chrome" });
  expect(programOf(android.replace("Chrome/", "SamsungBrowser/28.0 Chrome/")).browser).toBe("Samsung Internet");
  const iphone = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1";
  expect(programOf(iphone)).toEqual({ device: "iphone", browser: "Safari" });
  expect(programOf("Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:143.0) Gecko/20100101 Firefox/143.0")).toEqual({ device: "windows", browser: "Firefox" });
  expect(programOf("curl/8.5.0")).toEqual({ device: "other", browser: "" });
});
