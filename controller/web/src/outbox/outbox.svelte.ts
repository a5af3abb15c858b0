/// What waits to leave this phone.
const state = $state<{ open: number }>({ open: 0 });

export const outbox = {
  get open() {
    return state.open;
  },
};

export async function startOutbox(): Promise<void> {}
