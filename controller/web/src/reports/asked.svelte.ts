/// Which month and which area a report is asked for. It stands in the address, so that Back and a link come to the same paper.
import { today } from "$/lib/civil";
import { now } from "$/lib/clock.svelte";
import { place } from "$/lib/router.svelte";
import { session } from "$/lib/session.svelte";
import { isMonth, type Month, usual } from "./month";

export class Asked {
  #month = $state("");
  area = $state("");
  #path: string;

  constructor(path: string) {
    this.#path = path;
    const { query } = place();
    this.#month = query.get("month") ?? "";
    this.area = query.get("area") ?? "";
  }
  get today(): string {
    return today(now(), session.zone);
  }
  get month(): Month {
    return isMonth(this.#month) ? this.#month : usual(this.today);
  }
  get query(): Record<string, string> {
    return { month: this.month, ...(this.area && { area: this.area }) };
  }
  /// The same month and area on another page.
  href(path: string): string {
    return `#${path}?${new URLSearchParams(this.query)}`;
  }
  show(next: { month?: Month; area?: string }): void {
    this.#month = next.month ?? this.month;
    this.area = next.area ?? this.area;
    history.replaceState(null, "", this.href(this.#path));
  }
}
