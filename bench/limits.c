/* What the same calls cost in a loop of C: nobody who makes them is faster.

   cc -O2 limits.c -o limits && ./limits tcp-pingpong     prints the seconds of one operation */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/udp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

static char data[64 * 128], buffer[65536];

static long must(long answer)
{
    if (answer < 0) {
        perror("limits");
        exit(1);
    }
    return answer;
}

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec + time.tv_nsec * 1e-9;
}

static int bound(int kind, struct sockaddr_in *address)
{
    socklen_t length = sizeof *address;
    int fd = must(socket(AF_INET, kind, 0));
    *address = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    must(bind(fd, (struct sockaddr *)address, sizeof *address));
    must(getsockname(fd, (struct sockaddr *)address, &length));
    return fd;
}

static double ping_pong(int near, int far)
{
    const int count = 10000;
    double start = now();
    for (int i = 0; i < count; i++) {
        must(send(near, data, 64, 0));
        must(recv(far, buffer, 64, 0));
        must(send(far, data, 64, 0));
        must(recv(near, buffer, 64, 0));
    }
    return (now() - start) / count;
}

static double tcp_pingpong(void)
{
    struct sockaddr_in address;
    int listener = bound(SOCK_STREAM, &address), near = must(socket(AF_INET, SOCK_STREAM, 0));
    must(listen(listener, 1));
    must(connect(near, (struct sockaddr *)&address, sizeof address));
    return ping_pong(near, must(accept(listener, NULL, NULL)));
}

static double unix_pingpong(void)
{
    int pair[2];
    must(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
    return ping_pong(pair[0], pair[1]);
}

static double recv_nothing(void)
{
    const int count = 20000;
    int pair[2];
    must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair));
    double start = now();
    for (int i = 0; i < count; i++)
        if (recv(pair[0], buffer, 64, 0) != -1 || errno != EAGAIN)
            exit(1);
    return (now() - start) / count;
}

/* Connecting to somebody who never answers: a listener whose queue is full. */
static double connect_timeout_over(void)
{
    const int count = 20;
    const struct timespec full = {0, 200000000}, millisecond = {0, 1000000};
    struct sockaddr_in address;
    int listener = bound(SOCK_STREAM, &address);
    must(listen(listener, 0));
    for (int answered = 1; answered;) {
        struct pollfd one = {.fd = must(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0)), .events = POLLOUT};
        connect(one.fd, (struct sockaddr *)&address, sizeof address);
        answered = must(ppoll(&one, 1, &full, NULL));
    }
    double start = now();
    for (int i = 0; i < count; i++) {
        struct pollfd one = {.fd = must(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)), .events = POLLOUT};
        if (connect(one.fd, (struct sockaddr *)&address, sizeof address) != -1 || errno != EINPROGRESS)
            exit(1);
        if (must(ppoll(&one, 1, &millisecond, NULL)) != 0)
            exit(1);
        must(close(one.fd));
    }
    return (now() - start) / count;
}

static double connections(void)
{
    const int count = 1000;
    struct linger reset = {1, 0};
    struct sockaddr_in address;
    int listener = bound(SOCK_STREAM, &address);
    must(setsockopt(listener, SOL_SOCKET, SO_LINGER, &reset, sizeof reset));
    must(listen(listener, 1));
    double start = now();
    for (int i = 0; i < count; i++) {
        int near = must(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        must(connect(near, (struct sockaddr *)&address, sizeof address));
        must(close(must(accept4(listener, NULL, NULL, SOCK_CLOEXEC))));
        must(close(near));
    }
    return (now() - start) / count;
}

static double datagrams(void)
{
    const int count = 20000;
    struct sockaddr_in address, from;
    int far = bound(SOCK_DGRAM, &address), near = bound(SOCK_DGRAM, &from);
    double start = now();
    for (int i = 0; i < count; i++) {
        socklen_t length = sizeof from;
        must(sendto(near, data, 64, 0, (struct sockaddr *)&address, sizeof address));
        must(recvfrom(far, buffer, 64, 0, (struct sockaddr *)&from, &length));
    }
    return (now() - start) / count;
}

static double segments(void)
{
    const int count = 1000, size = 64;
    struct sockaddr_in address, from;
    int far = bound(SOCK_DGRAM, &address), near = bound(SOCK_DGRAM, &from), yes = 1;
    must(setsockopt(far, IPPROTO_UDP, UDP_GRO, &yes, sizeof yes));
    must(setsockopt(near, IPPROTO_UDP, UDP_SEGMENT, &size, sizeof size));
    double start = now();
    for (int i = 0; i < count; i++) {
        long left = must(sendto(near, data, sizeof data, 0, (struct sockaddr *)&address, sizeof address));
        while (left > 0) {
            socklen_t length = sizeof from;
            left -= must(recvfrom(far, buffer, sizeof buffer, 0, (struct sockaddr *)&from, &length));
        }
    }
    return (now() - start) / count / (sizeof data / size);
}

int main(int count, char **words)
{
    static const struct {
        const char *name;
        double (*measure)(void);
    } cases[] = {
        {"tcp-pingpong", tcp_pingpong}, {"unix-pingpong", unix_pingpong}, {"recv-nothing", recv_nothing},
        {"connect", connections},       {"udp-inet", datagrams},          {"udp-segments", segments},
        {"recv-into", unix_pingpong},   {"connect-timeout-over", connect_timeout_over},
    };
    for (size_t i = 0; count == 2 && i < LENGTH(cases); i++)
        if (!strcmp(words[1], cases[i].name))
            return printf("%.12g\n", cases[i].measure()) < 0;
    return 2;
}
