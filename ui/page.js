// Runs before Gradio: the language it will show, and the few things that only a browser can do.
(() => {
  const keep = (store, key, value) => { try { store.setItem(key, value); } catch { /* refused */ } };
  const kept = (store, key) => { try { return store.getItem(key); } catch { return null; } };
  const asked = new URLSearchParams(location.search).get("lang");
  const chosen = asked || kept(localStorage, "freebrush-language") || navigator.language;
  const language = /^zh/i.test(chosen) ? "zh-CN" : "en";
  Object.defineProperty(navigator, "language", { get: () => language });
  Object.defineProperty(navigator, "languages", { get: () => [language] });
  window.freebrush = { language };
  const find = (selector) => document.querySelector(selector);

  let draft = kept(sessionStorage, "freebrush-draft"); // what was typed when the language changed
  let pressed = null; // what the result was when a run was asked for, and when that was
  let held = ""; // the id of what had the focus last

  document.addEventListener("click", (event) => {
    const choice = event.target.closest("[data-language]");
    if (choice) {
      keep(localStorage, "freebrush-language", choice.dataset.language);
      keep(sessionStorage, "freebrush-draft", find("#prompt textarea")?.value ?? "");
      const url = new URL(location.href);
      url.searchParams.set("lang", choice.dataset.language);
      location.href = url;
    }
    const opener = event.target.closest("[data-opens]");
    if (opener) {
      const row = document.getElementById(opener.dataset.opens);
      row.hidden = !row.hidden;
      opener.setAttribute("aria-expanded", String(!row.hidden));
    }
    if (event.target.closest("[data-go-costs]")) find('[role="tab"][data-tab-id="costs"]').click();
    if (event.target.closest("#run, .chips button")) {
      pressed = { html: find("#picture .prose")?.innerHTML, at: performance.now() };
    }
  });

  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      const run = find("#run");
      if (run?.getClientRects().length) run.click(); // on another tab it is not to be seen
    }
  });
  document.addEventListener("focusin", (event) => { held = event.target.id; });

  // A stopwatch in tenths for each element that says how long its job had run when it was drawn.
  const began = new WeakMap();
  setInterval(() => {
    for (const watch of document.querySelectorAll("[data-elapsed]")) {
      const elapsed = watch.dataset.elapsed; // Gradio may keep the element and change it
      if (began.get(watch)?.elapsed !== elapsed) began.set(watch, { elapsed, at: performance.now() - 1000 * elapsed });
      const says = watch.textContent.replace(/[\d.]+/, ((performance.now() - began.get(watch).at) / 1000).toFixed(1));
      if (watch.textContent !== says) watch.textContent = says;
    }
    for (const choice of document.querySelectorAll("[data-language]")) {
      choice.setAttribute("aria-pressed", String(choice.dataset.language === language));
    }
    find("#picture")?.setAttribute("aria-live", "polite");
    const advanced = find("#advanced > button");
    advanced?.setAttribute("aria-expanded", String(advanced.nextElementSibling?.style.display !== "none"));
    const hint = find("#shortcut .prose");
    if (hint && /Mac|iP/.test(navigator.platform)) hint.textContent = hint.textContent.replace("Ctrl", "⌘");

    // Run and Stop take turns in one place: the focus goes over from the one to the other.
    if (document.activeElement === document.body && ["run", "stop"].includes(held)) find("#run, #stop")?.focus();
    // On a narrow page the result stands below the form: bring it up once it answers.
    const picture = find("#picture");
    if (pressed && (picture.querySelector(".prose")?.innerHTML !== pressed.html || performance.now() - pressed.at > 1000)) {
      pressed = null;
      if (picture.getBoundingClientRect().top > innerHeight - 200) picture.scrollIntoView();
    }
    const prompt = find("#plan .plan") && find("#prompt textarea");
    if (prompt && draft) {
      prompt.value = draft;
      prompt.dispatchEvent(new Event("input", { bubbles: true }));
      keep(sessionStorage, "freebrush-draft", draft = "");
    }
  }, 100);
})();
