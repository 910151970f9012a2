// Which timers are unrest: those that are about to fire, unless they go on for ever.

/** Timers longer than this are schedules (polling, clocks), not a widget finishing its drawing. */
const LONGEST_TIMER_MS = 1000;
/** So long a timer is waited for that a script of the notebook's own has set: it draws something then. */
const LONGEST_OWN_TIMER_MS = 5000;
/** A timer that keeps re-arming itself is a loop; after this many generations it no longer counts. */
const DEEPEST_CHAIN = 5;

/** Tell whether a timer of so many milliseconds is a schedule. */
export const isSchedule = (delay: number): boolean => delay > LONGEST_TIMER_MS;

/** The timers that are set. One that is set while another one fires is of the next generation. */
export class PendingTimers {
  private readonly close = new Map<number, { generation: number; delay: number }>();
  private readonly schedules = new Set<number>();
  private generation = 0;

  /** How many are about to fire and are no loops. */
  get unrest(): number {
    let count = 0;
    for (const { generation } of this.close.values()) if (generation < DEEPEST_CHAIN) count += 1;
    return count;
  }

  /** The longest time, in milliseconds, between two turns of a loop; 0 without any. */
  get period(): number {
    let longest = 0;
    for (const { generation, delay } of this.close.values()) if (generation >= DEEPEST_CHAIN) longest = Math.max(longest, delay);
    return longest;
  }

  /** How many are about to fire, loops included. */
  get size(): number {
    return this.close.size;
  }

  /**
   * Note that a timer was set.
   *
   * @param isOwn whether a script of the notebook's own has set it, and no library
   */
  add(id: number, delay: number, isOwn = false): void {
    // One that a timer of the same kind has set is polling.
    const isAwaited = isOwn && delay <= LONGEST_OWN_TIMER_MS && this.generation === 0;
    if (isSchedule(delay) && !isAwaited) this.schedules.add(id);
    else this.close.set(id, { generation: this.generation + 1, delay });
  }

  /** Run what a timer was set for. */
  fire(id: number, handler: () => void): void {
    this.schedules.delete(id);
    const generation = this.close.get(id)?.generation ?? this.generation;
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
