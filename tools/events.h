/* SPDX-License-Identifier: GPL-2.0 */
/* What the kernel module tells by itself of peers. */
#ifndef EVENTS_H
#define EVENTS_H

#include <stdbool.h>
#include <stdint.h>

#include "device.h"

/**
 * struct event - something changed for a peer
 * @ifindex: its device
 * @ifname: its device's name
 * @event: enum toyvpn_event
 * @peer: the peer, with its state, reason, cipher, endpoint, last handshake and received
 * configuration
 */
struct event {
	uint32_t ifindex;
	char ifname[IF_NAMESIZE];
	uint32_t event;
	struct peer peer;
};

/**
 * struct events - a connection that events come by
 * @nl: the socket, which does not block
 */
struct events {
	struct mnl_socket *nl;
};

/* Called for each event; NULL: some are lost, so whoever wants to know has to ask anew. */
typedef void (*events_each)(const struct event *event, void *data);

bool events_open(struct events *events);
void events_close(struct events *events);
int events_fd(const struct events *events);
bool events_read(struct events *events, events_each each, void *data);

#endif
