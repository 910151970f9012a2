// Which timers are unrest: those that are about to fire, unless they go on for ever.

/** Timers longer than this are schedules (polling, clocks), not a widget finishing its drawing. */
const LONGEST_TIMER_MS = 1000;
/** A timer that keeps re-arming itself is a loop; after this many generations it no longer counts. */
const DEEPEST_CHAIN = 5;

/** Tell whether a timer of so many milliseconds is a schedule. */
export const isSchedule = (delay: number): boolean => delay > LONGEST_TIMER_MS;

/** The timers that are set. One that is set while another one fires is of the next generation. */
export class PendingTimers {
  /** Id -> generation. */
  private readonly close = new Map<number, number>();
  private readonly schedules = new Set<number>();
  private generation = 0;

  /** How many are about to fire and are no loops. */
  get unrest(): number {
    let count = 0;
    for (const generation of this.close.values()) if (generation < DEEPEST_CHAIN) count += 1;
    return count;
  }

  /** How many are about to fire, loops included. */
  get size(): number {
    return this.close.size;
  }

  /** Note that a timer was set. */
  add(id: number, delay: number): void {
    if (isSchedule(delay)) this.schedules.add(id);
    else this.close.set(id, this.generation + 1);
  }

  /** Run what a timer was set for. */
  fire(id: number, handler: () => void): void {
    this.schedules.delete(id);
    const generation = this.close.get(id) ?? this.generation;
    this.close.delete(id);
    const outer = this.generation;
    this.generation = generation;
    try {
      handler();
    } finally {
      this.generation = outer;
    }
  }

  /** Note that a timer was called off. */
  forget(id: number): void {
    this.close.delete(id);
    this.schedules.delete(id);
  }

  /** Forget the schedules, and return their ids. */
  takeSchedules(): number[] {
    const ids = [...this.schedules];
    this.schedules.clear();
    return ids;
  }
}
