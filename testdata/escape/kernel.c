/* Lines 12 and 13: terminals, and parts of the kernel that nobody needs to build a program. */
#include "probe.h"
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <termios.h>

/* Puts a byte into a terminal of our own as if it were typed, with the low 32 bits that the kernel looks at. */
static enum verdict type(const char *argument)
{
    unsigned long command = strtoul(argument, NULL, 16);
    int ours = open("/dev/ptmx", O_RDWR | O_NOCTTY), unlocked = 0;
    if (ours < 0 || ioctl(ours, TIOCSPTLCK, &unlocked) < 0)
        return unless_failed(-1);
    /* The terminal that controls this process is the one that the kernel lets it type into. */
    int terminal = ioctl(ours, TIOCGPTPEER, O_RDWR | O_NOCTTY);
    if (terminal < 0 || setsid() < 0 || ioctl(terminal, TIOCSCTTY, 0) < 0)
        return unless_failed(-1);
    char byte = 0;
    return unless_refused(syscall(SYS_ioctl, terminal, command, &byte));
}

/* Does the same to the streams that were inherited, where they are a terminal. */
static enum verdict type_into_streams(const char *argument)
{
    int stream = atoi(argument);
    struct termios modes;
    if (tcgetattr(stream, &modes) < 0) {
        note("it is no terminal");
        return CONTAINED;
    }
    char byte = 0;
    return unless_refused(syscall(SYS_ioctl, stream, 0x5412UL, &byte));
}

static enum verdict controlling_terminal(const char *argument)
{
    (void)argument;
    return unless_failed(open("/dev/tty", O_RDWR | O_CLOEXEC));
}

/* Calls with arguments that make no sense: who may call is told so, who may not is told that. */
static enum verdict call(const char *argument)
{
    union bpf_attr map = {0};
    struct perf_event_attr event = {.type = PERF_TYPE_SOFTWARE, .size = sizeof event, .exclude_kernel = 1};
    char space[128] = {0};
#define IS(word) (strcmp(argument, word) == 0)
    if (IS("io_uring_setup"))
        return unless_refused(syscall(SYS_io_uring_setup, 1, space));
    if (IS("io_uring_enter"))
        return unless_refused(syscall(SYS_io_uring_enter, -1, 0, 0, 0, NULL, 0));
    if (IS("io_uring_register"))
        return unless_refused(syscall(SYS_io_uring_register, -1, 0, NULL, 0));
    if (IS("bpf"))
        return unless_refused(syscall(SYS_bpf, 1000, &map, sizeof map));
    if (IS("bpf-map")) {
        map.map_type = BPF_MAP_TYPE_ARRAY;
        map.key_size = map.value_size = 4;
        map.max_entries = 1;
        return unless_refused(syscall(SYS_bpf, BPF_MAP_CREATE, &map, sizeof map));
    }
    if (IS("perf"))
        return unless_refused(syscall(SYS_perf_event_open, &event, 0, -1, -1, 0));
    if (IS("userfaultfd"))
        return unless_refused(syscall(SYS_userfaultfd, 1 /* user mode only */));
    if (IS("swapon"))
        return unless_refused(syscall(SYS_swapon, "/nonexistent", 0));
    if (IS("swapoff"))
        return unless_refused(syscall(SYS_swapoff, "/nonexistent"));
    if (IS("quotactl"))
        return unless_refused(syscall(SYS_quotactl, 0x800004 << 8, "/nonexistent", 0, NULL));
    if (IS("quotactl_fd"))
        return unless_refused(syscall(SYS_quotactl_fd, -1, 0x800004 << 8, 0, NULL));
    if (IS("acct"))
        return unless_refused(syscall(SYS_acct, "/nonexistent"));
    if (IS("reboot"))
        return unless_refused(syscall(SYS_reboot, 0, 0, 0, NULL));
    if (IS("syslog"))
        return unless_refused(syscall(SYS_syslog, 10 /* size of the log */, NULL, 0));
    if (IS("fanotify"))
        return unless_refused(syscall(SYS_fanotify_init, 0x200, O_RDONLY));
    if (IS("kcmp"))
        return unless_refused(syscall(SYS_kcmp, getpid(), getpid(), 2, 0, 0));
    if (IS("process_madvise"))
        return unless_refused(syscall(SYS_process_madvise, -1, NULL, 0, 0, 0));
    if (IS("process_mrelease"))
        return unless_refused(syscall(SYS_process_mrelease, -1, 0));
    if (IS("memfd_secret"))
        return unless_refused(syscall(SYS_memfd_secret, -1));
    if (IS("move_pages"))
        return unless_refused(syscall(SYS_move_pages, 0, 0, NULL, NULL, NULL, 0));
    if (IS("setxattrat"))
        return unless_refused(syscall(463, -1, "", 0, "", NULL, 0));
    if (IS("file_setattr"))
        return unless_refused(syscall(469, -1, "", NULL, 0, 0));
#ifdef __x86_64__
    if (IS("modify_ldt"))
        return unless_refused(syscall(SYS_modify_ldt, 0, space, sizeof space));
#endif
    note("this architecture has no such call");
    return ABSENT;
}

/* The verdict on a call that this kernel may be built without. */
static enum verdict unless_lacking(long result)
{
    return result < 0 && errno == ENOSYS ? without_it() : unless_refused(result);
}

static enum verdict optional_call(const char *argument)
{
    if (IS("init_module"))
        return unless_lacking(syscall(SYS_init_module, NULL, 0, ""));
    if (IS("finit_module"))
        return unless_lacking(syscall(SYS_finit_module, -1, "", 0));
    if (IS("delete_module"))
        return unless_lacking(syscall(SYS_delete_module, "nonexistent", O_NONBLOCK));
    if (IS("kexec_load"))
        return unless_lacking(syscall(SYS_kexec_load, 0, 1UL << 30, NULL, 0xffff));
#ifdef SYS_ioperm
    if (IS("ioperm"))
        return unless_lacking(syscall(SYS_ioperm, 0, 0, 0));
#endif
#ifdef SYS_iopl
    if (IS("iopl"))
        return unless_lacking(syscall(SYS_iopl, 7));
#endif
#ifdef SYS_kexec_file_load
    if (IS("kexec_file_load"))
        return unless_lacking(syscall(SYS_kexec_file_load, -1, -1, 0, "", 0xffff));
#endif
    note("this architecture has no such call");
    return ABSENT;
}

/* Every family that exists, but the four that are allowed. */
static enum verdict families(const char *argument)
{
    (void)argument;
    static const int types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_RAW, SOCK_SEQPACKET};
    for (int family = 0; family < 64; family++) {
        if (family == AF_UNIX || family == AF_INET || family == AF_INET6 || family == AF_NETLINK)
            continue;
        for (size_t at = 0; at < sizeof types / sizeof *types; at++) {
            int one = socket(family, types[at], 0);
            if (one >= 0 || (errno != EAFNOSUPPORT && errno != EPERM)) {
                note("family %d type %d: %s", family, types[at], one < 0 ? strerror(errno) : "it works");
                return ESCAPED;
            }
        }
    }
    note("none works");
    return CONTAINED;
}

static enum verdict family(const char *argument)
{
    int one = socket(atoi(argument), SOCK_SEQPACKET, 0);
    return one < 0 && errno == EAFNOSUPPORT ? without_it() : unless_failed(one);
}

static enum verdict pairs(const char *argument)
{
    int two[2];
    long result = socketpair(atoi(argument), SOCK_STREAM, 0, two);
    note("%s", result < 0 ? strerror(errno) : "it works");
    return result < 0 && errno == EAFNOSUPPORT ? CONTAINED : ESCAPED;
}

/* Numbers of calls that are newer than the list of those that exist. */
static enum verdict newer_calls(const char *argument)
{
    (void)argument;
    for (long number = 463; number < 700; number++) {
        long result = syscall(number, -1L, 0L, 0L, -1L, 0L, 0L);
        if (result >= 0 || (errno != ENOSYS && errno != EPERM)) {
            note("call %ld: %s", number, result < 0 ? strerror(errno) : "it works");
            return ESCAPED;
        }
    }
    note("none exists");
    return CONTAINED;
}

const struct part kernel_parts[] = {
    {12, "type-into-own-terminal", "seccomp", type, "5412"},
    {12, "type-with-high-bits", "seccomp", type, "100005412"},
    {12, "type-with-sign-bits", "seccomp", type, "ffffffff00005412"},
    {12, "type-by-console-command", "seccomp", type, "541c"},
    {12, "type-by-console-command-with-high-bits", "seccomp", type, "10000541c"},
    {12, "type-into-standard-input", "-standard input is /dev/null: there is no lock to take away", type_into_streams, "0"},
    {12, "type-into-standard-output", "-standard output is a pipe: there is no lock to take away", type_into_streams, "1"},
    {12, "type-into-standard-error", "-standard error is a pipe: there is no lock to take away", type_into_streams, "2"},
    {12, "controlling-terminal", "session", controlling_terminal, NULL},
    {13, "io-uring-setup", "seccomp", call, "io_uring_setup"},
    {13, "io-uring-enter", "seccomp", call, "io_uring_enter"},
    {13, "io-uring-register", "seccomp", call, "io_uring_register"},
    {13, "bpf", "root-of-host", call, "bpf"},
    {13, "bpf-map", "root-of-host", call, "bpf-map"},
    {13, "perf-events", "root-of-host", call, "perf"},
    {13, "userfaultfd", "seccomp", call, "userfaultfd"},
    {13, "swap-on", "root-of-host", call, "swapon"},
    {13, "swap-off", "root-of-host", call, "swapoff"},
    {13, "quota", "seccomp", call, "quotactl"},
    {13, "quota-by-descriptor", "seccomp", call, "quotactl_fd"},
    {13, "accounting", "root-of-host", call, "acct"},
    {13, "restart", "seccomp capabilities", call, "reboot"},
    {13, "kernel-log", "root-of-host", call, "syslog"},
    {13, "file-notification", "seccomp", call, "fanotify"},
    {13, "compare-processes", "seccomp", call, "kcmp"},
    {13, "advise-other-process", "seccomp", call, "process_madvise"},
    {13, "release-other-process", "seccomp", call, "process_mrelease"},
    {13, "secret-memory", "seccomp", call, "memfd_secret"},
    {13, "move-pages", "seccomp", call, "move_pages"},
    {13, "newer-attribute-call", "seccomp", call, "setxattrat"},
    {13, "newer-flags-call", "seccomp", call, "file_setattr"},
    {13, "port-permissions", "seccomp optional", optional_call, "ioperm"},
    {13, "port-level", "root-of-host optional", optional_call, "iopl"},
    {13, "segment-table", "seccomp", call, "modify_ldt"},
    {13, "load-module", "root-of-host optional", optional_call, "init_module"},
    {13, "load-module-file", "root-of-host optional", optional_call, "finit_module"},
    {13, "unload-module", "root-of-host optional", optional_call, "delete_module"},
    {13, "load-kernel", "root-of-host optional", optional_call, "kexec_load"},
    {13, "load-kernel-file", "root-of-host optional", optional_call, "kexec_file_load"},
    {13, "rare-socket-families", "seccomp", families, NULL},
    {13, "cryptographic-sockets", "seccomp optional", family, "38"},
    {13, "pairs-of-other-families", "seccomp", pairs, "2"},
    {13, "calls-newer-than-the-list", "seccomp", newer_calls, NULL},
    {0, NULL, NULL, NULL, NULL},
};
