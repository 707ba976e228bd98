// SPDX-License-Identifier: GPL-2.0
#include <linux/inetdevice.h>
#include <net/addrconf.h>
#include <net/ip.h>
#include <net/ip6_route.h>
#include <net/ipv6.h>
#include <net/route.h>

#include "batch.h"
#include "compat.h"
#include "peer.h"
#include "socket.h"
#include "toyvpn.h"
#include "train.h"
#include "whole.h"

/* How often a chosen port may turn out to be taken for the other family */
#define PORT_TRIES	100

/**
 * struct nesting - tunnels of ours, one in another
 * @tunnels: how many a packet is in
 * @refused: it was in too many for one more
 */
struct nesting {
	unsigned int tunnels;
	bool refused;
};

/*
 * What this CPU is sending. Tunnels that lead into each other would use up the
 * stack before old kernels' own limit ends it, and without a word.
 */
static DEFINE_PER_CPU(struct nesting, nesting);

static int open_one(struct toyvpn_device *tv, struct net *net, struct udp_port_cfg *port,
		    struct sock **sk)
{
	struct udp_tunnel_sock_cfg cfg = {
		.sk_user_data = tv,
		.encap_type = 1,
		.encap_rcv = tv->receive,
	};
	struct socket *sock;
	int err;

	err = udp_sock_create(net, port, &sock);
	if (err)
		return err;
	sock->sk->sk_allocation = GFP_ATOMIC;
	sock->sk->sk_sndbuf = INT_MAX;
	toyvpn_setup_udp_tunnel_sock(net, sock, &cfg);
	/* Sums of whole datagrams are for those who look into them: ours have a tag */
	inet_dec_convert_csum(sock->sk);
	*sk = sock->sk;
	return 0;
}

static int open_both(struct toyvpn_device *tv, struct net *net, u16 port,
		     struct toyvpn_sockets *sockets)
{
	struct udp_port_cfg port4 = {
		.family = AF_INET,
		.local_ip.s_addr = htonl(INADDR_ANY),
		.local_udp_port = htons(port),
		.use_udp_checksums = true,
	};
#if IS_ENABLED(CONFIG_IPV6)
	struct udp_port_cfg port6 = {
		.family = AF_INET6,
		.local_ip6 = IN6ADDR_ANY_INIT,
		.use_udp6_tx_checksums = true,
		.use_udp6_rx_checksums = true,
		.ipv6_v6only = true,
	};
#endif
	int err;

	*sockets = (struct toyvpn_sockets) {};
	err = open_one(tv, net, &port4, &sockets->sock4);
	if (err)
		return err;
	sockets->port = ntohs(inet_sk(sockets->sock4)->inet_sport);

#if IS_ENABLED(CONFIG_IPV6)
	if (!ipv6_mod_enabled())
		return 0;
	port6.local_udp_port = htons(sockets->port);
	err = open_one(tv, net, &port6, &sockets->sock6);
	if (err)
		toyvpn_sockets_discard(sockets);
#endif
	return err;
}

/**
 * toyvpn_sockets_open() - opens a pair of sockets
 * @tv: device, its lock held
 * @port: host order, 0 to have one chosen that both families have free
 * @sockets: the pair, not yet in use: toyvpn_sockets_use() or
 *	toyvpn_sockets_discard() must follow
 *
 * Return: 0, -EADDRINUSE, -ENONET if the namespace that the device was made in
 * is gone, or another errno of the sockets.
 */
int toyvpn_sockets_open(struct toyvpn_device *tv, u16 port, struct toyvpn_sockets *sockets)
{
	unsigned int tries = 0;
	struct net *net;
	int err;

	rcu_read_lock();
	net = rcu_dereference(tv->net);
	net = net ? maybe_get_net(net) : NULL;
	rcu_read_unlock();
	if (!net)
		return -ENONET;
	do {
		err = open_both(tv, net, port, sockets);
	} while (err == -EADDRINUSE && !port && ++tries < PORT_TRIES);
	put_net(net);
	return err;
}

static void release(struct sock *sk)
{
	if (sk)
		toyvpn_udp_tunnel_sock_release(sk);
}

/**
 * toyvpn_sockets_discard() - closes a pair that was not used
 * @sockets: of toyvpn_sockets_open()
 */
void toyvpn_sockets_discard(const struct toyvpn_sockets *sockets)
{
	release(sockets->sock4);
	release(sockets->sock6);
}

/**
 * toyvpn_sockets_use() - a device talks through these sockets from now on
 * @tv: device, its lock held
 * @sockets: of toyvpn_sockets_open(), or both NULL; what was used before closes
 *
 * Sleeps for a grace period.
 */
void toyvpn_sockets_use(struct toyvpn_device *tv, const struct toyvpn_sockets *sockets)
{
	struct sock *old4 = rcu_dereference_protected(tv->sock4, lockdep_is_held(&tv->lock));
	struct sock *old6 = rcu_dereference_protected(tv->sock6, lockdep_is_held(&tv->lock));

	if (old4)
		toyvpn_whole_remove(sock_net(old4), tv->port);
	if (sockets->sock4)
		toyvpn_whole_add(sock_net(sockets->sock4), sockets->port, tv);
	rcu_assign_pointer(tv->sock4, sockets->sock4);
	rcu_assign_pointer(tv->sock6, sockets->sock6);
	if (sockets->sock4)
		tv->port = sockets->port;
	if (!old4 && !old6)
		return;
	/* Both ends of them: who sends, and who still receives on them */
	if (old4)
		rcu_assign_sk_user_data(old4, NULL);
	if (old6)
		rcu_assign_sk_user_data(old6, NULL);
	synchronize_net();
	release(old4);
	release(old6);
}

/**
 * toyvpn_sockets_close() - closes a device's sockets
 * @tv: device, its lock held
 */
void toyvpn_sockets_close(struct toyvpn_device *tv)
{
	const struct toyvpn_sockets none = {};

	toyvpn_sockets_use(tv, &none);
}

/**
 * toyvpn_endpoint_of() - where a datagram came from
 * @endpoint: filled
 * @skb: with network and transport headers, as a UDP socket gets it
 *
 * Return: 0, or -EAFNOSUPPORT.
 */
int toyvpn_endpoint_of(struct toyvpn_endpoint *endpoint, const struct sk_buff *skb)
{
	memset(endpoint, 0, sizeof(*endpoint));
	if (skb->protocol == htons(ETH_P_IP)) {
		endpoint->addr4.sin_family = AF_INET;
		endpoint->addr4.sin_addr.s_addr = ip_hdr(skb)->saddr;
		endpoint->addr4.sin_port = udp_hdr(skb)->source;
		endpoint->src4.s_addr = ip_hdr(skb)->daddr;
		endpoint->src_if = skb->skb_iif;
		return 0;
	}
	if (skb->protocol == htons(ETH_P_IPV6)) {
		endpoint->addr6.sin6_family = AF_INET6;
		endpoint->addr6.sin6_addr = ipv6_hdr(skb)->saddr;
		endpoint->addr6.sin6_port = udp_hdr(skb)->source;
		endpoint->addr6.sin6_scope_id =
			ipv6_iface_scope_id(&ipv6_hdr(skb)->saddr, skb->skb_iif);
		endpoint->src6 = ipv6_hdr(skb)->daddr;
		return 0;
	}
	return -EAFNOSUPPORT;
}

/**
 * toyvpn_endpoint_source() - an endpoint's address as bytes
 * @endpoint: known
 * @addr: where they are, network order
 * @port: network order
 *
 * Return: their number, 4 or 16.
 */
size_t toyvpn_endpoint_source(const struct toyvpn_endpoint *endpoint, const void **addr,
			      __be16 *port)
{
	if (endpoint->addr.sa_family == AF_INET) {
		*addr = &endpoint->addr4.sin_addr;
		*port = endpoint->addr4.sin_port;
		return sizeof(endpoint->addr4.sin_addr);
	}
	*addr = &endpoint->addr6.sin6_addr;
	*port = endpoint->addr6.sin6_port;
	return sizeof(endpoint->addr6.sin6_addr);
}

/*
 * The route to an IPv4 endpoint. The source address sticks to what the peer
 * last talked to, as long as it is ours and its interface leads there; @src is
 * set to what was chosen, 0 in @endpoint if the stick was broken.
 */
static struct rtable *route4(struct toyvpn_device *tv, struct sock *sk,
			     struct toyvpn_endpoint *endpoint, struct dst_cache *cache,
			     __be32 *src)
{
	struct flowi4 fl4 = {
		.saddr = endpoint->src4.s_addr,
		.daddr = endpoint->addr4.sin_addr.s_addr,
		.fl4_sport = inet_sk(sk)->inet_sport,
		.fl4_dport = endpoint->addr4.sin_port,
		.flowi4_mark = READ_ONCE(tv->fwmark),
		.flowi4_proto = IPPROTO_UDP,
	};
	struct net *net = sock_net(sk);
	struct rtable *rt;

	if (cache) {
		rt = dst_cache_get_ip4(cache, src);
		if (rt)
			return rt;
	}
	security_sk_classify_flow(sk, flowi4_to_flowi_common(&fl4));
	if (fl4.saddr && !inet_confirm_addr(net, NULL, 0, fl4.saddr, RT_SCOPE_HOST))
		fl4.saddr = 0;
	rt = ip_route_output_flow(net, &fl4, sk);
	if (endpoint->src4.s_addr && endpoint->src_if &&
	    (IS_ERR(rt) ? PTR_ERR(rt) == -EINVAL : rt->dst.dev->ifindex != endpoint->src_if)) {
		if (!IS_ERR(rt))
			ip_rt_put(rt);
		fl4.saddr = 0;
		fl4.daddr = endpoint->addr4.sin_addr.s_addr;
		endpoint->src4.s_addr = 0;
		rt = ip_route_output_flow(net, &fl4, sk);
	}
	if (IS_ERR(rt))
		return rt;
	if (fl4.saddr != endpoint->src4.s_addr)
		endpoint->src4.s_addr = 0;
	*src = fl4.saddr;
	if (cache)
		dst_cache_set_ip4(cache, &rt->dst, fl4.saddr);
	return rt;
}

#if IS_ENABLED(CONFIG_IPV6)
static struct dst_entry *route6(struct toyvpn_device *tv, struct sock *sk,
				struct toyvpn_endpoint *endpoint, struct dst_cache *cache,
				struct in6_addr *src)
{
	struct flowi6 fl6 = {
		.saddr = endpoint->src6,
		.daddr = endpoint->addr6.sin6_addr,
		.fl6_sport = inet_sk(sk)->inet_sport,
		.fl6_dport = endpoint->addr6.sin6_port,
		.flowi6_oif = endpoint->addr6.sin6_scope_id,
		.flowi6_mark = READ_ONCE(tv->fwmark),
		.flowi6_proto = IPPROTO_UDP,
	};
	struct net *net = sock_net(sk);
	struct dst_entry *dst;

	if (cache) {
		dst = dst_cache_get_ip6(cache, src);
		if (dst)
			return dst;
	}
	security_sk_classify_flow(sk, flowi6_to_flowi_common(&fl6));
	if (!ipv6_addr_any(&fl6.saddr) && !ipv6_chk_addr(net, &fl6.saddr, NULL, 0)) {
		fl6.saddr = in6addr_any;
		endpoint->src6 = in6addr_any;
	}
	dst = ip6_dst_lookup_flow(net, sk, &fl6, NULL);
	if (IS_ERR(dst))
		return dst;
	*src = fl6.saddr;
	if (cache)
		dst_cache_set_ip6(cache, dst, &fl6.saddr);
	return dst;
}
#endif

/* Gives each message of a list to the stack; counts what went out */
static void emit4(struct toyvpn_device *tv, struct sock *sk, struct rtable *rt, __be32 src,
		  const struct toyvpn_endpoint *endpoint, struct sk_buff_head *messages)
{
	struct sk_buff *skb;

	while ((skb = __skb_dequeue(messages))) {
		u8 tos = toyvpn_packet(skb)->tos;

		skb->mark = READ_ONCE(tv->fwmark);
		skb->ignore_df = 1;
		memset(skb->cb, 0, sizeof(skb->cb));
		dst_hold(&rt->dst);
		toyvpn_udp_tunnel_xmit_skb(rt, sk, skb, src, endpoint->addr4.sin_addr.s_addr,
					   tos, ip4_dst_hoplimit(&rt->dst), 0,
					   inet_sk(sk)->inet_sport, endpoint->addr4.sin_port,
					   false, false);
	}
}

static int send4(struct toyvpn_device *tv, struct toyvpn_endpoint *endpoint,
		 struct dst_cache *cache, struct sk_buff_head *messages)
{
	struct sock *sk = rcu_dereference(tv->sock4);
	struct rtable *rt;
	__be32 src;

	if (!sk)
		return -ENONET;
	rt = route4(tv, sk, endpoint, cache, &src);
	if (IS_ERR(rt))
		return PTR_ERR(rt);
	/* Through ourselves: each round would wrap the packet once more */
	if (unlikely(rt->dst.dev == tv->dev)) {
		ip_rt_put(rt);
		return -ELOOP;
	}
	emit4(tv, sk, rt, src, endpoint, messages);
	ip_rt_put(rt);
	return 0;
}

#if IS_ENABLED(CONFIG_IPV6)
static int send6(struct toyvpn_device *tv, struct toyvpn_endpoint *endpoint,
		 struct dst_cache *cache, struct sk_buff_head *messages)
{
	struct sock *sk = rcu_dereference(tv->sock6);
	struct dst_entry *dst;
	struct in6_addr src;
	struct sk_buff *skb;

	if (!sk)
		return -ENONET;
	dst = route6(tv, sk, endpoint, cache, &src);
	if (IS_ERR(dst))
		return PTR_ERR(dst);
	if (unlikely(dst->dev == tv->dev)) {
		dst_release(dst);
		return -ELOOP;
	}
	while ((skb = __skb_dequeue(messages))) {
		u8 tos = toyvpn_packet(skb)->tos;

		skb->mark = READ_ONCE(tv->fwmark);
		skb->ignore_df = 1;
		memset(skb->cb, 0, sizeof(skb->cb));
		dst_hold(dst);
		toyvpn_udp_tunnel6_xmit_skb(dst, sk, skb, NULL, &src,
					    &endpoint->addr6.sin6_addr, tos,
					    ip6_dst_hoplimit(dst), 0, inet_sk(sk)->inet_sport,
					    endpoint->addr6.sin6_port, false);
	}
	dst_release(dst);
	return 0;
}
#else
static int send6(struct toyvpn_device *tv, struct toyvpn_endpoint *endpoint,
		 struct dst_cache *cache, struct sk_buff_head *messages)
{
	return -EAFNOSUPPORT;
}
#endif

/**
 * toyvpn_nesting() - in how many tunnels of ours a packet is that is to be sent
 *
 * Bottom halves off.
 *
 * Return: their number.
 */
unsigned int toyvpn_nesting(void)
{
	return __this_cpu_read(nesting.tunnels);
}

/**
 * toyvpn_nesting_set() - what is sent from now on is in so many
 * @tunnels: of toyvpn_nesting(), when the packets came
 *
 * Bottom halves off, until it is set to what it was before.
 *
 * Return: what it was before.
 */
unsigned int toyvpn_nesting_set(unsigned int tunnels)
{
	unsigned int before = __this_cpu_read(nesting.tunnels);

	__this_cpu_write(nesting.tunnels, tunnels);
	return before;
}

/**
 * toyvpn_nesting_refuse() - whether a packet is in too many to be put into one more
 *
 * Then the tunnel that it was put into first is told, as soon as it has sent it:
 * the user looks there. Bottom halves off.
 *
 * Return: whether it is.
 */
bool toyvpn_nesting_refuse(void)
{
	if (likely(__this_cpu_read(nesting.tunnels) < TOYVPN_NESTED_MAX))
		return false;
	__this_cpu_write(nesting.refused, true);
	return true;
}

static int send_to(struct toyvpn_device *tv, struct toyvpn_endpoint *endpoint,
		   struct dst_cache *cache, struct sk_buff_head *messages)
{
	int err = -EDESTADDRREQ;

	local_bh_disable();
	rcu_read_lock();
	if (!__this_cpu_read(nesting.tunnels))
		__this_cpu_write(nesting.refused, false);
	__this_cpu_inc(nesting.tunnels);
	if (endpoint->addr.sa_family == AF_INET)
		err = send4(tv, endpoint, cache, messages);
	else if (endpoint->addr.sa_family == AF_INET6)
		err = send6(tv, endpoint, cache, messages);
	__this_cpu_dec(nesting.tunnels);
	if (unlikely(__this_cpu_read(nesting.refused)) && !__this_cpu_read(nesting.tunnels))
		err = -ELOOP;
	rcu_read_unlock();
	local_bh_enable();
	return err;
}

static void count_failure(struct toyvpn_device *tv, int err, unsigned int messages)
{
	enum toyvpn_stat which = TOYVPN_STAT_TX_OUTER_ROUTE;

	if (err == -ELOOP)
		which = TOYVPN_STAT_TX_LOOP;
	else if (err == -EDESTADDRREQ)
		which = TOYVPN_STAT_TX_NO_ENDPOINT;
	toyvpn_stat_add(tv->stats, which, messages);
	DEV_STATS_ADD(tv->dev, tx_errors, messages);
}

/**
 * toyvpn_send_list() - sends messages to a peer
 * @peer: the caller has a reference or the RCU read lock
 * @messages: skbs of one message or a train of them, each with its
 *	toyvpn_packet()->tos; empty afterwards
 *
 * Routed once for all of them. Any context but hardirq.
 *
 * Return: 0 once the network of this host has them; -EDESTADDRREQ without an
 * endpoint, -ENONET without a socket, -ELOOP where the route leads back into
 * this device or through too many of ours, or an errno of routing. Then they are
 * counted and freed.
 */
int toyvpn_send_list(struct toyvpn_peer *peer, struct sk_buff_head *messages)
{
	unsigned int count = 0, seq;
	struct toyvpn_device *tv = peer->device;
	struct toyvpn_endpoint endpoint;
	struct in6_addr before;
	u64 bytes = 0;
	struct sk_buff *skb;
	int err;

	skb_queue_walk(messages, skb) {
		count += toyvpn_train_messages(skb);
		bytes += skb->len;
	}
	toyvpn_peer_get_endpoint(peer, &endpoint, &seq);
	before = endpoint.src6;
	err = send_to(tv, &endpoint, &peer->dst_cache, messages);

	if (unlikely(read_seqretry(&peer->endpoint_lock, seq)))
		/* It moved meanwhile: the route that was cached is of the old place */
		dst_cache_reset(&peer->dst_cache);
	else if (unlikely(!ipv6_addr_equal(&before, &endpoint.src6)))
		toyvpn_peer_forget_source(peer);

	if (unlikely(err)) {
		count_failure(tv, err, count);
		__skb_queue_purge(messages);
		return err;
	}
	atomic64_add(bytes, &peer->tx_bytes);
	return 0;
}

static struct sk_buff *message_skb(const void *message, size_t len)
{
	struct sk_buff *skb = alloc_skb(TOYVPN_HEADROOM + len, GFP_ATOMIC);

	if (!skb)
		return NULL;
	skb_reserve(skb, TOYVPN_HEADROOM);
	skb_put_data(skb, message, len);
	toyvpn_packet(skb)->tos = 0;
	return skb;
}

/**
 * toyvpn_send_to_peer() - sends one message to where a peer is
 * @peer: the caller has a reference or the RCU read lock
 * @message: a handshake message
 * @len: its length
 *
 * Any context but hardirq.
 *
 * Return: as toyvpn_send_list(), or -ENOMEM.
 */
int toyvpn_send_to_peer(struct toyvpn_peer *peer, const void *message, size_t len)
{
	struct sk_buff *skb = message_skb(message, len);
	struct sk_buff_head messages;

	if (!skb)
		return -ENOMEM;
	__skb_queue_head_init(&messages);
	__skb_queue_tail(&messages, skb);
	return toyvpn_send_list(peer, &messages);
}

/**
 * toyvpn_send_reply() - sends one message to where another one came from
 * @tv: device
 * @endpoint: of toyvpn_endpoint_of()
 * @message: a handshake message
 * @len: its length
 *
 * For those who are not (yet) a peer: learns and caches nothing. Any context
 * but hardirq.
 *
 * Return: as toyvpn_send_list(), or -ENOMEM.
 */
int toyvpn_send_reply(struct toyvpn_device *tv, const struct toyvpn_endpoint *endpoint,
		      const void *message, size_t len)
{
	struct toyvpn_endpoint to = *endpoint;
	struct sk_buff_head messages;
	struct sk_buff *skb;
	int err;

	skb = message_skb(message, len);
	if (!skb)
		return -ENOMEM;
	__skb_queue_head_init(&messages);
	__skb_queue_tail(&messages, skb);
	err = send_to(tv, &to, NULL, &messages);
	if (err) {
		count_failure(tv, err, 1);
		__skb_queue_purge(&messages);
	}
	return err;
}
