/// The service worker: registered in the built app. A newer version begins when the app is opened the next time, or at once
/// when the person takes it.

const state = $state<{ waiting: ServiceWorker | null }>({ waiting: null });

export const update = {
  get ready() {
    return state.waiting !== null;
  },
  take(): void {
    state.waiting?.postMessage("take over");
  },
};

function watch(registration: ServiceWorkerRegistration): void {
  // Without a controller it is the first one: nothing to change over from.
  const newer = () => (navigator.serviceWorker.controller ? registration.waiting : null);
  const look = () => {
    state.waiting = newer();
  };
  look();
  const follow = () => registration.installing?.addEventListener("statechange", look);
  follow();
  registration.addEventListener("updatefound", follow);
}

export function registerWorker(): void {
  if (!import.meta.env.PROD || !("serviceWorker" in navigator)) return;
  let had = navigator.serviceWorker.controller !== null;
  navigator.serviceWorker.addEventListener("controllerchange", () => {
    if (had) location.reload();
    had = true;
  });
  // Without one the app works, only not without a line.
  navigator.serviceWorker.register("/sw.js", { scope: "/", updateViaCache: "none" }).then(
    (registration?: ServiceWorkerRegistration) => registration && watch(registration),
    () => {},
  );
}
