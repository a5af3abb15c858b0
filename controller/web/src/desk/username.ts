/// A name to sign in with, made from the person's own: "Hoàng Thị Thơm" becomes "hoang.thi.thom".
import { fold } from "./fold";

export function username(name: string): string {
  return fold(name)
    .split(/[^a-z0-9]+/)
    .filter(Boolean)
    .join(".")
    .slice(0, 64);
}
