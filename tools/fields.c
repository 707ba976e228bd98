// SPDX-License-Identifier: GPL-2.0
#include <arpa/inet.h>
#include <inttypes.h>
#include <string.h>

#include <sodium.h>

#include "fields.h"
#include "names.h"
#include "report.h"

#define NS_PER_S 1000000000

/**
 * secrets_are_hidden() - whether the kernel kept secrets from this process
 * @dev: the device, as it was read
 *
 * Return: whether it did: there is a private key and it is not here, or a peer whose preshared key
 * was not told of.
 */
bool secrets_are_hidden(const struct device *dev)
{
	size_t i;

	if (dev->has & DEVICE_PUBLIC_KEY && !(dev->has & DEVICE_PRIVATE_KEY))
		return true;
	for (i = 0; i < dev->n_peers; i++)
		if (!(dev->peers[i]->has & PEER_SECRETS))
			return true;
	return false;
}

/**
 * print_key() - print a key
 * @key: the key
 * @is_set: whether there is one
 */
void print_key(const uint8_t key[static TOYVPN_KEY_LEN], bool is_set)
{
	char text[KEY_TEXT_SIZE];

	if (!is_set) {
		fputs("(none)", stdout);
		return;
	}
	key_to_text(text, key);
	fputs(text, stdout);
	sodium_memzero(text, sizeof(text));
}

/**
 * print_public_key() - print a key that is no secret
 * @key: the key
 */
void print_public_key(const uint8_t key[static TOYVPN_KEY_LEN])
{
	char text[KEY_TEXT_SIZE];

	public_key_to_text(text, key);
	fputs(text, stdout);
}

/**
 * print_ips() - print the allowed IPs of a peer
 * @peer: the peer
 * @separator: what to put between them
 */
void print_ips(const struct peer *peer, const char *separator)
{
	char address[INET6_ADDRSTRLEN] = "";
	size_t i;

	if (!peer->n_ips)
		fputs("(none)", stdout);
	for (i = 0; i < peer->n_ips; i++) {
		const struct allowed_ip *ip = &peer->ips[i];

		/* Not allowed_ip_to_text(): to format twice is felt with many peers. */
		inet_ntop(ip->family, &ip->v6, address, sizeof(address));
		printf("%s%s/%u", i ? separator : "", address, ip->prefix_len);
	}
}

/**
 * print_endpoint() - print the endpoint of a peer
 * @peer: the peer
 */
void print_endpoint(const struct peer *peer)
{
	char text[ENDPOINT_TEXT_SIZE];

	if (!(peer->has & PEER_ENDPOINT)) {
		fputs("(none)", stdout);
		return;
	}
	endpoint_to_text(text, &peer->endpoint);
	fputs(text, stdout);
}

static void add_key(json_object *to, const char *name, const uint8_t key[static TOYVPN_KEY_LEN],
		    bool is_set)
{
	char text[KEY_TEXT_SIZE];

	key_to_text(text, key);
	json_object_object_add(to, name, is_set ? json_object_new_string(text) : NULL);
	sodium_memzero(text, sizeof(text));
}

static void text_public_key(const struct device *dev)
{
	if (dev->has & DEVICE_PUBLIC_KEY)
		print_public_key(dev->public_key);
	else
		fputs("(none)", stdout);
}

static void json_public_key(const struct device *dev, json_object *to)
{
	add_key(to, "public_key", dev->public_key, dev->has & DEVICE_PUBLIC_KEY);
}

static void text_private_key(const struct device *dev)
{
	print_key(dev->private_key, dev->has & DEVICE_PRIVATE_KEY);
}

static void json_private_key(const struct device *dev, json_object *to)
{
	add_key(to, "private_key", dev->private_key, dev->has & DEVICE_PRIVATE_KEY);
}

static void text_listen_port(const struct device *dev)
{
	printf("%u", dev->listen_port);
}

static void json_listen_port(const struct device *dev, json_object *to)
{
	json_object_object_add(to, "listen_port", json_object_new_int(dev->listen_port));
}

static void text_fwmark(const struct device *dev)
{
	if (dev->fwmark)
		printf("0x%x", dev->fwmark);
	else
		fputs("off", stdout);
}

static void json_fwmark(const struct device *dev, json_object *to)
{
	json_object_object_add(to, "fwmark", json_object_new_int64(dev->fwmark));
}

static void text_ciphers(const struct device *dev)
{
	size_t i;

	for (i = 0; i < dev->n_ciphers; i++)
		printf("%s%s", i ? "," : "", cipher_name(dev->ciphers[i]));
}

static void json_ciphers(const struct device *dev, json_object *to)
{
	json_object *list = json_object_new_array();
	size_t i;

	for (i = 0; i < dev->n_ciphers; i++)
		json_object_array_add(list, json_object_new_string(cipher_name(dev->ciphers[i])));
	json_object_object_add(to, "ciphers", list);
}

static const struct device_field device_fields[] = {
	{ "public-key", 0, text_public_key, json_public_key },
	{ "private-key", FIELD_SECRET | FIELD_CONFIG, text_private_key, json_private_key },
	{ "listen-port", FIELD_CONFIG, text_listen_port, json_listen_port },
	{ "fwmark", FIELD_CONFIG, text_fwmark, json_fwmark },
	{ "ciphers", FIELD_CONFIG, text_ciphers, json_ciphers },
	{ }
};

static void text_preshared_key(const struct peer *peer)
{
	print_key(peer->preshared_key, peer->has & PEER_PRESHARED_KEY);
}

static void json_preshared_key(const struct peer *peer, json_object *to)
{
	add_key(to, "preshared_key", peer->preshared_key, peer->has & PEER_PRESHARED_KEY);
}

static void json_endpoint(const struct peer *peer, json_object *to)
{
	char text[ENDPOINT_TEXT_SIZE];

	endpoint_to_text(text, &peer->endpoint);
	json_object_object_add(to, "endpoint", peer->has & PEER_ENDPOINT ?
			       json_object_new_string(text) : NULL);
}

static void text_allowed_ips(const struct peer *peer)
{
	print_ips(peer, " ");
}

static void json_allowed_ips(const struct peer *peer, json_object *to)
{
	json_object *list = json_object_new_array();
	char text[ALLOWED_IP_TEXT_SIZE];
	size_t i;

	for (i = 0; i < peer->n_ips; i++) {
		allowed_ip_to_text(text, &peer->ips[i]);
		json_object_array_add(list, json_object_new_string(text));
	}
	json_object_object_add(to, "allowed_ips", list);
}

static void text_state(const struct peer *peer)
{
	printf("%s\t%s\t%s", state_name(peer->state), reason_name(peer->reason),
	       cipher_name(peer->cipher));
}

static void json_state(const struct peer *peer, json_object *to)
{
	json_object_object_add(to, "state", json_object_new_string(state_name(peer->state)));
	json_object_object_add(to, "reason", json_object_new_string(reason_name(peer->reason)));
	json_object_object_add(to, "cipher", json_object_new_string(cipher_name(peer->cipher)));
}

static void text_latest_handshake(const struct peer *peer)
{
	printf("%" PRIu64, peer->last_handshake / NS_PER_S);
}

static void json_latest_handshake(const struct peer *peer, json_object *to)
{
	json_object_object_add(to, "latest_handshake",
			       json_object_new_int64(peer->last_handshake / NS_PER_S));
}

static void text_transfer(const struct peer *peer)
{
	printf("%" PRIu64 "\t%" PRIu64, peer->rx_bytes, peer->tx_bytes);
}

static void json_transfer(const struct peer *peer, json_object *to)
{
	json_object_object_add(to, "rx_bytes", json_object_new_uint64(peer->rx_bytes));
	json_object_object_add(to, "tx_bytes", json_object_new_uint64(peer->tx_bytes));
}

static void text_keepalive(const struct peer *peer)
{
	if (peer->keepalive)
		printf("%u", peer->keepalive);
	else
		fputs("off", stdout);
}

static void json_keepalive(const struct peer *peer, json_object *to)
{
	json_object_object_add(to, "persistent_keepalive", json_object_new_int(peer->keepalive));
}

/* Not what they say: bytes that are for programs, which read them over netlink. */
static void text_configs(const struct peer *peer)
{
	printf("%zu\t%zu", peer->config.len, peer->received_config.len);
}

static void json_configs(const struct peer *peer, json_object *to)
{
	json_object_object_add(to, "config_bytes",
			       json_object_new_int64(peer->config.len));
	json_object_object_add(to, "received_config_bytes",
			       json_object_new_int64(peer->received_config.len));
}

static const struct peer_field peer_fields[] = {
	{ "preshared-keys", FIELD_SECRET | FIELD_CONFIG, text_preshared_key, json_preshared_key },
	{ "endpoints", FIELD_CONFIG, print_endpoint, json_endpoint },
	{ "allowed-ips", FIELD_CONFIG, text_allowed_ips, json_allowed_ips },
	{ "states", 0, text_state, json_state },
	{ "latest-handshakes", 0, text_latest_handshake, json_latest_handshake },
	{ "transfer", 0, text_transfer, json_transfer },
	{ "persistent-keepalive", FIELD_CONFIG, text_keepalive, json_keepalive },
	{ "configs", 0, text_configs, json_configs },
	{ }
};

/**
 * find_device_field() - look up what can be told of a device
 * @word: a word of "show"
 *
 * Return: the field, or NULL.
 */
const struct device_field *find_device_field(const char *word)
{
	const struct device_field *field;

	for (field = device_fields; field->word; field++)
		if (!strcmp(field->word, word))
			return field;
	return NULL;
}

/**
 * find_peer_field() - look up what can be told of each peer
 * @word: a word of "show"
 *
 * Return: the field, or NULL.
 */
const struct peer_field *find_peer_field(const char *word)
{
	const struct peer_field *field;

	for (field = peer_fields; field->word; field++)
		if (!strcmp(field->word, word))
			return field;
	return NULL;
}

/**
 * print_dump() - print all of a device, one line for it and one for each peer, tabs between
 * @dev: the device
 * @prefix: what to begin each line with
 */
void print_dump(const struct device *dev, const char *prefix)
{
	size_t i;

	fputs(prefix, stdout);
	text_private_key(dev);
	putchar('\t');
	text_public_key(dev);
	printf("\t%u\t", dev->listen_port);
	text_fwmark(dev);
	putchar('\n');
	for (i = 0; i < dev->n_peers; i++) {
		const struct peer *peer = dev->peers[i];

		fputs(prefix, stdout);
		print_public_key(peer->public_key);
		putchar('\t');
		text_preshared_key(peer);
		putchar('\t');
		print_endpoint(peer);
		putchar('\t');
		print_ips(peer, ",");
		printf("\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\t",
		       peer->last_handshake / NS_PER_S, peer->rx_bytes, peer->tx_bytes);
		text_keepalive(peer);
		putchar('\n');
	}
}

static bool in_view(const struct view *view, const char *word, unsigned int flags)
{
	if (view->word)
		return !strcmp(view->word, word);
	if (view->config)
		return flags & FIELD_CONFIG;
	return view->secrets || !(flags & FIELD_SECRET);
}

/**
 * json_of_peer() - make an object of JSON from a peer
 * @peer: the peer
 * @view: what it shall have
 *
 * Return: the object, the caller's to put.
 */
json_object *json_of_peer(const struct peer *peer, const struct view *view)
{
	json_object *object = json_object_new_object();
	const struct peer_field *field;

	add_key(object, "public_key", peer->public_key, true);
	for (field = peer_fields; field->word; field++)
		if (in_view(view, field->word, field->flags))
			field->json(peer, object);
	return object;
}

/**
 * json_of_device() - make an object of JSON from a device
 * @dev: the device
 * @view: what it shall have
 *
 * Return: the object, the caller's to put.
 */
json_object *json_of_device(const struct device *dev, const struct view *view)
{
	json_object *object = json_object_new_object();
	const struct device_field *field;
	json_object *peers;
	size_t i;

	json_object_object_add(object, "interface", json_object_new_string(dev->ifname));
	for (field = device_fields; field->word; field++)
		if (in_view(view, field->word, field->flags))
			field->json(dev, object);
	if (view->word && find_device_field(view->word))
		return object;

	peers = json_object_new_array();
	for (i = 0; i < dev->n_peers; i++)
		json_object_array_add(peers, json_of_peer(dev->peers[i], view));
	json_object_object_add(object, "peers", peers);
	return object;
}

/**
 * json_print() - print JSON and put it
 * @object: the object
 *
 * Return: whether it worked; if not, the user has been told.
 */
bool json_print(json_object *object)
{
	const int style = JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED |
			  JSON_C_TO_STRING_NOSLASHESCAPE;
	const char *text = json_object_to_json_string_ext(object, style);

	if (text)
		puts(text);
	json_object_put(object);
	return text || fail("out of memory");
}
