// SPDX-License-Identifier: GPL-2.0
/*
 * Traffic between two network namespaces, and what it costs.
 *
 *	load FROM TO ADDRESS tcp BYTES			one stream
 *	load FROM TO ADDRESS duplex BYTES		four streams, two each way; BYTES is of all
 *	load FROM TO ADDRESS udp DATAGRAMS BYTES BURST	BYTES with the UDP header; BURST at once
 *	load FROM TO ADDRESS ping ROUNDS		round trips of an echo request
 *	load FROM TO ADDRESS request ROUNDS		of a TCP request and response, a byte each
 *	load FROM TO ADDRESS restart ROUNDS LINK	LINK of FROM down and up
 *	load FROM TO ADDRESS handshake ROUNDS LINK	that, and a ping
 *
 * ADDRESS is one of TO. Prints how much it was, the ns that the processors were
 * busy, the ns that went by, and the ns that each processor was busy. What comes
 * first warms up and is not counted.
 */
#include <arpa/inet.h>
#include <err.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define PORT		5001
#define BLOCK		(128 << 10)
#define STREAMS		4
#define PATIENCE	60	/* seconds; never reached unless something is wrong */

static struct sockaddr_in target = { .sin_family = AF_INET };
static char from[256], to[256];

/* Set up, before anything counts */

static void enter(const char *netns)
{
	int fd = open(netns, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || setns(fd, CLONE_NEWNET))
		err(1, "%s", netns);
	close(fd);
}

static int new_socket(const char *netns, int type, int protocol)
{
	struct timeval patience = { .tv_sec = PATIENCE };
	int fd, one = 1, room = 8 << 20;

	enter(netns);
	fd = socket(AF_INET, type, protocol);
	if (fd < 0)
		err(1, "socket");
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	if (type == SOCK_STREAM) {
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	} else {
		setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
	}
	return fd;
}

static void at_target(int fd, int (*doing)(int, const struct sockaddr *, socklen_t))
{
	if (doing(fd, (struct sockaddr *)&target, sizeof(target)))
		err(1, "%s", doing == bind ? "bind" : "connect");
}

/* A connection from one namespace to the other; both its ends */
static void connection(int ends[2])
{
	int listener = new_socket(to, SOCK_STREAM, 0);

	at_target(listener, bind);
	if (listen(listener, 1))
		err(1, "listen");
	ends[0] = new_socket(from, SOCK_STREAM, 0);
	at_target(ends[0], connect);
	ends[1] = accept(listener, NULL, NULL);
	if (ends[1] < 0)
		err(1, "accept");
	setsockopt(ends[1], IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
	close(listener);
}

/* Reading the clock */

enum { BUSY, NOW, VALUES = 66 };	/* from the third on, each processor's */

struct moment {
	unsigned long long values[VALUES];
	int count;
};

static struct moment moment(void)
{
	static int fd = -1;
	struct moment moment = { };
	char text[4096], *rest = text;
	ssize_t n;

	if (fd < 0)
		fd = open("/sys/module/toyvpn_bench/parameters/clock", O_RDONLY | O_CLOEXEC);
	n = pread(fd, text, sizeof(text) - 1, 0);
	if (n <= 0)
		err(1, "the clock of toyvpn_bench");
	text[n] = 0;
	while (moment.count < VALUES && *rest > '\n')
		moment.values[moment.count++] = strtoull(rest, &rest, 10);
	return moment;
}

static void report(long amount, struct moment begin)
{
	struct moment end = moment();
	int i;

	printf("%ld", amount);
	for (i = 0; i < end.count; i++)
		printf(" %llu", end.values[i] - begin.values[i]);
	putchar('\n');
}

/* The parts of which loads are made */

static char block[BLOCK];

static void give(int fd, long bytes)
{
	while (bytes > 0) {
		ssize_t n = send(fd, block, bytes < BLOCK ? bytes : BLOCK, 0);

		if (n < 0)
			err(1, "send");
		bytes -= n;
	}
}

static void take(int fd, long bytes)
{
	while (bytes > 0) {
		ssize_t n = recv(fd, block, bytes < BLOCK ? bytes : BLOCK, 0);

		if (n <= 0)
			err(1, n ? "recv" : "the other end closed");
		bytes -= n;
	}
}

/* A process that sends, or one that receives and tells the pipe when it has */
static void stream(int out, int in, long bytes, int done)
{
	if (!fork()) {
		give(out, bytes);
		_exit(0);
	}
	if (!fork()) {
		take(in, bytes);
		if (write(done, "", 1) != 1)
			err(1, "write");
		_exit(0);
	}
}

/* So many streams at once, until all has arrived */
static void streams(int ends[][2], int count, long bytes)
{
	int done[2], i;
	char c;

	if (pipe(done))
		err(1, "pipe");
	for (i = 0; i < count; i++)
		stream(ends[i][i % 2], ends[i][!(i % 2)], bytes / count, done[1]);
	close(done[1]);
	for (i = 0; i < count; i++) {
		if (read(done[0], &c, 1) != 1)
			errx(1, "a stream broke");
	}
	close(done[0]);
	while (wait(NULL) > 0)
		;
}

static void bulk(int count, long bytes)
{
	int ends[STREAMS][2], i;
	struct moment begin;

	for (i = 0; i < count; i++)
		connection(ends[i]);
	streams(ends, count, bytes / 2);
	begin = moment();
	streams(ends, count, bytes);
	report(bytes, begin);
}

static void datagrams(int out, int in, long count, long bytes, long burst)
{
	long i, n;

	while (count > 0) {
		n = count < burst ? count : burst;
		for (i = 0; i < n; i++) {
			if (send(out, block, bytes, 0) != bytes)
				err(1, "send");
		}
		for (i = 0; i < n; i++) {
			if (recv(in, block, BLOCK, 0) != bytes)
				err(1, "a datagram is lost");
		}
		count -= n;
	}
}

static void udp(long count, long bytes, long burst)
{
	int out = new_socket(from, SOCK_DGRAM, 0), in = new_socket(to, SOCK_DGRAM, 0);
	struct moment begin;

	bytes -= 8;
	if (bytes < 1 || bytes > BLOCK || burst < 1)
		errx(1, "%ld datagrams of %ld bytes", burst, bytes);
	at_target(in, bind);
	at_target(out, connect);
	datagrams(out, in, count / 2, bytes, burst);
	begin = moment();
	datagrams(out, in, count, bytes, burst);
	report(count, begin);
}

static unsigned short checksum(const void *data, size_t bytes)
{
	const unsigned short *words = data;
	unsigned int sum = 0;
	size_t i;

	for (i = 0; i < bytes / 2; i++)
		sum += words[i];
	sum = (sum & 0xffff) + (sum >> 16);
	return ~(sum + (sum >> 16));
}

/* As ping(8) sends: 56 bytes in an echo request */
static void echo(int fd, long rounds)
{
	static unsigned short sequence;
	struct {
		struct icmphdr head;
		char data[56];
	} request = { .head.type = ICMP_ECHO }, *reply;
	char packet[256];

	for (; rounds > 0; rounds--) {
		request.head.un.echo.sequence = ++sequence;
		request.head.checksum = 0;
		request.head.checksum = checksum(&request, sizeof(request));
		if (send(fd, &request, sizeof(request), 0) < 0)
			err(1, "send");
		do {
			if (recv(fd, packet, sizeof(packet), 0) < 0)
				err(1, "no reply");
			reply = (void *)(packet + 4 * (packet[0] & 0xf));
		} while (reply->head.type != ICMP_ECHOREPLY ||
			 reply->head.un.echo.sequence != sequence);
	}
}

static void ping(long rounds)
{
	int fd = new_socket(from, SOCK_RAW, IPPROTO_ICMP);
	struct moment begin;

	at_target(fd, connect);
	echo(fd, rounds / 2);
	begin = moment();
	echo(fd, rounds);
	report(rounds, begin);
}

static void ask(int fd, long rounds)
{
	for (; rounds > 0; rounds--) {
		give(fd, 1);
		take(fd, 1);
	}
}

static void answer(int fd, long rounds)
{
	for (; rounds > 0; rounds--) {
		take(fd, 1);
		give(fd, 1);
	}
}

static void request(long rounds)
{
	struct moment begin;
	int ends[2];

	connection(ends);
	if (!fork()) {
		answer(ends[1], rounds / 2 + rounds);
		_exit(0);
	}
	ask(ends[0], rounds / 2);
	begin = moment();
	ask(ends[0], rounds);
	report(rounds, begin);
}

static void set_up(int fd, struct ifreq *link, bool up)
{
	link->ifr_flags = up ? IFF_UP : 0;
	if (ioctl(fd, SIOCSIFFLAGS, link))
		err(1, "%s", link->ifr_name);
}

/*
 * Sessions do not survive that a link is down: the ping makes a new one. The
 * pause is longer than the second that toyvpn leaves between two handshakes.
 */
static void restart(long rounds, const char *name, bool and_ping)
{
	int fd = new_socket(from, SOCK_RAW, IPPROTO_ICMP);
	struct moment begin = { };
	struct ifreq link = { };
	long i;

	snprintf(link.ifr_name, sizeof(link.ifr_name), "%s", name);
	for (i = -2; i < rounds; i++) {
		if (i == 0)
			begin = moment();
		usleep(1500000);
		set_up(fd, &link, false);
		set_up(fd, &link, true);
		if (and_ping) {
			at_target(fd, connect);
			echo(fd, 1);
		}
	}
	report(rounds, begin);
}

int main(int argc, char **argv)
{
	const char *kind = argc > 4 ? argv[4] : "";
	long amount = argc > 5 ? atol(argv[5]) : 0;

	if (amount <= 0 || inet_pton(AF_INET, argv[3], &target.sin_addr) != 1)
		errx(1, "usage: load FROM TO ADDRESS KIND AMOUNT [BYTES BURST|LINK]");
	target.sin_port = htons(PORT);
	snprintf(from, sizeof(from), "/run/netns/%s", argv[1]);
	snprintf(to, sizeof(to), "/run/netns/%s", argv[2]);

	if (!strcmp(kind, "tcp"))
		bulk(1, amount);
	else if (!strcmp(kind, "duplex"))
		bulk(STREAMS, amount);
	else if (!strcmp(kind, "udp") && argc > 7)
		udp(amount, atol(argv[6]), atol(argv[7]));
	else if (!strcmp(kind, "ping"))
		ping(amount);
	else if (!strcmp(kind, "request"))
		request(amount);
	else if ((!strcmp(kind, "restart") || !strcmp(kind, "handshake")) && argc > 6)
		restart(amount, argv[6], !strcmp(kind, "handshake"));
	else
		errx(1, "no load '%s'", kind);
	return 0;
}
