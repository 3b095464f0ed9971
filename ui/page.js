// Runs before Gradio: the language it will show, and the few things that only a browser can do.
(() => {
  const asked = new URLSearchParams(location.search).get("lang");
  let kept = null;
  try { kept = asked || localStorage.getItem("freebrush-language"); } catch { kept = asked; }
  const language = /^zh/i.test(kept || navigator.language) ? "zh-CN" : "en";
  Object.defineProperty(navigator, "language", { get: () => language });
  Object.defineProperty(navigator, "languages", { get: () => [language] });
  window.freebrush = { language };

  document.addEventListener("click", (event) => {
    const choice = event.target.closest("[data-language]");
    if (choice) {
      try { localStorage.setItem("freebrush-language", choice.dataset.language); } catch { /* refused */ }
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
    if (event.target.closest("[data-go-costs]")) {
      document.querySelector('button[role="tab"]#costs-tab-button, #tabs button[role="tab"]:nth-of-type(2)').click();
    }
  });

  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      document.querySelector("#run")?.click();
    }
  });

  // A stopwatch in tenths for each element that says how long its job had run when it was drawn.
  const began = new WeakMap();
  setInterval(() => {
    for (const watch of document.querySelectorAll("[data-elapsed]")) {
      if (!began.has(watch)) began.set(watch, performance.now() - 1000 * watch.dataset.elapsed);
      watch.textContent = ((performance.now() - began.get(watch)) / 1000).toFixed(1) + " s";
    }
    document.getElementById("result")?.setAttribute("aria-live", "polite");
    for (const choice of document.querySelectorAll("[data-language]")) {
      choice.setAttribute("aria-pressed", String(choice.dataset.language === language));
    }
  }, 100);
})();
