/* What the parts of the probe share. See main.c. */
#ifndef PROBE_H
#define PROBE_H

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

/* What a part of the probe found. */
enum verdict { CONTAINED, ESCAPED, ABSENT };

/* One way out that is tried. */
struct part {
    int line;            /* of the escape list */
    const char *name;
    const char *bite;    /* locks without which it prints `escaped`, `root`, or `-` and a reason */
    enum verdict (*attempt)(const char *argument);
    const char *argument;
};

extern const struct part network_parts[], process_parts[], right_parts[], mount_parts[], inode_parts[],
    kernel_parts[], surrounding_parts[];

/* Says what was seen, for the line that is printed. */
void note(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Returns a value of the file that describes the host, or an empty text. */
const char *world(const char *key);
long world_number(const char *key);
/* The verdict on a call that succeeded or got further than a refusal. */
enum verdict unless_refused(long result);
/* The verdict on a call that must succeed to be an escape. */
enum verdict unless_failed(long result);
/* The verdict `absent` in a weakened sandbox, where this kernel has no such thing, else `contained`. */
enum verdict without_it(void);
/* Reads at most `size` - 1 bytes of a file; returns their number, or -1. */
long slurp(const char *path, char *buffer, size_t size);
/* Plays the host that probes look for; never returns. */
int be_host(const char *file, const char *directory);

#endif
