/// The phone's own memory (IndexedDB): drafts, recordings in the making, what waits to leave, what was last known.

const NAME = "loa";
const VERSION = 1;
/// kv: small things by name. cache: answers by name. recordings, chunks: sound as it comes. outbox: announcements.
export type Store = "kv" | "cache" | "recordings" | "chunks" | "outbox";

let opening: Promise<IDBDatabase> | null = null;

function open(): Promise<IDBDatabase> {
  opening ??= new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME, VERSION);
    request.onupgradeneeded = () => {
      const db = request.result;
      db.createObjectStore("kv");
      db.createObjectStore("cache");
      db.createObjectStore("recordings", { keyPath: "id" });
      db.createObjectStore("chunks", { autoIncrement: true }).createIndex("recording", "recording");
      db.createObjectStore("outbox", { keyPath: "id" });
    };
    request.onsuccess = () => {
      const db = request.result;
      // Another tab wants a newer shape: let it, and open again when next needed.
      db.onversionchange = () => {
        db.close();
        opening = null;
      };
      db.onclose = () => {
        opening = null;
      };
      resolve(db);
    };
    request.onerror = () => {
      opening = null;
      reject(request.error);
    };
  });
  return opening;
}

async function run<T>(
  store: Store,
  mode: IDBTransactionMode,
  work: (store: IDBObjectStore) => IDBRequest<T> | undefined,
): Promise<T> {
  const db = await open();
  return new Promise((resolve, reject) => {
    // Strict: what we say is kept must be on the disk when the battery dies.
    const tx = db.transaction(store, mode, { durability: mode === "readwrite" ? "strict" : "default" });
    const request = work(tx.objectStore(store));
    tx.oncomplete = () => resolve(request?.result as T);
    tx.onerror = () => reject(tx.error);
    tx.onabort = () => reject(tx.error ?? new Error("aborted"));
  });
}

export const db = {
  get: <T>(store: Store, key: IDBValidKey) => run<T | undefined>(store, "readonly", (s) => s.get(key)),
  all: <T>(store: Store) => run<T[]>(store, "readonly", (s) => s.getAll()),
  put: (store: Store, value: unknown, key?: IDBValidKey) => run(store, "readwrite", (s) => s.put(value, key)),
  delete: (store: Store, key: IDBValidKey) => run<undefined>(store, "readwrite", (s) => s.delete(key)),
  clear: (store: Store) => run<undefined>(store, "readwrite", (s) => s.clear()),
  /// By the index `recording`.
  chunksOf: <T>(recording: string) =>
    run<T[]>("chunks", "readonly", (s) => s.index("recording").getAll(recording)),
  deleteChunksOf: (recording: string) =>
    run<undefined>("chunks", "readwrite", (s) => {
      const cursor = s.index("recording").openKeyCursor(recording);
      cursor.onsuccess = () => {
        if (!cursor.result) return;
        s.delete(cursor.result.primaryKey);
        cursor.result.continue();
      };
      return undefined;
    }),
};

/// Ask that the browser doesn't throw it away when the phone is full.
export function persist(): void {
  void navigator.storage?.persist?.().catch(() => false);
}
