/// The service worker: registered in the built app; a newer version waits until the person takes it.

const PATIENCE_MS = 5_000;

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
  // The app was only just opened: nothing is lost by beginning with the newer one.
  newer()?.postMessage("take over");
  // The old one may have to finish something first; then the person is asked.
  setTimeout(look, PATIENCE_MS);
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
