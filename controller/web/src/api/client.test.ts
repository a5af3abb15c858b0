import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { api, ApiError, hook } from "./client";

const needed = () =>
  Response.json({ error: { code: "proof_needed", message: "Ai đó?", details: { methods: ["password", "passkey"] } } }, { status: 403 });
const done = () => Response.json({ id: "b1" }, { status: 201 });

describe("a call that wants to know who makes it", () => {
  let answers: (() => Response)[] = [];
  let sent: { body: unknown; key: string | null }[] = [];
  let asked: string[][] = [];
  let shows = true;

  beforeEach(() => {
    answers = [];
    sent = [];
    asked = [];
    shows = true;
    vi.stubGlobal("fetch", (_: string, init: RequestInit) => {
      sent.push({ body: init.body, key: new Headers(init.headers).get("idempotency-key") });
      return Promise.resolve((answers.shift() ?? done)());
    });
    hook({
      prove: (methods) => {
        asked.push(methods);
        return Promise.resolve(shows);
      },
    });
  });
  afterEach(() => vi.unstubAllGlobals());

  it("is made again, once and unchanged, when the person has shown it", async () => {
    answers = [needed];
    expect(await api.post("/bulletins", { title: "Lũ" }, { key: "k" })).toEqual({ id: "b1" });
    expect(asked).toEqual([["password", "passkey"]]);
    expect(sent).toEqual([0, 1].map(() => ({ body: '{"title":"Lũ"}', key: "k" })));
  });
  it("is not made a third time", async () => {
    answers = [needed, needed];
    await expect(api.post("/bulletins", {})).rejects.toMatchObject({ code: "proof_needed" });
    expect(sent).toHaveLength(2);
    expect(asked).toHaveLength(1);
  });
  it("is refused, in the office's words, when the question was put away", async () => {
    answers = [needed];
    shows = false;
    const refused = await api.post("/bulletins", {}).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(ApiError);
    expect((refused as ApiError).message).toBe("Ai đó?");
    expect(sent).toHaveLength(1);
  });
  it("asks nobody when its caller does that himself, nor for any other refusal", async () => {
    answers = [needed, () => Response.json({ error: { code: "forbidden", message: "x", details: {} } }, { status: 403 })];
    await expect(api.post("/bulletins", {}, { unasked: true })).rejects.toMatchObject({ needsProof: true });
    await expect(api.post("/bulletins", {})).rejects.toMatchObject({ needsProof: false });
    expect(asked).toEqual([]);
  });
});
