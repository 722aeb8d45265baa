"""Runs in Windows' Python: the project's own tests that are not Linux's.

    own.py SITE TOP RESULT    # SITE has pytest and hypothesis; TOP is the folder of the project

RESULT gets a line for each test: its outcome and its name; RESULT.failures what failed, and how. After a test that hangs, this ends with `AGAIN`, and goes on with the next
one when it is called again.
"""

import faulthandler
import os
import re
import sys
import threading
from fnmatch import fnmatchcase
from pathlib import Path
from types import ModuleType

site, top, result, *tests = sys.argv[1:]
sys.path.insert(0, site)
import pytest  # noqa: E402

AGAIN, LIMIT = 77, 60  # exit status; seconds for a test

LEFT_OUT = {  # why: files, and tests of the other files, that do not run here
    "the extensions in C and the calls through native CFFI are not there": ["test_kernel.py*", "test_control_messages.py*", "test_fast_path.py*", "*::test_the_answer_needs_a_larger_buffer"],
    "Linux's families, options and calls": [
        "test_families_[abckl]*.py*", "test_families_supported.py*", "test_fast_udp.py*", "test_listing.py*", "test_wire.py*", "test_sequences.py*",
        "*::test_only_streams*", "*::test_draw_an_address*sockaddr_un*", "*::test_draw_an_address*sockaddr_nl*", "*::test_draw_a_control_message",
        "*::test_option_values_that_cannot_be*", "*::test_sockets_of_subclasses_and_others", "*::test_info_of_*", "*::test_tcp_info_*",
        "*::test_options_that_were_set", "*::test_states_are_not_*", "*::test_layout*codec6-address6*", "*::test_families", "*::test_sockets",
        "*::test_examples", "*::test_scatter", "*::test_sniff*", "*::test_unix_server*", "*::test_pass_file", "*::test_can_programs",
        "*::test_children_of_multiprocessing*fork*", "*::test_children_of_an_interpreter*forkserver*", "*::test_a_child_is_not_held_up_*",
        "*::test_enums_and_exceptions_*NONBLOCK]", "*::test_enums_and_exceptions_*CLOEXEC)]", "*::test_an_unknown_number_*", "*::test_no_constant_of_the_headers_*",
        "*::test_a_low_water_mark_*", "*::test_the_kernels_own_timeout_*", "*::test_a_filter_is_asked_for_*", "*::test_truncated_stream_*", "*::test_an_interrupted_unix_*",
        "*::test_standard_module_is_not_imported*descriptors in messages*", "*::test_the_same_over_both*a guard that sees the family*",
        "test_tracing.py::test_datagrams", "*::test_a_port_stays_behind_and_the_cure", "*::test_many_messages_in_a_call", "*::test_row_of_rights_*", "*::test_an_ascii_terminal", "*::test_every_function_of_the_table_*", "*::test_a_child_is_told_from_its_parent",
    ],
    "they expect Linux's numbers, words, structs or names of calls": [
        "*::test_the_time_is_over_first*", "*::test_a_connection_that_breaks_*", "*::test_a_closed_socket*", "*::test_the_other_calls_too", "*::test_a_source_address",
        "*::test_draw_an_option", "*::test_resolve", "*::test_constants", "*::test_error_numbers", "*::test_asking_changes_nothing",
        "*::test_options_and_modes", "*::test_errors_of_lookups", "*::test_a_whole_program",
    ],
    "the standard module gives no reason for a family that inet_pton does not know, litsock the system's": ["*::test_inet_pton*"],
    "on Windows the list is read to tell what it lacks": ["*::test_the_list_is_read_only_when_asked_for"],
    "there a datagram longer than asked for is an error": ["*::test_timeline_of_datagrams"],
    "there the standard module's error has neither number nor text for an interface that does not exist": ["*::test_if_indextoname"],
    "there the empty name is this machine's": ["*::test_herror", "*::test_resolve_what_is_not_known*words3*"],
    "there names are never bytes outside UTF-8; test_windows.py has names of another code page": ["*::test_names_that_are_no_utf8"],
    "the standard module has no source there": ["*::test_the_same_over_both*its signatures*"],
    "they send a program SIGINT, SIGTERM or SIGSTOP": [
        "*::test_ctrl_c_*", "*::test_control_c*", "*::test_a_second_control_c_*", "*::test_messages*", "*::test_many_clients_*", "*::test_a_client_that_does_not_read_*",
        "*::test_a_hundred_clients_*", "*::test_a_program_that_is_*", "*::test_a_handler_of_the_program_stays", "*::test_a_server_ends_quietly_*",
    ],
    "they start a shell, or look into /proc": ["*::test_who_reads_may_stop_reading", "*::test_a_closed_standard_output*", "*::test_forward", "*::test_a_client_that_vanishes_*"],
    "their calls are made of Linux's sockets; random_calls.py compares with Windows' standard module": ["test_difference.py*", "test_bad_input.py*"],
    "they count Linux's descriptors; cycles.py looks at handles and memory": ["test_repeated.py*"],
    "they look after the project's own tools, packages and pages, on Linux": [
        "test_browser_wheel.py*", "test_conformance.py*", "test_interop.py*", "test_needs.py*", "test_package.py*", "test_programs.py*", "test_typing.py*",
        "test_vm.py*", "test_simulation_conformance.py*", "*::test_a_wheel_brings_*",
    ],
    "there is no simulated network on Windows; test_windows.py tests that `Network` says so": ["test_simulation.py*"],
    "programs that people reported on Linux, each in a process of its own, with signals, forks and /proc": ["test_reports.py*"],
    "this Python takes its path from a file: neither a program's folder nor PYTHONPATH counts": [
        "*::test_run_a_program", "*::test_everybody_finds_litsock", "*::test_finds_itself_where_it_was*",
    ],
}
LACKING = (  # what Windows' Python does not have: a test that asks for it is Linux's
    "module '(os|signal|select|time)' has no attribute '(fork|get_blocking|set_blocking|geteuid|uname|mkfifo|SIGALRM|SIGKILL|SIGUSR1|setitimer|poll|epoll|pthread_kill)'",
    "module '(litsock|socket|_socket)' has no attribute '(AF_UNIX|AF_NETLINK|AF_ALG|SOL_ALG|SO_MARK|SCM_CREDENTIALS|SCM_RIGHTS|CMSG_LEN|CMSG_SPACE|SOCK_NONBLOCK|MSG_NOSIGNAL"
    "|MSG_DONTWAIT|SO_REUSEPORT|SO_PROTOCOL|SO_DOMAIN|sethostname|send_fds|recv_fds)'",
    "object has no attribute '(sendmsg|recvmsg|recvmsg_into)'",
    "No module named '(resource|fcntl|termios|pty|pwd|cryptography|trustme)'",
)


class Own:
    "Chooses the tests, and writes down what becomes of them."

    def __init__(self, result):
        self.result, self.outcomes = result, {}
        self.done = {line.partition(" ")[2].rstrip("\n") for line in open(result, encoding="utf-8")} if os.path.exists(result) else set()

    def pytest_ignore_collect(self, collection_path):
        return reason_for(f"tests/{collection_path.name}") is not None or None

    def pytest_collection_modifyitems(self, items):
        items[:] = [item for item in items if item.nodeid not in self.done and not reason_for(item.nodeid)]

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_makereport(self, item, call):
        report = (yield).get_result()
        if report.failed and is_linux(call.excinfo):
            report.outcome, report.longrepr = "skipped", (str(item.path), 0, f"Linux's: {call.excinfo.value}")

    def pytest_runtest_logstart(self, nodeid):
        self.watch = threading.Timer(LIMIT, self.give_up, [nodeid])
        self.watch.daemon = True
        self.watch.start()

    def pytest_runtest_logreport(self, report):
        if report.outcome != "passed" or report.when == "call" and report.nodeid not in self.outcomes:
            self.outcomes[report.nodeid] = report.outcome
        if report.failed:
            with open(f"{self.result}.failures", "a", encoding="utf-8") as file:
                print(f"== {report.nodeid}", report.longreprtext, sep="\n", file=file)

    def pytest_runtest_logfinish(self, nodeid):
        self.watch.cancel()
        self.write(self.outcomes.get(nodeid, "failed"), nodeid)

    def write(self, outcome, nodeid):
        with open(self.result, "a", encoding="utf-8") as file:
            print(outcome, nodeid, file=file)

    def give_up(self, nodeid):
        self.write("hangs", nodeid)
        with open(f"{self.result}.failures", "a", encoding="utf-8") as file:
            print(f"== {nodeid} hangs", file=file, flush=True)
            faulthandler.dump_traceback(file)
        os._exit(AGAIN)


def reason_for(name):
    "Why this file or this test is left out; `None` if it is not."
    return next((reason for reason, patterns in LEFT_OUT.items() if any(fnmatchcase(name, f"tests/{pattern}") for pattern in patterns)), None)


def is_linux(failure):
    "Whether a test, not litsock, asked for what Windows' Python lacks."
    asked = [entry for entry in failure.traceback if entry.name != "__getattr__"][-1]  # litsock's module says itself what it lacks
    ours = Path(top, "litsock") in Path(str(asked.path)).parents
    return not ours and any(re.search(pattern, str(failure.value)) for pattern in LACKING)


def without_notebooks():
    "The project's conftest.py asks which tests are cells. Here none is, and the package nbval need not be."
    package, plugin = ModuleType("nbval"), ModuleType("nbval.plugin")
    plugin.IPyNbCell = type("IPyNbCell", (), {})
    sys.modules |= {"nbval": package, "nbval.plugin": plugin}


if __name__ == "__main__":
    os.chdir(top)
    sys.path[:0] = [str(Path(top, "tests")), top]
    without_notebooks()
    status = pytest.main(["-o", "addopts=", "-p", "no:cacheprovider", "-p", "no:timeout", "--tb=short", "--no-summary", "-q", "--no-header", *(tests or ["tests"])], [Own(result)])
    if status in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        with open(result, "a", encoding="utf-8") as file:
            print("end", file=file)
    sys.stdout.flush()
    os._exit(0)  # without waiting for a thread that a test has left
