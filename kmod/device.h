/* SPDX-License-Identifier: GPL-2.0 */
/* The net_device and its life: ip link add vpn0 type toyvpn */
#ifndef TOYVPN_DEVICE_H
#define TOYVPN_DEVICE_H

struct net_device;

int toyvpn_devices_init(void);
void toyvpn_devices_exit(void);
bool toyvpn_device_is_ours(const struct net_device *dev);

#endif /* TOYVPN_DEVICE_H */
