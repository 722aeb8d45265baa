// 'Run this page here': shown where a browser can, which means WebAssembly, and a page that came over HTTP. What it will need is
// loaded ahead when the mouse comes near.
(() => {
  if (typeof WebAssembly !== "object" || !location.protocol.startsWith("http")) return;
  for (const link of document.querySelectorAll("a.run-here")) {
    link.hidden = false;
    const ahead = async () => {
      const folder = link.href.replace(/open\.html.*/, "");
      for (const path of await (await fetch(folder + "preload.json")).json()) {
        const hint = document.createElement("link");
        hint.rel = "prefetch";
        hint.href = folder + path;
        document.head.append(hint);
      }
    };
    for (const event of ["pointerenter", "focus"]) link.addEventListener(event, ahead, { once: true });
  }
})();
