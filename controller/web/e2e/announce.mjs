// The hamlet head records with the phone's microphone and sends it to the hamlet, now.
import { at, script, signIn, task, picture } from "./lib.mjs";

await script(async ({ open, device }) => {
  const phone = await device(await open(task.mic));
  await signIn(phone, task.head);
  await at(phone, "record").click();
  await at(phone, "record-finish").waitFor();
  // The meter moves: the microphone is heard.
  await phone.waitForFunction(() => Number(document.querySelector("[data-testid=level]").getAttribute("aria-valuenow")) > 5);
  const seconds = (text) => text.split(":").reduce((sum, part) => sum * 60 + Number(part), 0);
  const elapsed = async () => seconds((await at(phone, "record-time").innerText()).trim());
  const reach = async (s) => {
    while ((await elapsed()) < s) await phone.waitForTimeout(50);
  };
  await reach(2);
  await at(phone, "record-pause").click();
  await at(phone, "record-resume").waitFor();
  await at(phone, "record-resume").click();
  await at(phone, "record-pause").waitFor();
  await reach(5);
  await picture(phone, "phone-recording");
  await at(phone, "record-finish").click();

  // The own hamlet is chosen already, and the sentence says what will happen.
  await at(phone, "compose").waitFor();
  const sentence = at(phone, "sentence").first();
  await phone.waitForFunction(() => /2 loa/.test(document.querySelector("[data-testid=sentence]")?.textContent ?? ""));
  const said = await sentence.innerText();
  await at(phone, "send").click();
  await at(phone, "progress").waitFor();
  await at(phone, "open-bulletin").click();
  await at(phone, "bulletin").waitFor();
  return { bulletin: phone.url().split("/").pop(), sentence: said };
});
