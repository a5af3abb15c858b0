// The administrator adds a hamlet head; he opens his link on his own phone, sets a password, and is in.
import { at, call, DESK, picture, script, signIn, task, until } from "./lib.mjs";

await script(async ({ open, device }) => {
  const one = await open();
  const desk = await device(one, { size: DESK });
  const phone = await device(one);
  await signIn(desk, task.administrator, "/more");
  await at(desk, "more-people").click();
  await at(desk, "person-add").click();
  await at(desk, "person-name").fill("Hoàng Thị Mai");
  // The name makes the proposal; two of one name need another.
  const proposed = await until("a name is proposed", async () => /^[a-z]+(\.[a-z]+)+$/.exec(await at(desk, "person-username").inputValue())?.[0]);
  const username = `${proposed}.${Date.now().toString(36)}`;
  await at(desk, "person-username").fill(username);
  await at(desk, "person-role-hamlet_head").locator("xpath=..").click();
  const option = at(desk, "person-area").locator("option", { hasText: "Bản Chương" });
  await at(desk, "person-area").selectOption(await option.first().getAttribute("value"));
  await at(desk, "person-save").click();
  const link = (await at(desk, "setup-link").innerText()).trim();
  await picture(desk, "desk-setup-link");
  await at(desk, "person-done").click();
  await until("he stands in the list", async () => (await at(desk, "person").filter({ hasText: username }).count()) === 1);

  const password = "mua xuan ve ban";
  await phone.goto(link);
  await at(phone, "set-up").waitFor();
  // His name came with the link.
  await until("his name stands there", async () => (await at(phone, "username").inputValue()) === username);
  await at(phone, "password").fill(password);
  await at(phone, "password-again").fill(password);
  await picture(phone, "phone-set-up");
  await at(phone, "set-up-submit").click();
  await at(phone, "record").waitFor();
  if (phone.url().includes("token")) throw new Error("the link's secret stays in the address");

  // What he may not do is not offered, nor is it there for who types its address.
  await at(phone, "tab-more").click();
  await at(phone, "sign-out").waitFor();
  if ((await at(phone, "more-people").count()) > 0) throw new Error("a hamlet head is offered the people");
  await phone.goto("/#/people");
  await at(phone, "not-allowed").waitFor();
  if ((await at(phone, "person").count()) + (await at(phone, "person-add").count()) > 0) throw new Error("a hamlet head sees the people");
  const { status } = await call(phone, "/users");
  if (status !== 403) throw new Error(`the office answers ${status}`);

  // The link was for once.
  const other = await device(one);
  await other.goto(link);
  await at(other, "username").fill(username);
  await at(other, "password").fill("mat khau thu hai");
  await at(other, "password-again").fill("mat khau thu hai");
  await at(other, "set-up-submit").click();
  await at(other, "set-up-error").waitFor();
  await picture(other, "phone-set-up-twice");
  return { username };
});
