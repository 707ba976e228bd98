/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Every difference between the kernel versions that the module is built for,
 * and nothing else.
 */
#ifndef TOYVPN_COMPAT_H
#define TOYVPN_COMPAT_H

#include <linux/version.h>
#include <linux/netdevice.h>
#include <linux/slab.h>
#include <linux/timer.h>
#include <linux/workqueue.h>
#include <net/genetlink.h>
#include <net/rtnetlink.h>
#include <net/udp_tunnel.h>

/* skb_gso_segment() */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 5, 0)
#include <net/gso.h>
#endif

/* crypto_memneq() */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 4, 0)
#include <crypto/utils.h>
#else
#include <crypto/algapi.h>
#endif

/* What the completion callback of an asynchronous crypto request is given */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 3, 0)
#define toyvpn_crypto_arg		void
#define toyvpn_crypto_data(arg)		(arg)
#else
#define toyvpn_crypto_arg		struct crypto_async_request
#define toyvpn_crypto_data(arg)		((arg)->data)
#endif

#ifndef timer_container_of
#define timer_container_of		from_timer
#endif

/* Several CPUs may be in ndo_start_xmit at once */
static inline void toyvpn_set_lltx(struct net_device *dev)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 12, 0)
	dev->lltx = true;
#else
	dev->features |= NETIF_F_LLTX;
#endif
}

/* rtnl_link_ops.newlink, which calls create(link_net, dev, extack) */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 15, 0)
#define TOYVPN_DEFINE_NEWLINK(name, create)					\
static int name(struct net_device *dev, struct rtnl_newlink_params *params,	\
		struct netlink_ext_ack *extack)					\
{										\
	return create(rtnl_newlink_link_net(params), dev, extack);		\
}
#else
#define TOYVPN_DEFINE_NEWLINK(name, create)					\
static int name(struct net *src_net, struct net_device *dev,			\
		struct nlattr *tb[], struct nlattr *data[],			\
		struct netlink_ext_ack *extack)					\
{										\
	return create(src_net, dev, extack);					\
}
#endif

/* The attributes of the request that a dump answers */
static inline struct nlattr **toyvpn_dump_attrs(struct netlink_callback *cb)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 7, 0)
	return genl_info_dump(cb)->attrs;
#else
	return genl_dumpit_info(cb)->attrs;
#endif
}

/* UDP tunnels: struct sock instead of struct socket, flags for the IP layer */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(7, 2, 0)
#define toyvpn_setup_udp_tunnel_sock(net, sock, cfg)				\
	setup_udp_tunnel_sock(net, (sock)->sk, cfg)
#define toyvpn_udp_tunnel_sock_release(sk)	udp_tunnel_sock_release(sk)
#else
#define toyvpn_setup_udp_tunnel_sock(net, sock, cfg)				\
	setup_udp_tunnel_sock(net, sock, cfg)
#define toyvpn_udp_tunnel_sock_release(sk)	udp_tunnel_sock_release((sk)->sk_socket)
#endif

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 18, 0)
#define toyvpn_udp_tunnel_xmit_skb(...)		udp_tunnel_xmit_skb(__VA_ARGS__, 0)
#define toyvpn_udp_tunnel6_xmit_skb(...)	udp_tunnel6_xmit_skb(__VA_ARGS__, 0)
#else
#define toyvpn_udp_tunnel_xmit_skb(...)		udp_tunnel_xmit_skb(__VA_ARGS__)
#define toyvpn_udp_tunnel6_xmit_skb(...)	udp_tunnel6_xmit_skb(__VA_ARGS__)
#endif

/* A workqueue bound to CPUs, which had been the default */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 18, 0)
#define TOYVPN_WQ_PERCPU			WQ_PERCPU
#else
#define TOYVPN_WQ_PERCPU			0
#endif

/* Allocations by type */
#ifndef kmalloc_obj
#define kmalloc_obj(p, gfp)	kmalloc(sizeof(p), gfp)
#define kzalloc_obj(p, gfp)	kzalloc(sizeof(p), gfp)
#endif

/*
 * GRO of older kernels says of a GSO packet that may not be fragmented that all
 * its parts have one IP identification
 */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 10, 0)
#define TOYVPN_GRO_KEEPS_IDS	1
#else
#define TOYVPN_GRO_KEEPS_IDS	0
#endif

/* Whether GRO holds nothing back */
static inline bool toyvpn_gro_is_empty(const struct napi_struct *napi)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 15, 0)
	return !napi->gro.bitmask && !napi->gro.rx_count;
#else
	return !napi->gro_bitmask && !napi->rx_count;
#endif
}

/* get_unaligned_le16() and its like */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 12, 0)
#include <linux/unaligned.h>
#else
#include <asm/unaligned.h>
#endif

#endif /* TOYVPN_COMPAT_H */
