/// For tests: the Vietnamese words without the app around them, and the village's clock.
import { fill, type Values } from "./i18n/fill";
import vi from "./i18n/vi.json";

export const say = (key: string, values?: Values): string => fill((vi as Record<string, string>)[key] ?? key, values, "vi");
export const ZONE = "Asia/Ho_Chi_Minh";
/// In the village's civil time.
export const at = (civil: string): number => Date.parse(`${civil}:00+07:00`);
