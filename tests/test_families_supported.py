"""Which families the kernel has: what is read on the disk, what is asked of the kernel, and what is not."""

import subprocess
import sys
from errno import EAFNOSUPPORT, EPROTONOSUPPORT

import pytest

import litsock
from litsock.observe.supported import BY_HAND, LOADS, NO, NOT_ALLOWED, YES, Machine, supported

DEP = """\
kernel/net/can/can.ko.xz: kernel/lib/crc.ko.xz
kernel/net/can/can-raw.ko.xz: kernel/net/can/can.ko.xz
kernel/net/tipc/tipc.ko:
kernel/net/qrtr/qrtr.ko.zst:
kernel/net/sctp/sctp.ko:
"""
ALIAS = """\
# Aliases extracted from modules themselves.
alias net-pf-29 can
alias can-proto-1 can_raw
alias net-pf-42 qrtr
alias net-pf-2-proto-132 sctp
alias pci:v00001AF4d* virtio
"""


class Disk(Machine):
    """A machine with modules in a folder, none of them loaded, and a kernel that has nothing built in but what `has` names."""

    def __init__(self, folder, has=()):
        super().__init__()
        self.folder, self.rules, self.has, self.asked = str(folder), [str(folder)], has, []

    def loaded(self):
        return set()

    def open(self, family, type, protocol):
        self.asked.append((family, protocol))
        return 0 if family in self.has and not protocol else EPROTONOSUPPORT if family in self.has else EAFNOSUPPORT


@pytest.fixture
def disk(tmp_path):
    (tmp_path / "modules.dep").write_text(DEP)
    (tmp_path / "modules.alias").write_text(ALIAS)
    return Disk(tmp_path, has=(litsock.AF_INET,))


def answers(machine):
    return {row.entry.name: (row.here, row.how) for row in supported(machine).rows}


def test_modules_on_the_disk(disk):
    found = answers(disk)
    assert found["AF_CAN"][0] == found["CAN_RAW"][0] == found["IPPROTO_SCTP"][0] == LOADS
    assert found["AF_TIPC"] == (BY_HAND, "modprobe tipc")
    assert found["AF_INET"] == (YES, "")
    assert found["AF_RDS"] == (NO, "module rds")
    assert found["CAN_BCM"] == (NO, "module can_bcm")
    assert found["IPPROTO_MPTCP"][0] == NO


def test_nothing_is_asked_that_could_load_something(disk):
    answers(disk)
    waiting = {litsock.AF_CAN, litsock.AF_TIPC, litsock.AF_QIPCRTR}
    assert not waiting & {family for family, _ in disk.asked}
    assert (litsock.AF_INET, litsock.IPPROTO_SCTP) not in disk.asked


@pytest.mark.parametrize("rule", ["blacklist qrtr", "install qrtr /bin/false", "alias net-pf-42 off"])
def test_switched_off(disk, tmp_path, rule):
    (tmp_path / "rare.conf").write_text(f"# rarely used\n\n{rule}\n")
    assert answers(disk)["AF_QIPCRTR"] == (BY_HAND, "modprobe qrtr")


def test_a_family_that_waits_for_a_hand_has_protocols_that_do(disk, tmp_path):
    (tmp_path / "rare.conf").write_text("alias net-pf-29 off\n")
    found = answers(disk)
    assert found["AF_CAN"] == (BY_HAND, "modprobe can")
    assert found["CAN_RAW"] == (BY_HAND, "modprobe can_raw")


def test_no_folder_of_modules(tmp_path):
    found = answers(Disk(tmp_path / "nowhere"))
    assert {here for here, _ in found.values()} == {NO}


def test_this_machine_as_its_sockets_say():
    for row in supported().rows:
        family, kind, protocol = row.entry.numbers()
        if row.here in (YES, NO, NOT_ALLOWED):
            try:
                litsock.socket(family, kind, protocol).close()
                assert row.here == YES
            except PermissionError:
                assert row.here == NOT_ALLOWED
            except OSError as error:
                assert row.here == (NO if row.entry.family or error.errno == EAFNOSUPPORT else YES)


def test_the_command():
    command = sys.executable, "-m", "litsock", "families"
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.splitlines()[0].split() == ["family", "to", "talk", "to", "here?", "how"]
    assert done.stderr == ""
    assert subprocess.run([*command, "--nonsense"], capture_output=True, timeout=60).returncode == 2
