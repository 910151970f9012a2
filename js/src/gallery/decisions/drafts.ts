/** Comments that the server has not got yet. A reload keeps them. */

export interface Draft {
  text: string;
  /** The version of the decision that its writer saw when beginning it; 0 for none. */
  seen: number;
  /** True if the server refused it. Its writer has read why, and decides again if it shall stand all the same. */
  refused?: boolean;
}

export class Drafts {
  private readonly storageKey: string;
  private readonly drafts: Map<string, Draft>;

  constructor(run: string) {
    this.storageKey = `widgetshot drafts ${run}`;
    this.drafts = this.read();
  }

  get(key: string): Draft | undefined {
    return this.drafts.get(key);
  }

  set(key: string, draft: Draft): void {
    this.drafts.set(key, draft);
    this.keep();
  }

  delete(key: string): void {
    this.drafts.delete(key);
    this.keep();
  }

  private read(): Map<string, Draft> {
    try {
      return new Map(JSON.parse(sessionStorage.getItem(this.storageKey) ?? "[]") as [string, Draft][]);
    } catch {
      return new Map();
    }
  }

  private keep(): void {
    try {
      sessionStorage.setItem(this.storageKey, JSON.stringify([...this.drafts]));
    } catch {
      // Remembered by this page alone.
    }
  }
}
