/* Lines 7 and 8: mounts, roots and devices. */
#include "probe.h"
#include <dirent.h>
#include <linux/mount.h>
#include <sys/sysmacros.h>

#ifndef MS_REC
#define MS_RDONLY 1
#define MS_REMOUNT 32
#define MS_BIND 4096
#define MS_REC 16384
#endif

int mount(const char *, const char *, const char *, unsigned long, const void *);
int umount2(const char *, int);

static enum verdict mount_kind(const char *kind)
{
    const char *options = strcmp(kind, "overlay") == 0 ? "lowerdir=/tmp:/run" : NULL;
    return unless_refused(mount(kind, "/tmp", kind, 0, options));
}

static enum verdict mount_bind(const char *argument)
{
    (void)argument;
    return unless_refused(mount("/tmp", "/run", NULL, MS_BIND | MS_REC, NULL));
}

static enum verdict mount_again(const char *path)
{
    return unless_refused(mount(NULL, path, NULL, MS_REMOUNT | MS_BIND, NULL));
}

static enum verdict mount_change(const char *argument)
{
    (void)argument;
    return unless_refused(mount(NULL, "/", NULL, 1 << 20 /* shared */, NULL));
}

static enum verdict unmount(const char *path)
{
    return unless_refused(umount2(path, 2 /* MNT_DETACH */));
}

static enum verdict new_calls(const char *argument)
{
    struct mount_attr nothing = {0};
    if (strcmp(argument, "fsopen") == 0)
        return unless_refused(syscall(SYS_fsopen, "tmpfs", 0));
    if (strcmp(argument, "fspick") == 0)
        return unless_refused(syscall(SYS_fspick, AT_FDCWD, "/", 0));
    if (strcmp(argument, "fsconfig") == 0)
        return unless_refused(syscall(SYS_fsconfig, -1, 0, NULL, NULL, 0));
    if (strcmp(argument, "fsmount") == 0)
        return unless_refused(syscall(SYS_fsmount, -1, 0, 0));
    if (strcmp(argument, "open_tree") == 0)
        return unless_refused(syscall(SYS_open_tree, AT_FDCWD, "/", 1 /* OPEN_TREE_CLONE */));
    if (strcmp(argument, "open_tree_attr") == 0)
        return unless_refused(syscall(467, AT_FDCWD, "/", 1, &nothing, sizeof nothing));
    if (strcmp(argument, "move_mount") == 0)
        return unless_refused(syscall(SYS_move_mount, -1, "", -1, "", 4));
    if (strcmp(argument, "statmount") == 0)
        return unless_refused(syscall(457, NULL, NULL, 0, 0));
    if (strcmp(argument, "listmount") == 0)
        return unless_refused(syscall(458, NULL, NULL, 0, 0));
    return unless_refused(syscall(SYS_mount_setattr, AT_FDCWD, "/", 0, &nothing, sizeof nothing));
}

static enum verdict change_root(const char *argument)
{
    (void)argument;
    return unless_refused(chroot("/tmp"));
}

static enum verdict exchange_root(const char *argument)
{
    (void)argument;
    return unless_refused(syscall(SYS_pivot_root, "/tmp", "/tmp"));
}

/* Goes up as far as it goes, from here and from a directory that is open. */
static enum verdict climb(const char *from)
{
    int here = open(from, O_PATH | O_DIRECTORY);
    for (int step = 0; step < 64 && here >= 0; step++)
        here = openat(here, "..", O_PATH | O_DIRECTORY);
    const char *file = world("file");
    long found = here < 0 || !*file ? -1 : faccessat(here, file + 1, F_OK, 0);
    return unless_failed(found);
}

static enum verdict handles(const char *argument)
{
    union {
        struct file_handle handle;
        char space[256];
    } file = {0};
    int mount_id;
    file.handle.handle_bytes = 128;
    if (strcmp(argument, "name") == 0)
        return unless_refused(name_to_handle_at(AT_FDCWD, "/", &file.handle, &mount_id, 0));
    /* The first inode of a file system of disks, ext4's root. */
    file.handle.handle_bytes = 8;
    file.handle.handle_type = 1;
    uint32_t root[2] = {2, 0};
    memcpy(file.handle.f_handle, root, sizeof root);
    int place = open("/", O_RDONLY | O_DIRECTORY);
    return unless_refused(open_by_handle_at(place, &file.handle, O_RDONLY));
}

static enum verdict make_device(const char *argument)
{
    unsigned kind = argument[0] == 'b' ? S_IFBLK : S_IFCHR;
    unsigned major_number, minor_number;
    sscanf(argument + 1, "%u:%u", &major_number, &minor_number);
    const char *places[] = {"/build", "/dest", "/tmp", "/dev/shm", "/dev", world("writable")};
    enum verdict verdict = CONTAINED;
    for (size_t at = 0; at < sizeof places / sizeof *places && verdict == CONTAINED; at++) {
        char path[600];
        snprintf(path, sizeof path, "%s/igos-escape-device", places[at]);
        long result = mknod(path, kind | 0600, makedev(major_number, minor_number));
        verdict = unless_failed(result);
        if (result == 0)
            unlink(path);
    }
    return verdict;
}

static enum verdict devices(const char *argument)
{
    (void)argument;
    static const char expected[] = " . .. null zero full random urandom tty ptmx pts shm fd stdin stdout stderr ";
    DIR *list = opendir("/dev");
    int count = 0;
    for (struct dirent *entry; list && (entry = readdir(list)); count++) {
        char word[300];
        snprintf(word, sizeof word, " %s ", entry->d_name);
        if (!strstr(expected, word)) {
            note("/dev/%s", entry->d_name);
            return ESCAPED;
        }
    }
    note("%d names, all expected", count);
    return CONTAINED;
}

static enum verdict open_device(const char *path)
{
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    return file < 0 && (errno == ENOENT || errno == ENXIO || errno == ENODEV || errno == EIO) ? without_it() : unless_failed(file);
}

static enum verdict open_disk(const char *argument)
{
    (void)argument;
    static const char *const disks[] = {"/dev/vda", "/dev/sda", "/dev/nvme0n1", "/dev/loop0"};
    enum verdict verdict = CONTAINED;
    for (size_t at = 0; at < sizeof disks / sizeof *disks && verdict == CONTAINED; at++)
        verdict = open_device(disks[at]);
    return verdict;
}

/* Terminals of the host: none but our own, which there is only where somebody sits in front of it. */
static enum verdict terminals(const char *argument)
{
    (void)argument;
    struct stat status;
    int found = 0;
    const char *other = world("terminal");
    if (*other && stat(other, &status) == 0 && S_ISCHR(status.st_mode)) {
        char identity[100];
        snprintf(identity, sizeof identity, "%llu", (unsigned long long)status.st_dev);
        found = strcmp(identity, world("terminal_device")) == 0;
    }
    note(found ? "a terminal of the host is there" : "none is there");
    return found ? ESCAPED : CONTAINED;
}

#define ANY "seccomp capabilities"

const struct part mount_parts[] = {
    {7, "mount-tmpfs", ANY " landlock", mount_kind, "tmpfs"},
    {7, "mount-proc", ANY " landlock", mount_kind, "proc"},
    {7, "mount-sysfs", "root-of-host", mount_kind, "sysfs"},
    {7, "mount-devpts", ANY " landlock", mount_kind, "devpts"},
    {7, "mount-cgroup2", ANY " landlock", mount_kind, "cgroup2"},
    {7, "mount-mqueue", ANY " landlock", mount_kind, "mqueue"},
    {7, "mount-overlay", ANY " landlock", mount_kind, "overlay"},
    {7, "mount-bind", ANY " landlock", mount_bind, NULL},
    {7, "remount-root", ANY " landlock", mount_again, "/"},
    {7, "remount-usr", ANY " landlock", mount_again, "/recipe"},
    {7, "remount-proc-sys", ANY " landlock", mount_again, "/proc/sys"},
    {7, "mount-propagation", ANY " landlock", mount_change, NULL},
    {7, "unmount-mask", ANY " landlock", unmount, "/proc/kallsyms"},
    {7, "unmount-dev", ANY " landlock", unmount, "/dev"},
    {7, "fsopen", "seccomp capabilities", new_calls, "fsopen"},
    {7, "fspick", "seccomp capabilities", new_calls, "fspick"},
    {7, "fsconfig", "seccomp", new_calls, "fsconfig"},
    {7, "fsmount", "seccomp capabilities", new_calls, "fsmount"},
    {7, "open-tree", "seccomp capabilities", new_calls, "open_tree"},
    {7, "open-tree-attributes", "seccomp capabilities", new_calls, "open_tree_attr"},
    {7, "move-mount", "seccomp capabilities", new_calls, "move_mount"},
    {7, "mount-setattr", "seccomp capabilities", new_calls, "mount_setattr"},
    {7, "statmount", "seccomp", new_calls, "statmount"},
    {7, "listmount", "seccomp", new_calls, "listmount"},
    {7, "chroot", ANY, change_root, NULL},
    {7, "pivot-root", ANY " landlock", exchange_root, NULL},
    {7, "climb-from-build", "root landlock", climb, "."},
    {7, "climb-from-root", "root landlock", climb, "/"},
    {7, "climb-from-descriptor", "root landlock", climb, "/proc/self/fd"},
    {7, "name-to-handle", "seccomp", handles, "name"},
    {7, "open-by-handle", "root-of-host", handles, "open"},
    {8, "device-memory", "root-of-host", make_device, "c1:1"},
    {8, "device-disk", "root-of-host", make_device, "b254:0"},
    {8, "device-null", "root-of-host", make_device, "c1:3"},
    {8, "device-whiteout", "seccomp", make_device, "c0:0"},
    {8, "list-of-devices", "devices", devices, NULL},
    {8, "open-memory", "root-of-host optional", open_device, "/dev/mem"},
    {8, "open-disk", "root-of-host optional", open_disk, NULL},
    {8, "open-kernel-log", "root-of-host optional", open_device, "/dev/kmsg"},
    {8, "open-virtual-machines", "root-of-host optional", open_device, "/dev/kvm"},
    {8, "open-fuse", "root-of-host optional", open_device, "/dev/fuse"},
    {8, "open-loop-control", "root-of-host optional", open_device, "/dev/loop-control"},
    {8, "open-userfaultfd", "root-of-host optional", open_device, "/dev/userfaultfd"},
    {8, "terminals-of-host", "devices", terminals, NULL},
    {12, "console", "root-of-host optional", open_device, "/dev/console"},
    {12, "virtual-terminal", "root-of-host optional", open_device, "/dev/tty0"},
    {0, NULL, NULL, NULL, NULL},
};
