// The error that ends a notebook, in words.

const ANSI = /\x1b\[[0-9;]*[A-Za-z]/g;

/**
 * Name the error that a cell raised.
 *
 * IPython says `NoneType: None` of one that a display raised and that nothing handles any more when it is asked for
 * it, as at the end of a recursion; what it shows, the traceback, ends with it all the same.
 */
export function raisedError(ename: string, evalue: string, traceback: string[]): string {
  const shown = traceback.join("\n").replace(ANSI, "").trimEnd().split("\n").at(-1) ?? "";
  const named = ename && ename !== "NoneType" ? `${ename}: ${evalue}`.replace(ANSI, "") : "";
  return named || shown.trim() || `${ename}: ${evalue}`;
}
