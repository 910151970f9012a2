import { useRef, useState } from "preact/hooks";

import type { Decisions } from "../decisions/decisions";
import { useDeciding } from "../hooks/use-deciding";
import { useDecisions } from "../hooks/use-decisions";
import { useKeys } from "../hooks/use-keys";
import { useList } from "../hooks/use-list";
import { useLook } from "../hooks/use-look";
import { useNotice } from "../hooks/use-notice";
import { useAddress, usePlace } from "../hooks/use-place";
import type { Overview } from "../model/overview";
import { Confirm } from "./confirm";
import { Desk } from "./desk";
import { Finish } from "./finish";
import { Header } from "./header";
import { Help } from "./help";
import { keysOf } from "./keys";
import { Rail } from "./rail";
import { VerdictBar } from "./verdict-bar";

/** The gallery of one run. */
export function App({ of, decisions }: { of: Overview; decisions: Decisions }) {
  const { run } = of;
  useDecisions(decisions);
  const [place, goTo] = usePlace();
  const [dialog, setDialog] = useState<"" | "help" | "finish">("");
  const [railOpen, setRailOpen] = useState(false);
  const [said, say] = useNotice();
  const search = useRef<HTMLInputElement>(null);
  const note = useRef<HTMLTextAreaElement>(null);

  const list = useList(run, place, decisions, (at) => {
    goTo({ at });
    look.reset();
  });
  const { current } = list;
  useAddress({ ...place, at: current?.key ?? "" });
  const look = useLook(place, goTo, current);
  const deciding = useDeciding(of, decisions, list, say);

  function find() {
    setRailOpen(true);
    // On a narrow screen it is hidden until then.
    requestAnimationFrame(() => search.current!.focus());
  }
  useKeys(keysOf({ list, look, deciding, find, comment: () => note.current?.focus(), open: setDialog }));

  // A dialog tells that it closed when another one may be open already.
  const closed = (which: "help" | "finish") => setDialog((old) => (old === which ? "" : old));
  return (
    <>
      <Header of={of} decisions={decisions} onFinish={() => setDialog("finish")} onHelp={() => setDialog("help")} />
      <div class="review">
        <Rail of={of} decisions={decisions} place={place} onPlace={goTo} list={list} deciding={deciding} search={search} open={railOpen} onOpen={setRailOpen} />
        <main class="desk" tabIndex={-1}>
          {current && <Desk key={current.key} run={run} result={current} look={look} />}
        </main>
      </div>
      {current && (
        <VerdictBar result={current} list={list} deciding={deciding} decisions={decisions} note={note} onPin={() => goTo({ at: current.key })} />
      )}
      <p class="toast" role="status">{said}</p>
      <Help open={dialog === "help"} onClose={() => closed("help")} />
      <Finish open={dialog === "finish"} onClose={() => closed("finish")} run={run} decisions={decisions} />
      <Confirm question={deciding.question} onClose={() => deciding.answer(false)} onYes={() => deciding.answer(true)} />
    </>
  );
}
