// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "report.h"
#include "resolve.h"

/* Runs in the process of its own. */
static void find(struct answer *answer, const char *host, uint16_t port)
{
	const struct addrinfo hints = {
		.ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_DGRAM,
		.ai_protocol = IPPROTO_UDP,
	};
	struct addrinfo *found, *each;

	memset(answer, 0, sizeof(*answer));
	answer->error = getaddrinfo(host, NULL, &hints, &found);
	if (answer->error)
		return;
	for (each = found; each && answer->n < RESOLVE_MAX; each = each->ai_next) {
		union endpoint endpoint = { 0 };

		memcpy(&endpoint, each->ai_addr, each->ai_addrlen);
		/* The port is at the same place for both families. */
		endpoint.v4.sin_port = htons(port);
		if (!endpoint_flaw(&endpoint))
			answer->list[answer->n++] = endpoint;
	}
	freeaddrinfo(found);
}

static __noreturn void be_resolver(int fd, const char *host, uint16_t port)
{
	struct answer answer;
	sigset_t none;

	/* We have what our parent has open, its lock on a tunnel among that: not for longer. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	find(&answer, host, port);
	if (write(fd, &answer, sizeof(answer)) != sizeof(answer))
		_exit(1);
	_exit(0);
}

/**
 * resolver_start() - begin to look for the addresses of a host
 * @resolver: the search, which is not under way
 * @host: an address, or a name
 * @port: UDP port, which the addresses get
 *
 * Return: whether it has begun; if not, the user has been told.
 */
bool resolver_start(struct resolver *resolver, const char *host, uint16_t port)
{
	int ends[2];

	*resolver = (struct resolver){ .fd = -1 };
	if (pipe2(ends, O_CLOEXEC))
		return fail("%s: %s", host, strerror(errno));
	resolver->pid = fork();
	if (!resolver->pid)
		be_resolver(ends[1], host, port);
	close(ends[1]);
	if (resolver->pid < 0) {
		resolver->pid = 0;
		close(ends[0]);
		return fail("%s: %s", host, strerror(errno));
	}
	resolver->fd = ends[0];
	return true;
}

/**
 * resolver_read() - read what is there of the answer; waits if nothing is
 * @resolver: the search
 *
 * Return: whether the answer is whole now, and the search at its end.
 */
bool resolver_read(struct resolver *resolver)
{
	struct answer *answer = &resolver->answer;
	ssize_t got;

	got = read(resolver->fd, (char *)answer + resolver->len, sizeof(*answer) - resolver->len);
	if (got < 0 && errno == EINTR)
		return false;
	if (got > 0)
		resolver->len += got;
	if (got > 0 && resolver->len < sizeof(*answer))
		return false;
	/* Its process parsed what name servers sent: it is not trusted with more than addresses. */
	if (resolver->len < sizeof(*answer) || answer->n > RESOLVE_MAX)
		*answer = (struct answer){ .error = EAI_AGAIN };
	else if (!answer->error && !answer->n)
		answer->error = EAI_NONAME;
	resolver_stop(resolver);
	return true;
}

/**
 * answer_error() - why there are no addresses
 * @answer: an answer with an error
 *
 * Return: a phrase.
 */
const char *answer_error(const struct answer *answer)
{
	return answer->error == EAI_SYSTEM ? "the name service failed" :
	       gai_strerror(answer->error);
}

/**
 * resolver_stop() - end a search, if it is under way
 * @resolver: the search
 */
void resolver_stop(struct resolver *resolver)
{
	if (resolver->pid > 0) {
		kill(resolver->pid, SIGKILL);
		while (waitpid(resolver->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	if (resolver->fd >= 0)
		close(resolver->fd);
	resolver->pid = 0;
	resolver->fd = -1;
}
