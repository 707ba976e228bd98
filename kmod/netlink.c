// SPDX-License-Identifier: GPL-2.0
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/module.h>
#include <linux/netlink.h>
#include <linux/rhashtable.h>
#include <net/addrconf.h>
#include <net/genetlink.h>
#include <net/sock.h>
#include <uapi/linux/toyvpn.h>

#include "attrs.h"
#include "authorizer.h"
#include "compat.h"
#include "config.h"
#include "device.h"
#include "event.h"
#include "netlink-gen.h"
#include "netlink.h"
#include "peer.h"
#include "toyvpn.h"

/* Room for an answer that is no dump: a peer with some hundred allowed IPs */
#define ANSWER_SIZE	SZ_16K

static struct genl_family family;

/* Whose a stage is: a socket, by its namespace and port id. Without gaps */
struct stage_sender {
	struct net *net;
	unsigned long portid;
};

/**
 * struct stage - a peer's change that comes in several messages
 * @node: in @stages
 * @sender: whose it is; one at a time
 * @ifindex: its device
 * @failed: one of its messages was refused; so are those that still follow
 * @config: as far as it came
 */
struct stage {
	struct rhash_head node;
	struct stage_sender sender;
	int ifindex;
	bool failed;
	struct toyvpn_peer_config config;
};

/* Whoever has a namespace may begin many, and each socket of the host that closes is looked up */
static const struct rhashtable_params stage_params = {
	.head_offset		= offsetof(struct stage, node),
	.key_offset		= offsetof(struct stage, sender),
	.key_len		= sizeof(struct stage_sender),
	.automatic_shrinking	= true,
};

static struct rhashtable stages;
static DEFINE_MUTEX(stages_lock);

/*
 * The device that a request names, held until dev_put(); or an ERR_PTR(). It
 * may be unregistered meanwhile, but not go away.
 */
static struct toyvpn_device *lookup_device(struct net *net, struct nlattr **attrs,
					   struct netlink_ext_ack *extack)
{
	struct nlattr *ifindex = attrs[TOYVPN_A_DEVICE_IFINDEX];
	struct nlattr *ifname = attrs[TOYVPN_A_DEVICE_IFNAME];
	struct net_device *dev;

	if (!ifindex == !ifname) {
		NL_SET_ERR_MSG(extack, "name the interface either by ifindex or by ifname");
		return ERR_PTR(-EINVAL);
	}
	if (ifindex)
		dev = dev_get_by_index(net, nla_get_u32(ifindex));
	else
		dev = dev_get_by_name(net, nla_data(ifname));
	if (!dev) {
		NL_SET_ERR_MSG_ATTR(extack, ifindex ?: ifname, "no such network interface");
		return ERR_PTR(-ENODEV);
	}
	if (!toyvpn_device_is_ours(dev)) {
		dev_put(dev);
		NL_SET_ERR_MSG_ATTR(extack, ifindex ?: ifname, "not a toyvpn interface");
		return ERR_PTR(-EOPNOTSUPP);
	}
	return netdev_priv(dev);
}

/*
 * The link may have gone to another namespace, whose users may be others, while a
 * request that named it waited for its lock. That is held
 */
static int check_namespace(const struct toyvpn_device *tv, struct genl_info *info)
{
	if (likely(net_eq(dev_net(tv->dev), genl_info_net(info))))
		return 0;
	NL_SET_ERR_MSG_ATTR(info->extack, info->attrs[TOYVPN_A_DEVICE_IFINDEX] ?:
			    info->attrs[TOYVPN_A_DEVICE_IFNAME],
			    "the interface went to another namespace");
	return -ENODEV;
}

/* A secret is not left in the memory that its request came in */
static void wipe(struct nlattr *attr)
{
	if (attr)
		memzero_explicit(nla_data(attr), nla_len(attr));
}

static bool may_see_keys(struct sk_buff *request, const struct toyvpn_device *tv)
{
	bool may;

	/* Without RTNL it may move, and the namespace that it leaves may end */
	rcu_read_lock();
	may = netlink_ns_capable(request, dev_net(tv->dev)->user_ns, CAP_NET_ADMIN);
	rcu_read_unlock();
	return may;
}

/* One message about a device. Its lock is held */
static int fill_device(struct sk_buff *skb, struct toyvpn_device *tv, void *header, bool keys)
{
	int err = -EMSGSIZE;

	if (!header)
		return -EMSGSIZE;
	if (!toyvpn_attrs_device(skb, tv) ||
	    nla_put_u16(skb, TOYVPN_A_DEVICE_LISTEN_PORT, tv->port) ||
	    nla_put_u32(skb, TOYVPN_A_DEVICE_FWMARK, tv->fwmark) ||
	    nla_put_u32(skb, TOYVPN_A_DEVICE_PEERS, tv->peer_count))
		goto cancel;

	down_read(&tv->identity_lock);
	if (nla_put(skb, TOYVPN_A_DEVICE_CIPHERS, tv->cipher_count, tv->ciphers) ||
	    (tv->has_identity && nla_put(skb, TOYVPN_A_DEVICE_PUBLIC_KEY, TOYVPN_KEY_LEN,
					 tv->identity.public)) ||
	    (tv->has_identity && keys && nla_put(skb, TOYVPN_A_DEVICE_PRIVATE_KEY,
						 TOYVPN_KEY_LEN, tv->identity.private)))
		goto unlock;
	err = 0;
unlock:
	up_read(&tv->identity_lock);
	if (!err) {
		genlmsg_end(skb, header);
		return 0;
	}
cancel:
	genlmsg_cancel(skb, header);
	return err;
}

/**
 * toyvpn_nl_device_get_doit() - TOYVPN_CMD_DEVICE_GET
 * @skb: request
 * @info: its attributes
 *
 * Return: 0 or a negative errno.
 */
int toyvpn_nl_device_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct toyvpn_device *tv;
	struct sk_buff *answer;
	void *header;
	int err;

	tv = lookup_device(genl_info_net(info), info->attrs, info->extack);
	if (IS_ERR(tv))
		return PTR_ERR(tv);
	answer = genlmsg_new(ANSWER_SIZE, GFP_KERNEL);
	err = -ENOMEM;
	if (!answer)
		goto out;
	mutex_lock(&tv->lock);
	header = genlmsg_put_reply(answer, info, &family, 0, TOYVPN_CMD_DEVICE_GET);
	err = fill_device(answer, tv, header, may_see_keys(skb, tv));
	mutex_unlock(&tv->lock);
	if (err)
		nlmsg_free(answer);
	else
		err = genlmsg_reply(answer, info);
out:
	dev_put(tv->dev);
	return err;
}

/**
 * toyvpn_nl_device_get_dumpit() - TOYVPN_CMD_DEVICE_GET of all devices
 * @skb: answer
 * @cb: state of the dump: how many interfaces of the namespace were looked at
 *
 * Return: bytes in @skb, or a negative errno.
 */
int toyvpn_nl_device_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct net *net = sock_net(skb->sk);
	unsigned long *told = (unsigned long *)cb->ctx, i = 0;
	struct toyvpn_device *tv;
	struct net_device *dev;
	int err = 0;

	rtnl_lock();
	cb->seq = net->dev_base_seq;
	for_each_netdev(net, dev) {
		void *header;

		if (i++ < *told)
			continue;
		if (!toyvpn_device_is_ours(dev)) {
			*told = i;
			continue;
		}
		tv = netdev_priv(dev);
		mutex_lock(&tv->lock);
		header = genlmsg_put(skb, NETLINK_CB(cb->skb).portid, cb->nlh->nlmsg_seq, &family,
				     NLM_F_MULTI, TOYVPN_CMD_DEVICE_GET);
		if (header)
			genl_dump_check_consistent(cb, header);
		err = fill_device(skb, tv, header, may_see_keys(cb->skb, tv));
		mutex_unlock(&tv->lock);
		if (err)
			break;
		*told = i;
	}
	rtnl_unlock();
	return skb->len ?: err;
}

/* @defaults is room for what an empty list stands for */
static int parse_ciphers(struct toyvpn_device_config *config, struct nlattr *attr,
			 u8 defaults[TOYVPN_CIPHERS_MAX], struct netlink_ext_ack *extack)
{
	const u8 *ciphers;
	int count, i;

	if (!attr)
		return 0;
	ciphers = nla_data(attr);
	count = nla_len(attr);
	if (count > TOYVPN_CIPHERS_MAX) {
		NL_SET_ERR_MSG_ATTR(extack, attr, "the list of ciphers is too long");
		return -EINVAL;
	}
	if (!count) {
		config->ciphers = defaults;
		config->cipher_count = toyvpn_ciphers_default(defaults);
		return 0;
	}
	for (i = 0; i < count; i++) {
		if (!toyvpn_cipher_known(ciphers[i])) {
			NL_SET_ERR_MSG_ATTR(extack, attr, "unknown cipher");
			return -EOPNOTSUPP;
		}
		if (memchr(ciphers, ciphers[i], i)) {
			NL_SET_ERR_MSG_ATTR(extack, attr, "a cipher is given twice");
			return -EINVAL;
		}
	}
	config->ciphers = ciphers;
	config->cipher_count = count;
	return 0;
}

/**
 * toyvpn_nl_device_set_doit() - TOYVPN_CMD_DEVICE_SET
 * @skb: request
 * @info: its attributes
 *
 * Return: 0 or a negative errno.
 */
int toyvpn_nl_device_set_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct toyvpn_device_config config = {};
	u8 default_ciphers[TOYVPN_CIPHERS_MAX];
	struct nlattr **attrs = info->attrs;
	struct nlattr *of_sockets = attrs[TOYVPN_A_DEVICE_LISTEN_PORT] ?:
				    attrs[TOYVPN_A_DEVICE_FWMARK];
	struct toyvpn_device *tv;
	struct net *net;
	int err;

	tv = lookup_device(genl_info_net(info), attrs, info->extack);
	if (IS_ERR(tv))
		return PTR_ERR(tv);

	if (attrs[TOYVPN_A_DEVICE_PRIVATE_KEY])
		config.private_key = nla_data(attrs[TOYVPN_A_DEVICE_PRIVATE_KEY]);
	err = parse_ciphers(&config, attrs[TOYVPN_A_DEVICE_CIPHERS], default_ciphers,
			    info->extack);
	if (err)
		goto out;
	if (attrs[TOYVPN_A_DEVICE_LISTEN_PORT]) {
		config.has_port = true;
		config.port = nla_get_u16(attrs[TOYVPN_A_DEVICE_LISTEN_PORT]);
	}
	if (attrs[TOYVPN_A_DEVICE_FWMARK]) {
		config.has_fwmark = true;
		config.fwmark = nla_get_u32(attrs[TOYVPN_A_DEVICE_FWMARK]);
	}

	/* These two act in the namespace of the sockets, which may be another one */
	if (of_sockets) {
		rcu_read_lock();
		net = rcu_dereference(tv->net);
		if (!net || !netlink_ns_capable(skb, net->user_ns, CAP_NET_ADMIN)) {
			NL_SET_ERR_MSG_ATTR(info->extack, of_sockets,
					    "not permitted in the namespace that the link was made in");
			err = -EPERM;
		}
		rcu_read_unlock();
	}
	if (!err) {
		mutex_lock(&tv->lock);
		err = check_namespace(tv, info) ?:
		      toyvpn_config_device(tv, &config, info->extack);
		mutex_unlock(&tv->lock);
		/* What is left to go wrong by then, but for memory, is the port */
		if (err && err != -ENOMEM && err != -ENODEV && config.has_port)
			NL_SET_BAD_ATTR(info->extack, attrs[TOYVPN_A_DEVICE_LISTEN_PORT]);
	}
out:
	wipe(attrs[TOYVPN_A_DEVICE_PRIVATE_KEY]);
	dev_put(tv->dev);
	return err;
}

/* What a peer's user has set and its handshakes use */
static bool put_settings(struct sk_buff *skb, struct toyvpn_peer *peer, bool keys)
{
	struct toyvpn_handshake *handshake = &peer->handshake;
	bool put = true;

	mutex_lock(&handshake->lock);
	if (keys)
		put = !nla_put(skb, TOYVPN_A_PEER_PRESHARED_KEY, TOYVPN_KEY_LEN, handshake->psk);
	if (handshake->config)
		put = put && !nla_put(skb, TOYVPN_A_PEER_CONFIG, handshake->config->len,
				      handshake->config->bytes);
	mutex_unlock(&handshake->lock);
	return put && !nla_put_u16(skb, TOYVPN_A_PEER_PERSISTENT_KEEPALIVE, peer->persistent);
}

static bool put_bytes(struct sk_buff *skb, struct toyvpn_peer *peer)
{
	return !nla_put_u64_64bit(skb, TOYVPN_A_PEER_RX_BYTES, atomic64_read(&peer->rx_bytes),
				  TOYVPN_A_PEER_PAD) &&
	       !nla_put_u64_64bit(skb, TOYVPN_A_PEER_TX_BYTES, atomic64_read(&peer->tx_bytes),
				  TOYVPN_A_PEER_PAD);
}

static bool put_prefix(struct sk_buff *skb, const struct toyvpn_prefix *prefix)
{
	struct nlattr *nest = nla_nest_start(skb, TOYVPN_A_PEER_ALLOWED_IP);
	u8 addr[16];
	size_t len;

	if (!nest)
		return false;
	len = toyvpn_prefix_addr(prefix, addr);
	if (nla_put(skb, len == 4 ? TOYVPN_A_ALLOWED_IP_IPV4 : TOYVPN_A_ALLOWED_IP_IPV6, len,
		    addr) ||
	    nla_put_u8(skb, TOYVPN_A_ALLOWED_IP_PREFIX_LEN, prefix->len)) {
		nla_nest_cancel(skb, nest);
		return false;
	}
	nla_nest_end(skb, nest);
	return true;
}

/*
 * One message about a peer, with as many allowed IPs as fit behind @pos, which
 * is left at the last of them. The device's lock is held. Returns 0 if that
 * were all, 1 if some are left, or -EMSGSIZE if there was no room for anything.
 */
static int fill_peer(struct sk_buff *skb, struct toyvpn_peer *peer, void *header, bool keys,
		     struct toyvpn_prefix *pos)
{
	struct toyvpn_device *tv = peer->device;
	bool first = pos->family == AF_UNSPEC;
	struct toyvpn_prefix next = *pos;
	bool progress = false;
	int more = 0;

	if (!header)
		return -EMSGSIZE;
	if (!toyvpn_attrs_device(skb, tv) ||
	    nla_put(skb, TOYVPN_A_PEER_PUBLIC_KEY, TOYVPN_KEY_LEN, peer->public_key))
		goto cancel;
	if (first && (!toyvpn_attrs_peer(skb, peer) || !put_bytes(skb, peer) ||
		      !put_settings(skb, peer, keys)))
		goto cancel;
	/* A position that is gone ends it: the dump is marked as interrupted anyway */
	while (!toyvpn_routes_next(&tv->routes, &peer->routes, &next)) {
		if (!put_prefix(skb, &next)) {
			more = 1;
			break;
		}
		*pos = next;
		progress = true;
	}
	if (more && !progress)
		goto cancel;
	genlmsg_end(skb, header);
	return more;

cancel:
	genlmsg_cancel(skb, header);
	return -EMSGSIZE;
}

/* The peer that a request names; the device's lock is held */
static struct toyvpn_peer *find_peer(struct toyvpn_device *tv, struct nlattr *public_key,
				     struct netlink_ext_ack *extack)
{
	struct toyvpn_peer *peer;

	if (!public_key) {
		NL_SET_ERR_MSG(extack, "the public key of the peer is missing");
		return ERR_PTR(-EINVAL);
	}
	peer = toyvpn_peer_find(tv, nla_data(public_key));
	if (!peer) {
		NL_SET_ERR_MSG_ATTR(extack, public_key, "there is no such peer");
		return ERR_PTR(-ENOENT);
	}
	return peer;
}

/**
 * toyvpn_nl_peer_get_doit() - TOYVPN_CMD_PEER_GET
 * @skb: request
 * @info: its attributes
 *
 * Return: 0 or a negative errno.
 */
int toyvpn_nl_peer_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct toyvpn_prefix pos = {};
	struct toyvpn_device *tv;
	struct toyvpn_peer *peer;
	struct sk_buff *answer;
	int err = -ENOMEM;
	void *header;

	tv = lookup_device(genl_info_net(info), info->attrs, info->extack);
	if (IS_ERR(tv))
		return PTR_ERR(tv);
	answer = genlmsg_new(ANSWER_SIZE, GFP_KERNEL);
	if (!answer)
		goto out;
	mutex_lock(&tv->lock);
	peer = find_peer(tv, info->attrs[TOYVPN_A_PEER_PUBLIC_KEY], info->extack);
	if (IS_ERR(peer)) {
		err = PTR_ERR(peer);
	} else {
		header = genlmsg_put_reply(answer, info, &family, 0, TOYVPN_CMD_PEER_GET);
		err = fill_peer(answer, peer, header, may_see_keys(skb, tv), &pos);
	}
	mutex_unlock(&tv->lock);
	if (err > 0) {
		NL_SET_ERR_MSG(info->extack,
			       "too many allowed IPs for one message: ask for a dump");
		err = -EMSGSIZE;
	}
	if (err)
		nlmsg_free(answer);
	else
		err = genlmsg_reply(answer, info);
out:
	dev_put(tv->dev);
	return err;
}

/**
 * struct peer_dump - where a dump of peers is
 * @next: number of the peer that comes next
 * @pos: its last allowed IP that was told, AF_UNSPEC if nothing of it was
 * @done: there is no more
 */
struct peer_dump {
	unsigned long next;
	struct toyvpn_prefix pos;
	bool done;
};

/* Fills @skb with peers from dump->next on. The device's lock is held */
static int dump_peers(struct sk_buff *skb, struct netlink_callback *cb, struct toyvpn_device *tv,
		      struct toyvpn_peer *only)
{
	struct peer_dump *dump = (struct peer_dump *)cb->ctx;
	bool keys = may_see_keys(cb->skb, tv);
	unsigned long number = dump->next;
	struct toyvpn_peer *peer;
	void *header;
	int err = 0;

	cb->seq = tv->generation;
	peer = only ?: xa_find(&tv->peers_by_number, &number, ULONG_MAX, XA_PRESENT);
	while (peer) {
		/* The peer that was half told is gone */
		if (!only && number != dump->next)
			dump->pos = (struct toyvpn_prefix) {};
		dump->next = number;
		header = genlmsg_put(skb, NETLINK_CB(cb->skb).portid, cb->nlh->nlmsg_seq, &family,
				     NLM_F_MULTI, TOYVPN_CMD_PEER_GET);
		if (header)
			genl_dump_check_consistent(cb, header);
		err = fill_peer(skb, peer, header, keys, &dump->pos);
		if (err)
			return err < 0 ? err : 0;
		dump->pos = (struct toyvpn_prefix) {};
		dump->next = number + 1;
		if (only)
			break;
		peer = xa_find_after(&tv->peers_by_number, &number, ULONG_MAX, XA_PRESENT);
	}
	dump->done = true;
	return 0;
}

/**
 * toyvpn_nl_peer_get_dumpit() - TOYVPN_CMD_PEER_GET of all peers of a device
 * @skb: answer
 * @cb: state of the dump
 *
 * Return: bytes in @skb, or a negative errno.
 */
int toyvpn_nl_peer_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct peer_dump *dump = (struct peer_dump *)cb->ctx;
	struct nlattr **attrs = toyvpn_dump_attrs(cb);
	struct toyvpn_peer *only = NULL;
	struct toyvpn_device *tv;
	int err = 0;

	BUILD_BUG_ON(sizeof(*dump) > sizeof(cb->ctx));
	if (dump->done)
		return 0;
	tv = lookup_device(sock_net(skb->sk), attrs, cb->extack);
	if (IS_ERR(tv))
		return PTR_ERR(tv);
	mutex_lock(&tv->lock);
	if (attrs[TOYVPN_A_PEER_PUBLIC_KEY]) {
		only = find_peer(tv, attrs[TOYVPN_A_PEER_PUBLIC_KEY], cb->extack);
		if (IS_ERR(only))
			err = PTR_ERR(only);
	}
	if (!err)
		err = dump_peers(skb, cb, tv, only);
	mutex_unlock(&tv->lock);
	dev_put(tv->dev);
	return skb->len ?: err;
}

static int parse_endpoint(struct toyvpn_peer_config *config, struct nlattr **attrs,
			  struct netlink_ext_ack *extack)
{
	struct nlattr *ipv4 = attrs[TOYVPN_A_PEER_ENDPOINT_IPV4];
	struct nlattr *ipv6 = attrs[TOYVPN_A_PEER_ENDPOINT_IPV6];
	struct nlattr *scope = attrs[TOYVPN_A_PEER_ENDPOINT_SCOPE_ID];
	struct nlattr *port = attrs[TOYVPN_A_PEER_ENDPOINT_PORT];
	struct toyvpn_endpoint *endpoint = &config->endpoint;

	if (!ipv4 && !ipv6 && !port && !scope)
		return 0;
	if (!ipv4 == !ipv6 || !port || (scope && !ipv6)) {
		NL_SET_ERR_MSG(extack,
			       "an endpoint is an IPv4 or IPv6 address and a port, a scope only with IPv6");
		return -EINVAL;
	}
	config->has_endpoint = true;
	if (ipv4) {
		endpoint->addr4.sin_family = AF_INET;
		endpoint->addr4.sin_addr.s_addr = nla_get_in_addr(ipv4);
		endpoint->addr4.sin_port = nla_get_be16(port);
		if (!ipv4_is_zeronet(endpoint->addr4.sin_addr.s_addr) &&
		    !ipv4_is_multicast(endpoint->addr4.sin_addr.s_addr) &&
		    !ipv4_is_lbcast(endpoint->addr4.sin_addr.s_addr))
			return 0;
	} else {
		endpoint->addr6.sin6_family = AF_INET6;
		endpoint->addr6.sin6_addr = nla_get_in6_addr(ipv6);
		endpoint->addr6.sin6_port = nla_get_be16(port);
		endpoint->addr6.sin6_scope_id = scope ? nla_get_u32(scope) : 0;
		if (!ipv6_addr_any(&endpoint->addr6.sin6_addr) &&
		    !ipv6_addr_is_multicast(&endpoint->addr6.sin6_addr) &&
		    !ipv6_addr_v4mapped(&endpoint->addr6.sin6_addr))
			return 0;
	}
	NL_SET_ERR_MSG_ATTR(extack, ipv4 ?: ipv6, "the endpoint is not a unicast address");
	return -EINVAL;
}

static int parse_prefix(struct toyvpn_prefix_change *change, struct nlattr *attr,
			struct netlink_ext_ack *extack)
{
	struct nlattr *attrs[TOYVPN_A_ALLOWED_IP_MAX + 1], *ipv4, *ipv6, *len;
	int err;

	err = nla_parse_nested(attrs, TOYVPN_A_ALLOWED_IP_MAX, attr, toyvpn_allowed_ip_nl_policy,
			       extack);
	if (err)
		return err;
	ipv4 = attrs[TOYVPN_A_ALLOWED_IP_IPV4];
	ipv6 = attrs[TOYVPN_A_ALLOWED_IP_IPV6];
	len = attrs[TOYVPN_A_ALLOWED_IP_PREFIX_LEN];
	if (!ipv4 == !ipv6 || !len) {
		NL_SET_ERR_MSG_ATTR(extack, attr,
				    "an allowed IP is an IPv4 or IPv6 address and a prefix length");
		return -EINVAL;
	}
	change->remove = nla_get_flag(attrs[TOYVPN_A_ALLOWED_IP_REMOVE]);
	err = toyvpn_prefix_set(&change->prefix, ipv4 ? AF_INET : AF_INET6,
				nla_data(ipv4 ?: ipv6), nla_get_u8(len));
	if (err)
		NL_SET_ERR_MSG_ATTR(extack, len, "the prefix is longer than the address");
	return err;
}

/* Makes room for @n more allowed IPs, of which @attr is one */
static int grow(struct toyvpn_peer_config *config, struct nlattr *attr, unsigned int n,
		struct netlink_ext_ack *extack)
{
	struct toyvpn_prefix_change *prefixes;
	unsigned int room;

	if (config->prefix_count + n > TOYVPN_PREFIXES_MAX) {
		NL_SET_ERR_MSG_ATTR(extack, attr, "too many allowed IPs for one peer");
		return -E2BIG;
	}
	if (config->prefix_count + n <= config->prefix_room)
		return 0;
	room = max(config->prefix_count + n, 2 * config->prefix_room);
	prefixes = kvmalloc_array(room, sizeof(*prefixes), TOYVPN_GFP_MANY);
	if (!prefixes)
		return -ENOMEM;
	if (config->prefix_count)
		memcpy(prefixes, config->prefixes, config->prefix_count * sizeof(*prefixes));
	kvfree(config->prefixes);
	config->prefixes = prefixes;
	config->prefix_room = room;
	return 0;
}

static int parse_prefixes(struct toyvpn_peer_config *config, struct genl_info *info)
{
	struct nlattr *attr;
	unsigned int n = 0;
	int rest, err;

	nlmsg_for_each_attr(attr, info->nlhdr, GENL_HDRLEN, rest)
		n += nla_type(attr) == TOYVPN_A_PEER_ALLOWED_IP;
	if (!n)
		return 0;
	err = grow(config, info->attrs[TOYVPN_A_PEER_ALLOWED_IP], n, info->extack);
	if (err)
		return err;
	nlmsg_for_each_attr(attr, info->nlhdr, GENL_HDRLEN, rest) {
		if (nla_type(attr) != TOYVPN_A_PEER_ALLOWED_IP)
			continue;
		err = parse_prefix(&config->prefixes[config->prefix_count], attr, info->extack);
		if (err)
			return err;
		config->prefix_count++;
	}
	return 0;
}

static int parse_blob(bool *has, struct toyvpn_blob **blob, struct nlattr *attr, int max,
		      struct netlink_ext_ack *extack)
{
	if (!attr)
		return 0;
	if (nla_len(attr) > max) {
		NL_SET_ERR_MSG_ATTR(extack, attr, "too long: no handshake message has room for it");
		return -EMSGSIZE;
	}
	*has = true;
	return toyvpn_blob_new(blob, nla_data(attr), nla_len(attr));
}

/* The first, and mostly the only, message of a change */
static int parse_peer(struct toyvpn_peer_config *config, u32 flags, struct genl_info *info)
{
	struct nlattr **attrs = info->attrs;
	int err;

	nla_memcpy(config->public_key, attrs[TOYVPN_A_PEER_PUBLIC_KEY], TOYVPN_KEY_LEN);
	config->update_only = flags & TOYVPN_PEER_FLAGS_UPDATE_ONLY;
	config->replace = flags & TOYVPN_PEER_FLAGS_REPLACE;
	config->replace_prefixes = flags & TOYVPN_PEER_FLAGS_REPLACE_ALLOWED_IPS;
	config->connect = flags & TOYVPN_PEER_FLAGS_CONNECT;
	if (attrs[TOYVPN_A_PEER_PRESHARED_KEY]) {
		config->has_psk = true;
		nla_memcpy(config->psk, attrs[TOYVPN_A_PEER_PRESHARED_KEY], TOYVPN_KEY_LEN);
	}
	if (attrs[TOYVPN_A_PEER_PERSISTENT_KEEPALIVE]) {
		config->has_persistent = true;
		config->persistent = nla_get_u16(attrs[TOYVPN_A_PEER_PERSISTENT_KEEPALIVE]);
	}
	if (attrs[TOYVPN_A_PEER_REQUEST_ID]) {
		config->has_request = true;
		config->request_id = nla_get_u32(attrs[TOYVPN_A_PEER_REQUEST_ID]);
	}
	err = parse_blob(&config->has_config, &config->config, attrs[TOYVPN_A_PEER_CONFIG],
			 TOYVPN_CONFIG_MAX, info->extack);
	if (!err)
		err = parse_blob(&config->has_credentials, &config->credentials,
				 attrs[TOYVPN_A_PEER_CREDENTIALS], TOYVPN_CREDENTIALS_MAX,
				 info->extack);
	if (err)
		return err;
	return parse_endpoint(config, attrs, info->extack);
}

static void stage_free(struct stage *stage)
{
	kvfree(stage->config.prefixes);
	toyvpn_blob_free(stage->config.config);
	toyvpn_blob_free(stage->config.credentials);
	kfree_sensitive(stage);
}

/* It is over, if it is there. @stages_lock is held */
static void stage_end(struct stage *stage)
{
	if (!stage)
		return;
	rhashtable_remove_fast(&stages, &stage->node, stage_params);
	stage_free(stage);
}

/* What the sender of a request has begun for this peer, or something new; or an ERR_PTR() */
static struct stage *stage_of(struct genl_info *info, int ifindex, const u8 *public_key,
			      bool *begun)
{
	struct stage_sender sender = { genl_info_net(info), info->snd_portid };
	struct stage *stage;
	int err;

	lockdep_assert_held(&stages_lock);
	stage = rhashtable_lookup_fast(&stages, &sender, stage_params);
	*begun = stage && stage->ifindex == ifindex &&
		 !memcmp(stage->config.public_key, public_key, TOYVPN_KEY_LEN);
	if (*begun)
		return stage;
	stage_end(stage);
	stage = kzalloc_obj(*stage, GFP_KERNEL_ACCOUNT);
	if (!stage)
		return ERR_PTR(-ENOMEM);
	stage->sender = sender;
	stage->ifindex = ifindex;
	err = rhashtable_insert_fast(&stages, &stage->node, stage_params);
	if (err) {
		kfree(stage);
		return ERR_PTR(err);
	}
	return stage;
}

static int set_peer(struct toyvpn_device *tv, struct nlattr *public_key, struct genl_info *info)
{
	struct nlattr *flags_attr = info->attrs[TOYVPN_A_PEER_FLAGS];
	u32 flags = flags_attr ? nla_get_u32(flags_attr) : 0;
	struct stage *stage;
	bool begun;
	int err = 0;

	stage = stage_of(info, tv->dev->ifindex, nla_data(public_key), &begun);
	if (IS_ERR(stage))
		return PTR_ERR(stage);
	if (stage->failed) {
		NL_SET_ERR_MSG(info->extack, "an earlier message of this change was refused");
		err = -ECANCELED;
	}
	if (!begun)
		err = parse_peer(&stage->config, flags, info);
	if (!err)
		err = parse_prefixes(&stage->config, info);
	if (flags & TOYVPN_PEER_FLAGS_MORE) {
		/* Its sender may have sent the rest already, which is no change by itself */
		stage->failed = err;
		return err;
	}
	if (!err) {
		mutex_lock(&tv->lock);
		err = check_namespace(tv, info) ?:
		      toyvpn_config_peer(tv, &stage->config, info->extack);
		mutex_unlock(&tv->lock);
		if (err == -ENETDOWN)
			NL_SET_BAD_ATTR(info->extack, flags_attr);
		else if (err == -ENOENT && stage->config.has_request)
			NL_SET_BAD_ATTR(info->extack, info->attrs[TOYVPN_A_PEER_REQUEST_ID]);
		else if (err && err != -ENOMEM && err != -ENODEV)
			NL_SET_BAD_ATTR(info->extack, public_key);
	}
	stage_end(stage);
	return err;
}

/**
 * toyvpn_nl_peer_set_doit() - TOYVPN_CMD_PEER_SET
 * @skb: request
 * @info: its attributes
 *
 * Return: 0 or a negative errno.
 */
int toyvpn_nl_peer_set_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct nlattr *public_key = info->attrs[TOYVPN_A_PEER_PUBLIC_KEY];
	struct toyvpn_device *tv;
	int err;

	if (!public_key) {
		NL_SET_ERR_MSG(info->extack, "the public key of the peer is missing");
		return -EINVAL;
	}
	tv = lookup_device(genl_info_net(info), info->attrs, info->extack);
	if (IS_ERR(tv))
		return PTR_ERR(tv);
	mutex_lock(&stages_lock);
	err = set_peer(tv, public_key, info);
	mutex_unlock(&stages_lock);
	wipe(info->attrs[TOYVPN_A_PEER_PRESHARED_KEY]);
	wipe(info->attrs[TOYVPN_A_PEER_CREDENTIALS]);
	dev_put(tv->dev);
	return err;
}

/**
 * toyvpn_nl_peer_del_doit() - TOYVPN_CMD_PEER_DEL
 * @skb: request
 * @info: its attributes
 *
 * Return: 0 or a negative errno.
 */
int toyvpn_nl_peer_del_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct nlattr *public_key = info->attrs[TOYVPN_A_PEER_PUBLIC_KEY];
	struct toyvpn_device *tv;
	int err;

	tv = lookup_device(genl_info_net(info), info->attrs, info->extack);
	if (IS_ERR(tv))
		return PTR_ERR(tv);
	mutex_lock(&tv->lock);
	err = check_namespace(tv, info) ?:
	      toyvpn_config_remove_peer(tv, public_key ? nla_data(public_key) : NULL,
					info->extack);
	mutex_unlock(&tv->lock);
	if (err == -ENOENT)
		NL_SET_BAD_ATTR(info->extack, public_key);
	dev_put(tv->dev);
	return err;
}

/**
 * toyvpn_nl_authorizer_set_doit() - TOYVPN_CMD_AUTHORIZER_SET
 * @skb: request
 * @info: its attributes
 *
 * Return: 0 or a negative errno.
 */
int toyvpn_nl_authorizer_set_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct toyvpn_device *tv;
	int err;

	tv = lookup_device(genl_info_net(info), info->attrs, info->extack);
	if (IS_ERR(tv))
		return PTR_ERR(tv);
	mutex_lock(&tv->lock);
	err = check_namespace(tv, info) ?:
	      toyvpn_authorizer_set(tv, NETLINK_CB(skb).sk, info->snd_portid, info->extack);
	mutex_unlock(&tv->lock);
	dev_put(tv->dev);
	return err;
}

static int parse_reject(enum toyvpn_reject *why, struct nlattr *reason,
			struct netlink_ext_ack *extack)
{
	switch (reason ? nla_get_u32(reason) : U32_MAX) {
	case TOYVPN_REASON_NONE:
		*why = TOYVPN_REJECT_NONE;
		return 0;
	case TOYVPN_REASON_REFUSED:
		*why = TOYVPN_REJECT_REFUSED;
		return 0;
	case TOYVPN_REASON_SERVER_FULL:
		*why = TOYVPN_REJECT_FULL;
		return 0;
	}
	NL_SET_ERR_MSG_ATTR(extack, reason, "the reason is none, refused or server-full");
	return -EINVAL;
}

/**
 * toyvpn_nl_request_refuse_doit() - TOYVPN_CMD_REQUEST_REFUSE
 * @skb: request
 * @info: its attributes
 *
 * Return: 0 or a negative errno.
 */
int toyvpn_nl_request_refuse_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct nlattr *id = info->attrs[TOYVPN_A_PEER_REQUEST_ID];
	struct toyvpn_device *tv;
	enum toyvpn_reject why;
	int err;

	if (!id) {
		NL_SET_ERR_MSG(info->extack, "the id of the request is missing");
		return -EINVAL;
	}
	err = parse_reject(&why, info->attrs[TOYVPN_A_PEER_REASON], info->extack);
	if (err)
		return err;
	tv = lookup_device(genl_info_net(info), info->attrs, info->extack);
	if (IS_ERR(tv))
		return PTR_ERR(tv);
	mutex_lock(&tv->lock);
	err = check_namespace(tv, info) ?:
	      toyvpn_config_refuse(tv, nla_get_u32(id), why, info->extack);
	mutex_unlock(&tv->lock);
	if (err == -ENOENT)
		NL_SET_BAD_ATTR(info->extack, id);
	dev_put(tv->dev);
	return err;
}

/* A socket closed: what it began and did not finish is forgotten, and what waits for it */
static int on_socket_release(struct notifier_block *nb, unsigned long event, void *data)
{
	const struct netlink_notify *notify = data;
	struct stage_sender sender = { notify->net, notify->portid };

	if (event != NETLINK_URELEASE || notify->protocol != NETLINK_GENERIC)
		return NOTIFY_DONE;
	/* First: others can have its id already, and must not hear of strangers */
	toyvpn_authorizer_closed(notify->net, notify->portid);
	mutex_lock(&stages_lock);
	stage_end(rhashtable_lookup_fast(&stages, &sender, stage_params));
	mutex_unlock(&stages_lock);
	return NOTIFY_DONE;
}

static struct notifier_block socket_notifier = { .notifier_call = on_socket_release };

static const struct genl_multicast_group groups[] = {
	[TOYVPN_NLGRP_EVENTS] = { .name = TOYVPN_MCGRP_EVENTS },
};

static struct genl_family family __ro_after_init = {
	.name		= TOYVPN_GENL_NAME,
	.version	= TOYVPN_GENL_VERSION,
	.netnsok	= true,
	.module		= THIS_MODULE,
	.ops		= toyvpn_nl_ops,
	.n_ops		= ARRAY_SIZE(toyvpn_nl_ops),
	.maxattr	= TOYVPN_A_PEER_MAX,
	.mcgrps		= groups,
	.n_mcgrps	= ARRAY_SIZE(groups),
};

/**
 * toyvpn_netlink_init() - makes the family known
 *
 * Return: 0 or a negative errno.
 */
int __init toyvpn_netlink_init(void)
{
	int err;

	err = rhashtable_init(&stages, &stage_params);
	if (err)
		return err;
	err = netlink_register_notifier(&socket_notifier);
	if (err)
		goto err_stages;
	err = genl_register_family(&family);
	if (err)
		goto err_notifier;
	toyvpn_events_init(&family);
	return 0;

err_notifier:
	netlink_unregister_notifier(&socket_notifier);
err_stages:
	rhashtable_destroy(&stages);
	return err;
}

static void stage_left(void *stage, void *unused)
{
	stage_free(stage);
}

/**
 * toyvpn_netlink_exit() - removes the family
 */
void toyvpn_netlink_exit(void)
{
	toyvpn_events_exit();
	genl_unregister_family(&family);
	toyvpn_authorizers_end();
	netlink_unregister_notifier(&socket_notifier);
	rhashtable_free_and_destroy(&stages, stage_left, NULL);
}

MODULE_ALIAS_GENL_FAMILY(TOYVPN_GENL_NAME);
