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
      this.#press();
    },
    onpointerup: (): void => this.#release(),
    onpointercancel: (): void => this.#release(),
    onpointerleave: (): void => {
      if (!this.#holding.wanders) this.#release();
    },
    onlostpointercapture: (): void => {
      if (this.#holding.wanders) this.#release();
    },
    onkeydown: (event: KeyboardEvent): void => {
      if (!isKey(event)) return;
      if (this.#holding.isOff?.()) {
        // Kept down it would touch again and again.
        if (event.repeat && event.key === "Enter") event.preventDefault();
        return;
      }
      event.preventDefault();
      if (!event.repeat) this.#press();
    },
    onkeyup: (event: KeyboardEvent): void => {
      if (isKey(event)) this.#release();
    },
    onblur: (): void => this.#release(),
    // A long touch on a phone asks for one.
    oncontextmenu: (event: Event): void => event.preventDefault(),
  };

  #press(): void {
    if (this.isDown || !this.#holding.begin()) return;
    this.isDown = true;
    this.isArming = true;
    this.isShort = false;
    clearTimeout(this.#hintTimer);
    this.#timer = setTimeout(() => {
      this.isArming = false;
      if (!this.#holding.onletgo) this.isDown = false;
      navigator.vibrate?.(this.#holding.shakeMs);
      this.#holding.onheld();
    }, this.#holding.afterMs());
  }
  #release(): void {
    if (!this.isDown) return;
    this.isDown = false;
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

  /// The button goes away: what was not held long enough by then is nothing.
  end(): void {
    clearTimeout(this.#timer);
    clearTimeout(this.#hintTimer);
  }
}

function isKey({ key }: KeyboardEvent): boolean {
  return key === " " || key === "Enter";
}
