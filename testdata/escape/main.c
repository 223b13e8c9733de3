/*
 * The probe: one small program that tries every way out of a sandbox that `threats.md` lists, from inside.
 *
 *   probe list                        prints the parts: line, name, and what makes each print `escaped`
 *   probe run WORLD LINE|NAME...      tries these parts, or all; prints one line for each
 *   probe host WORLD DIRECTORY        plays the host: listeners, a process, keys; until standard input ends
 *   probe terminal PROGRAM...         runs a program on a terminal of its own, as a person does
 *   probe leak FILE PROGRAM...        runs a program that inherits descriptors of FILE and its directory
 *   probe without CALL ERRNO PROGRAM  runs a program for which the kernel lacks a system call
 *   probe bomb NAME                   takes more than it may
 *   probe leave NAME                  leaves something behind
 *
 * Whatever succeeds is harmless: values are set to what they are, files are opened without truncation, signals are 0, and
 * nothing outside of loopback is ever spoken to.
 */
#include "probe.h"

static char noted[512];
static char world_text[8192];

void note(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(noted, sizeof noted, format, arguments);
    va_end(arguments);
}

const char *world(const char *key)
{
    static char value[512];
    size_t length = strlen(key);
    for (const char *line = world_text; line && *line; line = strchr(line, '\n'), line = line ? line + 1 : NULL) {
        if (strncmp(line, key, length) == 0 && line[length] == '=') {
            size_t size = strcspn(line + length + 1, "\n");
            snprintf(value, sizeof value, "%.*s", (int)size, line + length + 1);
            return value;
        }
    }
    return "";
}

long world_number(const char *key)
{
    return strtol(world(key), NULL, 0);
}

enum verdict unless_refused(long result)
{
    if (result < 0 && (errno == EPERM || errno == ENOSYS || errno == EACCES)) {
        note("%s", strerror(errno));
        return CONTAINED;
    }
    note("%s", result < 0 ? strerror(errno) : "it works");
    return ESCAPED;
}

enum verdict unless_failed(long result)
{
    note("%s", result < 0 ? strerror(errno) : "it works");
    return result < 0 ? CONTAINED : ESCAPED;
}

enum verdict without_it(void)
{
    note("%s", strerror(errno));
    return world("weakened")[0] ? ABSENT : CONTAINED;
}

long slurp(const char *path, char *buffer, size_t size)
{
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file < 0)
        return -1;
    long total = 0;
    while ((size_t)total < size - 1) {
        long count = read(file, buffer + total, size - 1 - (size_t)total);
        if (count <= 0)
            break;
        total += count;
    }
    close(file);
    buffer[total > 0 ? total : 0] = 0;
    return total;
}

static const struct part *const all[] = {network_parts, process_parts, right_parts, mount_parts,
                                         inode_parts,   kernel_parts,  surrounding_parts};

/* Tries one part in a process of its own, so that a filter which kills ends that one alone. */
static int try_part(const struct part *part)
{
    static const char *const words[] = {"contained", "escaped", "absent"};
    int channel[2];
    if (pipe2(channel, O_CLOEXEC) < 0)
        return 1;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        alarm(10);
        noted[0] = 0;
        enum verdict verdict = part->attempt(part->argument);
        char answer[600];
        int size = snprintf(answer, sizeof answer, "%d%s", verdict, noted);
        _exit(write(channel[1], answer, (size_t)size) == size ? 0 : 1);
    }
    close(channel[1]);
    char answer[600] = "";
    long size = child > 0 ? read(channel[0], answer, sizeof answer - 1) : -1;
    close(channel[0]);
    int status = 0;
    if (child > 0)
        waitpid(child, &status, 0);
    const char *word = "broken";
    if (size > 0) {
        answer[size] = 0;
        word = words[answer[0] - '0'];
    } else if (child > 0 && WIFSIGNALED(status)) {
        word = WTERMSIG(status) == SIGSYS ? "contained" : "broken";
        snprintf(answer, sizeof answer, " killed by signal %d", WTERMSIG(status));
    }
    for (char *at = answer; *at; at++)
        if (*at == '\n')
            *at = ' ';
    printf("probe %d %s %s: %s\n", part->line, part->name, word, answer[0] ? answer + 1 : "");
    return strcmp(word, "broken") == 0;
}

static int run(int count, char **wanted)
{
    int broken = 0;
    for (size_t group = 0; group < sizeof all / sizeof *all; group++) {
        for (const struct part *part = all[group]; part->name; part++) {
            int is_wanted = count == 0;
            for (int at = 0; at < count; at++)
                is_wanted |= strcmp(wanted[at], part->name) == 0 || atoi(wanted[at]) == part->line;
            if (is_wanted)
                broken |= try_part(part);
        }
    }
    return broken;
}

static int list(void)
{
    for (size_t group = 0; group < sizeof all / sizeof *all; group++)
        for (const struct part *part = all[group]; part->name; part++)
            printf("%d\t%s\t%s\n", part->line, part->name, part->bite);
    return 0;
}

int on_terminal(char **program);
int with_leaks(const char *file, char **program);
int without_call(const char *call, const char *error, char **program);
int explode(const char *name);
int leave(const char *name);

int main(int count, char **words)
{
    const char *what = count > 1 ? words[1] : "";
    if (strcmp(what, "list") == 0)
        return list();
    if (strcmp(what, "run") == 0 && count > 2) {
        if (slurp(words[2], world_text, sizeof world_text) < 0) {
            perror(words[2]);
            return 2;
        }
        return run(count - 3, words + 3);
    }
    if (strcmp(what, "host") == 0 && count == 4)
        return be_host(words[2], words[3]);
    if (strcmp(what, "terminal") == 0 && count > 2)
        return on_terminal(words + 2);
    if (strcmp(what, "leak") == 0 && count > 3)
        return with_leaks(words[2], words + 3);
    if (strcmp(what, "without") == 0 && count > 4)
        return without_call(words[2], words[3], words + 4);
    if (strcmp(what, "bomb") == 0 && count == 3)
        return explode(words[2]);
    if (strcmp(what, "leave") == 0 && count == 3)
        return leave(words[2]);
    fprintf(stderr, "see main.c\n");
    return 2;
}
