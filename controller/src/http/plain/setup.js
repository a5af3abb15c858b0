// The form behind a one-time link, for a program that was built without its web app.
const form = document.getElementById("form"), says = document.getElementById("says");
const token = new URLSearchParams(location.search).get("token") || "";
// The secret does not stay in the address bar or the history.
history.replaceState(null, "", "/setup");
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  says.textContent = "…";
  try {
    const answer = await fetch("/api/v1/setup", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ token, username: form.username.value, password: form.password.value }),
    });
    if (answer.ok) {
      form.hidden = true;
      says.textContent = "Xong. Bạn đã đăng nhập.";
    } else {
      says.textContent = (await answer.json()).error.message;
    }
  } catch {
    says.textContent = "Không gửi được: hãy kiểm tra mạng rồi thử lại.";
  }
});
