import { useEffect, useState } from "preact/hooks";

const SHOWN_MS = 6000;

/** A sentence that is told for a while. */
export function useNotice(): [said: string, say: (sentence: string) => void] {
  const [said, setSaid] = useState("");
  useEffect(() => {
    const gone = setTimeout(() => setSaid(""), SHOWN_MS);
    return () => clearTimeout(gone);
  }, [said]);
  return [said, setSaid];
}
