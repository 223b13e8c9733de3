/* Lines 10, 11, 16 and 17: what is inherited, what is left behind, and what is taken too much of. */
#include "probe.h"
#include <dirent.h>
#include <mqueue.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/xattr.h>

extern char **environ;

static enum verdict descriptors(const char *argument)
{
    (void)argument;
    /* The part itself holds both ends of its answer's pipe, below 10. */
    DIR *list = opendir("/proc/self/fd");
    char target[300];
    int count = 0;
    if (!list)
        return unless_failed(-1);
    for (struct dirent *entry; (entry = readdir(list));) {
        int number = atoi(entry->d_name);
        if (entry->d_name[0] == '.' || number < 3 || number == dirfd(list))
            continue;
        char path[64];
        snprintf(path, sizeof path, "/proc/self/fd/%d", number);
        long size = readlink(path, target, sizeof target - 1);
        target[size > 0 ? size : 0] = 0;
        if (fcntl(number, F_GETFD) & FD_CLOEXEC)
            continue; /* ours: what was inherited came through an execution */
        note("%d leads to %s", number, target);
        count++;
    }
    if (!count)
        note("only the streams");
    return count ? ESCAPED : CONTAINED;
}

static enum verdict standard_input(const char *argument)
{
    (void)argument;
    struct stat status;
    if (fstat(0, &status) < 0)
        return unless_failed(-1);
    int is_null = S_ISCHR(status.st_mode) && status.st_rdev == 0x103;
    note(is_null ? "it is /dev/null" : "it is something else");
    return is_null ? CONTAINED : ESCAPED;
}

static enum verdict working_directory(const char *argument)
{
    (void)argument;
    char path[4096] = "";
    const char *directory = world("writable");
    if (!getcwd(path, sizeof path))
        return unless_failed(-1);
    note("it is %s", path);
    return path[0] != '/' || (*directory && strncmp(path, directory, strlen(directory)) == 0) ? ESCAPED : CONTAINED;
}

static enum verdict variables(const char *argument)
{
    for (char **variable = environ; *variable; variable++)
        if (strncmp(*variable, argument, strlen(argument)) == 0) {
            note("%.100s", *variable);
            return ESCAPED;
        }
    note("it is not set");
    return CONTAINED;
}

const struct part surrounding_parts[] = {
    {16, "inherited-descriptors", "descriptors", descriptors, NULL},
    {16, "standard-input", "-standard input is a new file of every root: there is no lock to take away", standard_input, NULL},
    {16, "working-directory", "root landlock", working_directory, NULL},
    {17, "variable-of-caller", "environment", variables, "IGOS_ESCAPE_CALLER="},
    {17, "agent-of-ssh", "environment", variables, "SSH_AUTH_SOCK="},
    {17, "agent-of-gpg", "environment", variables, "GPG_AGENT_INFO="},
    {17, "bus-address", "environment", variables, "DBUS_SESSION_BUS_ADDRESS="},
    {17, "token-of-cloud", "environment", variables, "AWS_SECRET_ACCESS_KEY="},
    {17, "loader-settings", "environment", variables, "LD_LIBRARY_PATH="},
    {0, NULL, NULL, NULL, NULL},
};

static void say(const char *text)
{
    if (write(1, text, strlen(text)) < 0)
        _exit(1);
}

/* Takes more and more until somebody says no. The directory it works in is the build's. */
int explode(const char *name)
{
    static char block[1 << 16];
    memset(block, 'x', sizeof block);
    char path[100];
    if (strcmp(name, "processes") == 0)
        for (int count = 0;; count++) {
            pid_t child = fork();
            if (child == 0)
                for (;;)
                    pause();
            if (child < 0)
                usleep(20000);
        }
    if (strcmp(name, "threads") == 0)
        for (;;)
            if (vfork() < 0)
                usleep(20000);
    if (strcmp(name, "memory") == 0)
        for (;;) {
            char *more = malloc(1 << 20);
            if (!more) {
                say("no more memory\n");
                return 9;
            }
            memset(more, 1, 1 << 20);
        }
    if (strcmp(name, "descriptors") == 0) {
        int count = 0;
        while (dup(1) >= 0)
            count++;
        printf("%d descriptors, then: %s\n", count, strerror(errno));
        return count > 100000;
    }
    if (strcmp(name, "log") == 0)
        for (;;)
            if (write(1, block, sizeof block) < 0)
                return 9;
    if (strcmp(name, "cpu") == 0) {
        for (int count = 0; count < 4; count++)
            if (fork() == 0)
                break;
        for (volatile unsigned long spin = 0;; spin++)
            ;
    }
    if (strcmp(name, "clock") == 0)
        for (;;)
            pause();
    if (strcmp(name, "inodes") == 0)
        for (long count = 0;; count++) {
            snprintf(path, sizeof path, "bomb-%ld", count);
            int file = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
            if (file < 0)
                return 9;
            close(file);
        }
    int file = -1;
    if (strcmp(name, "disk") == 0)
        file = open("bomb", O_CREAT | O_WRONLY, 0644);
    if (strcmp(name, "unnamed") == 0)
        file = open(".", O_TMPFILE | O_WRONLY, 0644);
    if (strcmp(name, "memfd") == 0)
        file = (int)syscall(SYS_memfd_create, "bomb", 0);
    if (strcmp(name, "tmpfs") == 0)
        file = open("/tmp/bomb", O_CREAT | O_WRONLY, 0644);
    if (strcmp(name, "shm") == 0)
        file = open("/dev/shm/bomb", O_CREAT | O_WRONLY, 0644);
    for (;;)
        if (write(file, block, sizeof block) < 0) {
            printf("%s\n", strerror(errno));
            return 9;
        }
}

/* Leaves something behind and goes on. */
static int leave_one(const char *name)
{
    if (strcmp(name, "daemon") == 0 || strcmp(name, "orphan") == 0 || strcmp(name, "rewriter") == 0) {
        pid_t child = fork();
        if (child == 0) {
            if (strcmp(name, "orphan") != 0) {
                setsid();
                if (fork() != 0)
                    _exit(0);
            }
            for (int stream = 0; stream < 3; stream++)
                close(stream);
            signal(SIGHUP, SIG_IGN);
            signal(SIGTERM, SIG_IGN);
            prctl(PR_SET_NAME, "igos-left");
            if (strcmp(name, "rewriter") != 0)
                for (;;)
                    pause();
            /* Changes an output for as long as it lives: after it was hashed, if it could. */
            int file = open("/dest/usr/share/changing", O_WRONLY);
            for (char letter = 'a';; letter = letter == 'z' ? 'a' : (char)(letter + 1))
                if (pwrite(file, &letter, 1, 0) < 0)
                    _exit(1);
        }
        if (strcmp(name, "orphan") != 0)
            waitpid(child, NULL, 0);
        return 0;
    }
    if (strcmp(name, "zombie") == 0) {
        if (fork() == 0)
            _exit(0);
        return 0;
    }
    if (strcmp(name, "ipc") == 0) {
        int failures = shmget(0x19059999, 4096, IPC_CREAT | 0666) < 0;
        failures += semget(0x19059999, 1, IPC_CREAT | 0666) < 0;
        failures += msgget(0x19059999, IPC_CREAT | 0666) < 0;
        /* Landlock keeps builds from queues, also from their own. */
        if (mq_open("/igos-escape-left", O_CREAT | O_RDWR, 0666, NULL) == (mqd_t)-1 && errno != EACCES)
            failures++;
        failures += shm_open("/igos-escape-left", O_CREAT | O_RDWR, 0666) < 0;
        return failures;
    }
    if (strcmp(name, "nothing-of-ipc") == 0) {
        int failures = shmctl(shmget(0x19059999, 0, 0), IPC_RMID, NULL) < 0;
        failures += semctl(semget(0x19059999, 0, 0), 0, IPC_RMID) < 0;
        failures += msgctl(msgget(0x19059999, 0), IPC_RMID, NULL) < 0;
        failures += mq_unlink("/igos-escape-left") < 0;
        failures += shm_unlink("/igos-escape-left") < 0;
        return failures;
    }
    /* What may not be in a package. */
    if (strcmp(name, "fifo") == 0)
        return mkfifo("/dest/usr/share/a-fifo", 0644) < 0;
    if (strcmp(name, "socket") == 0)
        return mknod("/dest/usr/share/a-socket", S_IFSOCK | 0644, 0) < 0;
    if (strcmp(name, "device") == 0)
        return mknod("/dest/usr/share/a-device", S_IFCHR | 0644, 0x103) < 0;
    if (strcmp(name, "newline") == 0)
        return open("/dest/usr/share/new\nline", O_CREAT | O_WRONLY, 0644) < 0;
    if (strcmp(name, "escape") == 0)
        return open("/dest/usr/share/\033]0;title\007", O_CREAT | O_WRONLY, 0644) < 0;
    if (strcmp(name, "long") == 0 || strcmp(name, "deep") == 0) {
        char part[251] = "";
        int is_long = strcmp(name, "long") == 0;
        memset(part, 'l', is_long ? 250 : 1);
        if (chdir("/dest/usr/share") < 0)
            return 1;
        for (int count = 0; count < (is_long ? 20 : 1000); count++)
            if (mkdir(part, 0755) < 0 || chdir(part) < 0)
                return 1;
        return 0;
    }
    if (strcmp(name, "attribute") == 0)
        return setxattr("/dest/usr/share", "user.igos-escape", "x", 1, 0) < 0;
    if (strcmp(name, "files") == 0) {
        static const char *const places[] = {"/tmp/igos-escape-left", "/run/igos-escape-left", "/dev/shm/igos-escape-left"};
        for (size_t at = 0; at < 3; at++)
            if (open(places[at], O_CREAT | O_WRONLY, 0644) < 0)
                return 1;
        return 0;
    }
    return 2;
}

int leave(const char *name)
{
    errno = 0;
    int result = leave_one(name);
    if (result)
        printf("%s: %s\n", name, strerror(errno));
    return result;
}
