"""What goes wrong, who does it, what is told, and the test that shows it: `python fault_matrix.py FILE` writes the page.

A row names a test by its node id, without parameters if all of them show it.
"""

import sys
from pathlib import Path
from typing import NamedTuple

PAGE = """# Faults

What is told, how the run ends, and what is left, whoever is at fault. Each row is shown by the test it names; `make reference`
writes this table from [tests/acceptance/faults](../../tests/acceptance/faults), where a test checks that those tests are there.
Of a whole run under random kills, [benchmarks/kills.md](../../benchmarks/kills.md) tells more.

Exit codes: 0 all is well, 1 something is not as it was approved, 2 it could not be found out, 3 the command is wrong; pytest
has its own. There is none where the test asks the part that notices, and types no command.

"""
HEAD = ("who", "what happens", "what is told", "exit code", "what is left", "shown by")


class Row(NamedTuple):
    """A fault.

    Attributes:
        who: notebook, kernel, page, browser, server, zygote, disk, clock, run folder, baseline, project, other run, other user,
            reviewer, service.
        code: of the command that meets it.
        test: node id, below `tests`.
    """

    who: str
    happens: str
    told: str
    code: str
    left: str
    test: str


FAULTS = "acceptance/test_faults.py::"
CAUSE = f"{FAULTS}test_fault_is_broken_with_its_cause_and_the_next_step"
PARTS = "acceptance/faults/test_killed_parts.py::"
DISKS = "acceptance/faults/test_bad_disks_and_clocks.py::"
STARTS = "acceptance/faults/test_killed_starts.py::test_server_and_browser_that_are_killed_while_they_start_are_started_once_more"
BOMBS = "acceptance/faults/test_fork_bombs.py::test_fork_bomb_is_the_cause_and_nothing_is_left_of_it"
ELSEWHERE = "acceptance/test_browser_elsewhere.py::"
BY_CDP = "acceptance/test_browser_by_cdp.py::"
GATEWAYS = "acceptance/test_gateway_kernels.py::"
GATEWAY_FAILS = f"{GATEWAYS}test_failure_is_told_with_its_place_and_the_next_step"
LEFT = "acceptance/test_left_behind.py::"
RUNS = "acceptance/test_two_runs.py::"
DIED = f"{PARTS}test_what_died_is_the_cause"
RIGHT = f"{PARTS}test_what_was_captured_before_and_what_comes_after_is_right"
OTHERS = "the other shots' verdicts"


def _killed() -> list[Row]:
    """Rows of each part of a run that is killed, at each stage of a session."""
    parts = {
        "browser": ("browser", "the browser died", "2"),
        "driver": ("browser", "the browser died", "2"),
        "renderer": ("page", "the page crashed", "1"),
        "server": ("server", "the Jupyter server died with exit code -9", "2"),
        "zygote": ("zygote", "the kernel died", "1"),
        "keeper": ("kernel", "the kernel died", "1"),
    }
    names = {"driver": "Playwright's driver", "renderer": "the page's process", "keeper": "the keeper of a kernel"}
    rows = []
    for part, (who, told, code) in parts.items():
        name = names.get(part, f"the {part}")
        rows += [
            Row(who, f"{name} is killed while a cell executes", told, code, OTHERS, f"{DIED}[executing-shots0-{part}]"),
            Row(who, f"{name} is killed while a step is performed", told, code, OTHERS, f"{DIED}[acting-shots1-{part}]"),
            Row(who, f"{name} is killed when the kernel ends", "", "as without it", "all verdicts of the notebook",
                f"{RIGHT}[ending-shots1-{part}]"),
        ]  # fmt: skip
    return rows


ROWS: list[Row] = [
    Row("notebook", "a cell never ends", "not finished after 1 s", "1", OTHERS, CAUSE + "[loop.ipynb::s-NotebookError-not finished after 1 s-timeout]"),
    Row("notebook", "a cell is no Python", "SyntaxError", "1", OTHERS, CAUSE + "[syntax.ipynb::s-NotebookError-SyntaxError-jupyter execute notebooks/syntax.ipynb]"),
    Row("notebook", "a cell raises", "the cell raised ZeroDivisionError", "1", OTHERS, CAUSE + "[raises.ipynb::first-NotebookError-raises.ipynb::cell-1: the cell raised ZeroDivisionError-execute]"),
    Row("notebook", "1,200 boxes in one another", "RecursionError: maximum recursion depth", "1", OTHERS, CAUSE + "[boxes.ipynb::s-NotebookError-the cell raised RecursionError: maximum recursion depth-jupyter execute]"),
    Row("notebook", "the file is cut off", "not a valid notebook (truncated?)", "1", OTHERS,
        f"{FAULTS}test_unreadable_notebook_is_reported_and_a_damaged_baseline_is_exit_2"),
    Row("notebook", "a cell shows nothing, or something blank", "shows nothing; blank", "1", OTHERS, CAUSE + "[cells.ipynb::nothing-CaptureError-shows nothing-display the widget]"),
    Row("notebook", "blank, and declared so", "", "0", "a verdict", f"{FAULTS}test_blank_picture_is_fine_where_declared"),
    Row("notebook", "a mask matches nothing", "matches nothing", "1", OTHERS, CAUSE + "[cells.ipynb::no_mask-CaptureError-'.nowhere' (test) matches nothing-remove the mask]"),
    Row("notebook", "a step finds no element", "the selector and its seconds", "1", OTHERS, CAUSE + "[no_step.ipynb::lost-CaptureError-'.nowhere' in 0.5 s-correct the selector]"),
    Row("notebook", "40 MB of text are printed", "the notebook printed more than is shown", "1",
        "beginning and end of the text; bounded memory",
        f"{FAULTS}test_flood_of_text_is_cut_and_told_and_bounds_the_memory"),
    Row("notebook", "100,000 widgets", "not finished after 20 s", "1", "the next notebook's verdict",
        f"{DISKS}test_100000_widgets_are_bounded_and_named"),
    Row("notebook", "a page larger than any picture", "its size in pixels", "1", OTHERS,
        "acceptance/test_size_limits.py::test_page_that_is_too_large_is_broken_by_its_size"),
    Row("notebook", "it forks without end, under a limit on processes (`ulimit -u`)", "BlockingIOError: Resource temporarily unavailable", "1",
        "the other notebooks' verdicts; no process, no file", f"{BOMBS}[gives_up]"),
    Row("notebook", "it forks without end and goes on where that is refused, under such a limit", "not finished after 3 s", "1",
        "the other notebooks' verdicts; no process, no file", f"{BOMBS}[goes_on]"),
    Row("notebook", "daemons in sessions of their own, without an environment", "", "0", "no process",
        f"{LEFT}test_no_daemon_outlives_a_run"),
    Row("notebook", "daemons, while the next notebook runs", "", "0", "no process",
        f"{LEFT}test_daemons_of_one_notebook_are_gone_before_the_next_is_finished"),
    Row("notebook", "its kernel's language is not installed", "kernel 'cobol' is not installed", "2", OTHERS,
        f"{FAULTS}test_a_missing_kernel_is_exit_2_and_no_quarantine_covers_it"),
    Row("notebook", "folders beside it link to each other in a circle", "", "", "a copy that ends",
        "unit/server/test_work_folder.py::test_links_in_a_circle_come_to_an_end"),
    Row("notebook", "a hostile `#|` block", "the block, its place", "", "nothing runs",
        "unit/declare/test_notebook.py::test_hostile_yaml_is_a_clean_refusal"),
    Row("notebook", "two targets with one file name", "both", "", "nothing runs",
        "unit/declare/test_notebook.py::test_two_targets_never_share_a_file"),
    Row("notebook", "a declared secret is shown and printed", "", "0", "no secret in any file or on the terminal",
        "acceptance/test_secrets.py::test_a_declared_secret_is_in_no_file_and_on_no_terminal"),
    Row("notebook", "a block that grows by its aliases", "the bound, in a few words", "", "bounded memory",
        "unit/declare/test_notebook.py::test_a_block_that_is_larger_than_it_looks_is_refused_in_a_few_words"),
    Row("notebook", "names that macOS and Windows take for one", "both names", "", "nothing runs",
        "unit/project/test_notebooks.py::test_notebooks_that_other_file_systems_take_for_one_are_refused_with_both_names"),
    Row("notebook", "commands to terminals and CI jobs in what it says", "the text, spelt out", "as without it", "nothing is obeyed",
        "acceptance/test_hostile_words.py::test_a_run_tells_what_was_said_and_obeys_none_of_it"),
    Row("notebook", "a name that a shell would execute", "the name as one word", "", "nothing is executed",
        "unit/test_printing.py::test_a_shell_takes_a_name_for_one_word"),
    Row("kernel", "kills itself while a cell executes", "the kernel died", "1", OTHERS, CAUSE + "[killer.ipynb::s-NotebookError-the kernel died-jupyter execute notebooks/killer.ipynb]"),
    Row("kernel", "dies while it starts, as one does whose port another program has taken",
        "where it dies twice: the kernel did not start", "as without it; else 2", "all verdicts; else the other notebooks'",
        "acceptance/test_kernels.py::test_kernel_that_dies_while_it_starts_is_started_once_more"),
    Row("kernel", "is killed before its page has connected to it", "the kernel died", "", "other pages",
        "integration/test_page_slot.py::test_kernel_that_died_before_its_page_is_connected_is_named_at_once"),
    Row("kernel", "kills itself while a step is performed", "the kernel died while its page was open", "1",
        "shots taken before", f"{FAULTS}test_only_the_shots_that_a_fault_touches_are_broken"),
    Row("page", "a widget's front end is missing", "front end of 'absent-widget'", "1", OTHERS, CAUSE + "[no_frontend.ipynb::absent-CaptureError-front end of 'absent-widget'-pip install absent-widget]"),
    Row("page", "a widget's view raises", "its error", "1", OTHERS, CAUSE + "[failing_view.ipynb::s-CaptureError-view broke-open the notebook]"),
    Row("page", "never comes to rest", "unstable, with both pictures", "1", OTHERS,
        f"{FAULTS}test_page_that_never_settles_is_unstable_with_both_pictures"),
    Row("page", "asks the network", "each address", "as without it", "nothing has left the machine",
        f"{FAULTS}test_requests_to_elsewhere_are_named"),
    Row("page", "a font that is not there", "the address", "as without it", "a fallback font",
        f"{FAULTS}test_font_that_is_not_there_is_replaced_and_named"),
    Row("page", "its scripts never end", "the page's scripts do not end", "", "the browser, and other pages",
        "integration/test_page_slot.py::test_page_that_hangs_takes_neither_the_browser_nor_others_with_it"),
    Row("page", "a tab crashes", "that it crashed", "1", OTHERS, "acceptance/test_tabs.py::test_a_tab_that_crashed_is_reported"),
    Row("page", "its process is killed while it loads", "the page did not load: the page crashed", "", "the browser",
        "integration/test_page_slot.py::test_process_that_is_killed_while_its_page_loads_is_the_cause"),
    Row("kernel", "its gateway is not there", "no kernel gateway answers", "2", "the other notebooks' verdicts", f"{GATEWAY_FAILS}[absent]"),
    Row("kernel", "its gateway does not know the token", "HTTP 401", "2", "the other notebooks' verdicts", f"{GATEWAY_FAILS}[refused]"),
    Row("kernel", "its gateway is killed while a cell executes", "the connection to the kernel gateway was lost", "2", OTHERS, f"{GATEWAY_FAILS}[vanishes]"),
    Row("kernel", "its gateway drops messages", "kept messages of the kernel back", "2", OTHERS, f"{GATEWAY_FAILS}[drops]"),
    Row("kernel", "it dies at a gateway", "the kernel died", "1", OTHERS, f"{GATEWAY_FAILS}[dies]"),
    Row("kernel", "it has just started at a gateway when the run is stopped", "", "", "no kernel",
        f"{GATEWAYS}test_kernel_ends_with_the_run_that_is_stopped"),
    Row("page", "its process died since the notebook before", "", "", "a new one",
        "integration/test_page_slot.py::test_process_that_died_between_two_pages_is_replaced"),
    Row("browser", "there is none", "the command that installs one", "2", "nothing runs",
        f"{FAULTS}test_no_browser_is_exit_2_with_the_command_that_installs_one"),
    Row("browser", "it, or its driver, is killed while it starts", "that it died, and was started once more", "as without it", "all verdicts", STARTS),
    Row("browser", "it is killed each time it starts", "died while it started, twice", "2", "nothing",
        "acceptance/faults/test_killed_starts.py::test_browser_that_is_killed_each_time_it_starts_is_exit_2"),
    Row("browser", "a notebook in quarantine kills it", "the browser died", "2", "the next notebook gets another",
        f"{FAULTS}test_a_browser_that_dies_is_exit_2_and_the_next_notebook_gets_another"),
    Row("browser", "it runs elsewhere, and dies there, or the program that has started it", "the browser died", "2", "the next notebook gets another",
        f"{ELSEWHERE}test_what_dies_elsewhere_is_the_cause_and_the_next_notebook_gets_another"),
    Row("browser", "it runs elsewhere, and falls silent", "it is given up", "", "",
        f"{ELSEWHERE}test_a_server_that_falls_silent_is_given_up"),
    Row("browser", "it runs elsewhere, and does not know the token", "that it does not know the token", "2", "nothing runs",
        f"{ELSEWHERE}test_another_browser_than_the_projects_is_refused[token]"),
    Row("browser", "it is had by CDP, and dies", "the browser died", "2", "",
        f"{BY_CDP}test_a_browser_that_dies_is_the_cause"),
    Row("browser", "it is had by CDP, and falls silent", "it is given up", "", "it goes on",
        f"{BY_CDP}test_a_browser_that_falls_silent_is_given_up"),
    Row("browser", "it is had by CDP, and was started in another way", "the flags that are missing", "2", "nothing runs",
        f"{BY_CDP}test_a_browser_without_the_flags_is_refused_by_their_names"),
    Row("browser", "it is had by CDP, and has another loopback", "that it does not reach this machine", "2", "nothing runs",
        f"{BY_CDP}test_a_browser_on_another_loopback_is_refused"),
    Row("browser", "it serves others, and its command is killed", "", "", "no process, no file",
        f"{ELSEWHERE}test_a_server_that_ends_leaves_nothing[SIGKILL]"),
    Row("browser", "it serves others, and one of them is killed", "", "", "no browser",
        f"{ELSEWHERE}test_a_client_that_vanishes_leaves_no_browser_behind"),
    Row("browser", "a Python test closes it", "ServerError: the browser is gone", "pytest's 1", "other tests",
        "acceptance/test_plugin.py::test_a_browser_that_is_gone_is_reported_and_not_excused"),
    *_killed(),
    Row("server", "it is killed while it starts", "that it died, and was started once more", "as without it", "all verdicts", STARTS),
    Row("server", "its parent is killed", "", "", "neither server nor kernel",
        "integration/test_server.py::test_server_and_kernels_end_when_their_parent_is_killed"),
    Row("server", "it is killed while daemons run", "", "2", "no process",
        f"{PARTS}test_no_daemon_outlives_a_server_that_is_killed"),
    Row("zygote", "it is killed before it has read a request", "the process that forks kernels is gone", "",
        "new kernels come of a new one",
        "integration/test_zygote.py::test_death_of_a_zygote_that_has_not_read_a_request_is_seen"),
    Row("zygote", "it is killed with kernels", "", "", "no kernel; new ones come",
        "integration/test_zygote.py::test_after_the_death_of_a_zygote_its_kernels_are_dead_and_new_ones_come"),
    Row("run", "SIGKILL", "", "-9", "what was finished; no process",
        f"{LEFT}test_killed_run_leaves_what_was_finished_and_no_process[SIGKILL]"),
    Row("run", "SIGTERM", "", "", "what was finished; no process",
        f"{LEFT}test_killed_run_leaves_what_was_finished_and_no_process[SIGTERM]"),
    Row("run", "Ctrl-C", "", "", "what was finished; no process",
        f"{LEFT}test_killed_run_leaves_what_was_finished_and_no_process[SIGINT]"),
    Row("run", "SIGKILL while daemons run", "", "-9", "no process", f"{LEFT}test_killed_run_leaves_what_was_finished_and_no_process[SIGKILL]"),
    Row("run", "parts of it are killed, one after the other", "each cause", "2", "no process, no temporary file",
        f"{PARTS}test_a_run_whose_parts_died_leaves_nothing"),
    Row("other run", "writes to the same run folder", "its process id", "2", "the first one's results",
        f"{RUNS}test_second_run_in_a_folder_is_refused_and_the_first_is_whole"),
    Row("other run", "of pytest-xdist's workers, in the same folder", "a process id", "2", "the first one's results",
        f"{RUNS}test_run_is_refused_where_workers_of_another_write"),
    Row("other run", "was killed with its lock", "", "0", "nothing", f"{RUNS}test_lock_of_a_killed_run_holds_nobody_up"),
    Row("disk", "full under the run folder", "No space left on device", "2", "the verdicts, on the terminal",
        f"{FAULTS}test_full_disk_is_exit_2_and_the_verdicts_are_shown"),
    Row("disk", "full under `--update-baselines`", "No space left on device", "2", "whole baselines only",
        f"{DISKS}test_full_and_read_only_disks_of_baselines_are_exit_2_and_nothing_is_half_written"),
    Row("disk", "read-only baselines, `--update-baselines` or `approve`", "Read-only file system", "2", "the baselines",
        f"{DISKS}test_full_and_read_only_disks_of_baselines_are_exit_2_and_nothing_is_half_written"),
    Row("disk", "full while decisions are applied", "what could not be written", "", "the old baselines",
        "unit/review/test_decisions.py::test_a_full_disk_is_met_before_anything_is_replaced"),
    Row("disk", "full while a file is replaced", "the system's words", "", "the old file",
        "unit/test_files.py::test_a_full_disk_leaves_the_old_file"),
    Row("disk", "the run folder vanishes", "what could not be written", "", "the verdicts, on the terminal",
        "unit/report/test_run_writer.py::test_a_vanished_folder_stops_no_judging"),
    Row("clock", "set back between two runs", "", "0", "verdicts, history, run folder",
        f"{DISKS}test_clock_that_was_set_back_between_runs_changes_no_verdict"),
    Row("clock", "set back during a run", "", "as without it", "durations, which no such clock measures",
        f"{DISKS}test_no_time_span_is_measured_with_a_clock_that_can_be_set"),
    Row("baseline", "damaged", "no readable picture; `git checkout`", "2", OTHERS, CAUSE + "[damaged.ipynb::s-BaselineError-no readable picture-git checkout]"),
    Row("baseline", "damaged, under `--update-baselines`", "baseline written", "0", "a new one",
        f"{FAULTS}test_damaged_baseline_is_taken_anew_under_update"),
    Row("baseline", "a decompression bomb", "refused by its header", "", "no memory taken",
        "unit/test_png_form.py::test_a_bomb_is_refused_by_its_header_and_takes_no_memory"),
    Row("baseline", "a link out of the store", "", "", "nothing is written outside",
        "unit/baselines/test_folder.py::test_a_linked_folder_does_not_lead_out"),
    Row("reviewer", "`approve` is killed at any of its steps", "that it is finished now, or nothing", "-9",
        "all of the decision or none of it",
        "unit/review/test_killed_approve.py::test_what_a_killed_approve_has_left_the_next_command_finishes_or_takes_back"),
    Row("reviewer", "a live review is killed while it writes", "", "", "no baseline half decided",
        "unit/review/test_review_session.py::test_a_process_killed_while_it_wrote_leaves_no_baseline_half_decided"),
    Row("reviewer", "undo, after somebody wrote since", "that it changed", "", "what was written",
        "unit/review/test_review_session.py::test_undo_never_overwrites_what_somebody_wrote_since"),
    Row("run folder", "links among its files", "the file", "", "nothing is followed",
        "unit/report/test_run_reader.py::test_links_among_the_files_of_a_run_are_refused"),
    Row("run folder", "one member of `run.json` is changed", "the place, and what was expected", "", "nothing is written",
        "unit/report/test_run_mutations.py::test_a_run_that_differs_in_one_member_is_refused_with_its_place_or_as_good_as_before"),
    Row("run folder", "tampered with anywhere", "an answer, no traceback", "", "nothing is written outside",
        "unit/review/test_hostile_runs.py::test_whatever_a_run_folder_or_decisions_say_gets_an_answer_and_writes_nothing_else"),
    Row("run folder", "brings a project along", "whose settings count", "", "the reviewer's settings",
        "unit/review/test_whose_settings.py::test_an_artifact_that_brings_a_project_along_is_refused"),
    Row("run folder", "a journal that ends within a character", "", "", "all whole lines",
        "unit/report/test_run_reader.py::test_a_run_killed_within_a_character_is_readable"),
    Row("run folder", "a run too large for any memory", "its size", "", "nothing is read",
        "unit/report/test_run_reader.py::test_a_run_that_would_take_many_times_its_size_of_memory_is_refused_unread"),
    Row("project", "`passed.json` is damaged", "", "", "a new one",
        "unit/selection/test_pass_cache.py::test_a_damaged_file_counts_as_none_and_is_replaced"),
    Row("project", "the history of verdicts is damaged", "that it begins anew", "", "a new one",
        "unit/report/test_history.py::test_a_damaged_file_begins_anew_and_is_told"),
    Row("other user", "keeps the lock of the history", "who holds it", "", "the run, without its history",
        "unit/report/test_history.py::test_a_lock_that_another_process_keeps_is_told_and_nothing_is_written"),
    Row("other user", "a lock that is a link", "that it is one", "", "nothing is written through it",
        "unit/test_files.py::test_a_lock_that_is_a_link_is_refused_and_nothing_is_written_through_it"),
    Row("other user", "asks the review server without its token", "", "403", "nothing said, nothing done",
        "integration/test_review_server.py::test_without_the_token_nothing_is_said_and_nothing_done"),
    Row("other user", "reads the arguments of all programs", "", "", "no token of a review in them",
        "integration/test_review_server.py::test_no_program_is_told_the_token"),
    Row("other user", "has no right to write, in a Jupyter Server", "", "", "nothing is decided",
        "integration/test_review_server.py::test_jupyters_authorizer_is_obeyed"),
    Row("other user", "a merge request that the GitLab recipe must not obey", "what is wrong", "", "nothing is pushed",
        "acceptance/test_documented_recipes.py::test_gitlab_what_is_not_as_it_should_be_pushes_nothing"),
    Row("service", "dies while a notebook uses it", "that it ended by itself", "2", "its log",
        "acceptance/test_services.py::test_a_service_that_dies_is_the_cause_and_never_green"),
    Row("service", "the run is killed", "", "-9", "no service", f"{LEFT}test_killed_run_leaves_what_was_finished_and_no_process[SIGKILL]"),
]  # fmt: skip


def page() -> str:
    """Return the page of the reference."""
    lines = [HEAD, ("---",) * len(HEAD)]
    for row in ROWS:
        file, _, test = row.test.partition("::")
        link = f"[{test.partition('[')[0].removeprefix('test_').replace('_', ' ')}](../../tests/{file})"
        lines.append((*(cell or " " for cell in row[:5]), link))
    return PAGE + "".join(f"| {' | '.join(line)} |\n".replace("|   |", "| |") for line in lines)


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page(), encoding="utf-8")
