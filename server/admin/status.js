// Shows what the server says now, and keeps trying while it is away. Waits while somebody marks something to copy it, or
// is at a field.
async function refresh() {
  const busy = document.activeElement && document.activeElement.matches("input");
  if (document.hidden || busy || !getSelection().isCollapsed) return;
  try {
    const answer = await fetch(location.href, { signal: AbortSignal.timeout(1900) });
    if (!answer.ok) throw answer.status;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    replace(document.querySelector("main"), page.querySelector("main"));
    document.title = page.title;
    away.hidden = true;
  } catch {
    away.hidden = false;
  }
}
setInterval(refresh, 2000);

// Puts one element in the place of another, with focus and scroll bars where they were.
function replace(old, now) {
  const reach = "a, button, input", scroll = "ol, section";
  const at = document.activeElement;
  const nth = [...old.querySelectorAll(reach)].indexOf(at);
  const places = [...old.querySelectorAll(scroll)].map((e) => [e.scrollLeft, e.scrollTop]);
  old.replaceWith(now);
  const same = (at && at.id && document.getElementById(at.id)) || (nth >= 0 && now.querySelectorAll(reach)[nth]);
  if (same) same.focus({ preventScroll: true });
  [...now.querySelectorAll(scroll)].forEach((e, i) => { if (places[i]) [e.scrollLeft, e.scrollTop] = places[i]; });
}

// A button with data-post asks the API for a change; its other data are the fields.
addEventListener("click", async (event) => {
  const button = event.target.closest("button[data-post]");
  if (!button || !confirm(button.dataset.ask)) return;
  const { post, ask, done, ...fields } = button.dataset;
  button.disabled = true;
  let text = done;
  try {
    const answer = await fetch(post, { method: "POST", body: new URLSearchParams(fields) });
    if (!answer.ok) text = (await answer.json()).error;
  } catch (problem) {
    text = String(problem);
  }
  said.textContent = text;
  said.hidden = false;
  setTimeout(() => { said.hidden = true; }, 8000);
  button.disabled = false;
  refresh();
});
