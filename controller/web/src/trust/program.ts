/// What a browser calls itself, as a person would: "Chrome, Android". Pure, and no more than a guess to know a device by.

export interface Program {
  device: "android" | "iphone" | "ipad" | "windows" | "mac" | "linux" | "other";
  /// Empty when it is none that one knows.
  browser: string;
}
const DEVICES: [RegExp, Program["device"]][] = [
  [/Android/, "android"],
  [/iPhone/, "iphone"],
  [/iPad/, "ipad"],
  [/Windows/, "windows"],
  [/Macintosh|Mac OS/, "mac"],
  [/Linux|X11/, "linux"],
];
// Each calls itself by the names of those before it, too.
const BROWSERS: [RegExp, string][] = [
  [/SamsungBrowser\//, "Samsung Internet"],
  [/coc_coc_browser|CocCoc\//i, "Cốc Cốc"],
  [/Edg(e|A|iOS)?\//, "Edge"],
  [/OPR\//, "Opera"],
  [/Firefox\/|FxiOS\//, "Firefox"],
  [/(Headless)?Chrome\/|CriOS\//, "Chrome"],
  [/Safari\//, "Safari"],
];

export function programOf(agent: string): Program {
  const of = <T>(list: [RegExp, T][]) => list.find(([pattern]) => pattern.test(agent))?.[1];
  return { device: of(DEVICES) ?? "other", browser: of(BROWSERS) ?? "" };
}
