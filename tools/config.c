// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "config.h"
#include "device.h"
#include "encoding.h"
#include "names.h"
#include "report.h"

/*
 * Values. Each reads a text without white space around it; where it is wrong, the user is told and
 * the result is false.
 */

static bool is_off(const char *text)
{
	return !strcasecmp(text, "off");
}

/* Cut the next entry of a list off, without the white space around it; NULL after the last. */
static char *next_entry(char **list)
{
	char *entry = strsep(list, ",");
	size_t len;

	if (!entry)
		return NULL;
	entry += strspn(entry, " \t");
	len = strlen(entry);
	while (len && isspace((unsigned char)entry[len - 1]))
		entry[--len] = '\0';
	return entry;
}

static bool parse_listen_port(struct device *dev, char *text, const struct place *at)
{
	uint32_t port;

	if (!number_from_text(text, UINT16_MAX, &port))
		return fail_at(at, "'%s' is not a port (0 to 65535)", text);
	dev->listen_port = port;
	dev->has |= DEVICE_LISTEN_PORT;
	return true;
}

static bool parse_fwmark(struct device *dev, char *text, const struct place *at)
{
	dev->fwmark = 0;
	if (!is_off(text) && !mark_from_text(text, &dev->fwmark))
		return fail_at(at, "'%s' is not a mark (off, or 0 to 0xffffffff)", text);
	dev->has |= DEVICE_FWMARK;
	return true;
}

static bool parse_ciphers(struct device *dev, char *text, const struct place *at)
{
	char *entry;

	dev->has |= DEVICE_CIPHERS;
	dev->n_ciphers = 0;
	/* An empty list stands for the module's own. */
	if (!strcasecmp(text, "default"))
		return true;
	while ((entry = next_entry(&text))) {
		uint8_t cipher = cipher_from_name(entry);

		if (!cipher)
			return fail_at(at, "'%s' is not a cipher (aes-256-gcm, chacha20-poly1305)",
				       entry);
		if (memchr(dev->ciphers, cipher, dev->n_ciphers))
			return fail_at(at, "%s is there twice", entry);
		dev->ciphers[dev->n_ciphers++] = cipher;
	}
	return true;
}

static bool parse_private_key(struct device *dev, char *text, const struct place *at)
{
	if (!key_from_text(dev->private_key, text))
		return fail_at(at, "not a key (44 characters of base64)");
	dev->has |= DEVICE_PRIVATE_KEY;
	return true;
}

static bool read_private_key(struct device *dev, char *path, const struct place *at)
{
	dev->has |= DEVICE_PRIVATE_KEY;
	return key_from_file(dev->private_key, path, at);
}

static bool parse_public_key(struct peer *peer, char *text, const struct place *at)
{
	if (!key_from_text(peer->public_key, text))
		return fail_at(at, "'%s' is not a key (44 characters of base64)", text);
	peer->has |= PEER_PUBLIC_KEY;
	return true;
}

static bool parse_preshared_key(struct peer *peer, char *text, const struct place *at)
{
	if (!key_from_text(peer->preshared_key, text))
		return fail_at(at, "not a key (44 characters of base64)");
	peer->has |= PEER_PRESHARED_KEY;
	return true;
}

static bool read_preshared_key(struct peer *peer, char *path, const struct place *at)
{
	peer->has |= PEER_PRESHARED_KEY;
	return key_from_file(peer->preshared_key, path, at);
}

static bool parse_endpoint(struct peer *peer, char *text, const struct place *at)
{
	const char *why;

	free(peer->host);
	peer->host = NULL;
	if (!endpoint_split(text, &peer->host, &peer->port, &why))
		return fail_at(at, "'%s' %s", text, why);
	peer->has |= PEER_ENDPOINT;
	peer->host_line = at->line;
	return true;
}

static bool parse_keepalive(struct peer *peer, char *text, const struct place *at)
{
	uint32_t seconds = 0;

	if (!is_off(text) && !number_from_text(text, UINT16_MAX, &seconds))
		return fail_at(at, "'%s' is not an interval (off, or 0 to 65535 seconds)", text);
	peer->keepalive = seconds;
	peer->has |= PEER_KEEPALIVE;
	return true;
}

static bool parse_ip_list(struct peer *peer, char *list, bool signs, const struct place *at)
{
	bool replace = true;
	const char *why;
	char *entry;

	if (!*list)
		list = NULL;
	while ((entry = next_entry(&list))) {
		char sign = signs && (*entry == '+' || *entry == '-') ? *entry++ : 0;
		struct allowed_ip *ip = peer_add_ip(peer);

		if (!allowed_ip_from_text(ip, entry, &why))
			return fail_at(at, "'%s': %s", entry, why);
		ip->remove = sign == '-';
		if (sign)
			replace = false;
	}
	if (replace)
		peer->has |= PEER_ALLOWED_IPS;
	return true;
}

/* A list with a sign anywhere adds and removes, one without replaces. */
static bool parse_allowed_ips(struct peer *peer, char *list, const struct place *at)
{
	return parse_ip_list(peer, list, true, at);
}

/* In a file nothing is removed, and several lists add up. */
static bool parse_file_ips(struct peer *peer, char *list, const struct place *at)
{
	return parse_ip_list(peer, list, false, at);
}

/* The words of the command line, and the keys of a file. */
struct device_word {
	const char *name;
	bool (*parse)(struct device *dev, char *text, const struct place *at);
};

struct peer_word {
	const char *name;
	bool (*parse)(struct peer *peer, char *text, const struct place *at);
};

static const struct device_word device_words[] = {
	{ "listen-port", parse_listen_port },
	{ "fwmark", parse_fwmark },
	{ "private-key", read_private_key },
	{ "ciphers", parse_ciphers },
	{ }
};

static const struct peer_word peer_words[] = {
	{ "preshared-key", read_preshared_key },
	{ "endpoint", parse_endpoint },
	{ "persistent-keepalive", parse_keepalive },
	{ "allowed-ips", parse_allowed_ips },
	{ }
};

static const struct device_word device_keys[] = {
	{ "PrivateKey", parse_private_key },
	{ "ListenPort", parse_listen_port },
	{ "FwMark", parse_fwmark },
	{ "Ciphers", parse_ciphers },
	{ }
};

static const struct peer_word peer_keys[] = {
	{ "PublicKey", parse_public_key },
	{ "PresharedKey", parse_preshared_key },
	{ "Endpoint", parse_endpoint },
	{ "PersistentKeepalive", parse_keepalive },
	{ "AllowedIPs", parse_file_ips },
	{ }
};

static const struct device_word *find_device_word(const struct device_word *table,
						  const char *name)
{
	for (; table->name; table++)
		if (!strcasecmp(table->name, name))
			return table;
	return NULL;
}

static const struct peer_word *find_peer_word(const struct peer_word *table, const char *name)
{
	for (; table->name; table++)
		if (!strcasecmp(table->name, name))
			return table;
	return NULL;
}

/**
 * config_from_words() - read what a command line wants of a device
 * @dev: where to; empty
 * @n: number of words
 * @words: the words
 *
 * A peer that is named twice is there twice: the second is applied after the first.
 *
 * Return: whether the words are right; if not, the user has been told.
 */
bool config_from_words(struct device *dev, int n, char *words[])
{
	struct peer *peer = NULL;
	int i = 0;

	while (i < n) {
		struct place at = { .word = words[i] };
		const struct device_word *device_word = NULL;
		const struct peer_word *peer_word = NULL;
		const char *word = words[i++];

		if (peer && !strcasecmp(word, "remove")) {
			peer->has |= PEER_REMOVE;
			continue;
		}
		if (peer)
			peer_word = find_peer_word(peer_words, word);
		else
			device_word = find_device_word(device_words, word);
		if (!device_word && !peer_word && strcasecmp(word, "peer")) {
			if (find_device_word(device_words, word))
				return fail("%s: has to stand before the first peer", word);
			if (!strcasecmp(word, "remove") || find_peer_word(peer_words, word))
				return fail("%s: has to stand after peer KEY", word);
			return fail("'%s' is not a word of set: see \"toyvpnctl help set\"", word);
		}
		if (i == n)
			return fail("%s: what shall it be? A value has to follow", word);
		if (device_word) {
			if (!device_word->parse(dev, words[i++], &at))
				return false;
		} else if (peer_word) {
			if (!peer_word->parse(peer, words[i++], &at))
				return false;
		} else {
			peer = device_add_peer(dev);
			if (!parse_public_key(peer, words[i++], &at))
				return false;
		}
	}
	return true;
}

/* A configuration file while it is read. */
struct reader {
	struct device *dev;
	struct peer *peer;
	bool in_interface;
	bool had_interface;
	unsigned int seen;	/* bits: keys of this section */
	struct place at;
};

/* Each [Peer] has to say who it is; asked at its end. */
static bool end_section(const struct reader *reader)
{
	const struct peer *peer = reader->peer;
	struct place at = reader->at;

	if (!peer || peer->has & PEER_PUBLIC_KEY)
		return true;
	at.line = peer->line;
	at.word = NULL;
	return fail_at(&at, "this [Peer] has no PublicKey");
}

static bool begin_section(struct reader *reader, const char *name)
{
	if (!end_section(reader))
		return false;
	reader->seen = 0;
	reader->peer = NULL;
	reader->in_interface = false;
	if (!strcasecmp(name, "[Peer]")) {
		reader->peer = device_add_peer(reader->dev);
		reader->peer->line = reader->at.line;
		return true;
	}
	if (strcasecmp(name, "[Interface]"))
		return fail_at(&reader->at, "'%s' is neither [Interface] nor [Peer]", name);
	if (reader->had_interface)
		return fail_at(&reader->at, "a second [Interface]");
	reader->in_interface = true;
	reader->had_interface = true;
	return true;
}

/* A key's name, for an error. Not what looks like anything else: it could be a secret. */
static const char *name_of(const char *key)
{
	size_t len = strlen(key);
	size_t i;

	for (i = 0; i < len; i++)
		if (!isalnum((unsigned char)key[i]))
			break;
	return i == len && len <= 24 ? key : "this";
}

static bool read_key(struct reader *reader, const char *key, char *value)
{
	const struct device_word *device_key = NULL;
	const struct peer_word *peer_key = NULL;
	struct place at = reader->at;
	unsigned int bit;

	if (!reader->in_interface && !reader->peer)
		return fail_at(&at, "%s stands before any [Interface] or [Peer]",
			       name_of(key));
	if (reader->peer)
		peer_key = find_peer_word(peer_keys, key);
	else
		device_key = find_device_word(device_keys, key);
	if (!device_key && !peer_key)
		return fail_at(&at, "%s is not a key of %s", name_of(key),
			       reader->peer ? "[Peer]" : "[Interface]");

	at.word = peer_key ? peer_key->name : device_key->name;
	bit = 1U << (peer_key ? peer_key - peer_keys : device_key - device_keys);
	if (reader->seen & bit && !(peer_key && peer_key->parse == parse_file_ips))
		return fail_at(&at, "is there twice");
	reader->seen |= bit;
	return peer_key ? peer_key->parse(reader->peer, value, &at) :
			  device_key->parse(reader->dev, value, &at);
}

/* Cut white space off both ends. */
static char *trim(char *text)
{
	size_t len;

	while (isspace((unsigned char)*text))
		text++;
	len = strlen(text);
	while (len && isspace((unsigned char)text[len - 1]))
		text[--len] = '\0';
	return text;
}

static bool read_line(struct reader *reader, char *line)
{
	char *equals;

	*strchrnul(line, '#') = '\0';
	line = trim(line);
	if (!*line)
		return true;
	if (*line == '[')
		return begin_section(reader, line);
	equals = strchr(line, '=');
	if (!equals)
		return fail_at(&reader->at, "this is neither a [section] nor KEY = VALUE");
	*equals = '\0';
	return read_key(reader, trim(line), trim(equals + 1));
}

static bool read_lines(struct reader *reader, FILE *file)
{
	char *line = NULL;
	bool good = true;
	size_t size = 0;
	ssize_t len;

	while (good && (len = getline(&line, &size, file)) >= 0) {
		reader->at.line++;
		good = strlen(line) == (size_t)len ?
			read_line(reader, line) :
			fail_at(&reader->at, "a zero byte: this is not a text file");
		sodium_memzero(line, len);
	}
	if (good && ferror(file))
		good = fail("%s: %s", reader->at.file, strerror(errno));
	free(line);
	return good && end_section(reader);
}

static bool has_no_twins(struct device *dev, const char *path)
{
	struct place at = { .file = path };
	char key[KEY_TEXT_SIZE];
	struct peer *twin;

	peer_index_free(peer_index(dev, &twin));
	if (!twin)
		return true;
	key_to_text(key, twin->public_key);
	at.line = twin->line;
	return fail_at(&at, "a second [Peer] with the PublicKey %s", key);
}

/**
 * config_from_file() - read what a configuration file wants of a device
 * @dev: where to; empty
 * @path: the file
 *
 * Return: whether all of the file is right; if not, the user has been told.
 */
bool config_from_file(struct device *dev, const char *path)
{
	struct reader reader = { .dev = dev, .at.file = path };
	char buffer[BUFSIZ];
	FILE *file;
	bool good;

	file = fopen(path, "re");
	if (!file)
		return fail("%s: %s", path, strerror(errno));
	/* A buffer of our own, because it has to be wiped. */
	setvbuf(file, buffer, _IOFBF, sizeof(buffer));
	good = read_lines(&reader, file);
	fclose(file);
	sodium_memzero(buffer, sizeof(buffer));
	return good && has_no_twins(dev, path);
}

/**
 * config_resolve() - find the addresses of all endpoints
 * @dev: what is wanted
 * @path: the file that it comes from, NULL for the command line
 *
 * Done when all else is known to be right, because it can take minutes.
 *
 * Return: whether all have one; if not, the user has been told.
 */
bool config_resolve(struct device *dev, const char *path)
{
	struct place at = { .file = path, .word = path ? "Endpoint" : "endpoint" };
	const char *why;
	size_t i;

	for (i = 0; i < dev->n_peers; i++) {
		struct peer *peer = dev->peers[i];

		if (!peer->host || peer->has & PEER_REMOVE)
			continue;
		at.line = peer->host_line;
		if (!endpoint_resolve(&peer->endpoint, peer->host, peer->port, &why))
			return fail_at(&at, "'%s': %s", peer->host, why);
	}
	return true;
}
