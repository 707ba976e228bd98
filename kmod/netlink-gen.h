/* SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause) */
/* Do not edit directly, auto-generated from: */
/*	Documentation/netlink/specs/toyvpn.yaml */
/* YNL-GEN kernel header */
/* YNL-ARG --function-prefix toyvpn_nl */
/* To regenerate run: tools/net/ynl/ynl-regen.sh */

#ifndef _LINUX_TOYVPN_GEN_H
#define _LINUX_TOYVPN_GEN_H

#include <net/netlink.h>
#include <net/genetlink.h>

#include <uapi/linux/toyvpn.h>

/* Common nested types */
extern const struct nla_policy toyvpn_allowed_ip_nl_policy[TOYVPN_A_ALLOWED_IP_REMOVE + 1];

extern const struct nla_policy toyvpn_device_get_nl_policy[TOYVPN_A_DEVICE_IFNAME + 1];

extern const struct nla_policy toyvpn_device_set_nl_policy[TOYVPN_A_DEVICE_CIPHERS + 1];

extern const struct nla_policy toyvpn_peer_get_nl_policy[TOYVPN_A_PEER_PUBLIC_KEY + 1];

extern const struct nla_policy toyvpn_peer_set_nl_policy[TOYVPN_A_PEER_REQUEST_ID + 1];

extern const struct nla_policy toyvpn_peer_del_nl_policy[TOYVPN_A_PEER_PUBLIC_KEY + 1];

extern const struct nla_policy toyvpn_authorizer_set_nl_policy[TOYVPN_A_PEER_IFNAME + 1];

extern const struct nla_policy toyvpn_request_refuse_nl_policy[TOYVPN_A_PEER_REQUEST_ID + 1];

/* Ops table for toyvpn */
extern const struct genl_ops toyvpn_nl_ops[7];

int toyvpn_nl_device_get_doit(struct sk_buff *skb, struct genl_info *info);
int toyvpn_nl_device_get_dumpit(struct sk_buff *skb,
				struct netlink_callback *cb);
int toyvpn_nl_device_set_doit(struct sk_buff *skb, struct genl_info *info);
int toyvpn_nl_peer_get_doit(struct sk_buff *skb, struct genl_info *info);
int toyvpn_nl_peer_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb);
int toyvpn_nl_peer_set_doit(struct sk_buff *skb, struct genl_info *info);
int toyvpn_nl_peer_del_doit(struct sk_buff *skb, struct genl_info *info);
int toyvpn_nl_authorizer_set_doit(struct sk_buff *skb, struct genl_info *info);
int toyvpn_nl_request_refuse_doit(struct sk_buff *skb, struct genl_info *info);

enum {
	TOYVPN_NLGRP_EVENTS,
};

#endif /* _LINUX_TOYVPN_GEN_H */
