/* Lines 1 and 2: networks and sockets. Asks for routes, speaks to loopback only. */
#include "probe.h"
#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/vm_sockets.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/time.h>
#include <sys/un.h>

static enum verdict interfaces(const char *argument)
{
    (void)argument;
    char text[8192];
    if (slurp("/proc/net/dev", text, sizeof text) < 0)
        return CONTAINED;
    int others = 0;
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
        char *colon = strchr(line, ':');
        if (!colon || strchr(line, '|'))
            continue;
        *colon = 0;
        line += strspn(line, " ");
        if (strcmp(line, "lo") != 0) {
            others++;
            note("%s exists", line);
        }
    }
    if (others)
        return ESCAPED;
    note("only lo");
    return CONTAINED;
}

/* Asks the kernel which way a packet would go; nothing is sent. */
static enum verdict route(const char *address)
{
    struct {
        struct nlmsghdr head;
        struct rtmsg route;
        char rest[64];
    } query = {0};
    int family = strchr(address, ':') ? AF_INET6 : AF_INET;
    int size = family == AF_INET ? 4 : 16;
    int asker = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (asker < 0)
        return unless_failed(asker);
    query.head.nlmsg_type = RTM_GETROUTE;
    query.head.nlmsg_flags = NLM_F_REQUEST;
    query.route.rtm_family = (unsigned char)family;
    query.route.rtm_dst_len = (unsigned char)(size * 8);
    struct rtattr *attribute = (struct rtattr *)((char *)&query + NLMSG_LENGTH(sizeof query.route));
    attribute->rta_type = RTA_DST;
    attribute->rta_len = (unsigned short)RTA_LENGTH(size);
    inet_pton(family, address, RTA_DATA(attribute));
    query.head.nlmsg_len = NLMSG_LENGTH(sizeof query.route) + RTA_LENGTH(size);
    if (send(asker, &query, query.head.nlmsg_len, 0) < 0)
        return unless_failed(-1);
    union {
        struct nlmsghdr head;
        char bytes[4096];
    } answer;
    if (recv(asker, &answer, sizeof answer, 0) <= 0)
        return unless_failed(-1);
    if (answer.head.nlmsg_type == NLMSG_ERROR) {
        struct nlmsgerr *error = NLMSG_DATA(&answer.head);
        note("%s", strerror(-error->error));
        return CONTAINED;
    }
    note("there is a route to %s", address);
    return ESCAPED;
}

static int loopback(int family, int type, long port, const char *address)
{
    int one = socket(family, type | SOCK_CLOEXEC, 0);
    if (one < 0)
        return -1;
    struct timeval wait = {.tv_usec = 300000};
    setsockopt(one, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    if (family == AF_INET) {
        struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
        inet_pton(AF_INET, address, &to.sin_addr);
        return connect(one, (void *)&to, sizeof to) < 0 ? -1 : one;
    }
    struct sockaddr_in6 to = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port), .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    return connect(one, (void *)&to, sizeof to) < 0 ? -1 : one;
}

static enum verdict host_tcp(const char *argument)
{
    (void)argument;
    return unless_failed(loopback(AF_INET, SOCK_STREAM, world_number("tcp"), "127.0.0.1"));
}

static enum verdict host_tcp6(const char *argument)
{
    (void)argument;
    return unless_failed(loopback(AF_INET6, SOCK_STREAM, world_number("tcp6"), "::1"));
}

static enum verdict host_udp(const char *argument)
{
    (void)argument;
    int one = loopback(AF_INET, SOCK_DGRAM, world_number("udp"), "127.0.0.1");
    char byte = 'x';
    if (one < 0 || send(one, &byte, 1, 0) < 0)
        return unless_failed(-1);
    return unless_failed(recv(one, &byte, 1, 0));
}

/* A resolver of the host that listens on loopback, and one that a file names. */
static enum verdict resolver(const char *argument)
{
    (void)argument;
    char text[4096] = "";
    slurp("/etc/resolv.conf", text, sizeof text);
    char *named = strstr(text, "nameserver");
    if (named) {
        char address[64] = "";
        sscanf(named, "nameserver %63s", address);
        if (strncmp(address, "127.", 4) != 0)
            return route(address);
    }
    int one = loopback(AF_INET, SOCK_DGRAM, world_number("resolver"), "127.0.0.1");
    char byte = 'd';
    if (one < 0 || send(one, &byte, 1, 0) < 0)
        return unless_failed(-1);
    return unless_failed(recv(one, &byte, 1, 0));
}

static enum verdict raw(const char *argument)
{
    int family = strcmp(argument, "6") == 0 ? AF_INET6 : AF_INET;
    return unless_failed(socket(family, SOCK_RAW, family == AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6));
}

static enum verdict packets(const char *argument)
{
    (void)argument;
    return unless_failed(socket(AF_PACKET, SOCK_RAW, 0));
}

static enum verdict machines(const char *argument)
{
    (void)argument;
    int one = socket(AF_VSOCK, SOCK_STREAM, 0);
    return one < 0 && errno == EAFNOSUPPORT ? without_it() : unless_failed(one);
}

static enum verdict netlink(const char *argument)
{
    return unless_failed(socket(AF_NETLINK, SOCK_RAW, atoi(argument)));
}

/* Sets the flags of an interface to what they are. */
static enum verdict configure(const char *argument)
{
    (void)argument;
    struct ifreq request = {0};
    strcpy(request.ifr_name, "lo");
    int one = socket(AF_INET, SOCK_DGRAM, 0);
    if (one < 0 || ioctl(one, SIOCGIFFLAGS, &request) < 0)
        return unless_failed(-1);
    return unless_failed(ioctl(one, SIOCSIFFLAGS, &request));
}

static enum verdict tunnel(const char *argument)
{
    (void)argument;
    int file = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
    return file < 0 && errno == ENOENT ? without_it() : unless_failed(file);
}

static socklen_t abstract(struct sockaddr_un *to, const char *name)
{
    memset(to, 0, sizeof *to);
    to->sun_family = AF_UNIX;
    size_t size = strlen(name);
    memcpy(to->sun_path + 1, name, size);
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + size);
}

static enum verdict abstract_stream(const char *argument)
{
    (void)argument;
    struct sockaddr_un to;
    socklen_t size = abstract(&to, world("abstract"));
    return unless_failed(connect(socket(AF_UNIX, SOCK_STREAM, 0), (void *)&to, size));
}

static enum verdict abstract_datagram(const char *argument)
{
    (void)argument;
    struct sockaddr_un to;
    socklen_t size = abstract(&to, world("abstract_datagram"));
    return unless_failed(sendto(socket(AF_UNIX, SOCK_DGRAM, 0), "x", 1, 0, (void *)&to, size));
}

/* Hands a descriptor of the output to somebody outside, who could change it after it was hashed. */
static enum verdict descriptor_out(const char *argument)
{
    (void)argument;
    struct sockaddr_un to;
    socklen_t size = abstract(&to, world("abstract"));
    int one = socket(AF_UNIX, SOCK_STREAM, 0);
    if (connect(one, (void *)&to, size) < 0)
        return unless_failed(-1);
    int file = open("/proc/self/exe", O_RDONLY);
    char byte = 'x', space[CMSG_SPACE(sizeof(int))] = {0};
    struct iovec piece = {&byte, 1};
    struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1, .msg_control = space, .msg_controllen = sizeof space};
    struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(head), &file, sizeof file);
    long sent = sendmsg(one, &message, MSG_NOSIGNAL);
    /* Whoever listens may have gone already. */
    return unless_failed(sent < 0 && errno == EPIPE ? 0 : sent);
}

static enum verdict path_socket(const char *argument)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    snprintf(to.sun_path, sizeof to.sun_path, "%s", argument ? argument : world("socket"));
    return unless_failed(connect(socket(AF_UNIX, SOCK_STREAM, 0), (void *)&to, sizeof to));
}

const struct part network_parts[] = {
    {1, "interfaces", "network-namespace", interfaces, NULL},
    {1, "route-to-metadata-address", "network-namespace", route, "169.254.169.254"},
    {1, "route-to-ipv4", "network-namespace", route, "192.0.2.1"},
    {1, "route-to-ipv6", "network-namespace", route, "2001:db8::1"},
    {1, "tcp-to-host-loopback", "network-namespace", host_tcp, NULL},
    {1, "tcp6-to-host-loopback", "network-namespace", host_tcp6, NULL},
    {1, "udp-to-host-loopback", "network-namespace", host_udp, NULL},
    {1, "resolver", "network-namespace", resolver, NULL},
    {1, "raw-socket", "capabilities", raw, "4"},
    {1, "raw-socket6", "capabilities", raw, "6"},
    {1, "packet-socket", "capabilities seccomp", packets, NULL},
    {1, "vsock", "seccomp optional", machines, NULL},
    {1, "netlink-uevent", "seccomp", netlink, "15"},
    {1, "netlink-generic", "seccomp", netlink, "16"},
    {1, "netlink-sock-diag", "seccomp", netlink, "4"},
    {1, "netlink-netfilter", "seccomp", netlink, "12"},
    {1, "configure-interface", "capabilities", configure, NULL},
    {1, "tunnel-device", "root-of-host optional", tunnel, NULL},
    {2, "abstract-stream", "network-namespace landlock", abstract_stream, NULL},
    {2, "abstract-datagram", "network-namespace landlock", abstract_datagram, NULL},
    {2, "descriptor-passed-out", "network-namespace landlock", descriptor_out, NULL},
    {2, "path-socket", "root landlock", path_socket, NULL},
    {2, "bus-socket", "root landlock", path_socket, "/run/dbus/system_bus_socket"},
    {2, "docker-socket", "root landlock", path_socket, "/run/docker.sock"},
    {2, "systemd-socket", "root landlock", path_socket, "/run/systemd/private"},
    {2, "name-service-socket", "root landlock", path_socket, "/run/nscd/socket"},
    {2, "display-socket", "root landlock", path_socket, "/tmp/.X11-unix/X0"},
    {0, NULL, NULL, NULL, NULL},
};
