"""
Interrupts: Ctrl-C ends a command within two seconds, whatever it is doing.

In:  the work, as a function that returns an exit code
Out: that exit code, or the one of an interrupted command

Python handles an interrupt only between its own instructions. A native call (a search, a compilation, a model) may take
minutes and hold Python's lock, and two threads that import may wait for each other without end; nothing inside such a
process can end it. So the process that was started only waits: it forks before anything is imported, and the child
works. An interrupt is passed on; a child that has not ended GRACE_S later is killed. Files are whole or absent, so a
run that was killed goes on as one that was interrupted.
"""

import atexit
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress

INTERRUPTED = 130  # the exit code that a shell gives to what Ctrl-C ended
GRACE_S = 1.2  # to finish what is being written and to print a message; the rest of the two seconds is for the system
PASSED_ON = ("SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2")  # signals that others may send to the process that they started


def watched(work: Callable[[], int], words: str) -> int:
    """
    The exit code of `work`, done by a forked process; INTERRUPTED where an interrupt ended it.

    `words` are printed where the child had to be killed and could not print them. Where the system cannot fork, or this
    process was started to ignore interrupts (as a shell's background job), the work is done here.
    """
    if not hasattr(os, "fork") or signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        return work()
    with _Held():
        child = os.fork()
        if child == 0:
            _work(work)
        waiting = _Waiting(child)
    return waiting.code(words)


class _Held:
    """While it lasts, interrupts wait; one of them is raised when it ends."""

    def __enter__(self) -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})

    def __exit__(self, *_: object) -> None:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


class _Waiting:
    """The process that was started, while its child works."""

    def __init__(self, child: int) -> None:
        self.child = child
        self.asked = False  # to end, by an interrupt
        self.killed = False
        signal.signal(signal.SIGINT, self._pass_interrupt)
        signal.signal(signal.SIGALRM, self._kill)
        for name in PASSED_ON:
            signal.signal(getattr(signal, name), self._pass)

    def code(self, words: str) -> int:
        """Wait for the child's end and return the exit code; a child that a signal ended takes this process along."""
        _, status = os.waitpid(self.child, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)
        ended_by = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
        if self.killed and ended_by == signal.SIGKILL:
            _show_cursor()
            print(words, file=sys.stderr)
        if self.asked:
            return INTERRUPTED
        if ended_by:
            _end_by(ended_by)
        return os.WEXITSTATUS(status)

    def _pass_interrupt(self, *_: object) -> None:
        # From a terminal the child has it already, and ignores the second.
        if not self.asked:
            self.asked = True
            self._pass(signal.SIGINT)
            signal.setitimer(signal.ITIMER_REAL, GRACE_S)

    def _pass(self, number: int, *_: object) -> None:
        with suppress(ProcessLookupError):
            os.kill(self.child, number)

    def _kill(self, *_: object) -> None:
        self.killed = True
        self._pass(signal.SIGKILL)


def _work(work: Callable[[], int]) -> None:
    """What the child does; it never returns."""
    code = 1
    try:
        sys.unraisablehook = _unraisable
        signal.signal(signal.SIGINT, _interrupt_once)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        _end_with_parent()
        code = work()
    except KeyboardInterrupt:
        code = INTERRUPTED
    except SystemExit as done:
        code = done.code if isinstance(done.code, int) else 1
    except BaseException:  # only where NEARMISS_TRACEBACK asks for it: the frames of this process are its own
        sys.excepthook(*sys.exc_info())
    finally:
        _end(code)


def was_interrupted() -> bool:
    """Whether an interrupt has come: any failure after it is caused by it."""
    return _interrupts > 0


_interrupts = 0


def _interrupt_once(*_: object) -> None:
    global _interrupts
    _interrupts += 1
    # The next ones would interrupt what cleans up after this one.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    raise KeyboardInterrupt


def _unraisable(unraisable: "sys.UnraisableHookArgs") -> None:
    # An interrupt that falls into a destructor is lost there; the process is then ended from outside.
    if not isinstance(unraisable.exc_value, KeyboardInterrupt):
        sys.__unraisablehook__(unraisable)


def _end(code: int) -> None:
    """End this process without Python's shutdown, which joins threads and frees what native threads still use."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with suppress(BaseException):
        atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BrokenPipeError:
            pass  # nobody reads any more, as below `| head`
        except (OSError, ValueError):
            code = code or 1  # a full disk, a closed stream
    os._exit(code)


def _end_with_parent() -> None:
    """Where the process that waits is killed, so is this one."""
    if sys.platform != "linux":
        return
    import ctypes

    PR_SET_PDEATHSIG = 1
    parent = os.getppid()
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def _end_by(number: int) -> None:
    """End as the child did, so that the parent of this process sees the same."""
    if number == signal.SIGKILL:
        print("error: the system killed this process, most often because memory ran out", file=sys.stderr)
    with suppress(OSError, ValueError):
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # the child left its own
        if number != signal.SIGKILL:
            signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)


def _show_cursor() -> None:
    with suppress(OSError, ValueError):
        if sys.stderr.isatty():
            sys.stderr.write("\x1b[?25h")  # a progress bar that was killed has hidden it
