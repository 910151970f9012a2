import { useEffect, useState } from "preact/hooks";

const SHOWN_MS = 6000;

/** A sentence that is shown for a while. */
export function useNotice(): [notice: string, notify: (sentence: string) => void] {
  const [notice, setNotice] = useState("");
  useEffect(() => {
    const gone = setTimeout(() => setNotice(""), SHOWN_MS);
    return () => clearTimeout(gone);
  }, [notice]);
  return [notice, setNotice];
}
