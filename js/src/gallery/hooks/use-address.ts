import { useLayoutEffect, useState } from "preact/hooks";

import { format, parse, type Address } from "../model/address";

/** Browsers ignore a page that writes its address too often; 200 times in 30 seconds is one's limit. */
const WRITES = 150;
const WITHIN_MS = 30_000;
let writes: number[] = [];
let later = 0;

function remember(hash: string): void {
  const now = performance.now();
  writes = writes.filter((time) => now - time < WITHIN_MS);
  clearTimeout(later);
  if (writes.length >= WRITES) {
    later = setTimeout(() => remember(hash), 1000);
    return;
  }
  writes.push(now);
  history.replaceState(null, "", hash);
}

/** The reader's choice of what is shown: begun and changed by the page's address. */
export function useAddress(): [address: Address, change: (part: Partial<Address>) => void] {
  const [address, setAddress] = useState(() => parse(location.hash));
  // Before the page is seen, as all that listens: what happens meanwhile would be missed.
  useLayoutEffect(() => {
    const follow = () => setAddress(parse(location.hash));
    addEventListener("hashchange", follow);
    return () => removeEventListener("hashchange", follow);
  }, []);
  return [address, (part) => setAddress((old) => ({ ...old, ...part }))];
}

/** Keep the reader's choice in the page's address. */
export function useSavedAddress(address: Address): void {
  const hash = format(address);
  // At once: a reload shows the same, however soon it comes.
  useLayoutEffect(() => remember(hash), [hash]);
}
