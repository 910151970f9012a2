// Why a cell that was executed keeps its notebook from going on.

import type { KernelMessage } from "@jupyterlab/services";
import type { ExecutionFailure } from "./protocol";
import { raisedError } from "./raised-error";

/** Errors of ours that notebooks raise, and what the kernel is asked about the last of them. */
const ADVISING_ERRORS = new Set(["ConfigError", "CostExceeded", "CostUnknown"]);
const LAST_ERROR = "(lambda error: __import__('json').dumps([error.headline, error.next_step]))(__import__('sys').last_value)";

/** A kernel that can be asked for what an error says as data. */
interface AskedKernel {
  requestExecute(content: KernelMessage.IExecuteRequestMsg["content"]): { readonly done: Promise<unknown> };
}

export const died = (cell: string): ExecutionFailure => ({ code: "kernel-died", params: {}, cell, nextStep: "" });

/**
 * Tell why the notebook can't go on behind a cell, or null.
 *
 * @param timeout milliseconds that the cell may take
 * @param reply the kernel's, or what came instead of it
 */
export async function failureOf(
  kernel: AskedKernel,
  cell: { id: string; raises: boolean },
  timeout: number,
  reply: KernelMessage.IExecuteReplyMsg | "gone" | "late",
): Promise<ExecutionFailure | null> {
  if (reply === "gone") return died(cell.id);
  if (reply === "late") return { code: "cell-late", params: { seconds: String(timeout / 1000) }, cell: cell.id, nextStep: "" };
  const { content } = reply;
  if (content.status === "ok" || cell.raises) return null;
  const { ename = "", evalue = "", traceback = [] } = content as { ename?: string; evalue?: string; traceback?: string[] };
  if (content.status !== "error") return { code: "cell-not-run", params: { cause: content.status }, cell: cell.id, nextStep: "" };
  const [error, nextStep] = (ADVISING_ERRORS.has(ename) && (await advice(kernel, ename))) || [raisedError(ename, evalue, traceback), ""];
  return { code: "cell-raised", params: { error }, cell: cell.id, nextStep };
}

/** Ask for what an error of ours says as data; null where there is no answer. */
async function advice(kernel: AskedKernel, ename: string): Promise<[error: string, nextStep: string] | null> {
  const future = kernel.requestExecute({ code: "", silent: true, user_expressions: { error: LAST_ERROR } });
  const { content } = (await future.done) as { content: { user_expressions?: { error?: { data?: Record<string, string> } } } };
  const text = content.user_expressions?.error?.data?.["text/plain"];
  if (!text) return null;
  // A Python string literal, in quotes and with escapes, of JSON in ASCII.
  const json = text.slice(1, -1).replace(/\\(['\\])/g, "$1");
  const [headline, nextStep] = JSON.parse(json) as [string, string];
  return [`${ename}: ${headline}`, nextStep];
}
