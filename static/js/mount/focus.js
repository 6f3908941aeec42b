// Where the focus goes when what had it is gone: the browser would put it at the page's start.

/** Whether nothing has the focus any more, or something that has just been hidden. */
function isLost() {
  const { activeElement } = document;
  return (
    !activeElement || activeElement === document.body || Boolean(activeElement.closest("[hidden]"))
  );
}

/**
 * Run `render`; if `root` held the focus and lost it by that, hand it on.
 * @param {() => Element | null} next  what comes next; asked only where the focus is lost
 */
export function keepFocus(root, render, next) {
  const held = root.contains(document.activeElement);
  render();
  if (held && isLost()) giveFocus(next());
}

/** A heading or a region takes the focus without becoming a stop of the tab key. */
export function giveFocus(element) {
  if (!element) return;
  if (element.tabIndex < 0 && !element.hasAttribute("tabindex")) element.tabIndex = -1;
  element.focus({ preventScroll: true });
}
