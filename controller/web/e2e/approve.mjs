// The commune asks for approval: the head announces, the leader hears it, sends it back; the head mends, the leader approves.
import { at, call, hold, picture, script, signIn, task, until } from "./lib.mjs";

await script(async ({ open, device }) => {
  const one = await open();
  const head = await device(one);
  const leader = await device(one);
  await signIn(head, task.head);
  await at(head, "type-text").click();
  await at(head, "text").fill(task.text);
  await at(head, "hear").click();
  await at(head, "text-next").click();
  await at(head, "compose").waitFor();
  await at(head, "send").click();
  await at(head, "progress").waitFor();
  await picture(head, "phone-sent-awaiting");

  await signIn(leader, task.approver, "/approvals");
  await at(leader, "decide").waitFor();
  await picture(leader, "phone-approvals");
  const awaiting = (await call(leader, "/bulletins?state=awaiting")).body.bulletins;
  if (awaiting.length !== 1) throw new Error(`${awaiting.length} await approval`);
  await at(leader, "send-back").click();
  await at(leader, "reason").locator("label").first().click();
  await at(leader, "send-back-do").click();
  await at(leader, "decide").waitFor({ state: "detached" });

  // The head sees why, mends and sends again.
  await head.goto("/#/approvals");
  await at(head, "returned").waitFor();
  await picture(head, "phone-returned");
  const back = await call(head, `/bulletins/${awaiting[0].id}`);
  if (back.body.state !== "returned" || !back.body.decision.reason) throw new Error(JSON.stringify(back.body));
  await call(head, `/bulletins/${awaiting[0].id}`, { method: "PATCH", body: { title: `${back.body.title} (đã sửa)`, volume: 90 } });

  await at(leader, "decide").waitFor();
  const approve = at(leader, "approve");
  await hold(leader, approve, () => at(leader, "decide").waitFor({ state: "detached" }));
  const state = async () => (await call(leader, `/bulletins/${awaiting[0].id}`)).body;
  const b = await until("it is approved", async () => {
    const b = await state();
    return b.state === "planned" || b.state === "ended" ? b : null;
  });
  return { bulletin: b.id, decided_by: b.decision.by_name };
});
