/* SPDX-License-Identifier: GPL-2.0 */
/* The generic netlink family of uapi/toyvpn.yaml */
#ifndef TOYVPN_NETLINK_H
#define TOYVPN_NETLINK_H

int toyvpn_netlink_init(void);
void toyvpn_netlink_exit(void);

#endif /* TOYVPN_NETLINK_H */
