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

// Puts one element in the place of another, with focus and scroll bars where they were. A button stays that of its
// viewer, wherever the row is now.
function replace(old, now) {
  const reach = "a, button, input", scroll = "ol, section";
  const at = document.activeElement, row = at && at.closest("[data-viewer]");
  const nth = [...old.querySelectorAll(reach)].indexOf(at);
  const places = [...old.querySelectorAll(scroll)].map((e) => [e.scrollLeft, e.scrollTop]);
  old.replaceWith(now);
  const same = row ? now.querySelector(`[data-viewer="${row.dataset.viewer}"] .${at.className}`)
    : (at && at.id && document.getElementById(at.id)) || now.querySelectorAll(reach)[nth];
  if (same) same.focus({ preventScroll: true });
  [...now.querySelectorAll(scroll)].forEach((e, i) => { if (places[i]) [e.scrollLeft, e.scrollTop] = places[i]; });
}

// What the buttons of a viewer's row ask the API for.
const changes = {
  kick: (row) => ({ path: "kick", fields: { viewer: row.viewer }, ask: `Kick ${row.address}?`,
    done: `${row.address} was kicked.` }),
  ban: (row) => ({ path: "bans", fields: { network: row.network, for: "24h" }, ask: `Ban ${row.network} for 24 hours?`,
    done: `${row.network} is banned for 24 hours.` }),
};

addEventListener("click", async (event) => {
  const button = event.target.closest("[data-viewer] button");
  if (!button) return;
  const row = button.closest("tr");
  const change = changes[button.className]({ ...row.dataset, address: row.cells[0].innerText });
  if (!confirm(change.ask)) return;
  button.disabled = true;
  let text = change.done;
  try {
    const body = new URLSearchParams(change.fields);
    const answer = await fetch(`${document.body.dataset.root}api/v1/${change.path}`, { method: "POST", body });
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
