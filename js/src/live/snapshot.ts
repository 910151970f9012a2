// A second defence of pages that are used again. The browser tells of scripts that are not ours (see extension.py); what
// such a script leaves behind is looked for all the same, because wrong pictures would come of one that is missed.

/** require.js's own record of its modules; it has no public way to list them. */
interface Context {
  defined: Record<string, unknown>;
  registry: Record<string, unknown>;
  urlFetched: Record<string, boolean>;
}

/**
 * List the names of all modules that require.js knows, and the addresses of those that it has fetched.
 *
 * @throws Error when a definition waits that has no name
 */
function modules(): string[] {
  // Definitions wait in a queue until somebody requires something. They are taken from it at once.
  window.requirejs([]);
  const { contexts } = (window.requirejs as unknown as { s: { contexts: Record<string, Context> } }).s;
  return Object.values(contexts).flatMap(({ defined, registry, urlFetched }) =>
    [defined, registry, urlFetched].flatMap(Object.keys),
  );
}

function attributesOf(element: Element): string {
  return JSON.stringify([...element.attributes].map(({ name, value }) => [name, value]).sort());
}

/** Count the rules of an element's style sheet that are in force; 0 without one. */
function rulesOf(element: Element): number {
  const { sheet } = element as Partial<HTMLLinkElement>;
  return sheet && !sheet.disabled ? sheet.cssRules.length : 0;
}

/** Everything around the body, and the modules, as they were when only our own scripts had run. */
export class PageSnapshot {
  private readonly attributes = attributesOf(document.documentElement);
  /** Elements of the head, with the number of rules of those that are style sheets. */
  private readonly head = new Map<Element, number>();

  /** @param ours names of the modules that our own scripts define */
  constructor(private readonly ours: ReadonlySet<string>) {
    for (const element of document.head.children) this.head.set(element, rulesOf(element));
  }

  /** Note that we have put another style sheet, which is loaded, in the place of one of ours. */
  replace(old: Element, fresh: Element): void {
    this.head.delete(old);
    this.head.set(fresh, rulesOf(fresh));
  }

  /**
   * Tell whether the page is still so: no other module, style or script, and `<html>` has the same attributes.
   *
   * It leaves an empty call of require.js behind, which ends a few milliseconds later.
   */
  matches(): boolean {
    if (!this.elementsMatch()) return false;
    try {
      return modules().every((name) => this.ours.has(name));
    } catch {
      return false;
    }
  }

  private elementsMatch(): boolean {
    const root = document.documentElement;
    const head = [...document.head.children];
    return (
      attributesOf(root) === this.attributes &&
      [...root.children].every((child) => child === document.head || child === document.body) &&
      document.adoptedStyleSheets.length === 0 &&
      head.length === this.head.size &&
      head.every((element) => this.head.get(element) === rulesOf(element))
    );
  }
}
