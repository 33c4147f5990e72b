// On an example, the split between before and after follows the pointer.

for (const example of document.querySelectorAll("[data-example]")) {
  const area = example.closest("a") ?? example;
  area.addEventListener("pointermove", (event) => {
    const box = example.getBoundingClientRect();
    const share = Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
    example.style.setProperty("--split", `${100 * share}%`);
  });
  area.addEventListener("pointerleave", () => example.style.removeProperty("--split"));
}
