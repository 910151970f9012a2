// Closed shadow roots, of which only who attached them knows: noted from before any other script runs.

const closed = new WeakMap<Element, ShadowRoot>();
const { attachShadow } = Element.prototype as { attachShadow: (this: Element, init: ShadowRootInit) => ShadowRoot };
Element.prototype.attachShadow = function (this: Element, init: ShadowRootInit): ShadowRoot {
  const root = attachShadow.call(this, init);
  if (root.mode === "closed") closed.set(this, root);
  return root;
};

/** The shadow root of an element, open or closed. */
export const shadowOf = (element: Element): ShadowRoot | undefined => element.shadowRoot ?? closed.get(element);
