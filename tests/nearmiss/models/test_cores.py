"""Cores: counted as the container grants them, in both versions of control groups, and as the process is bound."""

import math

import pytest

from nearmiss.models import cores

V2 = {"proc/self/cgroup": "0::/app/job\n"}
V1 = {"proc/self/cgroup": "4:memory:/app\n3:cpu,cpuacct:/app\n"}
GRANTS = {
    "no control groups": ({}, math.inf),
    "version 2, no limit": (V2 | {"sys/fs/cgroup/app/job/cpu.max": "max 100000\n"}, math.inf),
    "version 2, one and a half": (V2 | {"sys/fs/cgroup/app/job/cpu.max": "150000 100000\n"}, 1.5),
    "version 2, the one around it is tighter": (
        V2 | {"sys/fs/cgroup/app/job/cpu.max": "400000 100000\n", "sys/fs/cgroup/app/cpu.max": "200000 100000\n"},
        2.0,
    ),
    "version 2, a container sees itself as the root": (V2 | {"sys/fs/cgroup/cpu.max": "300000 100000\n"}, 3.0),
    "version 1": (
        V1
        | {
            "sys/fs/cgroup/cpu,cpuacct/app/cpu.cfs_quota_us": "50000\n",
            "sys/fs/cgroup/cpu,cpuacct/app/cpu.cfs_period_us": "100000\n",
        },
        0.5,
    ),
    "version 1, no limit": (
        V1 | {"sys/fs/cgroup/cpu/app/cpu.cfs_quota_us": "-1\n", "sys/fs/cgroup/cpu/app/cpu.cfs_period_us": "100000\n"},
        math.inf,
    ),
    "something else": (V2 | {"sys/fs/cgroup/app/job/cpu.max": "rubbish\n"}, math.inf),
}


@pytest.mark.parametrize("case", GRANTS)
def test_a_container_s_quota_is_read_where_the_system_keeps_it(tmp_path, case):
    files, wanted = GRANTS[case]
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    assert cores.granted(tmp_path) == wanted


@pytest.mark.parametrize(
    ("bound", "granted", "wanted"), [(8, math.inf, 8), (8, 2.0, 2), (8, 1.5, 2), (8, 0.2, 1), (2, 6.0, 2)]
)
def test_the_tighter_of_binding_and_quota_counts(monkeypatch, bound, granted, wanted):
    monkeypatch.setattr(cores.os, "sched_getaffinity", lambda process: set(range(bound)), raising=False)
    monkeypatch.setattr(cores, "granted", lambda: granted)
    assert cores.cores() == wanted


def test_libraries_are_told_of_a_quota_and_keep_what_the_user_told_them(monkeypatch):
    environment = {"OMP_NUM_THREADS": "7"}
    monkeypatch.setattr(cores.os, "environ", environment)
    monkeypatch.setattr(cores, "granted", lambda: math.inf)
    cores.tell_libraries()
    assert environment == {"OMP_NUM_THREADS": "7"}
    monkeypatch.setattr(cores, "granted", lambda: 1.0)
    cores.tell_libraries()
    assert environment == dict.fromkeys(cores.THREADS, "1") | {"OMP_NUM_THREADS": "7"}
