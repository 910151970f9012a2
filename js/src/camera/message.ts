// Messages between a page and its kernel, in the forms in which they go through a socket.

import type { KernelMessage } from "@jupyterlab/services";

/** Jupyter Server's binary form of messages; the older one is JSON text. */
const BINARY = "v1.kernel.websocket.jupyter.org";
/** Bytes of a number in the binary form: little-endian, and none is larger than a script's numbers are exact. */
const NUMBER = 8;

/** Read as much of a message as is looked at; undefined where it has another form. */
export function decoded(data: unknown, protocol: string): KernelMessage.IMessage | undefined {
  if (typeof data === "string") return JSON.parse(data) as KernelMessage.IMessage;
  const view = data instanceof ArrayBuffer ? new DataView(data) : ArrayBuffer.isView(data) ? new DataView(data.buffer, data.byteOffset, data.byteLength) : undefined;
  if (!view || protocol !== BINARY) return undefined;
  const number = (index: number): number => Number(view.getBigUint64(index * NUMBER, true));
  const text = (part: number): string => {
    const begin = number(part + 1);
    return new TextDecoder().decode(new Uint8Array(view.buffer, view.byteOffset + begin, number(part + 2) - begin));
  };
  const [header, parent, metadata, content] = [1, 2, 3, 4].map((part) => JSON.parse(text(part)) as never);
  return { channel: text(0), header, parent_header: parent, metadata, content } as unknown as KernelMessage.IMessage;
}
