/// The one way to the office: a timeout on every call, one kind of error, a signal when the session is over, and where the
/// office wants to know who it is that asks, the question and a second try.

import type { ErrorEnvelope } from "./types";

const BASE = "/api/v1";
const PATIENCE_MS = 15_000;
/// A large report is made while one waits.
const FILE_PATIENCE_MS = 60_000;
/// An upload over a weak line is given this long in all.
export const UPLOAD_PATIENCE_MS = 10 * 60_000;

/// A refusal by the office, or (`status` 0) no answer from it.
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly details: Record<string, unknown> = {},
    readonly retryAfterS: number | null = null,
  ) {
    super(message);
    this.name = "ApiError";
  }
  /// The line is the trouble, not what was asked: ask again later.
  get isOffline(): boolean {
    return this.status === 0;
  }
  get isExpired(): boolean {
    return this.status === 401;
  }
  /// The office wants to be shown once more who asks.
  get needsProof(): boolean {
    return this.status === 403 && this.code === "proof_needed";
  }
  /// Asking the same again can succeed.
  get isTransient(): boolean {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

interface Hooks {
  language: () => string;
  /// Whom this page takes for signed in.
  user: () => string | null;
  /// What to tell people when there is no answer.
  unreachable: () => string;
  expired: () => void;
  reached: (ok: boolean) => void;
  /// Asks the person, by one of these ways, who he is; `true`: he has shown it.
  prove: (methods: string[]) => Promise<boolean>;
}
const hooks: Hooks = {
  language: () => "vi",
  user: () => null,
  unreachable: () => "",
  expired: () => {},
  reached: () => {},
  prove: () => Promise.resolve(false),
};
/// Set once by the app; keeps this file free of session and dictionaries.
export function hook(given: Partial<Hooks>): void {
  Object.assign(hooks, given);
}

export interface Options {
  query?: Record<string, string | number | boolean | null | undefined>;
  /// `Idempotency-Key`: the same for every try of the same thing.
  key?: string;
  timeoutMs?: number;
  headers?: Record<string, string>;
  /// The page is being left: the browser sends it all the same.
  keepalive?: boolean;
  signal?: AbortSignal;
  /// A 401 here is an answer (a wrong password), not the end of the session.
  open?: boolean;
  /// Where proof is needed, the caller asks for it himself: nobody waits at this call.
  unasked?: boolean;
}

/// 128 random bits. (`crypto.randomUUID` is missing on plain http.)
export function newKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, "0")).join("");
}

function address(path: string, query: Options["query"]): string {
  const pairs = Object.entries(query ?? {})
    .filter(([, value]) => value !== null && value !== undefined && value !== "")
    .map(([name, value]) => [name, String(value)]);
  const text = new URLSearchParams(pairs).toString();
  return `${BASE}${path}${text ? `?${text}` : ""}`;
}

async function refusal(response: Response): Promise<ApiError> {
  const wait = Number(response.headers.get("retry-after"));
  const retryAfter = Number.isFinite(wait) && wait > 0 ? wait : null;
  try {
    const { error } = (await response.json()) as ErrorEnvelope;
    return new ApiError(response.status, error.code, error.message, error.details, retryAfter);
  } catch {
    // Not from the office: a proxy, or a hotel's sign-in page.
    const code = response.status < 500 && response.status >= 400 ? "unexpected" : "unreachable";
    return new ApiError(response.status, code, hooks.unreachable(), {}, retryAfter);
  }
}

/// The ways by which the office would take proof.
export function methodsOf(error: ApiError): string[] {
  const { methods } = error.details;
  return Array.isArray(methods) ? methods.filter((one) => typeof one === "string") : [];
}

/// The office's answer, when it is none of refusal, silence and a broken line. Where it asks for proof, the person is asked,
/// and the same call is made once more.
async function ask(method: string, path: string, body: unknown, options: Options, accept = "application/json"): Promise<Response> {
  try {
    return await once(method, path, body, options, accept);
  } catch (error) {
    const mayAsk = error instanceof ApiError && error.needsProof && !options.open && !options.unasked;
    if (!mayAsk || !(await hooks.prove(methodsOf(error)))) throw error;
    return await once(method, path, body, options, accept);
  }
}

async function once(method: string, path: string, body: unknown, options: Options, accept: string): Promise<Response> {
  const headers = new Headers({ Accept: accept, "Accept-Language": hooks.language() });
  if (options.key) headers.set("Idempotency-Key", options.key);
  for (const [name, value] of Object.entries(options.headers ?? {})) headers.set(name, value);
  // Another tab may have signed somebody else in: nothing is done in that person's name.
  const user = method === "GET" || options.open ? null : hooks.user();
  if (user) headers.set("Loa-User", user);
  let payload: BodyInit | null = null;
  if (body instanceof FormData) payload = body;
  else if (body !== undefined) {
    headers.set("Content-Type", "application/json");
    payload = JSON.stringify(body);
  }
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), options.timeoutMs ?? PATIENCE_MS);
  const giveUp = () => abort.abort();
  options.signal?.addEventListener("abort", giveUp);
  let response: Response;
  try {
    response = await fetch(address(path, options.query), {
      method,
      headers,
      body: payload,
      signal: abort.signal,
      ...(options.keepalive && { keepalive: true }),
      credentials: "same-origin",
      cache: "no-store",
      redirect: "error",
    });
  } catch (error) {
    if (options.signal?.aborted) throw error;
    hooks.reached(false);
    throw new ApiError(0, "unreachable", hooks.unreachable());
  } finally {
    clearTimeout(timer);
    options.signal?.removeEventListener("abort", giveUp);
  }
  if (!response.ok) {
    const error = await refusal(response);
    hooks.reached(error.code !== "unreachable");
    if (error.isExpired && !options.open) hooks.expired();
    throw error;
  }
  hooks.reached(true);
  return response;
}

async function call<T>(method: string, path: string, body: unknown, options: Options): Promise<T> {
  const response = await ask(method, path, body, options);
  if (response.status === 204) return undefined as T;
  try {
    return (await response.json()) as T;
  } catch {
    throw new ApiError(0, "unreachable", hooks.unreachable());
  }
}

/// The name that the office gave a file, or `fallback`.
function fileName(response: Response, fallback: string): string {
  const said = response.headers.get("content-disposition") ?? "";
  const name = /filename\*=UTF-8''([^;]+)/i.exec(said)?.[1] ?? /filename="?([^";]+)"?/i.exec(said)?.[1];
  try {
    return name ? decodeURIComponent(name) : fallback;
  } catch {
    return fallback;
  }
}

async function file(path: string, fallback: string, options: Options = {}): Promise<File> {
  const response = await ask("GET", path, undefined, { timeoutMs: FILE_PATIENCE_MS, ...options }, "*/*");
  try {
    const bytes = await response.blob();
    return new File([bytes], fileName(response, fallback), { type: bytes.type });
  } catch {
    throw new ApiError(0, "unreachable", hooks.unreachable());
  }
}

export const api = {
  get: <T>(path: string, options: Options = {}) => call<T>("GET", path, undefined, options),
  post: <T>(path: string, body?: unknown, options: Options = {}) => call<T>("POST", path, body ?? {}, options),
  patch: <T>(path: string, body: unknown, options: Options = {}) => call<T>("PATCH", path, body, options),
  delete: <T = void>(path: string, options: Options = {}) => call<T>("DELETE", path, undefined, options),
  /// A report as a file, with the name that the office gives it.
  file,
  /// Multipart; `key` makes it safe to repeat.
  upload: <T>(path: string, form: FormData, options: Options = {}) =>
    call<T>("POST", path, form, { timeoutMs: UPLOAD_PATIENCE_MS, ...options }),
  contentUrl: (audio: string) => `${BASE}/audio/${encodeURIComponent(audio)}/content`,
  /// Of a speaker or an area (`/speakers/ban-chuong-1`): the programme ahead, for calendar programs.
  calendarUrl: (path: string) => `${BASE}${path}/programme.ics`,
  /// A page that the office draws itself, to be opened in a window of its own.
  pageUrl: (path: string) => `${BASE}${path}`,
  eventsUrl: `${BASE}/events`,
};

/// What to show for anything that was thrown.
export function words(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
