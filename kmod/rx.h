/* SPDX-License-Identifier: GPL-2.0 */
/* The way in: from the UDP socket to the stack */
#ifndef TOYVPN_RX_H
#define TOYVPN_RX_H

#include <linux/netdevice.h>
#include <linux/skbuff.h>

#include "spread.h"

struct toyvpn_device;

/**
 * struct toyvpn_inbox - what one CPU has received: all that comes until its NAPI
 * poll is one batch
 * @napi: opens what arrived and gives it to the stack
 * @device: whose
 * @cpu: which CPU's; its poll may be on another one
 * @poller: the task that is in the poll
 * @alone: what arrived is one packet, which GRO has no use for
 * @arrived: data messages, and trains of them
 * @bytes: of memory that these take; changed under their lock
 * @opened: packets whose decryption completed outside of the poll
 * @load: how much of a CPU it takes to open what arrives; the poll's
 * @lane: jobs, while other CPUs have some of them; the poll ends them
 * @late: batches of no job that the AEAD completes later
 * @accepted: messages that were authentic and new, modulo 2^32; the poll's
 */
struct toyvpn_inbox {
	struct napi_struct napi;
	struct toyvpn_device *device;
	unsigned int cpu;
	struct task_struct *poller;
	bool alone;
	struct sk_buff_head arrived;
	unsigned int bytes;
	struct sk_buff_head opened;
	struct toyvpn_load load;
	struct toyvpn_lane lane;
	atomic_t late;
	u32 accepted;
};

int toyvpn_rx_init(struct toyvpn_device *tv);
void toyvpn_rx_destroy(struct toyvpn_device *tv);
int toyvpn_rx(struct sock *sk, struct sk_buff *skb);
bool toyvpn_rx_train(struct toyvpn_device *tv, struct sk_buff *skb);

#endif /* TOYVPN_RX_H */
