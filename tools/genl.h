/* SPDX-License-Identifier: GPL-2.0 */
/* Requests to the generic netlink family "toyvpn". */
#ifndef GENL_H
#define GENL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <libmnl/libmnl.h>

/* The longest message that a caller may make. */
#define GENL_MESSAGE_MAX	32768
/* Messages sent before answers are read; so few that even all refusals fit in the socket. */
#define GENL_BATCH_MAX		128

/**
 * struct genl - a connection to the kernel
 * @batch: messages being made
 * @answer: what is received
 * @received: how many bytes of @answer ever were
 * @nl: the socket
 * @family: id of the family
 * @seq: number of the last message
 * @first: number of the batch's first message
 * @used: bytes of @batch in use
 * @last: the batch's last message
 * @accept: for each message of the batch, an error that counts as success, or 0
 * @error: after a failure, the errno
 * @failed: after a failure, which message of the batch it was
 * @reason: after a failure, the kernel's sentence, or what the errno stands for
 * @explained: whether it is the kernel's
 */
struct genl {
	uint8_t batch[2 * GENL_MESSAGE_MAX + 4096];
	uint8_t answer[65536];
	size_t received;
	struct mnl_socket *nl;
	uint16_t family;
	unsigned int seq;
	unsigned int first;
	size_t used;
	struct nlmsghdr *last;
	int accept[GENL_BATCH_MAX];
	int error;
	unsigned int failed;
	char reason[256];
	bool explained;
};

struct genl *genl_open(void);
void genl_close(struct genl *genl);

struct nlmsghdr *genl_begin(struct genl *genl, uint8_t cmd, uint16_t flags);
void genl_end(struct genl *genl, struct nlmsghdr *nlh, int accept);
bool genl_family(struct genl *genl, mnl_cb_t each, void *data);
bool genl_is_full(const struct genl *genl);
bool genl_run(struct genl *genl, mnl_cb_t each, void *data);

#endif
