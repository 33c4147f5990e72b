// The theme leaves out a landmark, names two regions alike, and lets only the mouse open the filters.
document.addEventListener("DOMContentLoaded", () => {
  document.getElementById("main")?.setAttribute("role", "main");
  document.querySelector("#changelist-form [data-simplebar]")?.setAttribute("data-simplebar-aria-label", document.title);
  for (const opener of document.querySelectorAll("a:not([href])[x-on\\:click]")) {
    opener.role = "button";
    opener.tabIndex = 0;
    opener.addEventListener("keydown", (event) => {
      if (event.key === "Enter" || event.key === " ") {
        event.preventDefault();
        opener.click();
      }
    });
  }
});
