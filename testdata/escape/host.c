/*
 * The host that probes look for: listeners, a process with a secret, keys, shared memory. All its own, taken away when it ends;
 * and programs that start others in some condition.
 */
#include "probe.h"
#include <arpa/inet.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <mqueue.h>
#include <net/if.h>
#include <net/route.h>
#include <netinet/in.h>
#include <poll.h>
#include <pty.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/un.h>
#include <sys/xattr.h>

static char secret[64] = "igos-escape-secret-in-memory";

static uint16_t bound(int one, int family)
{
    if (family == AF_INET) {
        struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        socklen_t size = sizeof here;
        bind(one, (void *)&here, size);
        getsockname(one, (void *)&here, &size);
        return ntohs(here.sin_port);
    }
    struct sockaddr_in6 here = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    socklen_t size = sizeof here;
    bind(one, (void *)&here, size);
    getsockname(one, (void *)&here, &size);
    return ntohs(here.sin6_port);
}

static int named(int type, const char *name, int is_abstract)
{
    struct sockaddr_un here = {.sun_family = AF_UNIX};
    size_t size = strlen(name);
    memcpy(here.sun_path + is_abstract, name, size);
    int one = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
    if (!is_abstract)
        unlink(name);
    if (bind(one, (void *)&here, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size + (size_t)is_abstract)) < 0)
        return -1;
    if (type == SOCK_STREAM)
        listen(one, 8);
    return one;
}

/* An interface with routes to everywhere, where this is allowed: in a network of the test's own. Nobody answers there. */
static void make_routes(void)
{
    static char name[] = "igos-escape";
    struct ifreq request = {0};
    int four = socket(AF_INET, SOCK_DGRAM, 0), six = socket(AF_INET6, SOCK_DGRAM, 0);
    strcpy(request.ifr_name, "lo");
    ioctl(four, SIOCGIFFLAGS, &request);
    request.ifr_flags |= IFF_UP;
    ioctl(four, SIOCSIFFLAGS, &request);
    if (ioctl(four, 0x89a0 /* SIOCBRADDBR: a bridge without ports */, name) < 0)
        return;
    memset(&request, 0, sizeof request);
    strcpy(request.ifr_name, name);
    struct sockaddr_in *address = (void *)&request.ifr_addr;
    address->sin_family = AF_INET;
    inet_pton(AF_INET, "198.51.100.1", &address->sin_addr);
    ioctl(four, SIOCSIFADDR, &request);
    ioctl(four, SIOCGIFFLAGS, &request);
    request.ifr_flags |= IFF_UP;
    ioctl(four, SIOCSIFFLAGS, &request);
    struct rtentry all = {.rt_flags = RTF_UP, .rt_dev = name};
    all.rt_dst.sa_family = all.rt_genmask.sa_family = AF_INET;
    ioctl(four, SIOCADDRT, &all);
    struct in6_rtmsg all6 = {.rtmsg_flags = RTF_UP, .rtmsg_metric = 1, .rtmsg_ifindex = (int)if_nametoindex(name)};
    ioctl(six, SIOCADDRT, &all6);
}

static pid_t make_victim(char *marker)
{
    /* With an id that no process inside of a fresh process namespace has. */
    for (;;) {
        pid_t child = fork();
        if (child == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            if (getpid() > 400) {
                setenv("IGOS_ESCAPE_SECRET", "in-environ", 1);
                char *words[] = {(char *)"igos-escape-victim", marker, NULL};
                execv("/proc/self/exe", words);
            }
            _exit(0);
        }
        if (child > 400 || child < 0)
            return child;
        waitpid(child, NULL, 0);
    }
}

/* Answers whoever speaks to the sockets, until standard input ends. */
static void serve(struct pollfd *sockets, int count)
{
    for (;;) {
        if (poll(sockets, (nfds_t)count, -1) < 0)
            continue;
        if (sockets[0].revents)
            return;
        for (int at = 1; at < count; at++) {
            if (!sockets[at].revents)
                continue;
            struct sockaddr_storage from;
            socklen_t size = sizeof from;
            char byte;
            int accepted = accept4(sockets[at].fd, NULL, NULL, SOCK_CLOEXEC);
            if (accepted >= 0)
                close(accepted);
            else if (recvfrom(sockets[at].fd, &byte, 1, MSG_DONTWAIT, (void *)&from, &size) >= 0 && size > 2)
                sendto(sockets[at].fd, &byte, 1, MSG_DONTWAIT, (void *)&from, size);
        }
    }
}

int be_host(const char *file, const char *directory)
{
    char name[300], marker[100], stream_name[100], datagram_name[100], socket_path[300], queue[100], memory[100], key[100];
    pid_t own = getpid();
    snprintf(marker, sizeof marker, "igos-escape-marker-%d", own);
    snprintf(stream_name, sizeof stream_name, "igos-escape-stream-%d", own);
    snprintf(datagram_name, sizeof datagram_name, "igos-escape-datagram-%d", own);
    snprintf(socket_path, sizeof socket_path, "%s/socket", directory);
    snprintf(queue, sizeof queue, "/igos-escape-%d", own);
    snprintf(memory, sizeof memory, "/igos-escape-%d", own);
    snprintf(key, sizeof key, "igos-escape-key-%d", own);
    make_routes();
    int tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), tcp6 = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), resolver = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int ports[] = {bound(tcp, AF_INET), bound(tcp6, AF_INET6), bound(udp, AF_INET), bound(resolver, AF_INET)};
    listen(tcp, 8);
    listen(tcp6, 8);
    struct pollfd sockets[16] = {{0, POLLIN, 0}};
    int opened[] = {tcp, tcp6, udp, resolver, named(SOCK_STREAM, stream_name, 1), named(SOCK_DGRAM, datagram_name, 1),
                    named(SOCK_STREAM, socket_path, 0), -1, -1, -1, -1, -1};
    /* Well-known sockets, where the test made directories for them that are its own. */
    static const char *const known[] = {"/run/dbus/system_bus_socket", "/run/docker.sock", "/run/systemd/private",
                                        "/run/nscd/socket", "/tmp/.X11-unix/X0"};
    if (getenv("IGOS_ESCAPE_OWN_RUN"))
        for (size_t at = 0; at < 5; at++)
            opened[7 + at] = named(SOCK_STREAM, known[at], 0);
    int count = 1;
    for (size_t at = 0; at < sizeof opened / sizeof *opened; at++)
        if (opened[at] >= 0)
            sockets[count++] = (struct pollfd){opened[at], POLLIN, 0};
    key_t ipc = 0x19051000 + own;
    int segment = shmget(ipc, 4096, IPC_CREAT | 0666), set = semget(ipc, 1, IPC_CREAT | 0666), messages = msgget(ipc, IPC_CREAT | 0666);
    mqd_t posix = mq_open(queue, O_CREAT | O_RDWR | O_CLOEXEC, 0666, NULL);
    int shared = shm_open(memory, O_CREAT | O_RDWR, 0666);
    long serial = syscall(SYS_add_key, "user", key, "secret", 6, -3);
    syscall(SYS_add_key, "user", key, "secret", 6, -4);
    pid_t victim = make_victim(marker);
    char host_name[100] = "";
    gethostname(host_name, sizeof host_name);
    snprintf(name, sizeof name, "%s.partial", file);
    FILE *out = fopen(name, "w");
    if (!out) {
        perror(name);
        return 2;
    }
    fprintf(out, "tcp=%d\ntcp6=%d\nudp=%d\nresolver=%d\nabstract=%s\nabstract_datagram=%s\nsocket=%s\n", ports[0], ports[1], ports[2],
            ports[3], stream_name, datagram_name, socket_path);
    fprintf(out, "victim=%d\nmarker=%s\naddress=%p\nipc=%d\nqueue=%s\nmemory=%s\nkey=%s\nkey_serial=%ld\n", victim, marker,
            (void *)secret, ipc, queue, memory, key, serial);
    fprintf(out, "hostname=%s\nfile=%s/file\nwritable=%s\nstate=%s/state\nsigning_key=%s/key\nnamespace=%d\n", host_name,
            directory, directory, directory, directory, own);
    char *terminal = getenv("IGOS_ESCAPE_TERMINAL");
    if (terminal)
        fprintf(out, "%s\n", terminal);
    fclose(out);
    rename(name, file);
    serve(sockets, count);
    kill(victim, SIGKILL);
    waitpid(victim, NULL, 0);
    shmctl(segment, IPC_RMID, NULL);
    semctl(set, 0, IPC_RMID);
    msgctl(messages, IPC_RMID, NULL);
    mq_close(posix);
    mq_unlink(queue);
    close(shared);
    shm_unlink(memory);
    syscall(SYS_keyctl, 9 /* unlink */, serial, -3);
    unlink(socket_path);
    if (getenv("IGOS_ESCAPE_OWN_RUN"))
        for (size_t at = 0; at < 5; at++)
            unlink(known[at]);
    return 0;
}

/* Runs a program on a terminal that it controls; prints what it prints, and tells if anything was typed meanwhile. */
int on_terminal(char **program)
{
    int ours, theirs, status = 0;
    if (openpty(&ours, &theirs, NULL, NULL, NULL) < 0) {
        perror("openpty");
        return 2;
    }
    pid_t child = fork();
    if (child == 0) {
        setsid();
        ioctl(theirs, TIOCSCTTY, 0);
        for (int stream = 0; stream < 3; stream++)
            dup2(theirs, stream);
        close(ours);
        close(theirs);
        execv(program[0], program);
        _exit(127);
    }
    char buffer[4096];
    struct pollfd terminal = {ours, POLLIN, 0};
    for (;;) {
        int is_over = waitpid(child, &status, WNOHANG) == child;
        while (poll(&terminal, 1, is_over ? 0 : 50) > 0 && terminal.revents & POLLIN) {
            long count = read(ours, buffer, sizeof buffer);
            if (count <= 0 || write(1, buffer, (size_t)count) < 0)
                break;
        }
        if (is_over)
            break;
    }
    int typed = 0;
    ioctl(theirs, FIONREAD, &typed);
    if (typed)
        printf("\nprobe 12 typed-into-terminal escaped: %d bytes were typed\n", typed);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

/* Runs a program that inherits a file, its directory and a socket. */
int with_leaks(const char *file, char **program)
{
    char directory[300];
    snprintf(directory, sizeof directory, "%s", file);
    *strrchr(directory, '/') = 0;
    int sockets[2];
    if (open(file, O_RDONLY) < 0 || open(directory, O_RDONLY | O_DIRECTORY) < 0 || socketpair(AF_UNIX, SOCK_STREAM, 0, sockets) < 0)
        return 2;
    dup2(open(directory, O_RDONLY | O_DIRECTORY), 200);
    execv(program[0], program);
    perror(program[0]);
    return 127;
}

/* Runs a program to which a system call does not exist, as on a kernel that lacks it. */
int without_call(const char *call, const char *error, char **program)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)atoi(call), 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (uint32_t)atoi(error)),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog list = {sizeof filter / sizeof *filter, filter};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &list) < 0) {
        perror("seccomp");
        return 2;
    }
    execv(program[0], program);
    perror(program[0]);
    return 127;
}
