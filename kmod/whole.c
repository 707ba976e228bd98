// SPDX-License-Identifier: GPL-2.0
#include <linux/bottom_half.h>
#include <linux/ipv6.h>
#include <linux/netfilter.h>
#include <linux/netfilter_ipv4.h>
#include <linux/netfilter_ipv6.h>
#include <linux/skbuff.h>
#include <linux/udp.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>
#include <net/ip.h>
#include <net/ipv6.h>
#include <net/net_namespace.h>
#include <net/netfilter/nf_conntrack.h>
#include <net/netns/generic.h>
#include <net/xfrm.h>

#include "message.h"
#include "toyvpn.h"
#include "whole.h"

/*
 * What a container or a virtual machine on this host sends arrives as it left:
 * many datagrams in one GSO packet. UDP cannot hand that to a tunnel's socket
 * and would cut it into datagrams, with an skb for each. It is taken at the end
 * of the host's input instead, after all that a firewall has to say. Since
 * whatever comes in pays for that, the hooks are there from the first train on.
 * Raw sockets and the counters of UDP do not see what is taken.
 */

/* UDP sends no more in one packet; a virtual machine can say that it is thousands */
#define TRAIN_MOST	128

/**
 * struct whole_net - a namespace
 * @net: which
 * @lock: serialises changes
 * @devices: whose sockets are here, by their port; read under RCU
 * @count: how many
 * @work: registers the hooks
 * @hooks: for IPv4 and IPv6
 * @hooked: they are registered
 */
struct whole_net {
	struct net *net;
	struct mutex lock;	/* count, hooked */
	struct xarray devices;
	unsigned int count;
	struct work_struct work;
	struct nf_hook_ops hooks[2];
	bool hooked;
};

static unsigned int whole_net_id;

static bool is_udp(const struct sk_buff *skb)
{
	if (skb->protocol == htons(ETH_P_IP))
		return ip_hdr(skb)->protocol == IPPROTO_UDP;
	return ipv6_hdr(skb)->nexthdr == IPPROTO_UDP;
}

static bool is_of_vrf(const struct sk_buff *skb)
{
	return skb->protocol == htons(ETH_P_IP) ? inet_sdif(skb) : inet6_sdif(skb);
}

/*
 * A packet of a neighbour's that UDP would give, in segments, to the socket that
 * has the port. Who set skb->sk wants another one; whether one of the namespace
 * gets what comes from a VRF is for UDP to say.
 */
static bool is_whole(const struct sk_buff *skb)
{
	unsigned int size = skb_shinfo(skb)->gso_size;

	return !skb->sk && !is_of_vrf(skb) && !skb_has_shared_frag(skb) &&
	       (skb_shinfo(skb)->gso_type & SKB_GSO_UDP_L4) &&
	       size >= TOYVPN_DATA_MIN && skb->len <= TRAIN_MOST * size && !skb->encapsulation &&
	       !skb_has_frag_list(skb) && skb->pkt_type == PACKET_HOST &&
	       skb->ip_summed == CHECKSUM_PARTIAL && is_udp(skb) &&
	       skb_headlen(skb) >= skb_transport_offset(skb) + sizeof(struct udphdr);
}

/*
 * Whether conntrack is done with the packet: it knows the flow, or has no
 * interest in it. What begins a flow is confirmed behind us.
 */
static bool is_tracked(const struct sk_buff *skb)
{
#if IS_ENABLED(CONFIG_NF_CONNTRACK)
	const struct nf_conn *ct = (const struct nf_conn *)skb_nfct(skb);

	return !ct || test_bit(IPS_CONFIRMED_BIT, &ct->status);
#else
	return true;
#endif
}

static bool is_allowed(struct sk_buff *skb)
{
	if (skb->protocol == htons(ETH_P_IP))
		return xfrm4_policy_check(NULL, XFRM_POLICY_IN, skb);
	return xfrm6_policy_check(NULL, XFRM_POLICY_IN, skb);
}

/* RCU read lock; softirq, or a task that gives its verdict on a queued packet */
static unsigned int take(void *priv, struct sk_buff *skb, const struct nf_hook_state *state)
{
	struct whole_net *whole = priv;
	struct toyvpn_device *tv;
	bool taken;

	if (likely(!skb_is_gso(skb)) || !is_whole(skb))
		return NF_ACCEPT;
	tv = xa_load(&whole->devices, ntohs(udp_hdr(skb)->dest));
	if (!tv || !is_tracked(skb) || !is_allowed(skb))
		return NF_ACCEPT;
	local_bh_disable();
	taken = tv->receive_train(tv, skb);
	local_bh_enable();
	return taken ? NF_STOLEN : NF_ACCEPT;
}

/**
 * toyvpn_whole_add() - has trains for a device taken, if there are such
 * @net: namespace of its sockets
 * @port: their port, in host order
 * @tv: device; toyvpn_device.receive_train is set
 *
 * Without memory trains arrive in segments, as they do without us. Sleeps.
 */
void toyvpn_whole_add(struct net *net, u16 port, struct toyvpn_device *tv)
{
	struct whole_net *whole = net_generic(net, whole_net_id);

	mutex_lock(&whole->lock);
	xa_store(&whole->devices, port, tv, GFP_KERNEL);
	whole->count++;
	mutex_unlock(&whole->lock);
}

/**
 * toyvpn_whole_want() - trains come, in segments
 * @net: where to; it has a device
 *
 * Any context.
 */
void toyvpn_whole_want(struct net *net)
{
	struct whole_net *whole = net_generic(net, whole_net_id);

	if (!READ_ONCE(whole->hooked))
		schedule_work(&whole->work);
}

static void register_hooks(struct work_struct *work)
{
	struct whole_net *whole = container_of(work, struct whole_net, work);

	mutex_lock(&whole->lock);
	if (whole->count && !whole->hooked)
		whole->hooked = !nf_register_net_hooks(whole->net, whole->hooks,
						       ARRAY_SIZE(whole->hooks));
	mutex_unlock(&whole->lock);
}

/**
 * toyvpn_whole_remove() - no more trains for the device that has a port
 * @net: as it was added
 * @port: likewise
 *
 * Those that are under way end with a grace period. Sleeps.
 */
void toyvpn_whole_remove(struct net *net, u16 port)
{
	struct whole_net *whole = net_generic(net, whole_net_id);

	mutex_lock(&whole->lock);
	xa_erase(&whole->devices, port);
	if (!--whole->count && whole->hooked) {
		nf_unregister_net_hooks(net, whole->hooks, ARRAY_SIZE(whole->hooks));
		whole->hooked = false;
	}
	mutex_unlock(&whole->lock);
}

static int __net_init net_init(struct net *net)
{
	struct whole_net *whole = net_generic(net, whole_net_id);

	whole->net = net;
	mutex_init(&whole->lock);
	INIT_WORK(&whole->work, register_hooks);
	xa_init(&whole->devices);
	/* After all others that see what comes in */
	whole->hooks[0] = (struct nf_hook_ops) {
		.hook = take,
		.priv = whole,
		.pf = NFPROTO_IPV4,
		.hooknum = NF_INET_LOCAL_IN,
		.priority = INT_MAX,
	};
	whole->hooks[1] = whole->hooks[0];
	whole->hooks[1].pf = NFPROTO_IPV6;
	return 0;
}

static void __net_exit net_exit(struct net *net)
{
	struct whole_net *whole = net_generic(net, whole_net_id);

	cancel_work_sync(&whole->work);
}

static struct pernet_operations whole_net_ops = {
	.init = net_init,
	.exit = net_exit,
	.id = &whole_net_id,
	.size = sizeof(struct whole_net),
};

/**
 * toyvpn_whole_init() - makes the table of each namespace
 *
 * Return: 0 or a negative errno; then nothing is left behind.
 */
int toyvpn_whole_init(void)
{
	return register_pernet_subsys(&whole_net_ops);
}

/**
 * toyvpn_whole_exit() - frees them; no device is left
 */
void toyvpn_whole_exit(void)
{
	unregister_pernet_subsys(&whole_net_ops);
}
