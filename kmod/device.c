// SPDX-License-Identifier: GPL-2.0
#include <linux/ethtool.h>
#include <linux/if_arp.h>
#include <linux/inetdevice.h>
#include <linux/module.h>
#include <linux/random.h>
#include <linux/suspend.h>
#include <net/addrconf.h>
#include <net/ip_tunnels.h>

#include "authorizer.h"
#include "batch.h"
#include "compat.h"
#include "control.h"
#include "device.h"
#include "event.h"
#include "message.h"
#include "peer.h"
#include "rx.h"
#include "session.h"
#include "socket.h"
#include "spread.h"
#include "toyvpn.h"
#include "tx.h"

/* 1500 less the largest outer headers and ours, rounded down: IPv6 fits as well */
#define DEFAULT_MTU	1420
#define MAX_MTU		(IP_MAX_MTU - (TOYVPN_DATA_MIN + sizeof(struct udphdr) + \
					sizeof(struct ipv6hdr)))

/* All devices, of all namespaces; the lock is taken inside RTNL, outside a device's lock */
static LIST_HEAD(devices);
static DEFINE_MUTEX(devices_lock);

/* The machine is going to sleep, or is asleep: so are all devices, and those that come */
static bool asleep;

/* Peers that have something to send, if only a keepalive. The device's lock is held */
static void start_peers(struct toyvpn_device *tv)
{
	struct toyvpn_peer *peer;
	unsigned long i;

	xa_for_each(&tv->peers_by_number, i, peer) {
		if (peer->persistent)
			toyvpn_peer_want(peer, TOYVPN_WANT_KEEPALIVE);
		else if (READ_ONCE(peer->wanted))
			toyvpn_peer_want(peer, TOYVPN_WANT_TIMERS);
		else
			toyvpn_peer_want_flush(peer);
		cond_resched();
	}
}

static int link_open(struct net_device *dev)
{
	struct in_device *in_dev = __in_dev_get_rtnl(dev);
	struct inet6_dev *in6_dev = __in6_dev_get(dev);
	struct toyvpn_device *tv = netdev_priv(dev);
	struct toyvpn_sockets sockets;
	int err;

	/* On a link without neighbours a redirect only says where peers are */
	if (in_dev) {
		IN_DEV_CONF_SET(in_dev, SEND_REDIRECTS, false);
		IPV4_DEVCONF_ALL(dev_net(dev), SEND_REDIRECTS) = false;
	}
	/* A link-local address that no peer would have among its allowed IPs */
	if (in6_dev)
		in6_dev->cnf.addr_gen_mode = IN6_ADDR_GEN_MODE_NONE;

	mutex_lock(&tv->lock);
	err = toyvpn_sockets_open(tv, tv->port, &sockets);
	if (err)
		goto out;
	toyvpn_sockets_use(tv, &sockets);
	WRITE_ONCE(tv->up, true);
	start_peers(tv);
out:
	mutex_unlock(&tv->lock);
	return err;
}

/* Keys do not outlive what they were made for. The device's lock is held */
static void erase_all(struct toyvpn_device *tv, bool with_queues)
{
	struct toyvpn_peer *peer;
	unsigned long i;

	lockdep_assert_held(&tv->lock);
	toyvpn_authorizer_forget(tv);
	xa_for_each(&tv->peers_by_number, i, peer) {
		mutex_lock(&peer->handshake.lock);
		if (READ_ONCE(peer->last_handshake) || peer->handshake.id.index)
			toyvpn_peer_set_reason(peer, TOYVPN_REASON_REMOVED_KEY);
		toyvpn_peer_erase(peer);
		mutex_unlock(&peer->handshake.lock);
		if (with_queues)
			toyvpn_peer_drop_queue(peer);
		cond_resched();
	}
}

static int link_stop(struct net_device *dev)
{
	struct toyvpn_device *tv = netdev_priv(dev);

	mutex_lock(&tv->lock);
	WRITE_ONCE(tv->up, false);
	toyvpn_sockets_close(tv);
	/* Nothing arrives any more (what waits in an inbox finds no session), nothing is started */
	flush_workqueue(tv->wq);
	toyvpn_spread_flush();
	erase_all(tv, true);
	mutex_unlock(&tv->lock);
	return 0;
}

static int link_init(struct net_device *dev)
{
	struct toyvpn_device *tv = netdev_priv(dev);

	return toyvpn_rx_init(tv);
}

static void link_uninit(struct net_device *dev)
{
	struct toyvpn_device *tv = netdev_priv(dev);

	toyvpn_rx_destroy(tv);
}

static const struct net_device_ops link_ops = {
	.ndo_init		= link_init,
	.ndo_uninit		= link_uninit,
	.ndo_open		= link_open,
	.ndo_stop		= link_stop,
	.ndo_start_xmit		= toyvpn_tx,
	.ndo_get_stats64	= dev_get_tstats64,
};

static void get_drvinfo(struct net_device *dev, struct ethtool_drvinfo *info)
{
	strscpy(info->driver, KBUILD_MODNAME, sizeof(info->driver));
	strscpy(info->version, THIS_MODULE->version ?: "", sizeof(info->version));
}

static int get_sset_count(struct net_device *dev, int set)
{
	return set == ETH_SS_STATS ? TOYVPN_STATS : -EOPNOTSUPP;
}

static void get_strings(struct net_device *dev, u32 set, u8 *strings)
{
	if (set == ETH_SS_STATS)
		toyvpn_stats_names(strings);
}

static void get_ethtool_stats(struct net_device *dev, struct ethtool_stats *stats, u64 *sums)
{
	struct toyvpn_device *tv = netdev_priv(dev);

	toyvpn_stats_sum(tv->stats, sums);
}

static const struct ethtool_ops link_ethtool_ops = {
	.get_drvinfo		= get_drvinfo,
	.get_link		= ethtool_op_get_link,
	.get_sset_count		= get_sset_count,
	.get_strings		= get_strings,
	.get_ethtool_stats	= get_ethtool_stats,
};

static const struct device_type link_type = { .name = KBUILD_MODNAME };

/*
 * Frees all that link_create() made, of a device without peers: process context,
 * no locks.
 */
static void link_free(struct net_device *dev)
{
	struct toyvpn_device *tv = netdev_priv(dev);

	toyvpn_authorizer_destroy(tv);
	/* Work holds references to peers, and so do requests to the crypto API */
	if (tv->wq)
		destroy_workqueue(tv->wq);
	skb_queue_purge(&tv->handshakes);
	toyvpn_peers_destroy(tv);
	toyvpn_cookie_checker_destroy(&tv->checker);
	toyvpn_ratelimit_destroy(&tv->ratelimit);
	memzero_explicit(&tv->identity, sizeof(tv->identity));
	free_percpu(tv->stats);
	free_percpu(dev->tstats);
	dev->tstats = NULL;
}

/* The end of a device that was unregistered, once nobody holds it: process context, no locks */
static void link_destroy(struct net_device *dev)
{
	struct toyvpn_device *tv = netdev_priv(dev);

	/* The namespace of the sockets finds it until the last peer's route is gone */
	mutex_lock(&tv->lock);
	toyvpn_sockets_close(tv);
	toyvpn_peer_remove_all(tv);
	mutex_unlock(&tv->lock);
	mutex_lock(&devices_lock);
	list_del(&tv->all);
	mutex_unlock(&devices_lock);
	link_free(dev);
}

static void link_setup(struct net_device *dev)
{
	const netdev_features_t features = NETIF_F_SG | NETIF_F_HW_CSUM | NETIF_F_RXCSUM |
					   NETIF_F_GSO | NETIF_F_GSO_SOFTWARE | NETIF_F_HIGHDMA;
	struct toyvpn_device *tv = netdev_priv(dev);

	dev->netdev_ops = &link_ops;
	dev->ethtool_ops = &link_ethtool_ops;
	dev->header_ops = &ip_tunnel_header_ops;
	dev->needs_free_netdev = true;
	dev->type = ARPHRD_NONE;
	dev->flags = IFF_POINTOPOINT | IFF_NOARP;
	dev->priv_flags |= IFF_NO_QUEUE;
	dev->hard_header_len = 0;
	dev->needed_headroom = TOYVPN_HEADROOM + sizeof(struct toyvpn_data);
	dev->needed_tailroom = TOYVPN_TAG_LEN;
	dev->addr_len = 0;
	dev->mtu = DEFAULT_MTU;
	dev->min_mtu = IPV4_MIN_MTU;
	dev->max_mtu = MAX_MTU;
	dev->features |= features;
	dev->hw_features |= features;
	dev->hw_enc_features |= features;
	toyvpn_set_lltx(dev);
	netif_set_tso_max_size(dev, GSO_MAX_SIZE);
	/* ICMP errors for what does not fit need the route that the packet took */
	netif_keep_dst(dev);
	SET_NETDEV_DEVTYPE(dev, &link_type);

	tv->dev = dev;
}

static int link_create(struct net *link_net, struct net_device *dev,
		       struct netlink_ext_ack *extack)
{
	struct toyvpn_device *tv = netdev_priv(dev);
	bool listed;
	int err;

	mutex_init(&tv->lock);
	init_rwsem(&tv->identity_lock);
	spin_lock_init(&tv->timestamp_lock);
	skb_queue_head_init(&tv->handshakes);
	INIT_WORK(&tv->handshake_work, toyvpn_control_handshakes);
	tv->peer_work = toyvpn_control_peer;
	tv->lane_work = toyvpn_tx_lane;
	tv->peer_removed = toyvpn_event_removed;
	tv->receive = toyvpn_rx;
	tv->receive_train = toyvpn_rx_train;
	tv->identity_generation = 1;
	tv->generation = 1;
	tv->cipher_count = toyvpn_ciphers_default(tv->ciphers);
	toyvpn_cookie_checker_init(&tv->checker);

	err = toyvpn_peers_init(tv);
	if (err)
		return err;
	err = -ENOMEM;
	tv->stats = alloc_percpu_gfp(struct toyvpn_stats, GFP_KERNEL_ACCOUNT);
	dev->tstats = netdev_alloc_pcpu_stats(struct pcpu_sw_netstats);
	/* Not freezable: who waits for it holds RTNL, and a card that sleeps may want that */
	tv->wq = alloc_workqueue("toyvpn-%s", WQ_UNBOUND, 0, dev->name);
	if (!tv->stats || !dev->tstats || !tv->wq)
		goto err_free;
	err = toyvpn_ratelimit_init(&tv->ratelimit);
	if (err)
		goto err_free;

	/* The sockets stay here, wherever the link goes */
	rcu_assign_pointer(tv->net, link_net);
	mutex_lock(&devices_lock);
	tv->asleep = asleep;
	err = register_netdevice(dev);
	/* Who found it before somebody refused it may hold it: then it ends as any other */
	listed = !err || dev->reg_state == NETREG_UNREGISTERING;
	if (listed)
		list_add_tail(&tv->all, &devices);
	mutex_unlock(&devices_lock);
	if (!listed)
		goto err_free;
	/* Only now: a registration that fails earlier would call it as well */
	dev->priv_destructor = link_destroy;
	return err;

err_free:
	link_free(dev);
	return err;
}

TOYVPN_DEFINE_NEWLINK(link_newlink, link_create)

static struct rtnl_link_ops rtnl_ops __read_mostly = {
	.kind		= KBUILD_MODNAME,
	.priv_size	= sizeof(struct toyvpn_device),
	.setup		= link_setup,
	.newlink	= link_newlink,
};

/**
 * toyvpn_device_is_ours() - whether netdev_priv() is a struct toyvpn_device
 * @dev: any device
 *
 * Return: whether it is.
 */
bool toyvpn_device_is_ours(const struct net_device *dev)
{
	return dev->rtnl_link_ops == &rtnl_ops;
}

static void erase_everywhere(bool falls_asleep)
{
	struct toyvpn_device *tv;

	mutex_lock(&devices_lock);
	asleep |= falls_asleep;
	list_for_each_entry(tv, &devices, all) {
		mutex_lock(&tv->lock);
		WRITE_ONCE(tv->asleep, asleep);
		/* A handshake that has not seen this yet would leave new keys */
		flush_workqueue(tv->wq);
		erase_all(tv, false);
		mutex_unlock(&tv->lock);
	}
	mutex_unlock(&devices_lock);
	/* Batches under way have the keys as well */
	toyvpn_spread_flush();
	toyvpn_sessions_flush();
}

static void wake_everywhere(bool wakes_up)
{
	struct toyvpn_device *tv;

	mutex_lock(&devices_lock);
	asleep &= !wakes_up;
	list_for_each_entry(tv, &devices, all) {
		mutex_lock(&tv->lock);
		WRITE_ONCE(tv->asleep, asleep);
		if (tv->up)
			start_peers(tv);
		mutex_unlock(&tv->lock);
	}
	mutex_unlock(&devices_lock);
}

/* What is written to a disk, or stays in the memory of a sleeping machine, has no keys */
static int on_suspend(struct notifier_block *nb, unsigned long action, void *data)
{
	/* A phone that sleeps between two packets would never have a session */
	bool naps = IS_ENABLED(CONFIG_PM_AUTOSLEEP) || IS_ENABLED(CONFIG_PM_USERSPACE_AUTOSLEEP);

	switch (action) {
	case PM_SUSPEND_PREPARE:
		if (!naps)
			erase_everywhere(true);
		break;
	case PM_POST_SUSPEND:
		if (!naps)
			wake_everywhere(true);
		break;
	/* What goes out while the image is written would go out again with the same nonces */
	case PM_HIBERNATION_PREPARE:
		erase_everywhere(true);
		break;
	case PM_POST_HIBERNATION:
		wake_everywhere(true);
		break;
	}
	return NOTIFY_DONE;
}

/* Two machines that share keys and counters would use nonces twice */
static int on_vm_clone(struct notifier_block *nb, unsigned long action, void *data)
{
	erase_everywhere(false);
	wake_everywhere(false);
	return NOTIFY_DONE;
}

static struct notifier_block suspend_notifier = { .notifier_call = on_suspend };
static struct notifier_block vm_clone_notifier = { .notifier_call = on_vm_clone };

/* A namespace ends: so do the sockets in it, though their devices may be elsewhere */
static void net_pre_exit(struct net *net)
{
	struct toyvpn_device *tv;
	struct toyvpn_peer *peer;
	unsigned long i;

	rtnl_lock();
	mutex_lock(&devices_lock);
	list_for_each_entry(tv, &devices, all) {
		if (rcu_access_pointer(tv->net) != net)
			continue;
		if (tv->dev->reg_state == NETREG_REGISTERED)
			netif_carrier_off(tv->dev);
		mutex_lock(&tv->lock);
		RCU_INIT_POINTER(tv->net, NULL);
		toyvpn_sockets_close(tv);
		/* Cached routes hold devices of the namespace */
		xa_for_each(&tv->peers_by_number, i, peer) {
			toyvpn_peer_forget_route(peer);
			cond_resched();
		}
		mutex_unlock(&tv->lock);
	}
	mutex_unlock(&devices_lock);
	rtnl_unlock();
}

static struct pernet_operations net_ops = { .pre_exit = net_pre_exit };

/**
 * toyvpn_devices_init() - makes the link kind known
 *
 * Return: 0 or a negative errno; then nothing is left behind.
 */
int toyvpn_devices_init(void)
{
	int err;

	err = register_pm_notifier(&suspend_notifier);
	if (err)
		return err;
	err = register_random_vmfork_notifier(&vm_clone_notifier);
	if (err)
		goto err_suspend;
	err = register_pernet_device(&net_ops);
	if (err)
		goto err_vm_clone;
	err = rtnl_link_register(&rtnl_ops);
	if (err)
		goto err_net;
	return 0;

err_net:
	unregister_pernet_device(&net_ops);
err_vm_clone:
	unregister_random_vmfork_notifier(&vm_clone_notifier);
err_suspend:
	unregister_pm_notifier(&suspend_notifier);
	return err;
}

/**
 * toyvpn_devices_exit() - removes all devices and the link kind
 */
void toyvpn_devices_exit(void)
{
	rtnl_link_unregister(&rtnl_ops);
	unregister_pernet_device(&net_ops);
	unregister_random_vmfork_notifier(&vm_clone_notifier);
	unregister_pm_notifier(&suspend_notifier);
	rcu_barrier();
}

MODULE_ALIAS_RTNL_LINK(KBUILD_MODNAME);
