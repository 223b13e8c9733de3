/* Lines 3, 4, 5 and 11: other processes, keys, what is shared between processes. */
#include "probe.h"
#include <dirent.h>
#include <mqueue.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/uio.h>

/* Finds the process that plays the victim, by a word of its arguments: its id is another one in every process namespace. */
static pid_t victim(void)
{
    const char *marker = world("marker");
    char path[300], line[512];
    DIR *list = opendir("/proc");
    pid_t found = 0;
    for (struct dirent *entry; list && (entry = readdir(list));) {
        snprintf(path, sizeof path, "/proc/%s/cmdline", entry->d_name);
        long size = atoi(entry->d_name) > 0 ? slurp(path, line, sizeof line) : -1;
        if (size > 0 && *marker && memmem(line, (size_t)size, marker, strlen(marker)))
            found = atoi(entry->d_name);
    }
    if (list)
        closedir(list);
    return found;
}

/* Returns the victim's id as the host knows it. */
static pid_t target(void)
{
    return (pid_t)world_number("victim");
}

static enum verdict foreign_pid(const char *argument)
{
    (void)argument;
    pid_t found = victim();
    note(found ? "process %d is the host's" : "none is seen", found);
    return found ? ESCAPED : CONTAINED;
}

/* Opens a file of the victim, or of the first process of the sandbox. */
static enum verdict look_into(const char *argument)
{
    char path[200], byte;
    const char *what = argument + 1;
    pid_t whose = argument[0] == '1' ? 1 : victim();
    if (whose == 0) {
        note("no process of the host is seen");
        return CONTAINED;
    }
    snprintf(path, sizeof path, "/proc/%d/%s", whose, what);
    if (strcmp(what, "root") == 0 || strcmp(what, "cwd") == 0 || strcmp(what, "exe") == 0)
        return unless_failed(open(path, O_RDONLY | O_CLOEXEC));
    if (strncmp(what, "fd", 2) == 0) {
        /* Numbers alone tell nothing; where they lead does. */
        char entry_path[500], there[300];
        DIR *list = opendir(path);
        for (struct dirent *entry; list && (entry = readdir(list));) {
            snprintf(entry_path, sizeof entry_path, "%s/%s", path, entry->d_name);
            if (readlink(entry_path, there, sizeof there) >= 0)
                return unless_failed(0);
        }
        return unless_failed(-1);
    }
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return unless_failed(-1);
    if (strcmp(what, "mem") == 0)
        lseek(file, world_number("address"), SEEK_SET);
    /* The first process has an empty environment: that it can be opened is enough. */
    return unless_failed(whose == 1 || read(file, &byte, 1) == 1 ? 0 : -1);
}

static enum verdict proc_read(const char *path)
{
    char byte;
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file < 0)
        return errno == ENOENT ? without_it() : unless_failed(-1);
    long count = read(file, &byte, 1);
    note(count > 0 ? "it can be read" : "it is empty");
    return count > 0 ? ESCAPED : CONTAINED;
}

static enum verdict opens_for_reading(const char *path)
{
    struct stat status;
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file >= 0 && fstat(file, &status) == 0 && S_ISCHR(status.st_mode) && status.st_rdev == 0x103) {
        note("it is /dev/null");
        return CONTAINED;
    }
    if (file < 0 && errno == ENOENT)
        return without_it();
    return unless_failed(file);
}

/* Opens for writing and writes nothing. */
static enum verdict proc_write(const char *path)
{
    struct stat status;
    int file = open(path, O_WRONLY | O_CLOEXEC | O_NONBLOCK);
    if (file >= 0 && fstat(file, &status) == 0 && S_ISCHR(status.st_mode)) {
        note("it is a device, not the file");
        return CONTAINED;
    }
    if (file < 0 && errno == ENOENT)
        return without_it();
    return unless_failed(file);
}

static enum verdict no_such_file(const char *path)
{
    return unless_failed(access(path, F_OK));
}

static enum verdict attach(const char *argument)
{
    (void)argument;
    pid_t whom = target();
    long result = ptrace(PTRACE_SEIZE, whom, NULL, NULL);
    if (result == 0) {
        int status;
        ptrace(PTRACE_INTERRUPT, whom, NULL, NULL);
        waitpid(whom, &status, __WALL);
        ptrace(PTRACE_DETACH, whom, NULL, NULL);
    }
    return unless_failed(result);
}

static enum verdict attach_first(const char *argument)
{
    (void)argument;
    long result = ptrace(PTRACE_SEIZE, 1, NULL, NULL);
    int error = errno;
    if (result == 0) {
        int status;
        ptrace(PTRACE_INTERRUPT, 1, NULL, NULL);
        waitpid(1, &status, __WALL);
        ptrace(PTRACE_DETACH, 1, NULL, NULL);
    }
    errno = error;
    return unless_failed(result);
}

static enum verdict memory_read(const char *argument)
{
    (void)argument;
    char byte;
    struct iovec here = {&byte, 1}, there = {(void *)world_number("address"), 1};
    return unless_failed(process_vm_readv(target(), &here, 1, &there, 1, 0));
}

/* Writes the value that is there. */
static enum verdict memory_write(const char *argument)
{
    (void)argument;
    char byte;
    struct iovec here = {&byte, 1}, there = {(void *)world_number("address"), 1};
    if (process_vm_readv(target(), &here, 1, &there, 1, 0) < 0)
        return unless_failed(-1);
    return unless_failed(process_vm_writev(target(), &here, 1, &there, 1, 0));
}

static enum verdict take_descriptor(const char *argument)
{
    (void)argument;
    long process = syscall(SYS_pidfd_open, target(), 0);
    if (process < 0)
        return unless_failed(-1);
    return unless_failed(syscall(SYS_pidfd_getfd, process, 0, 0));
}

static enum verdict hold(const char *argument)
{
    (void)argument;
    return unless_failed(syscall(SYS_pidfd_open, target(), 0));
}

static enum verdict send_signal(const char *argument)
{
    pid_t whom = strcmp(argument, "first") == 0 ? 1 : target();
    return unless_failed(kill(whom, 0));
}

static enum verdict queue_signal(const char *argument)
{
    (void)argument;
    siginfo_t nothing = {.si_code = SI_QUEUE};
    return unless_failed(syscall(SYS_rt_sigqueueinfo, target(), 0, &nothing));
}

static enum verdict signal_by_descriptor(const char *argument)
{
    (void)argument;
    long process = syscall(SYS_pidfd_open, target(), 0);
    return unless_failed(process < 0 ? -1 : syscall(SYS_pidfd_send_signal, process, 0, NULL, 0));
}

static enum verdict priority_of_host(const char *argument)
{
    (void)argument;
    errno = 0;
    getpriority(0, (id_t)target());
    return unless_failed(errno ? -1 : 0);
}

enum { KEY_SEARCH = 10, KEY_JOIN = 1, KEY_GET = 0, KEY_DESCRIBE = 6 };

static enum verdict key_call(const char *argument)
{
    /* -3 is the session key ring, -2 the process', -4 the user's. */
    if (strcmp(argument, "search") == 0)
        return unless_refused(syscall(SYS_keyctl, KEY_SEARCH, -3, "user", world("key"), 0));
    if (strcmp(argument, "user-ring") == 0)
        return unless_refused(syscall(SYS_keyctl, KEY_SEARCH, -4, "user", world("key"), 0));
    if (strcmp(argument, "describe") == 0)
        return unless_refused(syscall(SYS_keyctl, KEY_DESCRIBE, world_number("key_serial"), 0, 0));
    if (strcmp(argument, "add") == 0)
        return unless_refused(syscall(SYS_add_key, "user", "igos-escape-own", "x", 1, -2));
    return unless_refused(syscall(SYS_request_key, "user", "igos-escape-own", NULL, -2));
}

static enum verdict shared_memory(const char *argument)
{
    (void)argument;
    return unless_failed(shmget((key_t)world_number("ipc"), 0, 0));
}

static enum verdict shared_semaphore(const char *argument)
{
    (void)argument;
    return unless_failed(semget((key_t)world_number("ipc"), 0, 0));
}

static enum verdict shared_messages(const char *argument)
{
    (void)argument;
    return unless_failed(msgget((key_t)world_number("ipc"), 0));
}

static enum verdict posix_queue(const char *argument)
{
    (void)argument;
    return unless_failed(mq_open(world("queue"), O_RDONLY));
}

static enum verdict posix_memory(const char *argument)
{
    (void)argument;
    return unless_failed(shm_open(world("memory"), O_RDONLY, 0));
}

#define VICTIM "process-namespace user-namespace capabilities landlock"
#define FIRST "undumpable capabilities landlock"
#define SIGNALS "process-namespace landlock"

const struct part process_parts[] = {
    {3, "foreign-process-ids", "process-namespace", foreign_pid, NULL},
    {3, "foreign-environ", VICTIM, look_into, "venviron"},
    {3, "foreign-root", VICTIM, look_into, "vroot"},
    {3, "foreign-cwd", VICTIM, look_into, "vcwd"},
    {3, "foreign-exe", VICTIM, look_into, "vexe"},
    {3, "foreign-mem", VICTIM, look_into, "vmem"},
    {3, "foreign-maps", VICTIM, look_into, "vmaps"},
    {3, "foreign-descriptors", VICTIM, look_into, "vfd"},
    {3, "first-environ", FIRST, look_into, "1environ"},
    {3, "first-root", FIRST, look_into, "1root"},
    {3, "first-cwd", FIRST, look_into, "1cwd"},
    {3, "first-mem", FIRST, look_into, "1maps"},
    {3, "first-descriptors", FIRST, look_into, "1fd"},
    {16, "runner-exe", FIRST, look_into, "1exe"},
    {3, "kcore", "root-of-host optional", opens_for_reading, "/proc/kcore"},
    {3, "kmsg", "root-of-host optional", opens_for_reading, "/proc/kmsg"},
    {3, "kallsyms", "proc-masks optional", proc_read, "/proc/kallsyms"},
    {3, "interrupts", "proc-masks optional", proc_read, "/proc/interrupts"},
    {3, "kernel-configuration", "proc-masks optional", proc_read, "/proc/config.gz"},
    {3, "timer-list", "root-of-host optional", proc_read, "/proc/timer_list"},
    {3, "sysrq-trigger", "root-of-host optional", proc_write, "/proc/sysrq-trigger"},
    {3, "core-pattern", "root-of-host optional", proc_write, "/proc/sys/kernel/core_pattern"},
    {3, "modprobe-path", "root-of-host optional", proc_write, "/proc/sys/kernel/modprobe"},
    {3, "drop-caches", "root-of-host optional", proc_write, "/proc/sys/vm/drop_caches"},
    {3, "binfmt-register", "root-of-host optional", proc_write, "/proc/sys/fs/binfmt_misc/register"},
    {3, "network-settings", "proc-masks capabilities landlock", proc_write, "/proc/sys/net/ipv4/ip_forward"},
    {3, "own-id-map", "landlock", proc_write, "/proc/self/uid_map"},
    {3, "system-files", "root landlock", no_such_file, "/sys/kernel"},
    {4, "trace", VICTIM, attach, NULL},
    {4, "trace-first", FIRST, attach_first, NULL},
    {4, "memory-read", VICTIM, memory_read, NULL},
    {4, "memory-write", VICTIM, memory_write, NULL},
    {4, "hold-process", "process-namespace", hold, NULL},
    {4, "take-descriptor", VICTIM " seccomp", take_descriptor, NULL},
    {4, "signal", SIGNALS, send_signal, "victim"},
    {4, "signal-first", "landlock", send_signal, "first"},
    {4, "signal-queue", SIGNALS, queue_signal, NULL},
    {4, "signal-by-descriptor", SIGNALS, signal_by_descriptor, NULL},
    {4, "priority", "process-namespace", priority_of_host, NULL},
    {5, "search-session-keys", "seccomp", key_call, "search"},
    {5, "search-user-keys", "seccomp", key_call, "user-ring"},
    {5, "describe-key-of-host", "seccomp", key_call, "describe"},
    {5, "add-key", "seccomp", key_call, "add"},
    {5, "request-key", "seccomp", key_call, "request"},
    {5, "list-keys", "proc-masks optional", proc_read, "/proc/keys"},
    {11, "shared-memory-of-host", "ipc-namespace", shared_memory, NULL},
    {11, "semaphores-of-host", "ipc-namespace", shared_semaphore, NULL},
    {11, "messages-of-host", "ipc-namespace", shared_messages, NULL},
    {11, "posix-queue-of-host", "ipc-namespace landlock", posix_queue, NULL},
    {11, "posix-memory-of-host", "root landlock", posix_memory, NULL},
    {0, NULL, NULL, NULL, NULL},
};
