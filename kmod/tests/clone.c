// SPDX-License-Identifier: GPL-2.0
/*
 * For selftests/suspend.sh: what is written to /sys/module/toyvpn/parameters/clone
 * is a machine's new generation ID, as if a hypervisor had cloned it. The
 * kernel tells all who asked, ours among them.
 */
#include <linux/moduleparam.h>
#include <linux/random.h>
#include <linux/string.h>

static int set_clone(const char *id, const struct kernel_param *param)
{
	add_vmfork_randomness(id, strlen(id));
	return 0;
}

static const struct kernel_param_ops clone_ops = { .set = set_clone };
module_param_cb(clone, &clone_ops, NULL, 0200);
MODULE_PARM_DESC(clone, "tell the kernel that this machine was cloned");
