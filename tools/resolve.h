/* SPDX-License-Identifier: GPL-2.0 */
/* Finds the addresses of a name in a process of its own, so that nothing here waits for it. */
#ifndef RESOLVE_H
#define RESOLVE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "addr.h"

/* The most addresses of a name that are looked at. */
#define RESOLVE_MAX	16

/**
 * struct answer - what a search for addresses found
 * @error: of getaddrinfo()
 * @n: how many addresses
 * @list: these
 */
struct answer {
	int error;
	unsigned int n;
	union endpoint list[RESOLVE_MAX];
};

/**
 * struct resolver - a search for addresses
 * @pid: the process, 0 if there is none
 * @fd: where its answer comes from, -1 if there is none
 * @len: bytes of @answer that there are
 * @answer: what came so far
 */
struct resolver {
	pid_t pid;
	int fd;
	size_t len;
	struct answer answer;
};

bool resolver_start(struct resolver *resolver, const char *host, uint16_t port);
bool resolver_read(struct resolver *resolver);
const char *answer_error(const struct answer *answer);
void resolver_stop(struct resolver *resolver);

#endif
