/* Lines 6, 14, 15 and 18: more rights, other namespaces, the clock, priorities. */
#include "probe.h"
#include <linux/capability.h>
#include <linux/sched.h>
#include <sched.h>
#include <sys/fsuid.h>
#include <sys/personality.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <sys/time.h>
#include <sys/timex.h>
#include <sys/xattr.h>
#include <time.h>

static unsigned long long capabilities(const char *which)
{
    char text[4096];
    slurp("/proc/self/status", text, sizeof text);
    char *at = strstr(text, which);
    return at ? strtoull(at + strlen(which), NULL, 16) : 0;
}

static enum verdict no_new_privileges(const char *argument)
{
    (void)argument;
    int flag = prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0);
    note("no_new_privs is %d", flag);
    return flag == 1 ? CONTAINED : ESCAPED;
}

/* CHOWN, DAC_OVERRIDE and FOWNER are what a build keeps. */
static enum verdict bounding(const char *which)
{
    unsigned long long found = capabilities(which);
    note("%s %llx", which, found);
    return found & ~0xbULL ? ESCAPED : CONTAINED;
}

static enum verdict executed(const char *argument)
{
    (void)argument;
    /* A copy of this program that is setuid and setgid for root, as far as one can be made here. */
    char path[] = "/build/igos-escape-setuid-XXXXXX", buffer[65536];
    const char *elsewhere = world("writable");
    int to = mkstemp(path);
    char other[300];
    char *made = path;
    if (to < 0) {
        snprintf(other, sizeof other, "%s/igos-escape-setuid-XXXXXX", elsewhere);
        to = mkstemp(other);
        made = other;
    }
    int from = open("/proc/self/exe", O_RDONLY);
    for (long count; (count = read(from, buffer, sizeof buffer)) > 0;)
        if (write(to, buffer, (size_t)count) != count)
            break;
    fchown(to, 0, 0);
    fchmod(to, 06755);
    close(to);
    close(from);
    int channel[2];
    if (pipe(channel) < 0)
        return unless_failed(-1);
    pid_t child = fork();
    if (child == 0) {
        dup2(channel[1], 1);
        execl(made, made, "run", "/dev/null", "capabilities-permitted", (char *)NULL);
        _exit(9);
    }
    close(channel[1]);
    char answer[512] = "";
    long count = read(channel[0], answer, sizeof answer - 1);
    waitpid(child, NULL, 0);
    unlink(made);
    int has_gained = count > 0 && strstr(answer, "escaped") != NULL;
    note("%s", count > 0 ? strstr(answer, ": ") ? strstr(answer, ": ") + 2 : answer : "it does not run");
    return has_gained ? ESCAPED : CONTAINED;
}

static enum verdict gain_by_call(const char *argument)
{
    (void)argument;
    struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2] = {{1U << 12 | 1U << 21, 1U << 12 | 1U << 21, 0}, {0, 0, 0}};
    return unless_failed(syscall(SYS_capset, &head, data));
}

static enum verdict file_capability(const char *argument)
{
    (void)argument;
    char path[300];
    int file = open("/build/igos-escape-capability", O_CREAT | O_WRONLY, 0755);
    snprintf(path, sizeof path, "/build/igos-escape-capability");
    if (file < 0) {
        snprintf(path, sizeof path, "%s/igos-escape-capability", world("writable"));
        file = open(path, O_CREAT | O_WRONLY, 0755);
    }
    struct {
        uint32_t magic, permitted0, inheritable0, permitted1, inheritable1;
    } value = {0x02000001, 1 << 12, 0, 0, 0};
    long result = fsetxattr(file, "security.capability", &value, sizeof value, 0);
    int error = errno;
    unlink(path);
    errno = error;
    return unless_failed(result);
}

static enum verdict become(const char *argument)
{
    if (strcmp(argument, "user") == 0)
        return unless_failed(syscall(SYS_setresuid, 1, 1, 1));
    if (strcmp(argument, "group") == 0)
        return unless_failed(syscall(SYS_setresgid, 1, 1, 1));
    gid_t group = 0;
    return unless_failed(syscall(SYS_setgroups, 1, &group));
}

static enum verdict mount_flag(const char *argument)
{
    static const char *const places[] = {"/", "/build", "/dest", "/recipe", "/sources", "/tmp", "/run", "/dev/shm"};
    unsigned long wanted = strcmp(argument, "nosuid") == 0 ? ST_NOSUID : ST_NODEV;
    for (size_t at = 0; at < sizeof places / sizeof *places; at++) {
        struct statvfs status;
        if (statvfs(places[at], &status) == 0 && !(status.f_flag & wanted)) {
            note("%s is not %s", places[at], argument);
            return ESCAPED;
        }
    }
    note("all are %s", argument);
    return CONTAINED;
}

static enum verdict new_namespace(const char *argument)
{
    return unless_refused(unshare((int)strtol(argument, NULL, 16)));
}

static enum verdict clone_into(const char *argument)
{
    long child = syscall(SYS_clone, strtol(argument, NULL, 16) | SIGCHLD, 0, 0, 0, 0);
    if (child == 0)
        _exit(0);
    int error = errno;
    if (child > 0)
        waitpid((pid_t)child, NULL, 0);
    errno = error;
    return unless_refused(child);
}

static enum verdict clone3_into(const char *argument)
{
    struct clone_args arguments = {.flags = strtoull(argument, NULL, 16), .exit_signal = SIGCHLD};
    long child = syscall(SYS_clone3, &arguments, sizeof arguments);
    if (child == 0)
        _exit(0);
    int error = errno;
    if (child > 0)
        waitpid((pid_t)child, NULL, 0);
    errno = error;
    return unless_refused(child);
}

static enum verdict enter(const char *argument)
{
    char path[100];
    snprintf(path, sizeof path, "/proc/self/ns/%s", argument);
    int file = open(path, O_RDONLY);
    if (file < 0)
        return unless_failed(-1);
    return unless_refused(setns(file, 0));
}

static enum verdict enter_process(const char *argument)
{
    (void)argument;
    long process = syscall(SYS_pidfd_open, getpid(), 0);
    return unless_refused(setns((int)process, CLONE_NEWUTS));
}

static enum verdict clock_call(const char *argument)
{
    struct timex state = {0};
    if (strcmp(argument, "day") == 0)
        return unless_refused(syscall(SYS_settimeofday, NULL, NULL));
    /* The value that is there. */
    adjtimex(&state);
    state.modes = ADJ_TICK;
    if (strcmp(argument, "adjust") == 0)
        return unless_refused(adjtimex(&state));
    if (strcmp(argument, "adjust-clock") == 0)
        return unless_refused(syscall(SYS_clock_adjtime, CLOCK_REALTIME, &state));
    /* A clock that cannot be set: a process that may try is told so. */
    struct timespec now = {0};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return unless_refused(syscall(SYS_clock_settime, CLOCK_MONOTONIC, &now));
}

static enum verdict host_name(const char *argument)
{
    char name[256] = "";
    gethostname(name, sizeof name);
    if (strcmp(argument, "see") == 0) {
        note("the name is %s", name);
        return strcmp(name, world("hostname")) == 0 ? ESCAPED : CONTAINED;
    }
    if (strcmp(argument, "domain") == 0)
        return unless_refused(setdomainname("(none)", 6));
    return unless_refused(sethostname(name, strlen(name)));
}

static enum verdict clock_device(const char *path)
{
    int file = open(path, O_RDONLY | O_CLOEXEC);
    return file < 0 && errno == ENOENT ? without_it() : unless_failed(file);
}

static enum verdict personality_of(const char *argument)
{
    return unless_refused(syscall(SYS_personality, strtoul(argument, NULL, 16)));
}

/* The other ABIs of this architecture: whoever speaks one dies. */
static enum verdict foreign_abi(const char *argument)
{
#ifdef __x86_64__
    long result;
    if (strcmp(argument, "i386") == 0)
        __asm__ volatile("int $0x80" : "=a"(result) : "a"(20L) : "memory", "r8", "r9", "r10", "r11");
    else
        result = syscall(0x40000000L | 39);
    note("it answers %ld", result);
    return ESCAPED;
#else
    note("%s: this architecture has no other", argument);
    return ABSENT;
#endif
}

static enum verdict schedule(const char *argument)
{
    struct sched_param parameter = {.sched_priority = 1};
    if (strcmp(argument, "fifo") == 0)
        return unless_refused(syscall(SYS_sched_setscheduler, 0, SCHED_FIFO, &parameter));
    if (strcmp(argument, "round-robin") == 0)
        return unless_refused(syscall(SYS_sched_setscheduler, 0, SCHED_RR, &parameter));
    if (strcmp(argument, "deadline") == 0) {
        struct {
            uint32_t size, policy;
            uint64_t flags;
            int32_t nice;
            uint32_t priority;
            uint64_t runtime, deadline, period;
        } attributes = {48, 6, 0, 0, 0, 1000000, 10000000, 10000000};
        return unless_refused(syscall(SYS_sched_setattr, 0, &attributes, 0));
    }
    if (strcmp(argument, "nice") == 0)
        return unless_refused(setpriority(PRIO_PROCESS, 0, -1));
    /* The real-time class of disks. */
    return unless_refused(syscall(SYS_ioprio_set, 1, 0, 1 << 13));
}

/* A limit that is higher than builds get, or that can be made higher. */
static enum verdict raise_limit(const char *argument)
{
    int which;
    unsigned long highest;
    struct rlimit limit;
    sscanf(argument, "%d %lu", &which, &highest);
    getrlimit(which, &limit);
    note("the limit is %lu", (unsigned long)limit.rlim_max);
    if (limit.rlim_max > highest)
        return ESCAPED;
    limit.rlim_max += 1;
    return unless_refused(setrlimit(which, &limit));
}

/* Limits of somebody else, which are only asked for. */
static enum verdict limits_of_host(const char *argument)
{
    (void)argument;
    struct rlimit limit;
    return unless_failed(prlimit((pid_t)world_number("victim"), RLIMIT_NOFILE, NULL, &limit));
}

static enum verdict write_only(const char *path)
{
    int file = open(path, O_WRONLY | O_CLOEXEC);
    return file < 0 && errno == ENOENT ? without_it() : unless_failed(file);
}

/* Sets the score by which the kernel chooses whom to kill to what it is. */
static enum verdict spared(const char *argument)
{
    (void)argument;
    char score[20] = "0";
    slurp("/proc/self/oom_score_adj", score, sizeof score);
    int file = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (file < 0)
        return unless_failed(-1);
    return unless_failed(write(file, score, strlen(score)));
}

#define ANY "seccomp capabilities"

const struct part right_parts[] = {
    {6, "no-new-privileges", "no-new-privileges landlock seccomp", no_new_privileges, NULL},
    {6, "capabilities-bounding", "capabilities", bounding, "CapBnd:"},
    {6, "capabilities-permitted", "capabilities", bounding, "CapPrm:"},
    {6, "setuid-program", "capabilities", executed, NULL},
    {6, "capabilities-by-call", "capabilities", gain_by_call, NULL},
    {6, "file-capability", "capabilities", file_capability, NULL},
    {6, "become-user", "root-of-host", become, "user"},
    {6, "become-group", "root-of-host", become, "group"},
    {6, "become-groups", "root-of-host", become, "groups"},
    {6, "nosuid-everywhere", "mount-attributes", mount_flag, "nosuid"},
    {8, "nodev-everywhere", "mount-attributes", mount_flag, "nodev"},
    {14, "unshare-user", "seccomp", new_namespace, "10000000"},
    {14, "unshare-network", ANY, new_namespace, "40000000"},
    {14, "unshare-mounts", ANY, new_namespace, "20000"},
    {14, "unshare-processes", ANY, new_namespace, "20000000"},
    {14, "unshare-ipc", ANY, new_namespace, "8000000"},
    {14, "unshare-name", ANY, new_namespace, "4000000"},
    {14, "unshare-cgroup", ANY, new_namespace, "2000000"},
    {14, "unshare-time", ANY, new_namespace, "80"},
    {14, "clone-user", "seccomp", clone_into, "10000000"},
    {14, "clone-user-high-bits", "seccomp", clone_into, "110000000"},
    {14, "clone-network", ANY, clone_into, "40000000"},
    {14, "clone-mounts", ANY, clone_into, "20000"},
    {14, "clone-processes", ANY, clone_into, "20000000"},
    {14, "clone3-user", "seccomp", clone3_into, "10000000"},
    {14, "clone3-time", ANY, clone3_into, "80"},
    {14, "clone3-plain", "seccomp", clone3_into, "0"},
    {14, "setns-network", ANY, enter, "net"},
    {14, "setns-mounts", ANY, enter, "mnt"},
    {14, "setns-user", "seccomp", enter, "user"},
    {14, "setns-process", ANY, enter_process, NULL},
    {15, "set-time-of-day", "root-of-host", clock_call, "day"},
    {15, "set-clock", "seccomp", clock_call, "set"},
    {15, "adjust-clock", "root-of-host", clock_call, "adjust-clock"},
    {15, "adjust-time", "root-of-host", clock_call, "adjust"},
    {15, "see-host-name", "name-namespace", host_name, "see"},
    {15, "set-host-name", ANY, host_name, "set"},
    {15, "set-domain-name", ANY, host_name, "domain"},
    {15, "clock-device", "root-of-host optional", clock_device, "/dev/rtc0"},
    {15, "personality-executable-data", "seccomp", personality_of, "0400000"},
    {15, "personality-compatible-layout", "seccomp", personality_of, "0200000"},
    {15, "personality-32-bit", "seccomp", personality_of, "8"},
    {15, "call-by-i386", "seccomp", foreign_abi, "i386"},
    {15, "call-by-x32", "seccomp", foreign_abi, "x32"},
    {18, "schedule-first-in-first-out", "root-of-host", schedule, "fifo"},
    {18, "schedule-round-robin", "root-of-host", schedule, "round-robin"},
    {18, "schedule-deadline", "root-of-host", schedule, "deadline"},
    {18, "negative-nice", "root-of-host", schedule, "nice"},
    {18, "disk-priority", "root-of-host", schedule, "disk"},
    {18, "raise-open-files", "process-limits", raise_limit, "7 4096"},
    {18, "raise-core-size", "process-limits", raise_limit, "4 0"},
    {18, "raise-processes", "process-limits", raise_limit, "6 4400"},
    {18, "raise-real-time-priority", "-hosts give nobody real-time priority: without our limit there is theirs", raise_limit, "14 0"},
    {18, "limits-of-host", "process-namespace", limits_of_host, NULL},
    {18, "move-to-other-cgroup", "root-of-host optional", write_only, "/sys/fs/cgroup/unified/cgroup.procs"},
    {18, "move-to-other-cgroup1", "root-of-host optional", write_only, "/sys/fs/cgroup/pids/cgroup.procs"},
    {18, "spared-when-memory-ends", "landlock", spared, NULL},
    {0, NULL, NULL, NULL, NULL},
};
