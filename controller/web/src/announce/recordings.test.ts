import "fake-indexeddb/auto";
import { expect, it } from "vitest";
import { append, begin, bytesOf, dropRecording, extension, leftovers, type Recording } from "./recordings";

const recording = (id: string, durationS: number): Recording => ({ id, user: "an", madeMs: 1, mime: "audio/webm", durationS, name: `${id}.webm` });

it("what was said before a crash is whole, in its order, and offered", async () => {
  const one = recording("one", 0);
  await begin(one);
  await append({ ...one, durationS: 2 }, 1, new Blob(["chào "]));
  await append({ ...one, durationS: 1 }, 0, new Blob(["Xin "]));
  await append({ ...one, durationS: 3 }, 2, new Blob(["bà con"]));
  expect(await (await bytesOf("one"))?.text()).toBe("Xin chào bà con");
  expect((await leftovers("an", new Set())).map((r) => [r.id, r.durationS])).toEqual([["one", 3]]);
  expect(await leftovers("an", new Set(["one"]))).toEqual([]);
  expect(await leftovers("lan", new Set())).toEqual([]);
});

it("one that is thrown away is gone with all its pieces, and takes no other along", async () => {
  const two = recording("two", 5);
  await begin(two);
  await append(two, 0, new Blob(["x"]));
  await dropRecording("two");
  expect(await bytesOf("two")).toBeNull();
  expect(await bytesOf("one")).not.toBeNull();
});

it("one that never got going is swept", async () => {
  await begin(recording("empty", 0.2));
  await leftovers("an", new Set());
  expect(await bytesOf("empty")).toBeNull();
});

it("the office is told what kind of file it is", () => {
  expect(["audio/webm;codecs=opus", "audio/mp4", "audio/ogg;codecs=opus", ""].map(extension)).toEqual(["webm", "m4a", "ogg", "bin"]);
});
