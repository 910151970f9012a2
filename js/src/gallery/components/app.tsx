import { useRef, useState } from "preact/hooks";

import type { Decisions } from "../decisions/decisions";
import { useDecisionActions } from "../hooks/use-decision-actions";
import { useDecisions } from "../hooks/use-decisions";
import { useFrontEnds } from "../hooks/use-front-ends";
import { useKeys } from "../hooks/use-keys";
import { useList } from "../hooks/use-list";
import { useViewing } from "../hooks/use-viewing";
import { useNotice } from "../hooks/use-notice";
import { useSavedAddress, useAddress } from "../hooks/use-address";
import type { Overview } from "../model/overview";
import { Confirm } from "./confirm";
import { ResultCard } from "./result-card";
import { Finish } from "./finish";
import { Header } from "./header";
import { Help } from "./help";
import { FrontEndBar, FrontEndCard } from "./front-ends";
import { frontEndKeys, keyActions } from "./keyboard";
import { Sidebar } from "./sidebar";
import { DecisionBar } from "./decision-bar";

/** The gallery of one run. */
export function App({ overview, decisions }: { overview: Overview; decisions: Decisions }) {
  const { run } = overview;
  useDecisions(decisions);
  const [address, navigate] = useAddress();
  const [dialog, setDialog] = useState<"" | "help" | "finish">("");
  const [sidebarOpen, setSidebarOpen] = useState(false);
  const [notice, notify] = useNotice();
  const search = useRef<HTMLInputElement>(null);
  const note = useRef<HTMLTextAreaElement>(null);

  const list = useList(run, address, decisions, (at) => {
    navigate({ at });
    viewing.reset();
  });
  const { current } = list;
  const fronts = useFrontEnds(run, address, (compared) => {
    navigate({ compared });
    viewing.reset();
  });
  useSavedAddress({ ...address, at: current?.key ?? "", compared: fronts?.current?.target.name ?? "" });
  const viewing = useViewing(address, navigate, fronts ? (fronts.current?.result ?? null) : current);
  const actions = useDecisionActions(overview, decisions, list, notify);

  function find() {
    setSidebarOpen(true);
    // On a narrow screen it is hidden until then.
    requestAnimationFrame(() => search.current!.focus());
  }
  const keys = keyActions({ list, viewing, actions, find, comment: () => note.current?.focus(), open: setDialog });
  const switched = () => navigate({ view: fronts || !run.comparisons ? "results" : "front-ends" });
  useKeys({ ...keys, f: switched, ...(fronts && frontEndKeys(fronts, notify)) });

  // A dialog tells that it closed when another one may be open already.
  const closed = (which: "help" | "finish") => setDialog((old) => (old === which ? "" : old));
  return (
    <>
      <Header overview={overview} decisions={decisions} onFinish={() => setDialog("finish")} onHelp={() => setDialog("help")} />
      <div class="review">
        <Sidebar overview={overview} decisions={decisions} address={address} onNavigate={navigate} list={list} actions={actions} search={search} open={sidebarOpen} onOpen={setSidebarOpen} fronts={fronts} />
        <main class="desk" tabIndex={-1}>
          {fronts?.current && <FrontEndCard key={fronts.current.result.key} compared={fronts.current} viewing={viewing} />}
          {!fronts && current && <ResultCard key={current.key} run={run} result={current} viewing={viewing} />}
        </main>
      </div>
      {fronts && <FrontEndBar fronts={fronts} />}
      {!fronts && current && (
        <DecisionBar result={current} list={list} actions={actions} decisions={decisions} note={note} onPin={() => navigate({ at: current.key })} />
      )}
      <p class="toast" role="status">{notice}</p>
      <Help open={dialog === "help"} onClose={() => closed("help")} />
      <Finish open={dialog === "finish"} onClose={() => closed("finish")} run={run} decisions={decisions} />
      <Confirm question={actions.question} onClose={() => actions.answer(false)} onYes={() => actions.answer(true)} />
    </>
  );
}
