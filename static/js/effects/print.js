// The worksheet's one button: without scripts it is not there, and the browser's own way serves.

for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => print());
}
