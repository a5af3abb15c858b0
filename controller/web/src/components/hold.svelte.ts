/// What it is to hold a button: with a finger, or with Space or Enter held down. What is let go too soon says so for a while.

/// So long it is said that it was let go too soon.
const HINT_MS = 4_000;

export interface Holding {
  /// Held for so long, it counts.
  afterMs: () => number;
  /// So long the phone shakes then.
  shakeMs: number;
  /// May it begin? Asked at each press; `false`: the press was for something else, or for nothing.
  begin: () => boolean;
  onheld: () => void;
  /// What was held long enough is let go. Where nobody waits for that, the button is free again as soon as it was held.
  onletgo?: () => void;
  /// The finger may wander off the button; elsewhere that lets go.
  wanders?: boolean;
  /// For now the button is not held but touched: fingers and keys do what they do with any button.
  isOff?: () => boolean;
}

/// The buttons that are down now, and who waits for the last of them.
const down = new Set<Hold>();
let waiting: (() => void)[] = [];

/// What takes the buttons on the screen away comes when none of them is held: a Stop that is half held would be lost without a word.
export async function whenLetGo<T>(what: Promise<T>): Promise<T> {
  try {
    return await what;
  } finally {
    while (down.size > 0) await new Promise<void>((resolve) => waiting.push(resolve));
  }
}
function isUp(hold: Hold): void {
  down.delete(hold);
  if (down.size > 0) return;
  const all = waiting;
  waiting = [];
  for (const resolve of all) resolve();
}

/// Reactive. Make one in a component's script; its button has the class `held` and `{...hold.on}`, and is described by a text
/// that says how long to hold it.
export class Hold {
  /// Down, but not long enough yet.
  isArming = $state(false);
  /// Down, and not let go yet.
  isDown = $state(false);
  /// It was let go too soon.
  isShort = $state(false);
  #holding: Holding;
  /// The finger or the key that pressed: another one ends nothing.
  #by: number | string | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #hintTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(holding: Holding) {
    this.#holding = holding;
    $effect(() => () => this.end());
  }

  /// For the button.
  readonly on = {
    onpointerdown: (event: PointerEvent & { currentTarget: HTMLElement }): void => {
      if (event.button !== 0 || this.#holding.isOff?.()) return;
      if (this.#holding.wanders) event.currentTarget.setPointerCapture(event.pointerId);
      this.#press(event.pointerId);
    },
    onpointerup: ({ pointerId }: PointerEvent): void => this.#release(pointerId),
    onpointercancel: ({ pointerId }: PointerEvent): void => this.#release(pointerId),
    onpointerleave: ({ pointerId }: PointerEvent): void => {
      if (!this.#holding.wanders) this.#release(pointerId);
    },
    onlostpointercapture: ({ pointerId }: PointerEvent): void => {
      if (this.#holding.wanders) this.#release(pointerId);
    },
    onkeydown: (event: KeyboardEvent): void => {
      if (!isKey(event)) return;
      if (this.#holding.isOff?.()) {
        // Kept down it would touch again and again.
        if (event.repeat && event.key === "Enter") event.preventDefault();
        return;
      }
      event.preventDefault();
      if (!event.repeat) this.#press(event.key);
    },
    onkeyup: (event: KeyboardEvent): void => {
      if (isKey(event)) this.#release(event.key);
    },
    onblur: (): void => this.#release(this.#by),
    // A long touch on a phone asks for one.
    oncontextmenu: (event: Event): void => event.preventDefault(),
  };

  #press(by: number | string): void {
    if (this.isDown || !this.#holding.begin()) return;
    this.#by = by;
    down.add(this);
    this.isDown = true;
    this.isArming = true;
    this.isShort = false;
    clearTimeout(this.#hintTimer);
    this.#timer = setTimeout(() => {
      this.isArming = false;
      if (!this.#holding.onletgo) this.#up();
      navigator.vibrate?.(this.#holding.shakeMs);
      this.#holding.onheld();
    }, this.#holding.afterMs());
  }
  #release(by: number | string | null): void {
    if (!this.isDown || by !== this.#by) return;
    this.#up();
    if (!this.isArming) {
      this.#holding.onletgo?.();
      return;
    }
    this.isArming = false;
    clearTimeout(this.#timer);
    this.isShort = true;
    clearTimeout(this.#hintTimer);
    this.#hintTimer = setTimeout(() => {
      this.isShort = false;
    }, HINT_MS);
  }

  #up(): void {
    this.isDown = false;
    isUp(this);
  }

  /// The button goes away: what was not held long enough by then is nothing.
  end(): void {
    clearTimeout(this.#timer);
    clearTimeout(this.#hintTimer);
    this.#up();
  }
}

function isKey({ key }: KeyboardEvent): boolean {
  return key === " " || key === "Enter";
}
