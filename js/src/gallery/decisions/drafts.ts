/** Comments that the server has not got yet. A reload keeps them. */

export interface Draft {
  text: string;
  /** The version of the decision that its writer saw when beginning it; 0 for none. */
  seen: number;
  /** Whether the server refused it: its writer has been told, and says so if it shall stand all the same. */
  refused?: boolean;
}

export class Drafts {
  private readonly place: string;
  private readonly drafts: Map<string, Draft>;

  constructor(run: string) {
    this.place = `widgetshot drafts ${run}`;
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
      return new Map(JSON.parse(sessionStorage.getItem(this.place) ?? "[]") as [string, Draft][]);
    } catch {
      return new Map();
    }
  }

  private keep(): void {
    try {
      sessionStorage.setItem(this.place, JSON.stringify([...this.drafts]));
    } catch {
      // Remembered by this page alone.
    }
  }
}
