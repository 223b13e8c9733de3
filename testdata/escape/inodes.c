/* Line 9: inodes of the host. Every change sets what is there already. */
#include "probe.h"
#include <linux/fs.h>
#include <sys/xattr.h>

/* The file of the host, of the toolchain and of the recipe that an argument means. */
static const char *place(const char *argument)
{
    static char path[512];
    const char *where = strchr(argument, ' ') + 1;
    if (strcmp(where, "host") == 0)
        snprintf(path, sizeof path, "%s", world("file"));
    else
        snprintf(path, sizeof path, "%s", where);
    return path;
}

static enum verdict change(const char *argument)
{
    const char *path = place(argument);
    char beside[600];
    struct stat status;
    if (lstat(path, &status) < 0 || !S_ISREG(status.st_mode)) {
        note("it is not there: %s", strerror(errno));
        return CONTAINED;
    }
    snprintf(beside, sizeof beside, "%s.igos-escape", path);
#define IS(word) (strncmp(argument, word " ", sizeof word) == 0)
    if (IS("write"))
        return unless_failed(open(path, O_WRONLY | O_CLOEXEC));
    if (IS("append"))
        return unless_failed(open(path, O_RDWR | O_APPEND | O_CLOEXEC));
    if (IS("truncate"))
        return unless_failed(truncate(path, status.st_size));
    if (IS("mode"))
        return unless_failed(chmod(path, status.st_mode & 07777));
    if (IS("owner"))
        return unless_failed(chown(path, status.st_uid, status.st_gid));
    if (IS("times")) {
        struct timespec times[2] = {status.st_atim, status.st_mtim};
        return unless_failed(utimensat(AT_FDCWD, path, times, 0));
    }
    if (IS("attribute")) {
        long result = setxattr(path, "user.igos-escape", "x", 1, 0);
        int error = errno;
        if (result == 0)
            removexattr(path, "user.igos-escape");
        errno = error == EOPNOTSUPP ? EPERM : error;
        return unless_failed(result);
    }
    if (IS("link")) {
        const char *targets[] = {beside, "/build/igos-escape-link", "/dest/igos-escape-link", "/tmp/igos-escape-link"};
        for (size_t at = 0; at < sizeof targets / sizeof *targets; at++)
            if (link(path, targets[at]) == 0) {
                unlink(targets[at]);
                return unless_failed(0);
            }
        return unless_failed(-1);
    }
    if (IS("rename"))
        return unless_failed(rename(path, path));
    if (IS("unlink")) {
        /* A file that was made for it: where none can be made, none is deleted. */
        int file = open(beside, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
        return unless_failed(file < 0 ? -1 : unlink(beside));
    }
    if (IS("create")) {
        int file = open(beside, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
        int error = errno;
        if (file >= 0)
            unlink(beside);
        errno = error;
        return unless_failed(file);
    }
    if (IS("unnamed")) {
        *strrchr(beside, '/') = 0;
        return unless_failed(open(beside, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600));
    }
    if (IS("flags")) {
        int file = open(path, O_RDONLY | O_CLOEXEC);
        int flags = 0;
        if (file < 0 || ioctl(file, FS_IOC_GETFLAGS, &flags) < 0)
            flags = 0;
        return unless_failed(ioctl(file, FS_IOC_SETFLAGS, &flags));
    }
    if (IS("map")) {
        int file = open(path, O_RDWR | O_CLOEXEC);
        void *page = file < 0 ? MAP_FAILED : mmap(NULL, 1, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
        return unless_failed(page == MAP_FAILED ? -1 : 0);
    }
    note("no such change");
    return ABSENT;
}

static enum verdict read_host(const char *argument)
{
    const char *path = strcmp(argument, "host") == 0 ? world("file") : strcmp(argument, "state") == 0 ? world("state")
                     : strcmp(argument, "key") == 0  ? world("signing_key")
                                                     : argument;
    return unless_failed(access(path, F_OK));
}

/* A file of users is there, but ours, not the host's. */
static enum verdict users_of_host(const char *argument)
{
    (void)argument;
    char text[65536];
    if (slurp("/etc/passwd", text, sizeof text) < 0)
        return unless_failed(-1);
    char *at = strstr(text, "daemon:");
    note(at ? "users of the host are told" : "two users, ours");
    return at ? ESCAPED : CONTAINED;
}

/* Writes back the page of a file that can only be read: what AF_ALG and splice were misused for. */
static enum verdict splice_back(const char *argument)
{
    int file = open(place(argument), O_RDONLY | O_CLOEXEC), pipes[2];
    if (file < 0 || pipe(pipes) < 0)
        return unless_failed(-1);
    loff_t start = 0;
    splice(file, &start, pipes[1], NULL, 1, 0);
    char byte = 0;
    /* After the fixed defect this appends a page of the pipe, never changes the file's. */
    write(pipes[1], "\0", 1);
    read(pipes[0], &byte, 1);
    char now = 0;
    pread(file, &now, 1, 0);
    note(now == byte ? "the page is as it was" : "the page changed");
    return now == byte ? CONTAINED : ESCAPED;
}

#define TOOL "/usr/share/note"
#define RECIPE "/recipe/world"
/* Changes that Landlock refuses as mounts do, and those of which it knows nothing. */
#define TARGETS(word, second)                                                                                                \
    {9, word "-host", "root landlock", change, word " host"},                                                                \
        {9, word "-toolchain", "read-only-layers" second, change, word " " TOOL},                                             \
        {9, word "-recipe", "mount-attributes" second, change, word " " RECIPE}
#define KNOWN " landlock"
#define UNKNOWN ""

const struct part inode_parts[] = {
    TARGETS("write", KNOWN),
    TARGETS("append", KNOWN),
    TARGETS("truncate", KNOWN),
    TARGETS("mode", UNKNOWN),
    TARGETS("owner", UNKNOWN),
    TARGETS("times", UNKNOWN),
    TARGETS("attribute", UNKNOWN),
    TARGETS("link", KNOWN),
    TARGETS("rename", KNOWN),
    TARGETS("unlink", KNOWN),
    TARGETS("create", KNOWN),
    TARGETS("unnamed", KNOWN),
    TARGETS("map", KNOWN),
    {9, "flags-host", "root landlock", change, "flags host"},
    {9, "page-cache-toolchain", "-a defect of kernels that is mended: no lock is in its way", splice_back, "x " TOOL},
    {9, "file-of-host", "root landlock", read_host, "host"},
    {9, "state-directory", "root landlock", read_host, "state"},
    {9, "home", "root landlock", read_host, "/home"},
    {9, "home-of-root", "root landlock", read_host, "/root"},
    {9, "settings-of-host", "root landlock", read_host, "/etc/hostname"},
    {9, "variable-state", "root landlock", read_host, "/var/lib"},
    {17, "shadow", "root landlock", read_host, "/etc/shadow"},
    {17, "machine-id", "root landlock", read_host, "/etc/machine-id"},
    {17, "signing-key", "root landlock", read_host, "key"},
    {17, "users-of-host", "root landlock", users_of_host, NULL},
    {0, NULL, NULL, NULL, NULL},
};
