// SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause)
/* Do not edit directly, auto-generated from: */
/*	Documentation/netlink/specs/toyvpn.yaml */
/* YNL-GEN kernel source */
/* YNL-ARG --function-prefix toyvpn_nl */
/* To regenerate run: tools/net/ynl/ynl-regen.sh */

#include <net/netlink.h>
#include <net/genetlink.h>

#include "netlink-gen.h"

#include <uapi/linux/toyvpn.h>

/* Common nested types */
const struct nla_policy toyvpn_allowed_ip_nl_policy[TOYVPN_A_ALLOWED_IP_REMOVE + 1] = {
	[TOYVPN_A_ALLOWED_IP_IPV4] = { .type = NLA_BE32, },
	[TOYVPN_A_ALLOWED_IP_IPV6] = NLA_POLICY_EXACT_LEN(16),
	[TOYVPN_A_ALLOWED_IP_PREFIX_LEN] = NLA_POLICY_MAX(NLA_U8, 128),
	[TOYVPN_A_ALLOWED_IP_REMOVE] = { .type = NLA_FLAG, },
};

/* TOYVPN_CMD_DEVICE_GET - do */
const struct nla_policy toyvpn_device_get_nl_policy[TOYVPN_A_DEVICE_IFNAME + 1] = {
	[TOYVPN_A_DEVICE_IFINDEX] = NLA_POLICY_MIN(NLA_U32, 1),
	[TOYVPN_A_DEVICE_IFNAME] = { .type = NLA_NUL_STRING, .len = 15, },
};

/* TOYVPN_CMD_DEVICE_SET - do */
const struct nla_policy toyvpn_device_set_nl_policy[TOYVPN_A_DEVICE_CIPHERS + 1] = {
	[TOYVPN_A_DEVICE_IFINDEX] = NLA_POLICY_MIN(NLA_U32, 1),
	[TOYVPN_A_DEVICE_IFNAME] = { .type = NLA_NUL_STRING, .len = 15, },
	[TOYVPN_A_DEVICE_PRIVATE_KEY] = NLA_POLICY_EXACT_LEN(TOYVPN_KEY_LEN),
	[TOYVPN_A_DEVICE_LISTEN_PORT] = { .type = NLA_U16, },
	[TOYVPN_A_DEVICE_FWMARK] = { .type = NLA_U32, },
	[TOYVPN_A_DEVICE_CIPHERS] = { .type = NLA_BINARY, },
};

/* TOYVPN_CMD_PEER_GET - do */
const struct nla_policy toyvpn_peer_get_nl_policy[TOYVPN_A_PEER_PUBLIC_KEY + 1] = {
	[TOYVPN_A_PEER_IFINDEX] = NLA_POLICY_MIN(NLA_U32, 1),
	[TOYVPN_A_PEER_IFNAME] = { .type = NLA_NUL_STRING, .len = 15, },
	[TOYVPN_A_PEER_PUBLIC_KEY] = NLA_POLICY_EXACT_LEN(TOYVPN_KEY_LEN),
};

/* TOYVPN_CMD_PEER_SET - do */
const struct nla_policy toyvpn_peer_set_nl_policy[TOYVPN_A_PEER_REQUEST_ID + 1] = {
	[TOYVPN_A_PEER_IFINDEX] = NLA_POLICY_MIN(NLA_U32, 1),
	[TOYVPN_A_PEER_IFNAME] = { .type = NLA_NUL_STRING, .len = 15, },
	[TOYVPN_A_PEER_PUBLIC_KEY] = NLA_POLICY_EXACT_LEN(TOYVPN_KEY_LEN),
	[TOYVPN_A_PEER_FLAGS] = NLA_POLICY_MASK(NLA_U32, 0x1f),
	[TOYVPN_A_PEER_PRESHARED_KEY] = NLA_POLICY_EXACT_LEN(TOYVPN_KEY_LEN),
	[TOYVPN_A_PEER_ENDPOINT_IPV4] = { .type = NLA_BE32, },
	[TOYVPN_A_PEER_ENDPOINT_IPV6] = NLA_POLICY_EXACT_LEN(16),
	[TOYVPN_A_PEER_ENDPOINT_SCOPE_ID] = { .type = NLA_U32, },
	[TOYVPN_A_PEER_ENDPOINT_PORT] = NLA_POLICY_MIN(NLA_BE16, 1),
	[TOYVPN_A_PEER_PERSISTENT_KEEPALIVE] = { .type = NLA_U16, },
	[TOYVPN_A_PEER_ALLOWED_IP] = NLA_POLICY_NESTED(toyvpn_allowed_ip_nl_policy),
	[TOYVPN_A_PEER_CONFIG] = { .type = NLA_BINARY, },
	[TOYVPN_A_PEER_CREDENTIALS] = { .type = NLA_BINARY, },
	[TOYVPN_A_PEER_REQUEST_ID] = { .type = NLA_U32, },
};

/* TOYVPN_CMD_PEER_DEL - do */
const struct nla_policy toyvpn_peer_del_nl_policy[TOYVPN_A_PEER_PUBLIC_KEY + 1] = {
	[TOYVPN_A_PEER_IFINDEX] = NLA_POLICY_MIN(NLA_U32, 1),
	[TOYVPN_A_PEER_IFNAME] = { .type = NLA_NUL_STRING, .len = 15, },
	[TOYVPN_A_PEER_PUBLIC_KEY] = NLA_POLICY_EXACT_LEN(TOYVPN_KEY_LEN),
};

/* TOYVPN_CMD_AUTHORIZER_SET - do */
const struct nla_policy toyvpn_authorizer_set_nl_policy[TOYVPN_A_PEER_IFNAME + 1] = {
	[TOYVPN_A_PEER_IFINDEX] = NLA_POLICY_MIN(NLA_U32, 1),
	[TOYVPN_A_PEER_IFNAME] = { .type = NLA_NUL_STRING, .len = 15, },
};

/* TOYVPN_CMD_REQUEST_REFUSE - do */
const struct nla_policy toyvpn_request_refuse_nl_policy[TOYVPN_A_PEER_REQUEST_ID + 1] = {
	[TOYVPN_A_PEER_IFINDEX] = NLA_POLICY_MIN(NLA_U32, 1),
	[TOYVPN_A_PEER_IFNAME] = { .type = NLA_NUL_STRING, .len = 15, },
	[TOYVPN_A_PEER_REASON] = NLA_POLICY_MAX(NLA_U32, 14),
	[TOYVPN_A_PEER_REQUEST_ID] = { .type = NLA_U32, },
};

/* Ops table for toyvpn */
const struct genl_ops toyvpn_nl_ops[7] = {
	{
		.cmd		= TOYVPN_CMD_DEVICE_GET,
		.doit		= toyvpn_nl_device_get_doit,
		.dumpit		= toyvpn_nl_device_get_dumpit,
		.policy		= toyvpn_device_get_nl_policy,
		.maxattr	= TOYVPN_A_DEVICE_IFNAME,
	},
	{
		.cmd		= TOYVPN_CMD_DEVICE_SET,
		.doit		= toyvpn_nl_device_set_doit,
		.policy		= toyvpn_device_set_nl_policy,
		.maxattr	= TOYVPN_A_DEVICE_CIPHERS,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= TOYVPN_CMD_PEER_GET,
		.doit		= toyvpn_nl_peer_get_doit,
		.dumpit		= toyvpn_nl_peer_get_dumpit,
		.policy		= toyvpn_peer_get_nl_policy,
		.maxattr	= TOYVPN_A_PEER_PUBLIC_KEY,
	},
	{
		.cmd		= TOYVPN_CMD_PEER_SET,
		.doit		= toyvpn_nl_peer_set_doit,
		.policy		= toyvpn_peer_set_nl_policy,
		.maxattr	= TOYVPN_A_PEER_REQUEST_ID,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= TOYVPN_CMD_PEER_DEL,
		.doit		= toyvpn_nl_peer_del_doit,
		.policy		= toyvpn_peer_del_nl_policy,
		.maxattr	= TOYVPN_A_PEER_PUBLIC_KEY,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= TOYVPN_CMD_AUTHORIZER_SET,
		.doit		= toyvpn_nl_authorizer_set_doit,
		.policy		= toyvpn_authorizer_set_nl_policy,
		.maxattr	= TOYVPN_A_PEER_IFNAME,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= TOYVPN_CMD_REQUEST_REFUSE,
		.doit		= toyvpn_nl_request_refuse_doit,
		.policy		= toyvpn_request_refuse_nl_policy,
		.maxattr	= TOYVPN_A_PEER_REQUEST_ID,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
};
