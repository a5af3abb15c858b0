import { describe, expect, it } from "vitest";
import openapi from "../../openapi.json";
import vi from "./words/vi.json";

type Named = "Cause" | "ChangeKind" | "EarKind" | "FactWhy" | "Hearing" | "NetworkKind" | "OrderKind" | "PoleSeverity" | "RunEndView";
const said = (key: string) => key in vi;
const words = (name: Named): string[] => openapi.components.schemas[name].enum;
const FACTS = ["powered", "connected", "healthy", "audible"];

describe("every word that the office may say of a speaker has its words here:", () => {
  it("each fact, however it stands", () => {
    const wanted = FACTS.flatMap((fact) => openapi.components.schemas.FactState.enum.flatMap((state) => [`fact.${fact}.${state}`, `fact.${fact}.${state}.plain`]));
    expect(wanted.filter((key) => !said(key))).toEqual([]);
  });
  it("why a fact is so", () => {
    expect(words("FactWhy").filter((why) => !FACTS.some((fact) => said(`why.${fact}.${why}`)))).toEqual([]);
  });
  it("why an outage was, also where the board tells it as the reason of a fact", () => {
    const wanted = words("Cause").flatMap((cause) => [`cause.${cause}`, ...(cause === "unknown" ? [] : [`why.connected.${cause}`])]);
    expect(wanted.filter((key) => !said(key))).toEqual([]);
  });
  it.each<[Named, string[]]>([
    ["ChangeKind", ["change.*", "changes.*.n"]],
    ["EarKind", ["machine.ear.*"]],
    ["Hearing", ["hearing.*"]],
    ["NetworkKind", ["machine.network.*"]],
    ["OrderKind", ["order.*", "orders.*", "order.*.sure", "order.*.what"]],
    ["PoleSeverity", ["severity.*"]],
    ["RunEndView", ["run.*"]],
  ])("%s", (name, keys) => {
    const wanted = keys.flatMap((key) => words(name).map((word) => key.replace("*", word)));
    expect(wanted.filter((key) => !said(key))).toEqual([]);
  });
});
