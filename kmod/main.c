// SPDX-License-Identifier: GPL-2.0
#include <linux/module.h>

#include "batch.h"
#include "device.h"
#include "hash.h"
#include "netlink.h"
#include "noise.h"
#include "session.h"
#include "spread.h"
#include "whole.h"

static int __init toyvpn_init(void)
{
	int err;

	err = toyvpn_hash_init();
	if (err)
		return err;
	err = toyvpn_noise_init();
	if (err)
		goto err_hash;
	err = toyvpn_sessions_init();
	if (err)
		goto err_hash;
	err = toyvpn_whole_init();
	if (err)
		goto err_sessions;
	err = toyvpn_spread_init();
	if (err)
		goto err_whole;
	err = toyvpn_devices_init();
	if (err)
		goto err_spread;
	err = toyvpn_netlink_init();
	if (err)
		goto err_devices;
	return 0;

err_devices:
	toyvpn_devices_exit();
	toyvpn_batch_exit();
err_spread:
	toyvpn_spread_exit();
err_whole:
	toyvpn_whole_exit();
err_sessions:
	toyvpn_sessions_exit();
err_hash:
	toyvpn_hash_exit();
	return err;
}

static void __exit toyvpn_exit(void)
{
	toyvpn_netlink_exit();
	toyvpn_devices_exit();
	toyvpn_spread_exit();
	toyvpn_batch_exit();
	toyvpn_whole_exit();
	toyvpn_sessions_exit();
	toyvpn_hash_exit();
}

module_init(toyvpn_init);
module_exit(toyvpn_exit);
/* AES by the CPU's instructions; udev mostly loaded it before, not in a container */
MODULE_SOFTDEP("pre: aesni-intel");
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("toyvpn: an encrypted tunnel and its handshake");
MODULE_VERSION("1");
