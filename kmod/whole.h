/* SPDX-License-Identifier: GPL-2.0 */
/* Trains that arrive whole, before UDP takes them apart */
#ifndef TOYVPN_WHOLE_H
#define TOYVPN_WHOLE_H

#include <linux/types.h>

struct net;
struct toyvpn_device;

int toyvpn_whole_init(void);
void toyvpn_whole_exit(void);
void toyvpn_whole_add(struct net *net, u16 port, struct toyvpn_device *tv);
void toyvpn_whole_want(struct net *net);
void toyvpn_whole_remove(struct net *net, u16 port);

#endif /* TOYVPN_WHOLE_H */
