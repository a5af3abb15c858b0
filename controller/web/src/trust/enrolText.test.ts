import { expect, it } from "vitest";
import { readSticker } from "./enrolText";

it("a scanned sticker is read however it was typed, and nothing else is taken for one", () => {
  const fingerprint = "0123456789abcdef".repeat(4);
  const read = { code: "7K2M-9QXT-4HNB", fingerprint };
  expect(readSticker(`#7K2M-9QXT-4HNB.${fingerprint}`)).toEqual(read);
  expect(readSticker(`#7k2m9qxt4hnb.${fingerprint.toUpperCase()}`)).toEqual(read);
  for (const other of ["", "#", "#7K2M-9QXT-4HNB", `#7K2M-9QXT.${fingerprint}`, `#7K2M-9QXT-4HNB.${fingerprint}00`, "#/today"])
    expect(readSticker(other)).toBeNull();
});
