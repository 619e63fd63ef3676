"""complete.py SHELL FOLDER: types the lines on standard input into an interactive shell, on a terminal of its
own, and prints the words that `rill` was called with, a line each, separated by |. In the lines \t is the tab
key. FOLDER has bin/rill, which answers __complete and else writes its words to FOLDER/words."""
import os
import pty
import select
import signal
import sys
import time

shell, folder = sys.argv[1], sys.argv[2]
words = os.path.join(folder, "words")
starts = {
    "bash": (["bash", "--norc", "--noprofile", "-i"],
             "PS1='ready> '; bind 'set enable-bracketed-paste off'; source <(rill completion bash)\r"),
    "zsh": (["zsh", "-f", "-i"],
            "PS1='ready> '; unsetopt zle_bracketed_paste; autoload -Uz compinit; compinit -u -D; "
            "source <(rill completion zsh)\r"),
}
command, first = starts[shell]
pid, terminal = pty.fork()
if pid == 0:
    os.chdir(folder)
    os.environ.update(PATH=os.path.join(folder, "bin") + ":" + os.environ["PATH"], TERM="dumb", HOME=folder,
                      LC_ALL="C.UTF-8")
    os.execvp(command[0], command)


def read_until_quiet(quiet, most=10.0):
    text, end = b"", time.monotonic() + most
    while time.monotonic() < end and select.select([terminal], [], [], quiet)[0]:
        try:
            text += os.read(terminal, 65536)
        except OSError:
            break
    return text.decode(errors="replace")


def wait_for(condition, most=20.0):
    end = time.monotonic() + most
    while not condition() and time.monotonic() < end:
        read_until_quiet(0.02, 0.1)
    return condition()


read_until_quiet(0.5)
os.write(terminal, first.encode())
shown = read_until_quiet(1.0)
for line in sys.stdin.read().splitlines():
    if os.path.exists(words):
        os.unlink(words)
    for piece in line.replace("\\t", "\t\0").split("\0"):
        os.write(terminal, piece.encode())
        if piece.endswith("\t"):
            shown += read_until_quiet(0.6)
    os.write(terminal, b"\r")
    if wait_for(lambda: os.path.exists(words) and open(words).read().endswith("\n")):
        print(open(words).read().strip("\n"), flush=True)
    else:
        print("nothing; on the terminal:", repr(shown[-600:]), flush=True)
os.kill(pid, signal.SIGKILL)
os.waitpid(pid, 0)
